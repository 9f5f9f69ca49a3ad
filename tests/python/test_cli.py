"""The program `inlay`: its output, its errors, its exit codes, and that it computes the same bits in every way.

INLAY_PROGRAM names the program. INLAY_SMOLLM2 may name a real model for a last test.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python" / "tests"))

import tiny  # noqa: E402 - the model that the tests of the bindings use

COMMANDS = ["run", "chat", "info", "tokenize", "logits", "pack", "bench"]
IDS = "5,90,17,200,33,64,128,7,99,101"
N_VOCAB = len(tiny.vocabulary())

PROGRAM = os.environ.get("INLAY_PROGRAM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    return str(tiny.write(tmp_path_factory.mktemp("cli") / "tiny.gguf"))


def inlay(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, timeout=120, check=False)


def good(*arguments: str, text: bytes = b"") -> bytes:
    done = inlay(*arguments, text=text)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def bad(code: int, *arguments: str, text: bytes = b"") -> str:
    """One sentence on standard error and the exit code."""
    done = inlay(*arguments, text=text)
    message = done.stderr.decode()
    assert done.returncode == code, (done.returncode, message)
    assert message.startswith("inlay: ") and message.endswith("\n") and message.count("\n") == 1, message
    return message


# ------------------------------------------------------------------------ packing


@pytest.fixture(scope="session")
def quantized(tmp_path_factory) -> str:
    return str(tiny.write(tmp_path_factory.mktemp("cli") / "quantized.gguf", quantized=True))


def test_packed_files_and_every_way_of_packing_give_the_same_bits(quantized, tmp_path):
    packed, raw = str(tmp_path / "packed.gguf"), str(tmp_path / "logits.raw")
    done = inlay("pack", quantized, packed)
    assert done.returncode == 0 and done.stdout == b"" and b"packed.gguf is packed, in " in done.stderr
    results = set()
    for model in quantized, packed:
        for options in [], ["--low-memory"], ["--cpu", "scalar"]:
            for ids in IDS, ",".join([IDS] * 6):  # more tokens than are evaluated before weights are packed, and many
                good("logits", model, "--ids", ids, "--raw", raw, *options)
                results.add((ids, Path(raw).read_bytes()))
    assert len(results) == 2


def test_pack_writes_the_same_file_whatever_the_threads_and_says_nothing_when_asked(quantized, tmp_path):
    files = []
    for threads in "1", "3":
        done = inlay("pack", quantized, str(tmp_path / threads), "--threads", threads, "--quiet")
        assert done.returncode == 0 and done.stdout == done.stderr == b""
        files.append((tmp_path / threads).read_bytes())
    assert files[0] == files[1] and files[0] != Path(quantized).read_bytes()


def test_quantize_names_a_type(quantized):
    message = bad(2, "run", quantized, "-p", "x", "--quantize", "q5_k")
    assert "--quantize is 'q5_k', expected f16, q16_0," in message
    assert good("run", quantized, "-p", "hello world", "-n", "2", "--quantize", "q16_0")


def test_a_packed_file_tells_of_itself_what_its_original_does(quantized, tmp_path):
    packed = tmp_path / "packed.gguf"
    good("pack", quantized, str(packed), "-q")
    before, after = (json.loads(good("info", model, "--json")) for model in (quantized, str(packed)))
    for key in "architecture", "tokenizer":
        assert before[key] == after[key]
    answers = [good("run", model, "-p", "hello world", "-n", "12") for model in (quantized, str(packed))]
    assert answers[0] == answers[1]


def test_what_cannot_be_packed_is_told_and_leaves_nothing(quantized, tmp_path):
    packed, again, damaged = str(tmp_path / "packed"), tmp_path / "again", tmp_path / "damaged.gguf"
    good("pack", quantized, packed, "-q")
    damaged.write_bytes(Path(quantized).read_bytes()[:-1000])
    assert "is packed already" in bad(1, "pack", packed, str(again))
    assert "damaged.gguf" in bad(1, "pack", str(damaged), str(again))
    assert "absent.gguf" in bad(1, "pack", str(tmp_path / "absent.gguf"), str(again))
    assert "no/folder" in bad(1, "pack", quantized, str(tmp_path / "no/folder"))
    bad(2, "pack", quantized)
    before = damaged.read_bytes()
    (tmp_path / "link").symlink_to(damaged)
    for name in damaged, tmp_path / "link":
        assert "is the model itself" in bad(2, "pack", str(damaged), str(name))
    assert damaged.read_bytes() == before
    (tmp_path / "link").unlink()
    bad(2, "pack", quantized, str(again), "more")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.gguf", "packed"]


def test_bench_in_low_memory_takes_less_for_itself(tmp_path):
    model = str(tiny.write(tmp_path / "deep.gguf", n_layer=200, quantized=True))
    told = [json.loads(good("bench", model, "-p", "32", "-n", "4", "-r", "1", "--json", *options))
            for options in ([], ["--low-memory"])]
    if told[0]["cpu"] == "scalar" or told[0]["peak_anonymous_bytes"] is None:
        pytest.skip("this machine packs nothing, or does not tell")
    assert told[1]["peak_anonymous_bytes"] + 2_000_000 < told[0]["peak_anonymous_bytes"], told


# ------------------------------------------------------------------ help and usage


def test_help_tells_every_command():
    text = good("--help").decode()
    assert all(f"  {command} " in text for command in COMMANDS)
    assert good("-h").decode() == text
    assert inlay().returncode == 2 and inlay().stderr.decode() == text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    text = good(command, "--help").decode()
    assert text.startswith(f"usage: inlay {command} MODEL") and "--help" in text and "--json" in text + "--json"
    assert good(command, "model.gguf", "-h").decode() == text


def test_help_names_all_that_the_issue_promises():
    for command, options in {
        "run": ["-p,", "-n,", "--temp", "--top-k", "--top-p", "--min-p", "--seed", "--threads", "--cpu", "--context"],
        "chat": ["--system", "--template", "-n,", "--temp", "--top-k", "--top-p", "--min-p", "--seed", "--context", "/reset"],
        "tokenize": ["--json", "--special", "--parse-special", "--decode"],
        "logits": ["--ids", "--all", "--batch", "--json", "--raw", "--threads", "--cpu"],
        "bench": ["-p,", "-n,", "--threads", "--repeat", "--json"],
        "info": ["--json", "--tensors"],
    }.items():
        text = good(command, "--help").decode()
        assert [option for option in options if option not in text] == []


def test_version():
    assert good("--version").startswith(b"inlay 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["walk"],
        ["run"],
        ["run", "MODEL"],
        ["run", "MODEL", "-p", "x", "--file", "y"],
        ["run", "MODEL", "-p"],
        ["run", "MODEL", "-p", "x", "--warmth", "1"],
        ["run", "MODEL", "-p", "x", "--tem", "1"],
        ["run", "MODEL", "-p", "x", "--temp", "hot"],
        ["run", "MODEL", "-p", "x", "--temp", "-1"],
        ["run", "MODEL", "-p", "x", "--top-p", "nan"],
        ["run", "MODEL", "-p", "x", "--quiet=yes"],
        ["run", "MODEL", "-p", "x", "-n", "many"],
        ["run", "MODEL", "-p", "x", "-n", "-2"],
        ["run", "MODEL", "MODEL", "-p", "x"],
        ["run", "MODEL", "-p", "x", "--threads", "-1"],
        ["run", "MODEL", "-p", "x", "--threads", "1.5"],
        ["tokenize"],
        ["tokenize", "MODEL", "--decode", "1,2", "--json"],
        ["tokenize", "MODEL", "--decode", "1,,2"],
        ["logits", "MODEL"],
        ["logits", "MODEL", "--ids", "1", "--ids-file", "x"],
        ["logits", "MODEL", "--ids", "1", "--json", "--raw", "x"],
        *(["logits", "MODEL", "--ids", ids] for ids in ["", "x", "1,", ",1", "1, 2", "1;2", "0x1", "1e3", "99999999999"]),
        ["bench", "MODEL", "-p", "0"],
        ["bench", "MODEL", "-p", "1,"],
        ["bench", "MODEL", "-p", ",".join("1" * 17)],
        ["bench", "MODEL", "-n", "x"],
        ["bench", "MODEL", "--repeat", "0"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_with_2(arguments, model):
    bad(2, *[model if argument == "MODEL" else argument for argument in arguments])


def test_values_may_stand_in_one_argument(model):
    expected = good("run", model, "-p", "hello", "-n", "4", "--quiet")
    assert good("run", "-phello", "-n4", "-q", model) == expected
    assert good("run", "--prompt=hello", "--tokens=4", "-q", "--", model) == expected


# -------------------------------------------------------------------------- errors


def test_a_missing_file_is_named():
    assert "nowhere.gguf" in bad(1, "info", "nowhere.gguf")


@pytest.mark.parametrize("command", [["info"], ["run", "-p", "x"], ["tokenize"], ["logits", "--ids", "1"], ["bench"]])
def test_every_command_refuses_what_is_no_model(command, tmp_path, model):
    data = Path(model).read_bytes()
    path = tmp_path / "bad.gguf"
    cases = {"empty": b"", "text": b"Once upon a time\n" * 50, "magic": b"GGUF", "header": data[:1000]}
    messages = set()
    for name, content in cases.items():
        path.write_bytes(content)
        message = bad(1, command[0], str(path), *command[1:])
        assert "bad.gguf" in message, name
        messages.add(message)
    assert len(messages) >= 3


def test_a_truncated_file_is_an_error(tmp_path, model):
    data = Path(model).read_bytes()
    path = tmp_path / "cut.gguf"
    for size in [len(data) - 1, len(data) - 5000, len(data) // 2, *range(1, 200, 11)]:
        path.write_bytes(data[:size])
        bad(1, "info", str(path))


def test_a_flipped_bit_never_kills_the_program(tmp_path, model):
    data = Path(model).read_bytes()
    end_of_header = data.find(tiny.MERGES[-1].encode()) + 4000  # the tensor table is behind the merges
    path = tmp_path / "flipped.gguf"
    chance = random.Random(3)
    n_refused = 0
    for _ in range(150):
        changed = bytearray(data)
        changed[chance.randrange(min(end_of_header, len(data)))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        done = inlay("logits", str(path), "--ids", "5,6", "--raw", "-")
        assert done.returncode in (0, 1), done.stderr
        if done.returncode == 1:
            n_refused += 1
            assert done.stderr.startswith(b"inlay: ") and done.stderr.count(b"\n") == 1
        else:
            assert len(done.stdout) % 4 == 0 and len(done.stdout) > 0
    assert n_refused > 10


def test_an_unknown_architecture_is_named(tmp_path):
    path = tiny.write(tmp_path / "zebra.gguf", architecture="zebra")
    assert "zebra" in bad(1, "run", str(path), "-p", "x")


def test_an_unknown_tensor_type_is_an_error(tmp_path, model):
    data = bytearray(Path(model).read_bytes())
    name = b"output_norm.weight"
    place = data.find(name) + len(name) + 4 + 8  # name, n_dims, one dimension, then the type
    assert data[place : place + 4] == b"\0\0\0\0"
    data[place] = 99
    path = tmp_path / "type.gguf"
    path.write_bytes(data)
    assert "output_norm.weight" in bad(1, "logits", str(path), "--ids", "1")


@pytest.mark.parametrize("ids", ["-1", str(N_VOCAB), "5,6,2147483647"])
def test_an_id_out_of_range_is_named(model, ids):
    for extra in ([], ["--all"], ["--batch", "1"]):
        done = inlay("logits", model, "--ids", ids, "--json", *extra)
        assert (done.returncode, done.stdout) == (1, b"")
        assert ids.split(",")[-1].encode() in done.stderr
    assert ids.split(",")[-1] in bad(1, "tokenize", model, "--decode", ids)


def test_a_prompt_longer_than_the_context_is_an_error(model):
    bad(1, "logits", model, "--ids", IDS, "--context", "9")
    bad(1, "logits", model, "--ids", IDS, "--context", "9", "--all", "--json")
    bad(1, "run", model, "-p", "a" * 100, "--context", "9")


def test_an_unknown_cpu_level_is_named(model):
    done = inlay("run", model, "-p", "x", "--cpu", "abacus")
    assert done.returncode in (1, 2) and b"abacus" in done.stderr


def test_a_full_disk_is_an_error(model):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    for arguments in (["info", model], ["run", model, "-p", "x", "-q"], ["logits", model, "--ids", "1", "--json"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1 and b"could not be written" in done.stderr


# ----------------------------------------------------------------------------- run


def test_run_streams_text_and_tells_timing(model):
    done = inlay("run", model, "-p", "hello world", "-n", "8")
    assert done.returncode == 0 and done.stdout.endswith(b"\n")
    assert b"prompt: 2 tokens, " in done.stderr and b"tok/s" in done.stderr and b"\r" not in done.stderr
    quiet = inlay("run", model, "-p", "hello world", "-n", "8", "--quiet")
    assert quiet.stdout == done.stdout and quiet.stderr == b""
    done.stdout.decode("utf-8")


def test_run_reads_its_prompt_from_a_file_or_standard_input(model, tmp_path):
    expected = good("run", model, "-p", "hello world", "-n", "5")
    path = tmp_path / "prompt.txt"
    path.write_text("hello world")
    assert good("run", model, "--file", str(path), "-n", "5") == expected
    assert good("run", model, "--file", "-", "-n", "5", text=b"hello world") == expected
    assert good("run", model, "-p", "hello world", "-n", "5", "--echo") == b"hello world" + expected
    assert "missing.txt" in bad(1, "run", model, "--file", "missing.txt")


def test_run_is_the_same_text_for_the_same_seed(model):
    def text(*options: str) -> bytes:
        return good("run", model, "-p", "hello", "-n", "20", "-q", *options)

    assert text("--temp", "1.5", "--seed", "3") == text("--temp", "1.5", "--seed", "3", "--threads", "1")
    assert len({text("--temp", "1.5", "--seed", str(seed)) for seed in range(6)}) > 1
    assert text("--temp", "1.5", "--seed", "3", "--top-k", "1") == text()
    assert text("--temp", "1.5", "--min-p", "1") == text()
    assert text("--batch", "1", "--cpu", "scalar") == text()


def test_run_ends_at_the_limit(model):
    assert good("run", model, "-p", "hello", "-n", "0") == b"\n"
    done = inlay("run", model, "-p", "hello", "-n", "3")
    assert b"generated: 3 tokens" in done.stderr or b"generated: 2 tokens" in done.stderr


def test_run_says_when_the_context_is_full(model):
    done = inlay("run", model, "-p", "hello", "-n", "-1", "--context", "20", "-q")
    assert done.returncode == 0 and done.stdout.endswith(b"\n")
    assert done.stderr.startswith(b"inlay: the context is full") or len(done.stdout) < 20


@pytest.mark.parametrize("command", [["run", "-q", "-n", "5"], ["tokenize", "--json"], ["logits", "--raw", "-"]], ids=" ".join)
def test_a_text_comes_in_four_ways_alike(command, model, tmp_path):
    text = b"hello world"
    path = tmp_path / "text"
    path.write_bytes(text)
    command = [command[0], model, *command[1:]]
    expected = good(*command, "-p", text.decode())
    assert expected != good(*command, "-p", "hello")
    assert good(command[0], model, text.decode(), *command[2:]) == expected
    assert good(*command, text.decode()) == good(*command, "--", text.decode()) == expected
    assert good(*command, "-f", str(path)) == good(*command, "-f", "-", text=text) == expected
    assert good(*command, text=text) == expected
    assert "more than one" in bad(2, *command, text.decode(), "-p", "x") + bad(2, *command, "-f", str(path), "-p", "x")
    assert "standard\ninput" in good(command[0], "--help").decode()


def test_logits_takes_a_text_or_ids(model):
    ids = json.loads(good("tokenize", model, "--json", "hello world", "--special"))["ids"]
    expected = good("logits", model, "--raw", "-", "--ids", ",".join(map(str, ids)))
    assert good("logits", model, "--raw", "-", "-p", "hello world") == expected
    assert "more than one" in bad(2, "logits", model, "--ids", "1", "-p", "x")
    assert "empty" in bad(1, "logits", model, "-p", "")
    assert "more than one" not in bad(2, "tokenize", model, "hello", "--decode", "1")


def test_an_empty_prompt_is_an_error(model):
    assert "empty" in bad(1, "run", model, "-p", "")


# ------------------------------------------------------------------------ tokenize


def test_tokenize_json(model):
    made = json.loads(good("tokenize", model, "--json", text=b"hello world"))
    words = tiny.vocabulary()
    assert made == {"ids": [words.index("hello"), words.index("Ġworld")], "spans": [[0, 5], [5, 11]]}
    assert good("tokenize", model, "--ids", text=b"hello world") == f"{made['ids'][0]} {made['ids'][1]}\n".encode()
    assert good("tokenize", model, "--json") == b'{"ids": [], "spans": []}\n'


def test_special_text_is_parsed_only_on_request(model):
    text = b"<|im_start|>hello"
    plain = json.loads(good("tokenize", model, "--json", text=text))["ids"]
    assert 1 not in plain and len(plain) > 5
    parsed = json.loads(good("tokenize", model, "--json", "--parse-special", text=text))["ids"]
    assert parsed == [1, tiny.vocabulary().index("hello")]


def test_special_adds_what_the_model_wants(tmp_path):
    """The model's file says add_bos; without --special nothing is added."""
    source = tiny.write(tmp_path / "bos.gguf").read_bytes()
    key = b"tokenizer.ggml.add_bos_token"
    place = source.find(key) + len(key) + 4
    assert source[place] == 0
    path = tmp_path / "with_bos.gguf"
    path.write_bytes(source[:place] + b"\1" + source[place + 1 :])
    plain = json.loads(good("tokenize", str(path), "--json", text=b"hello"))["ids"]
    assert json.loads(good("tokenize", str(path), "--json", "--special", text=b"hello"))["ids"] == [1, *plain]


def test_any_bytes_survive_tokenize(model):
    text = bytes(range(256)) + "漢🎉\r\n".encode()
    ids = json.loads(good("tokenize", model, "--json", text=text))["ids"]
    assert good("tokenize", model, "--decode", ",".join(map(str, ids))) == text


def test_tokenize_for_people(model):
    lines = good("tokenize", model, text=b"hello\n").decode().splitlines()
    assert [line.split(None, 1) for line in lines] == [
        [str(tiny.vocabulary().index("hello")), '"hello"'],
        [str(tiny.vocabulary().index("Ċ")), '"Ċ"'],
    ]


# ------------------------------------------------------------------------ template


@pytest.fixture
def conversation(tmp_path) -> str:
    path = tmp_path / "conversation.json"
    said = [{"role": "user", "content": "é <|im_end|>\n"}]
    given = {"messages": said, "tools": [{"name": "f"}], "add_generation_prompt": True, "bos_token": "<s>", "now": "2026-11-24T12:00:00"}
    path.write_text(json.dumps(given), encoding="utf-8")
    return str(path)


def test_template_prints_the_text_alone(tmp_path, conversation):
    path = tmp_path / "t.jinja"
    path.write_text(
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}\n"
        "{{ tools[0].name }} {{ add_generation_prompt }} {{ strftime_now('%d %b %Y') }} {{ eos_token is defined }}\n\n",
        encoding="utf-8",
    )
    done = inlay("template", str(path), "--input", conversation)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "<s>[user] é <|im_end|>\nf True 24 Nov 2026 False\n"
    assert good("template", str(path), "-i", "-", text=Path(conversation).read_bytes()) == done.stdout
    path.write_text("{{ 'x' * 100000 }}")
    assert good("template", str(path), "-i", conversation) == b"x" * 100000
    path.write_text("")
    assert good("template", str(path), "-i", conversation) == b""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n{{ raise_exception('Roles must alternate') }}", ["line 2, column", "Roles must alternate"]),
        ("text {{ missing.x }}", ["line 1, column", "'missing' is undefined"]),
        ("{% if x %}", ["line 1, column", "endif"]),
        ("\n\n{{ x | nofilter }}", ["line 3, column 8", "nofilter"]),
        ("{% for i in range(10 ** 9) %}{% endfor %}", ["line 1, column", "range"]),
    ],
)
def test_template_errors_tell_line_and_column(tmp_path, conversation, source, words):
    path = tmp_path / "t.jinja"
    path.write_text(source)
    done = inlay("template", str(path), "--input", conversation)
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b"") and message.startswith("inlay: ") and message.count("\n") == 1
    assert all(word in message for word in words), message


def test_template_refuses_what_it_cannot_read(tmp_path, conversation):
    path = tmp_path / "t.jinja"
    path.write_text("x")
    assert "--input" in bad(2, "template", str(path))
    assert "missing.jinja" in bad(1, "template", "missing.jinja", "-i", conversation)
    assert "missing.json" in bad(1, "template", str(path), "-i", "missing.json")
    for text in (b"", b"{", b"[1]", b'{"now": 1}', b'{"x": "\xff"}'):
        bad(1, "template", str(path), "-i", "-", text=text)
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in bad(1, "template", str(path), "-i", conversation)


# ---------------------------------------------------------------------------- info


def test_info_json(model):
    made = json.loads(good("info", model, "--json", "--tensors"))
    assert made["architecture"] == "llama" and made["n_vocab"] == N_VOCAB and made["n_layer"] == tiny.N_LAYER
    assert made["metadata"]["general.name"] == "tiny"
    assert made["metadata"]["tokenizer.ggml.tokens"] == tiny.vocabulary()
    assert {"name": "token_embd.weight", "type": "F32", "shape": [tiny.N_EMBD, N_VOCAB]} in made["tensors"]
    assert len(made["tensors"]) == 2 + 9 * tiny.N_LAYER
    assert "tensors" not in json.loads(good("info", model, "--json"))


def test_info_for_people(model):
    text = good("info", model).decode()
    assert "architecture" in text and "general.name" in text and "values)" in text and "blk.0" not in text
    assert "blk.0.attn_q.weight" in good("info", model, "--tensors").decode()


# -------------------------------------------------------------------------- logits


def test_logits_json_and_raw_agree(model):
    for extra, n_rows in (([], 1), (["--all"], IDS.count(",") + 1)):
        made = json.loads(good("logits", model, "--ids", IDS, "--json", *extra))
        assert list(made) == ["n_vocab", "logits"] and made["n_vocab"] == N_VOCAB
        assert [len(row) for row in made["logits"]] == [N_VOCAB] * n_rows
        raw = good("logits", model, "--ids", IDS, "--raw", "-", *extra)
        assert numpy.array(made["logits"], dtype="<f4").tobytes() == raw


def test_logits_are_the_same_bytes_in_every_way(model, tmp_path):
    expected = good("logits", model, "--ids", IDS, "--all", "--raw", "-")
    last = expected[-4 * N_VOCAB :]
    for options in (
        ["--threads", "1"],
        ["--threads", "2"],
        ["--batch", "1"],
        ["--batch", "3"],
        ["--batch", "512"],
        ["--cpu", "scalar"],
        ["--cpu", "scalar", "--threads", "2", "--batch", "1"],
    ):
        assert good("logits", model, "--ids", IDS, "--all", "--raw", "-", *options) == expected, options
        assert good("logits", model, "--ids", IDS, "--raw", "-", *options) == last, options
    path = tmp_path / "ids.txt"
    path.write_text(IDS.replace(",", "\n") + "\n")
    assert good("logits", model, "--ids-file", str(path), "--raw", "-") == last
    assert good("logits", model, "--ids-file", "-", "--raw", "-", text=IDS.replace(",", " , ").encode()) == last


def test_raw_files_are_whole_or_absent(model, tmp_path):
    path = tmp_path / "rows.f32"
    good("logits", model, "--ids", IDS, "--raw", str(path))
    assert path.stat().st_size == 4 * N_VOCAB
    before = path.read_bytes()
    bad(1, "logits", model, "--ids", IDS + ",99999", "--raw", str(path))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert "no such" in bad(1, "logits", model, "--ids", IDS, "--raw", str(tmp_path / "no" / "rows")).lower()


def test_a_device_is_written_and_not_replaced(model):
    good("logits", model, "--ids", IDS, "--raw", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_logits_for_people_are_the_ten_greatest(model):
    row = numpy.frombuffer(good("logits", model, "--ids", IDS, "--raw", "-"), dtype="<f4")
    lines = good("logits", model, "--ids", IDS).decode().splitlines()
    assert lines[0] == "position 9" and len(lines) == 11
    expected = sorted(range(N_VOCAB), key=lambda token: (-row[token], token))[:10]
    assert [int(line.split()[0]) for line in lines[1:]] == expected


def test_a_decimal_comma_does_not_reach_the_output(model):
    environment = {**os.environ, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    arguments = [PROGRAM, "logits", model, "--ids", "1,2", "--json"]
    assert subprocess.run(arguments, capture_output=True, env=environment, check=True).stdout == good(*arguments[1:])


# --------------------------------------------------------------------------- bench


def test_bench_json(model):
    made = json.loads(good("bench", model, "-p", "16", "-n", "4", "--repeat", "2", "--threads", "1", "--json"))
    assert list(made) == [
        "prompt_tokens_per_second",
        "generate_tokens_per_second",
        "open_seconds",
        "peak_resident_bytes",
        "peak_anonymous_bytes",
        "cache_bytes",
        "threads",
        "cpu",
        "model",
        "token_bytes",
        "machine_read_bytes_per_second",
        "machine_int8_products_per_second",
        "sizes",
    ]
    assert made["token_bytes"] > 100_000 and made["machine_read_bytes_per_second"] > 1e6
    assert made["machine_int8_products_per_second"] > 1e6
    assert made["prompt_tokens_per_second"] > 0 and made["generate_tokens_per_second"] > 0
    assert 0 < made["open_seconds"] < 60 and made["threads"] == 1 and made["model"] == model
    if sys.platform == "linux":
        assert made["peak_resident_bytes"] > made["peak_anonymous_bytes"] > 100_000
    assert made["cache_bytes"] > 1000


def test_bench_measures_prompts_of_several_sizes(model):
    made = json.loads(good("bench", model, "-p", "16,1,40", "-n", "3", "--repeat", "1", "--json"))
    assert [size["prompt_tokens"] for size in made["sizes"]] == [16, 1, 40]
    assert all(size["generate_tokens"] == 3 for size in made["sizes"])
    assert made["sizes"][0]["prompt_tokens_per_second"] == made["prompt_tokens_per_second"]
    for size in made["sizes"]:
        assert size["prompt_tokens_per_second"] > 0 and size["generate_tokens_per_second"] > 0
        assert 0 < size["prompt_share_of_int8"] < 1.5 and 0 < size["generate_share_of_reads"] < 10


def test_bench_for_people(model):
    text = good("bench", model, "-p", "8", "-n", "2", "--repeat", "1").decode()
    for what in ["tok/s", "open ", "MB at most", "keys and values", "GB/s", "int8/s", "a token reads", "of int8", "of reads"]:
        assert what in text, text


# ------------------------------------------------------------------------- Ctrl-C


def interrupt(arguments: list[str], *, after: float, **options) -> subprocess.Popen:
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    time.sleep(after)
    assert process.poll() is None, "the program ended before it was interrupted"
    process.send_signal(signal.SIGINT)
    return process


@pytest.mark.parametrize("tokens", [("20000", "1"), ("1", "20000")], ids=["prompt", "generation"])
def test_ctrl_c_stops_cleanly(model, tokens):
    process = interrupt(["bench", model, "-p", tokens[0], "-n", tokens[1], "--repeat", "1000", "--json"], after=1.0)
    begin = time.monotonic()
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130 and out == b"" and error == b"inlay: interrupted\n"
    assert time.monotonic() - begin < 5


def test_ctrl_c_while_waiting_for_a_prompt(model):
    process = interrupt(["run", model, "--file", "-"], after=0.5, stdin=subprocess.PIPE)
    assert process.wait(timeout=30) == 130
    assert process.communicate()[1] == b"inlay: interrupted\n"


def test_ctrl_c_keeps_what_was_generated(tmp_path):
    """The signal comes when the first text has, from a model that never ends by itself."""
    model = str(tiny.write(tmp_path / "endless.gguf", n_layer=8, endless=True))
    arguments = [PROGRAM, "run", model, "-p", "hello", "-n", "-1", "--context", "100000", "-t", "1"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = os.read(process.stdout.fileno(), 1)
    process.send_signal(signal.SIGINT)
    rest, error = process.communicate(timeout=30)
    assert process.returncode == 130 and first and rest.endswith(b"\n")
    assert b"inlay: interrupted\n" in error and b"generated:" in error


def read_until(descriptor: int, wanted: bytes, seconds: float) -> bytes:
    """What comes out of a descriptor up to `wanted`, its end, or the time given."""
    shown, end = b"", time.monotonic() + seconds
    while wanted not in shown and select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            shown += os.read(descriptor, 65536)
        except OSError:  # the other end of the terminal is closed
            break
    return shown


@pytest.mark.parametrize("command", ["run", "bench"])
def test_a_bar_is_drawn_on_a_terminal(tmp_path, command):
    import pty

    model = str(tiny.write(tmp_path / "deep.gguf", n_layer=20))
    (tmp_path / "prompt.txt").write_text("hello world " * 15000)
    what = {"run": ["-f", str(tmp_path / "prompt.txt"), "--context", "100000"], "bench": ["-p", "60000", "-r", "1"]}
    leader, follower = pty.openpty()
    process = subprocess.Popen([PROGRAM, command, model, *what[command]], stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = read_until(leader, b" %", seconds=60)
    process.send_signal(signal.SIGINT)
    shown += read_until(leader, b"interrupted", seconds=60)
    assert process.wait(timeout=60) == 130
    os.close(leader)
    assert b"\r" in shown and b" %" in shown and b"inlay: interrupted" in shown


def test_no_bar_is_drawn_into_a_file(model):
    done = subprocess.run([PROGRAM, "bench", model, "-p", "20000", "-r", "1"], capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stderr == b""


def test_a_recording_is_replayed_at_any_level_and_another_model_is_told(model, tmp_path):
    for more in ([], ["--lookup"], ["--temp", "0.9", "--seed", "4"], ["--repeat-penalty", "1.3", "--temp", "0.9"]):
        recording = str(tmp_path / "run.rec")
        out = good("run", model, "-p", "hello world hello", "-n", "12", "--record", recording, *more)
        assert out == good("run", model, "-p", "hello world hello", "-n", "12", *more)
        assert good("replay", recording, model).startswith(b"equal: ")
        told = json.loads(good("replay", recording, model, "--cpu", "scalar", "--threads", "1", "--json"))
        assert told["equal"] and told["same_model"] and told["same_arithmetic"] and told["tokens"] > 3
        assert told["record"] == -1 and told["sequence"] == -1
    other = str(tiny.write(tmp_path / "other.gguf", seed=9))
    done = inlay("replay", recording, other)
    assert done.returncode == 1 and done.stdout.startswith(b"different: ") and b"another model" in done.stdout
    told = json.loads(inlay("replay", recording, other, "--json").stdout)
    assert not told["equal"] and not told["same_model"] and told["position"] == 0 and told["expected"] != told["found"]
    assert "no recording" in bad(1, "replay", model, model)
    assert "model file" in bad(2, "replay", recording)
