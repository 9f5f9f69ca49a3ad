"""What the tests of the bindings share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]


def pytest_configure() -> None:
    """The build names the model's place; where it could not be fetched, the tests that want it are skipped."""
    model = os.environ.get("INLAY_SMOLLM2")
    if model and not Path(model).is_file():
        del os.environ["INLAY_SMOLLM2"]


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny

    return tiny.write(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def model(tiny_path):
    import inlay

    with inlay.Model.open(tiny_path, threads=2) as opened:
        yield opened


@pytest.fixture
def session(model):
    with model.session() as opened:
        yield opened


@pytest.fixture(scope="session")
def smollm2() -> str:
    path = os.environ.get("INLAY_SMOLLM2")
    if not path:
        pytest.skip("INLAY_SMOLLM2 does not name SmolLM2-135M-Instruct.Q4_1.gguf")
    return path
