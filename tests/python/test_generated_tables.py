"""What is made from the package gguf stands in the tree as its scripts write it."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("script, made", [
    ("tools/gen_grids.py", "lib/kernels/grid_tables.c"),
    ("tests/reference/make_block_goldens.py", "tests/kernels/block_golden.c"),
])
def test_a_script_writes_the_file_that_is_in_the_tree(tmp_path, script, made):
    found = tmp_path / "made.c"
    subprocess.run([sys.executable, TREE / script, found], check=True, timeout=300)
    assert found.read_bytes() == (TREE / made).read_bytes(), f"run {script} {made}"
