"""Inlay: run language models inside your program.

    import inlay

    with inlay.Model.open("smollm2.gguf") as model, model.session() as session:
        for piece in session.generate("The capital of France is"):
            print(piece, end="", flush=True)

Importing it loads libinlay: the one named by the environment variable INLAY_LIBRARY, one beside this package,
one built in the source tree, or one the system finds.
"""

from __future__ import annotations

from ._chat import Chat, render_template
from ._declarations import LOG_DEBUG, LOG_INFO, LOG_WARNING
from ._declarations import TOKEN_ADDED, TOKEN_BYTE, TOKEN_CONTROL, TOKEN_END, TOKEN_UNKNOWN, TOKEN_UNUSED
from ._errors import (
    ArgumentError,
    BufferTooSmallError,
    BusyError,
    CancelledError,
    ContextFullError,
    FileChangedError,
    FileError,
    FormatError,
    InlayError,
    KeyNotFoundError,
    NumericError,
    OutOfMemoryError,
    StateError,
    TemplateError,
    ThreadError,
    TokenError,
    UnsupportedError,
)
from ._library import lib as _lib
from ._model import Metadata, Model, Tensor
from ._options import OPTIONS, Option
from ._sampler import Sampler, Stop, log_probability, top_tokens
from ._session import Session, TextStream
from ._speculator import Speculator

__version__: str = _lib.inlay_version().decode()


def cpu() -> str:
    """The best CPU level of this machine: "scalar", "avx2", ..."""
    return _lib.inlay_cpu().decode()


def build_info() -> str:
    """One line on how the library was built."""
    return _lib.inlay_build_info().decode()


def arithmetic_version() -> int:
    """Builds with the same number compute the same logits, bit for bit."""
    return _lib.inlay_arithmetic_version()


__all__ = [
    "LOG_DEBUG",
    "LOG_INFO",
    "LOG_WARNING",
    "OPTIONS",
    "TOKEN_ADDED",
    "TOKEN_BYTE",
    "TOKEN_CONTROL",
    "TOKEN_END",
    "TOKEN_UNKNOWN",
    "TOKEN_UNUSED",
    "ArgumentError",
    "BufferTooSmallError",
    "BusyError",
    "CancelledError",
    "Chat",
    "ContextFullError",
    "FileChangedError",
    "FileError",
    "FormatError",
    "InlayError",
    "KeyNotFoundError",
    "Metadata",
    "Model",
    "NumericError",
    "Option",
    "OutOfMemoryError",
    "Sampler",
    "Session",
    "Speculator",
    "StateError",
    "Stop",
    "Tensor",
    "TextStream",
    "TemplateError",
    "ThreadError",
    "TokenError",
    "UnsupportedError",
    "arithmetic_version",
    "build_info",
    "cpu",
    "log_probability",
    "render_template",
    "top_tokens",
]
