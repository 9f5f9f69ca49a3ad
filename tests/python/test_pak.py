"""The example `pak`: an archive is made, and a model runs out of it, mapped in place and read through a function.

INLAY_PROGRAM names the program, beside whose folder the example is built.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python" / "tests"))

import tiny  # noqa: E402 - the model that the tests of the bindings use

PROGRAM = os.environ.get("INLAY_PROGRAM", "")
PAK = Path(PROGRAM).parent / "examples" / "pak"
pytestmark = pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")


def pak(*arguments: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PAK, *map(str, arguments)], capture_output=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done


def test_a_model_runs_out_of_an_archive(tmp_path):
    model = tiny.write(tmp_path / "tiny.gguf")
    readme, archive = tmp_path / "readme.txt", tmp_path / "data.pak"
    readme.write_text("odd")
    pak("make", archive, readme, model, readme)
    run = subprocess.run([PROGRAM, "run", model, "-p", "hello", "-n", "64"], capture_output=True, check=True)
    mapped, read = pak("run", archive, "tiny.gguf", "hello"), pak("read", archive, "tiny.gguf", "hello")
    assert mapped.stdout == read.stdout and len(mapped.stdout) > 10
    assert mapped.stdout.strip() in run.stdout.strip()
    assert b"opening: " in read.stderr
    assert b"is not in the archive" in pak("run", archive, "other.gguf", "hello", code=1).stderr
    assert b"not a GGUF file" in pak("run", archive, "readme.txt", "hello", code=1).stderr
    assert b"is no archive" in pak("run", readme, "tiny.gguf", "hello", code=1).stderr
    pak(code=2)
