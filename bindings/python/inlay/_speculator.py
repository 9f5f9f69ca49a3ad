"""Speculation: guesses that the model reads together with the token it chose."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import byref, c_int64

from . import _declarations as c
from ._errors import check
from ._library import lib
from ._options import Callbacks, options_with
from ._tokens import to_c


class Speculator:
    """The text of one sequence, in which repetitions are looked up, and memory for guesses:

        speculator = Speculator(model.n_vocab)
        text = "".join(session.generate(prompt, speculator=speculator))

    The answer is the same as without it; it comes sooner where it repeats what was there before, as edits do, or where
    a smaller model guesses well. One thread at a time uses it."""

    def __init__(self, n_vocab: int, *, guesses: int = 16, text: int = 8192):
        self._handle = c.inlay_speculator_p()
        with options_with(Callbacks(None, None), {}) as options:
            check(lib.inlay_speculator_new(n_vocab, guesses, text, options, byref(self._handle)))

    def close(self) -> None:
        """Frees the speculator."""
        if getattr(self, "_handle", None):
            handle, self._handle = self._handle, c.inlay_speculator_p()
            lib.inlay_speculator_free(handle)

    def __enter__(self) -> Speculator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def accept(self, tokens: Iterable[int]) -> Speculator:
        """Appends tokens to the text in which guesses are looked up, such as a file that is edited."""
        ids, count = to_c(tokens)
        check(lib.inlay_speculator_accept(self._handle, ids, count))
        return self

    def reset(self) -> Speculator:
        """Another text begins, and the draft's sequence is in step with the session's."""
        check(lib.inlay_speculator_reset(self._handle))
        return self

    def _fact(self, fact: int) -> int:
        value = c_int64()
        check(lib.inlay_speculator_get_int(self._handle, fact, value))
        return value.value

    @property
    def guessed(self) -> int:
        """Tokens that were guessed."""
        return self._fact(c.SPECULATOR_GUESSED)

    @property
    def kept(self) -> int:
        """Of these, chosen by the model too."""
        return self._fact(c.SPECULATOR_KEPT)

    @property
    def calls(self) -> int:
        """Evaluations, each of the token chosen and the guesses behind it."""
        return self._fact(c.SPECULATOR_CALLS)
