"""GGUF files that the library writes of Hugging Face folders: the bits and the tokens of the folder, under the names that the
gguf package defines, which reads them.

The models are those of INLAY_DATA and the shapes of family_goldens.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import gguf
import numpy
import pytest

from family_weights import make_weights, unfold_layers, write_folder

DATA = Path(os.environ.get("INLAY_DATA") or "nowhere") / "tiny"
VARIANTS = json.loads(Path(__file__).with_name("family_goldens.json").read_text(encoding="utf-8"))["variants"]
LAYERS = ("num_hidden_layers", "n_layer", "n_layers")
NAMES = sorted(path.name for path in DATA.iterdir()) if DATA.is_dir() else []
PROGRAM = os.environ.get("INLAY_PROGRAM")

# What encoders' heads for masked tokens are called, for which the package has no names.
MASK_HEADS = {"cls.norm.weight", "cls.norm.bias", "output.bias"}


def run(path: Path, ids: list[int], kind: str, answer: list[int], **options) -> bytes:
    import inlay

    with inlay.Model.open(path, **options) as model, model.session(context=max(len(ids), len(answer), 1)) as session:
        if kind == "labels":
            return session.scores([ids]).tobytes()
        if model.facts["kind"] == "decoder":
            return session.eval_all(ids).tobytes()
        session.encode(ids)
        return session.hidden_states.tobytes() if model.facts["kind"] == "encoder" else session.eval_all(answer).tobytes()


def facts(path: Path) -> dict:
    import inlay

    with inlay.Model.open(path) as model:
        return {key: value for key, value in model.facts.items() if key != "file_bytes"}


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_folder_gives_its_bits_tokens_and_facts(name, tmp_path):
    import inlay

    folder, out = DATA / name, tmp_path / "out.gguf"
    inlay.convert(folder, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out.gguf"]
    cases = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["cases"]
    with inlay.Model.open(folder) as before, inlay.Model.open(out) as after:
        for text in [case["prompt"] for case in cases if "prompt" in case] + ["Ünd [MASK] <s>  x</s>\n\t1234 don't"]:
            for special in (False, True):
                ids = before.tokenize(text, add_special=special)
                assert after.tokenize(text, add_special=special) == ids
                assert after.detokenize(ids) == before.detokenize(ids)
    assert facts(out) == facts(folder)
    ids = max((case["ids"] for case in cases), key=len)
    assert run(out, ids, "", [0, 3, 5]) == run(folder, ids, "", [0, 3, 5])


@pytest.mark.parametrize("quantize", ["q8_0", "q4_k"])
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_quantised_while_converted_is_one_quantised_while_opened(name, quantize, tmp_path):
    import inlay

    folder, out = DATA / name, tmp_path / "out.gguf"
    inlay.convert(folder, out, quantize=quantize, threads=1)
    ids = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["cases"][0]["ids"]
    assert run(out, ids, "", [0, 3, 5]) == run(folder, ids, "", [0, 3, 5], quantize=quantize)
    assert "Q8_0" in {tensor.tensor_type.name for tensor in gguf.GGUFReader(out).tensors}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_converted_shape_gives_the_bits_of_its_folder(name, tmp_path):
    import inlay

    case = VARIANTS[name]
    n_layer = case.get("n_layer") or next(case["config"][key] for key in LAYERS if key in case["config"])
    folder, out = tmp_path / "model", tmp_path / "out.gguf"
    write_folder(folder, case["config"], make_weights(unfold_layers(case["tensors"], n_layer)), case.get("files", {}))
    inlay.convert(folder, out)
    arguments = case["ids"], case.get("kind", ""), case.get("answer", [])
    assert run(out, *arguments) == run(folder, *arguments)


@pytest.mark.parametrize("name", NAMES)
def test_the_gguf_package_reads_what_was_written(name, tmp_path):
    import inlay

    folder, out = DATA / name, tmp_path / "out.gguf"
    inlay.convert(folder, out)
    reader = gguf.GGUFReader(out)
    arch = reader.fields["general.architecture"].contents()
    with inlay.Model.open(folder) as model:
        tensors = {tensor.name: (tensor.type, tensor.shape) for tensor in model.tensors}
    found = {t.name: (t.tensor_type.name, tuple(t.shape.tolist())) for t in reader.tensors}
    assert {name: (kind, shape[:1] if shape[1:] == (1,) else shape) for name, (kind, shape) in found.items()} == \
        {name: (kind, shape[:1] if shape[1:] == (1,) else shape) for name, (kind, shape) in tensors.items()}
    assert reader.fields["tokenizer.huggingface.json"].contents() == (folder / "tokenizer.json").read_text(encoding="utf-8")
    archs = {known: key for key, known in gguf.MODEL_ARCH_NAMES.items()}
    if arch not in archs:
        return
    names = {gguf.TENSOR_NAMES[tensor] for tensor in gguf.MODEL_TENSORS[archs[arch]]}
    for tensor in tensors:
        general = re.sub(r"\.\d+\.", ".{bid}.", tensor, count=1)
        assert general in names or general.rpartition(".")[0] in names or tensor in MASK_HEADS, tensor
    for key in (gguf.Keys.LLM.BLOCK_COUNT, gguf.Keys.LLM.EMBEDDING_LENGTH, gguf.Keys.LLM.CONTEXT_LENGTH):
        assert key.format(arch=arch) in reader.fields, key


def test_converting_takes_the_memory_of_the_largest_tensor(tmp_path):
    """A model of 96 MiB, all of which is quantised: what is resident stays far below it."""
    n_layer, n = 6, 1024
    config = {"model_type": "llama", "hidden_size": n, "intermediate_size": n, "num_hidden_layers": n_layer,
              "num_attention_heads": 8, "vocab_size": 64, "max_position_embeddings": 64, "tie_word_embeddings": True}
    one = numpy.full((n, n), 0.03, dtype=numpy.float32)
    weights = {"model.embed_tokens.weight": one[:64], "model.norm.weight": one[0]}
    for i in range(n_layer):
        for each in ("q", "k", "v", "o"):
            weights[f"model.layers.{i}.self_attn.{each}_proj.weight"] = one
        for each in ("gate", "up", "down"):
            weights[f"model.layers.{i}.mlp.{each}_proj.weight"] = one
        for each in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{i}.{each}.weight"] = one[0]
    write_folder(tmp_path / "model", config, weights)
    script = ("import resource, sys, inlay; inlay.cpu(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
              "inlay.convert(sys.argv[1], sys.argv[2], quantize='f16', load='map', threads=1)\n"
              "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)")
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "model", tmp_path / "out.gguf"], check=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    size = (tmp_path / "model" / "model.safetensors").stat().st_size
    assert int(done.stdout) * 1024 < size / 2, (int(done.stdout), size)


@pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")
@pytest.mark.skipif(not NAMES, reason="INLAY_DATA does not name the folder of reference data")
def test_the_program_converts(tmp_path):
    out, quiet = tmp_path / "out.gguf", tmp_path / "quiet.gguf"
    done = subprocess.run([PROGRAM, "convert", DATA / "qwen2", out, "--quantize", "q8_0"], capture_output=True, check=True)
    assert done.stdout == b"" and b"out.gguf is written, in " in done.stderr
    done = subprocess.run([PROGRAM, "convert", DATA / "qwen2", quiet, "--quantize", "q8_0", "-q", "-t", "1"], capture_output=True)
    assert done.returncode == 0 and done.stderr == b"" and quiet.read_bytes() == out.read_bytes()
    said = [subprocess.run([PROGRAM, "run", model, "-q", "-n", "8", "-p", "the", *more], capture_output=True, check=True).stdout
            for model, more in ((out, []), (DATA / "qwen2", ["--quantize", "q8_0"]))]
    assert said[0] == said[1] != b""
    for arguments, code, words in (((tmp_path / "absent", quiet), 1, "absent"), ((out,), 2, ""), ((out, out), 2, "is the model itself"),
                                   ((DATA / "qwen2", tmp_path / "no/folder"), 1, "no/folder"),
                                   ((DATA / "qwen2", quiet, "--quantize", "q16_0"), 1, "no file holds"),
                                   ((DATA / "qwen2", quiet, "--quantize", "q9"), 2, "q9")):
        done = subprocess.run([PROGRAM, "convert", *arguments], capture_output=True)
        assert done.returncode == code and words in done.stderr.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.gguf", "quiet.gguf"]
