"""Grammars: answers of a form."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_void_p, cast
from typing import TYPE_CHECKING, Union

from . import _declarations as c
from ._errors import check
from ._library import lib

if TYPE_CHECKING:
    from ._model import Model


class Grammar:
    """A grammar for the tokens of a model, in the form of llama.cpp:

        grammar = Grammar(model, 'root ::= "yes" | "no"')
        sampler = Sampler(model.n_vocab).grammar(grammar).temperature(0)

    With `kind` GRAMMAR_JSON_SCHEMA the text is a JSON Schema, with GRAMMAR_REGEX a regular expression. With triggers the answer is free until one of them has come: only what follows is the grammar's. Any number of
    threads and samplers may use one."""

    def __init__(self, model: Model, text: str, *, kind: int = c.GRAMMAR_GBNF, triggers: Iterable[str] = ()):
        self._handle = c.inlay_grammar_p()
        source = text.encode()
        marks = [trigger.encode() for trigger in triggers]
        texts = (c_char_p * max(len(marks), 1))(*marks)
        sizes = (c_size_t * max(len(marks), 1))(*map(len, marks))
        pointers = cast(texts, POINTER(c_void_p))
        check(
            lib.inlay_grammar_new(
                model._handle, kind, source, len(source), pointers, sizes, len(marks), byref(self._handle)
            )
        )

    def close(self) -> None:
        """Frees the grammar; samplers keep what they need of it."""
        if getattr(self, "_handle", None):
            handle, self._handle = self._handle, c.inlay_grammar_p()
            lib.inlay_grammar_free(handle)

    def __enter__(self) -> Grammar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def match(self, text: Union[str, bytes]) -> tuple[int, bool]:
        """How many bytes of a text can begin one that matches, and whether all of it does as it stands."""
        data = text.encode() if isinstance(text, str) else text
        n, whole = c_size_t(), c_int32()
        check(lib.inlay_grammar_match(self._handle, data, len(data), n, whole))
        return n.value, bool(whole.value)
