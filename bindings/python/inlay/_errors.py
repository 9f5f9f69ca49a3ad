"""Statuses as exceptions: one class a status, all of them InlayError."""

from __future__ import annotations

from . import _declarations as c
from ._library import lib


class InlayError(Exception):
    """A call of the library failed. ``status`` is its INLAY_ERR_ number; the text tells what was wrong."""

    status: int = 0

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    @property
    def status_name(self) -> str:
        return lib.inlay_status_name(self.status).decode()


class ArgumentError(InlayError, ValueError):
    status = c.ERR_ARGUMENT


class OutOfMemoryError(InlayError, MemoryError):
    status = c.ERR_MEMORY


class FileError(InlayError, OSError):
    status = c.ERR_IO


class FormatError(InlayError, ValueError):
    status = c.ERR_FORMAT


class UnsupportedError(InlayError):
    status = c.ERR_UNSUPPORTED


class BufferTooSmallError(InlayError):
    status = c.ERR_BUFFER


class ContextFullError(InlayError):
    status = c.ERR_CONTEXT


class TokenError(InlayError, ValueError):
    status = c.ERR_TOKEN


class StateError(InlayError):
    status = c.ERR_STATE


class BusyError(InlayError):
    status = c.ERR_BUSY


class CancelledError(InlayError):
    status = c.ERR_CANCELLED


class KeyNotFoundError(InlayError, KeyError):
    status = c.ERR_KEY


class NumericError(InlayError, ArithmeticError):
    status = c.ERR_NUMERIC


class FileChangedError(InlayError):
    status = c.ERR_CHANGED


class ThreadError(InlayError):
    status = c.ERR_THREAD


class TemplateError(InlayError, ValueError):
    status = c.ERR_TEMPLATE


class DifferentError(InlayError):
    status = c.ERR_DIFFERENT


BY_STATUS: dict[int, type[InlayError]] = {kind.status: kind for kind in InlayError.__subclasses__()}


def error(status: int, text: str) -> InlayError:
    """The exception for a status; one that this package does not know yet is a plain InlayError."""
    made = BY_STATUS.get(status, InlayError)(text)
    made.status = status
    return made


def check(status: int) -> None:
    """Raises what a status other than 0 means, with the library's sentence."""
    if status != c.OK:
        raise error(status, lib.inlay_error().decode("utf-8", "replace"))
