"""Lists of token ids, as C has them."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Iterable

from . import _declarations as c
from ._errors import error

CODE = "i" if array("i").itemsize == 4 else "l"


def to_c(tokens: Iterable[int]) -> tuple[Any, int]:
    """(int32_t[n], n)"""
    if isinstance(tokens, (str, bytes, bytearray)):
        raise TypeError("token ids are needed, not text; Model.tokenize gives them")
    try:
        ids = array(CODE, tokens)
    except OverflowError:
        raise error(c.ERR_TOKEN, "a token id does not fit into 32 bits") from None
    if not ids:
        return None, 0
    return (ctypes.c_int32 * len(ids)).from_buffer(ids), len(ids)
