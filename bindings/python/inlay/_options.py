"""Options by name, and the callbacks that go with them."""

from __future__ import annotations

import operator
import sys
import threading
from contextlib import contextmanager
from ctypes import byref, c_double, c_int32, c_void_p, string_at
from typing import Any, Callable, Iterator, NamedTuple, Optional

from . import _declarations as c
from ._errors import check
from ._library import lib

LogFunction = Callable[[int, str], Any]
ProgressFunction = Callable[[int, int], Any]


class Option(NamedTuple):
    """What the library tells of an option."""

    key: int
    kind: int
    least: float
    greatest: float
    initial: float


def _read_table() -> dict[str, Option]:
    table = {}
    for index in range(lib.inlay_option_count()):
        key = lib.inlay_option_key(index)
        kind, name = c_int32(), c_void_p()
        least, greatest, initial = c_double(), c_double(), c_double()
        check(lib.inlay_option_describe(key, kind, byref(name), least, greatest, initial))
        python_name = string_at(name.value).decode().replace("-", "_")
        table[python_name] = Option(key, kind.value, least.value, greatest.value, initial.value)
    return table


OPTIONS = _read_table()

# Values that have names.
_WORDS = {
    "load": {"auto": c.LOAD_AUTO, "map": c.LOAD_MAP, "copy": c.LOAD_COPY},
    "pooling": {"model": c.POOLING_MODEL, "mean": c.POOLING_MEAN, "cls": c.POOLING_FIRST, "last": c.POOLING_LAST},
    "cache_type": {"f32": c.TYPE_F32, "f16": c.TYPE_F16, "q8_0": c.TYPE_Q8_0},
    "quantize": {
        "none": -1, "f16": c.TYPE_F16, "q16_0": c.TYPE_Q16_0, "q8_0": c.TYPE_Q8_0, "q4_0": c.TYPE_Q4_0,
        "q4_k": c.TYPE_Q4_K, "q6_k": c.TYPE_Q6_K,
    },
}


def find(name: str) -> Option:
    if name not in OPTIONS:
        raise TypeError(f"there is no option '{name}'; there are {', '.join(sorted(OPTIONS))}")
    return OPTIONS[name]


def _set(options: c.inlay_options_p, name: str, value: Any) -> None:
    option = find(name)
    if isinstance(value, str) and name in _WORDS:
        if value not in _WORDS[name]:
            raise ValueError(f"option '{name}' takes {' or '.join(map(repr, _WORDS[name]))}, not {value!r}")
        value = _WORDS[name][value]
    if option.kind == c.KIND_INT:
        check(lib.inlay_options_set_int(options, option.key, int64(name, value)))
    elif option.kind == c.KIND_FLOAT:
        check(lib.inlay_options_set_float(options, option.key, value))
    else:
        text = value.encode()
        check(lib.inlay_options_set_string(options, option.key, text, len(text)))


def int64(name: str, value: Any) -> int:
    """ctypes cuts numbers to 64 bits without a word; this refuses."""
    number = operator.index(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"option '{name}' is out of range: {number}")
    return number


class Callbacks:
    """The functions that the library calls back. It must live as long as the handle they were given to.

    An exception in one of them stops the call as soon as the library asks again, and `finish` raises it."""

    def __init__(self, log: Optional[LogFunction], progress: Optional[ProgressFunction]):
        self._error: Optional[BaseException] = None
        self.log = c.inlay_log_fn(self._guard_log(log)) if log is not None else c.inlay_log_fn()
        watched = log is not None or progress is not None
        self.progress = c.inlay_progress_fn(self._guard_progress(progress)) if watched else c.inlay_progress_fn()
        self._watched = watched

    def _guard_log(self, log: LogFunction) -> Callable[..., None]:
        def call(_user: Any, level: int, text: bytes) -> None:
            try:
                if self._error is None:
                    log(level, text.decode("utf-8", "replace"))
            except BaseException as error:  # noqa: BLE001 - raised again by finish
                self._error = error

        return call

    def _guard_progress(self, progress: Optional[ProgressFunction]) -> Callable[..., int]:
        def call(_user: Any, done: int, total: int) -> int:
            try:
                if self._error is None and progress is not None:
                    return 1 if progress(done, total) else 0
            except BaseException as error:  # noqa: BLE001 - raised again by finish
                self._error = error
            return int(self._error is not None)

        return call

    def attach(self, options: c.inlay_options_p) -> None:
        if self._watched:
            check(lib.inlay_options_set_log(options, self.log, None))
            check(lib.inlay_options_set_progress(options, self.progress, None))

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around a call into the library: raises afterwards what a callback raised.

        Ctrl-C that arrives during the call is raised by Python at the first instruction of a callback,
        before its `try`. ctypes reports such an exception as unraisable; it is caught there."""
        if not self._watched:
            yield
            return
        previous = sys.unraisablehook
        main = threading.current_thread() is threading.main_thread()

        def hook(unraisable: Any) -> None:
            if "ctypes callback" in (unraisable.err_msg or ""):
                self._error = unraisable.exc_value
            else:
                previous(unraisable)

        self._error = None
        if main:
            sys.unraisablehook = hook
        try:
            yield
        except Exception as error:
            if self._error is None:
                raise
            raise self._take() from error
        finally:
            if main:
                sys.unraisablehook = previous
        if self._error is not None:
            raise self._take()

    def _take(self) -> BaseException:
        error, self._error = self._error, None
        assert error is not None
        return error


@contextmanager
def options_with(callbacks: Callbacks, values: dict[str, Any]) -> Iterator[c.inlay_options_p]:
    """An options handle; None leaves an option at its default."""
    options = c.inlay_options_p()
    check(lib.inlay_options_new(byref(options)))
    try:
        for name, value in values.items():
            if value is not None:
                _set(options, name, value)
        callbacks.attach(options)
        yield options
    finally:
        lib.inlay_options_free(options)
