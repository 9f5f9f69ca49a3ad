"""Encoders, from their folders and from GGUF written by the gguf package, against transformers in float32.

INLAY_DATA names the folder of reference data; without it the tests that need it are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy
import pytest

DATA = Path(os.environ.get("INLAY_DATA", "")) / "tiny"
NAMES = ("bert", "distilbert", "modernbert")
CAN_GENERATE, CAN_ENCODE, CAN_EMBED, CAN_FILL_MASK = 1, 8, 16, 32

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


@pytest.fixture(scope="module")
def path_of(tmp_path_factory):
    """The folder of a small model, or its GGUF file, written when it is first asked for."""
    import tiny_gguf

    folder, made = tmp_path_factory.mktemp("encoders"), {}

    def find(name: str, form: str) -> str:
        if form == "folder":
            return str(DATA / name)
        if name not in made:
            made[name] = folder / f"{name}.gguf"
            tiny_gguf.convert(DATA / name, made[name])
        return str(made[name])

    return find


def cases(name: str) -> list[dict]:
    return json.loads((DATA / name / "golden.json").read_text(encoding="utf-8"))["cases"]


def unit(x: numpy.ndarray) -> numpy.ndarray:
    return x / numpy.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.parametrize("form", ("folder", "gguf"))
@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_gives_the_reference_logits_and_states(name, form, path_of):
    import inlay

    worst = 0.0
    with inlay.Model.open(path_of(name, form)) as model, model.session() as session:
        assert model.facts["kind"] == "encoder"
        assert model.facts["capabilities"] == CAN_ENCODE | CAN_EMBED | CAN_FILL_MASK
        for case in cases(name):
            ids = case["masked_ids"]
            session.encode(ids)
            states, logits, expected = session.hidden_states, session.logits_at(case["mask_position"]), case["logits_mask"]
            most = 2e-4 * max(1.0, float(numpy.abs(expected).max()))
            worst = max(worst, float(numpy.abs(logits - expected).max()) / most)
            assert logits.argmax() == numpy.argmax(expected)
            assert states.shape[0] == len(ids)
            assert numpy.abs(states[0] - case["cls_hidden"]).max() < 2e-5
            assert numpy.abs(unit(states.mean(axis=0)) - case["mean_pool_unit"]).max() < 1e-5
    assert worst <= 1.0
    print(f"{name} from {form}: at most {worst:.4f} of the difference allowed")


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_are_what_the_options_say(name, path_of):
    import inlay

    sequences = [case["ids"] for case in cases(name)]
    with inlay.Model.open(path_of(name, "folder")) as model, model.session() as session:
        states = []
        for ids in sequences:
            session.encode(ids)
            states.append(session.hidden_states)
        pools = {"mean": lambda x: x.mean(axis=0), "cls": lambda x: x[0], "last": lambda x: x[-1]}
        for pooling, pool in pools.items():
            whole = numpy.stack([pool(x) for x in states])
            with model.session(pooling=pooling) as other:
                assert numpy.abs(other.embeddings(sequences) - unit(whole)).max() < 1e-6
                other.set(dimensions=24)
                assert numpy.abs(other.embeddings(sequences) - unit(whole[:, :24])).max() < 1e-6
                other.set(normalize=0)
                assert numpy.abs(other.embeddings(sequences) - whole[:, :24]).max() < 1e-5
        with pytest.raises(inlay.InlayError, match="option 'dimensions' is 65, but the model's states have 64"):
            with model.session(dimensions=65) as other:
                other.embeddings(sequences)


@pytest.mark.parametrize("name", NAMES)
def test_every_way_of_encoding_gives_the_same_bits(name, path_of):
    import inlay

    longest = max((case["ids"] for case in cases(name)), key=len)
    sequences = [longest[:n] for n in (1, 2, 3, 5, 12, 13, 16, 17, 40, len(longest)) if n <= len(longest)]

    def states_and_logits(session: inlay.Session) -> bytes:
        parts = []
        for ids in sequences:
            session.encode(ids)
            parts += [session.hidden_states.tobytes(), session.logits_at(len(ids) - 1).tobytes()]
        return b"".join(parts)

    def embedded(session: inlay.Session, together: bool) -> bytes:
        if together:
            return session.embeddings(sequences).tobytes()
        return b"".join(session.embeddings([ids]).tobytes() for ids in sequences)

    with inlay.Model.open(path_of(name, "folder"), cpu="scalar") as model, model.session(threads=1) as session:
        states, vectors = states_and_logits(session), embedded(session, False)
    for cpu in ("", inlay.cpu()):
        with inlay.Model.open(path_of(name, "folder"), cpu=cpu) as model:
            for options in ({"threads": 1}, {"threads": 2}, {"threads": 3, "batch": 300}, {"context": len(longest), "batch": 1}):
                with model.session(**options) as session:
                    assert states_and_logits(session) == states, options
                    assert embedded(session, True) == vectors, options
                    assert embedded(session, False) == vectors, options


@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_runs_quantised(name, path_of):
    import inlay

    case = cases(name)[0]
    for pack in (0, 1):
        with inlay.Model.open(path_of(name, "folder"), quantize=8, pack=pack) as model:
            with model.session(threads=2) as session:
                found = session.embeddings([case["masked_ids"], case["ids"]])
                assert found[0] @ case["mean_pool_unit"] > 0.999
                session.encode(case["masked_ids"])
                logits = session.logits_at(case["mask_position"])
                assert numpy.corrcoef(logits, case["logits_mask"])[0, 1] > 0.99


def test_a_model_is_told_what_it_cannot_do(path_of):
    import inlay

    ids = cases("bert")[0]["ids"]
    with inlay.Model.open(path_of("bert", "folder")) as model, model.session() as session:
        with pytest.raises(inlay.InlayError, match="nothing was encoded"):
            session.logits_at(0)
        with pytest.raises(inlay.InlayError, match="is an encoder and cannot generate; use inlay_encode"):
            session.eval(ids)
        with pytest.raises(inlay.InlayError, match="cannot generate"):
            session.sample()
        session.encode(ids)
        before = session.hidden_states.tobytes()
        with pytest.raises(inlay.InlayError, match="position is 18, but the sequence has 18 tokens"):
            session.logits_at(len(ids))
        with pytest.raises(inlay.InlayError, match="outside the vocabulary"):
            session.encode([1, 512])
        with pytest.raises(inlay.InlayError, match="257 tokens do not fit the context of 256"):
            session.encode([1] * 257)
        with pytest.raises(inlay.InlayError, match="segment 2, but the model knows 0 to 1"):
            session.encode([1, 2], [0, 2])
        with pytest.raises(inlay.InlayError, match="sequence 1 of 2 has no tokens"):
            session.embeddings([[1], []])
        assert session.hidden_states.tobytes() == before
    with inlay.Model.open(path_of("llama", "folder")) as model, model.session() as session:
        assert model.facts["kind"] == "decoder"
        for call in (lambda: session.encode([1]), lambda: session.embeddings([[1]]), lambda: session.hidden_states):
            with pytest.raises(inlay.InlayError, match="is a decoder and .*; use inlay_eval"):
                call()


def test_positions_beyond_those_learned_are_refused(path_of):
    import inlay

    with inlay.Model.open(path_of("bert", "folder")) as model, model.session(context=300) as session:
        session.encode([1] * 256)
        with pytest.raises(inlay.InlayError, match="the model knows 256 positions"):
            session.encode([1] * 257)


def test_segments_reach_the_embedding(path_of):
    import inlay

    ids = cases("bert")[0]["ids"]
    with inlay.Model.open(path_of("bert", "folder")) as model, model.session() as session:
        session.encode(ids)
        plain = session.hidden_states
        session.encode(ids, [0] * len(ids))
        assert session.hidden_states.tobytes() == plain.tobytes()
        session.encode(ids, [0] * 9 + [1] * (len(ids) - 9))
        assert numpy.abs(session.hidden_states - plain).max() > 1e-3


def test_a_file_without_a_head_embeds_only(tmp_path):
    import inlay
    import tiny_gguf

    path = tmp_path / "headless.gguf"
    tiny_gguf.convert(DATA / "bert", path, without=("cls.",))
    with inlay.Model.open(path) as model, model.session() as session:
        assert model.facts["capabilities"] == CAN_ENCODE | CAN_EMBED
        case = cases("bert")[0]
        found = session.embeddings([case["masked_ids"]])
        assert numpy.abs(found[0] - case["mean_pool_unit"]).max() < 1e-5
        session.encode(case["ids"])
        with pytest.raises(inlay.InlayError, match="has no head that predicts masked tokens"):
            session.logits_at(0)


# --------------------------------------------------------------------- the program

needs_program = pytest.mark.skipif(not os.environ.get("INLAY_PROGRAM"), reason="INLAY_PROGRAM does not name the program")


def program(*arguments: str, text: str = "", code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([os.environ["INLAY_PROGRAM"], *arguments], input=text.encode(), capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    return done


@needs_program
def test_the_program_embeds_lines(path_of):
    import inlay

    texts = ["How many apples are left?", "", "Natalia sold clips to 48 of her friends."] + ["apples"] * 300
    with inlay.Model.open(path_of("bert", "folder")) as model, model.session(pooling="cls", dimensions=32) as session:
        expected = session.embed(texts)
    made = program("embed", path_of("bert", "folder"), "--json", "--pooling", "cls", "--truncate", "32", text="\n".join(texts))
    rows = numpy.array([json.loads(line) for line in made.stdout.splitlines()], dtype=numpy.float32)
    assert rows.tobytes() == expected.tobytes()
    plain = program("embed", path_of("bert", "folder"), "--no-normalize", text=texts[0]).stdout.split()
    assert len(plain) == 64 and numpy.linalg.norm(numpy.array(plain, dtype=float)) > 1.5
    assert b"expected mean, cls or last" in program("embed", path_of("bert", "folder"), "--pooling", "max", code=2).stderr
    assert b"makes no embeddings" in program("embed", path_of("llama", "folder"), text="a", code=1).stderr


@needs_program
def test_the_program_cuts_lines_that_are_too_long(path_of):
    import inlay

    text = "apples " * 500
    with inlay.Model.open(path_of("bert", "folder")) as model, model.session() as session:
        ids = model.tokenize(text, add_special=True)
        expected = session.embeddings([ids[:255] + ids[-1:]])
    made = program("embed", path_of("bert", "folder"), "--json", text=text)
    assert numpy.array(json.loads(made.stdout), dtype=numpy.float32).tobytes() == expected.tobytes()


@needs_program
def test_the_program_prints_an_encoders_logits_and_fills_masks(path_of):
    case = cases("bert")[0]
    ids = ",".join(map(str, case["masked_ids"]))
    made = json.loads(program("logits", path_of("bert", "folder"), "--ids", ids, "--json").stdout)
    rows = numpy.array(made["logits"])
    assert rows.shape == (len(case["masked_ids"]), 512)
    expected = numpy.array(case["logits_mask"])
    assert numpy.abs(rows[case["mask_position"]] - expected).max() < 2e-4 * max(1, numpy.abs(expected).max())
    text = "How [MASK] apples are [MASK]?"
    found = json.loads(program("fill-mask", path_of("bert", "folder"), text, "--json").stdout)
    assert len(found) == 2 and all(len(mask["candidates"]) == 5 for mask in found)
    for mask in found:
        chances = [each["probability"] for each in mask["candidates"]]
        assert chances == sorted(chances, reverse=True) and 0 < sum(chances) <= 1
    lines = program("fill-mask", path_of("bert", "folder"), text).stdout.decode().splitlines()
    assert len(lines) == 12 and found[0]["candidates"][0]["text"] in lines[1]
    assert b"has no [MASK]" in program("fill-mask", path_of("bert", "folder"), "How many?", code=1).stderr


@needs_program
def test_the_program_tells_what_a_model_is_for(path_of, tmp_path):
    bert = path_of("bert", "folder")
    for command in (["run", bert, "-p", "a"], ["chat", bert], ["bench", bert, "-p", "1", "-n", "1"]):
        said = program(*command, code=1).stderr
        assert b"is an encoder and does not continue text; for it there is inlay embed, and inlay fill-mask" in said
        assert b"inlay_" not in said and said.count(b"\n") == 1
    for command in (["embed"], ["fill-mask"]):
        said = program(command[0], path_of("llama", "folder"), "a", code=1).stderr
        assert b"for it there is inlay run, chat and logits" in said and b"inlay_" not in said


@needs_program
def test_the_program_embeds_and_fills_any_kind_of_text(path_of, tmp_path):
    text = "How [MASK] apples are [MASK]?"
    path = tmp_path / "text"
    path.write_text(text)
    for command in (["embed", path_of("bert", "folder")], ["fill-mask", path_of("bert", "folder"), "--json"]):
        expected = program(*command, text).stdout
        assert program(*command, "-p", text).stdout == program(*command, "-f", str(path)).stdout == expected
        assert program(*command, text=text).stdout == expected
        assert b"more than one text" in program(*command, text, "-p", text, code=2).stderr
    assert b"needs a text" in program("fill-mask", path_of("bert", "folder"), code=2).stderr


@needs_program
def test_the_program_says_that_a_model_has_no_tokenizer(path_of, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(path_of("llama", "folder"), folder, ignore=shutil.ignore_patterns("*token*"))
    for command in ("run", "logits", "tokenize"):
        assert b"tokenizer" in program(command, str(folder), "-p", "a", code=1).stderr
