"""A host with a real model and its context full takes no more memory than weights, keys and values and 16 MB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = os.environ.get("INLAY_LIBRARY", "")
MODEL = os.environ.get("INLAY_SMOLLM2", "")
BENCH = Path(__file__).resolve().parents[1] / "bench/memory.py"
pytestmark = [
    pytest.mark.skipif(not LIBRARY, reason="INLAY_LIBRARY does not name the library"),
    pytest.mark.skipif(not os.path.isfile(MODEL), reason="the real model is not there"),
    pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="this system does not tell what is resident"),
]


def memory(*options: str) -> dict:
    done = subprocess.run([sys.executable, str(BENCH), "--file", MODEL, "--library", LIBRARY, "--json", *options],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]


def test_a_full_context_takes_weights_keys_values_and_16_megabytes():
    result = memory()
    assert result["full"]["resident"] <= result["weights"] + result["cache"] + 16_000_000, result


def test_a_file_that_was_packed_is_hardly_resident():
    result = memory("--context", "64")
    assert result["full"]["file"] < 2_000_000, result
    assert result["full"]["peak"] < result["weights"] + 40_000_000, result


def test_in_low_memory_the_weights_are_the_files():
    result = memory("--context", "64", "--low-memory")
    assert result["full"]["anonymous"] < 16_000_000, result
