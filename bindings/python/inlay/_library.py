"""Finds libinlay, checks that it speaks the ABI this package was written for, and declares its functions."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path
from typing import Iterator

from . import _declarations as c

if sys.platform == "win32":
    _NAMES = ["inlay.dll", "libinlay.dll"]
elif sys.platform == "darwin":
    _NAMES = ["libinlay.1.dylib", "libinlay.dylib"]
else:
    _NAMES = ["libinlay.so.1", "libinlay.so"]


def _candidates() -> Iterator[str]:
    """Where the library may be, the likeliest place first."""
    package = Path(__file__).resolve().parent
    for name in _NAMES:
        yield str(package / name)
    # A source tree: what was built in it last.
    tree = package.parents[2]
    if (tree / "include" / "inlay.h").exists():
        built = [path for name in _NAMES for path in (tree / "build").glob(f"**/{name}")]
        yield from map(str, sorted(built, key=lambda path: path.stat().st_mtime, reverse=True))
    found = ctypes.util.find_library("inlay")
    if found is not None:
        yield found


def _load() -> ctypes.CDLL:
    given = os.environ.get("INLAY_LIBRARY")
    if given:
        try:
            return ctypes.CDLL(given)
        except OSError as error:
            raise ImportError(f"INLAY_LIBRARY names '{given}', which could not be loaded: {error}") from error

    for path in _candidates():
        if os.path.isabs(path) and not os.path.exists(path):
            continue
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            raise ImportError(f"'{path}' could not be loaded: {error}") from error
    raise ImportError(
        f"libinlay was not found: neither beside the package ({Path(__file__).resolve().parent}), nor in a build "
        "folder, nor by the system's loader; name it in the environment variable INLAY_LIBRARY"
    )


def _check_abi(library: ctypes.CDLL) -> None:
    try:
        function = library.inlay_abi_version
    except AttributeError:
        raise ImportError(f"'{library._name}' is not libinlay: it has no inlay_abi_version") from None
    function.restype, function.argtypes = ctypes.c_int32, []
    found = function()
    if found != c.ABI_VERSION:
        raise ImportError(
            f"'{library._name}' has ABI {found}, but this package needs ABI {c.ABI_VERSION}; "
            "install a package and a library of the same release"
        )


def _declare(library: ctypes.CDLL) -> None:
    missing = []
    for name, (restype, argtypes, text) in c.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            missing.append(name)
            continue
        function.restype = restype
        function.argtypes = list(argtypes)
        function.__doc__ = text
    if missing:
        raise ImportError(f"'{library._name}' is older than this package: it lacks {', '.join(missing)}")


lib = _load()
_check_abi(lib)
_declare(lib)
