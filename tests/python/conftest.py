"""What the Python tests share: the way to the bindings, and whether the real model is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tools"), str(TREE / "bindings" / "python")]


def pytest_configure() -> None:
    """The build names the model's place; where it could not be fetched, the tests that want it are skipped."""
    model = os.environ.get("INLAY_SMOLLM2")
    if model and not Path(model).is_file():
        del os.environ["INLAY_SMOLLM2"]
    folder = os.environ.get("INLAY_MINILM")
    if folder and not Path(folder).is_dir():
        del os.environ["INLAY_MINILM"]
