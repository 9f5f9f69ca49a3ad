"""Inlay: run language models inside your program.

    import inlay

    with inlay.Model.open("smollm2.gguf") as model, model.session() as session:
        for piece in session.generate("The capital of France is"):
            print(piece, end="", flush=True)

Importing it loads libinlay: the one named by the environment variable INLAY_LIBRARY, one beside this package,
one built in the source tree, or one the system finds.
"""

from __future__ import annotations

import os
from ctypes import c_int64
from typing import Any, Optional, Union

from ._chat import Chat, render_template
from ._declarations import GRAMMAR_BEGUN, GRAMMAR_GBNF, GRAMMAR_MAY_END, GRAMMAR_MUST_END
from ._declarations import GRAMMAR_JSON_SCHEMA, GRAMMAR_JSON_SCHEMA_COMPACT, GRAMMAR_REGEX
from ._declarations import LOG_DEBUG, LOG_INFO, LOG_WARNING
from ._declarations import TOKEN_ADDED, TOKEN_BYTE, TOKEN_CONTROL, TOKEN_END, TOKEN_UNKNOWN, TOKEN_UNUSED
from ._errors import (
    ArgumentError,
    BufferTooSmallError,
    BusyError,
    CancelledError,
    ContextFullError,
    DifferentError,
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
    check,
)
from ._grammar import Grammar
from ._library import lib as _lib
from ._model import Metadata, Model, Tensor
from ._options import OPTIONS, Callbacks, Option, ProgressFunction, options_with
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


def plan(path: Union[str, "os.PathLike[str]"], **options: Any) -> dict[str, int]:
    """How many bytes a model and a session with these options will take, exactly what their allocator will be asked for:
    "model", of which "packed" for packed weights, "session", of which "cache", at most "opening" while the model opens and
    "peak" in all; and "mapped" of files."""
    names = ("mapped", "opening", "model", "packed", "session", "cache", "peak")
    values = (c_int64 * len(names))()
    with options_with(Callbacks(None, None), options) as given:
        check(_lib.inlay_plan(os.fsencode(path), given, values, len(names)))
    return dict(zip(names, values))


def convert(
    path: Union[str, "os.PathLike[str]"],
    gguf_path: Union[str, "os.PathLike[str]"],
    progress: Optional[ProgressFunction] = None,
    **options: Any,
) -> None:
    """Writes a model, a Hugging Face folder or any other that opens, as one GGUF file; ``quantize`` makes its matrices
    smaller. ``progress(done, total)`` is told bytes of the new file, and cancels by a true value."""
    _write(_lib.inlay_convert_file, path, gguf_path, progress, options)


def pack(
    path: Union[str, "os.PathLike[str]"],
    packed_path: Union[str, "os.PathLike[str]"],
    progress: Optional[ProgressFunction] = None,
    **options: Any,
) -> None:
    """Writes a model in the form that opens at once, its memory shared by all processes that open it."""
    _write(_lib.inlay_pack_file, path, packed_path, progress, options)


def _write(write: Any, path: Any, new_path: Any, progress: Optional[ProgressFunction], options: dict[str, Any]) -> None:
    callbacks = Callbacks(None, progress)
    with options_with(callbacks, options) as given, callbacks.calling():
        check(write(os.fsencode(path), os.fsencode(new_path), given))


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
    "DifferentError",
    "FileChangedError",
    "FileError",
    "FormatError",
    "GRAMMAR_BEGUN",
    "GRAMMAR_GBNF",
    "GRAMMAR_JSON_SCHEMA",
    "GRAMMAR_JSON_SCHEMA_COMPACT",
    "GRAMMAR_MAY_END",
    "GRAMMAR_MUST_END",
    "GRAMMAR_REGEX",
    "Grammar",
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
    "convert",
    "cpu",
    "log_probability",
    "pack",
    "plan",
    "render_template",
    "top_tokens",
]
