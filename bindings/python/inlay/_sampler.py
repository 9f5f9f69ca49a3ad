"""Samplers: chains of stages in the caller's order."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable, Sequence
from ctypes import byref, c_float, c_int32, c_size_t
from typing import Any, Callable, Optional, Union

from . import _declarations as c
from ._errors import check
from ._grammar import Grammar
from ._library import lib
from ._options import Callbacks, options_with
from ._tokens import to_c

# Given the candidates and their logits, the logits that they shall have; -inf takes one away.
StageFunction = Callable[[list[int], list[float]], Sequence[float]]


def floats(values: Any) -> Any:
    """float[n] of any sequence of numbers."""
    data = array("f", values)
    return (c_float * max(len(data), 1)).from_buffer(data if data else array("f", [0.0]))


class Sampler:
    """Chooses tokens by stages that stand in the order in which they are added:

        Sampler(model.n_vocab, seed=7).dry().min_p(0.1).temperature(0.8)

    Without one it draws from all tokens. One thread at a time uses it."""

    def __init__(self, n_vocab: int, *, seed: int = 0):
        self._handle = c.inlay_sampler_p()
        self._n_vocab = n_vocab
        self._calls: list[Any] = []  # callbacks, which live as long as the handle
        self._errors: list[BaseException] = []  # what a callback raised; shared with clones
        with options_with(Callbacks(None, None), {"seed": seed}) as options:
            check(lib.inlay_sampler_new(n_vocab, options, byref(self._handle)))

    def close(self) -> None:
        """Frees the sampler."""
        if getattr(self, "_handle", None):
            handle, self._handle = self._handle, c.inlay_sampler_p()
            lib.inlay_sampler_free(handle)

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def n_vocab(self) -> int:
        return self._n_vocab

    def clone(self) -> Sampler:
        """A copy that goes on as this one would."""
        copy = Sampler.__new__(Sampler)
        copy._handle, copy._n_vocab = c.inlay_sampler_p(), self._n_vocab
        copy._calls, copy._errors = list(self._calls), self._errors
        check(lib.inlay_sampler_clone(self._handle, byref(copy._handle)))
        return copy

    # --------------------------------------------------------------- stages

    def _add(self, stage: int, values: dict[int, Optional[float]]) -> Sampler:
        check(lib.inlay_sampler_add(self._handle, stage))
        for parameter, value in values.items():
            if value is not None:
                check(lib.inlay_sampler_set(self._handle, parameter, value))
        return self

    def temperature(self, temperature: float) -> Sampler:
        """Logits divided; 0 chooses the greatest."""
        return self._add(c.STAGE_TEMPERATURE, {c.PARAMETER_TEMPERATURE: temperature})

    def dynamic_temperature(
        self, lowest: Optional[float] = None, highest: Optional[float] = None, exponent: Optional[float] = None
    ) -> Sampler:
        """The same, higher where the candidates' entropy is."""
        return self._add(
            c.STAGE_DYNAMIC_TEMPERATURE,
            {
                c.PARAMETER_TEMPERATURE_LOWEST: lowest,
                c.PARAMETER_TEMPERATURE_HIGHEST: highest,
                c.PARAMETER_TEMPERATURE_EXPONENT: exponent,
            },
        )

    def top_k(self, k: int) -> Sampler:
        """The k most probable."""
        return self._add(c.STAGE_TOP_K, {c.PARAMETER_TOP_K: k})

    def top_p(self, p: float) -> Sampler:
        """The fewest most probable whose probabilities reach p in sum."""
        return self._add(c.STAGE_TOP_P, {c.PARAMETER_TOP_P: p})

    def min_p(self, p: float) -> Sampler:
        """Those at least p times as probable as the most probable."""
        return self._add(c.STAGE_MIN_P, {c.PARAMETER_MIN_P: p})

    def typical(self, p: float) -> Sampler:
        """The fewest nearest to the mean information whose probabilities reach p in sum."""
        return self._add(c.STAGE_TYPICAL, {c.PARAMETER_TYPICAL: p})

    def top_n_sigma(self, n: float) -> Sampler:
        """Logits within n standard deviations of the greatest."""
        return self._add(c.STAGE_TOP_N_SIGMA, {c.PARAMETER_TOP_N_SIGMA: n})

    def xtc(self, probability: Optional[float] = None, threshold: Optional[float] = None) -> Sampler:
        """At times, only the least probable of those above a threshold."""
        return self._add(
            c.STAGE_XTC, {c.PARAMETER_XTC_PROBABILITY: probability, c.PARAMETER_XTC_THRESHOLD: threshold}
        )

    def mirostat(self, tau: Optional[float] = None, eta: Optional[float] = None, m: Optional[int] = None) -> Sampler:
        """As many as keep the surprise near tau bits; the last stage."""
        return self._add(
            c.STAGE_MIROSTAT,
            {c.PARAMETER_MIROSTAT_TAU: tau, c.PARAMETER_MIROSTAT_ETA: eta, c.PARAMETER_MIROSTAT_M: m},
        )

    def mirostat_v2(self, tau: Optional[float] = None, eta: Optional[float] = None) -> Sampler:
        """The same without its estimate; the last stage."""
        return self._add(
            c.STAGE_MIROSTAT_V2, {c.PARAMETER_MIROSTAT_V2_TAU: tau, c.PARAMETER_MIROSTAT_V2_ETA: eta}
        )

    def penalties(
        self,
        repeat: Optional[float] = None,
        frequency: Optional[float] = None,
        presence: Optional[float] = None,
        last: Optional[int] = None,
    ) -> Sampler:
        """Less for the last tokens."""
        return self._add(
            c.STAGE_PENALTIES,
            {
                c.PARAMETER_PENALTY_LAST: last,
                c.PARAMETER_PENALTY_REPEAT: repeat,
                c.PARAMETER_PENALTY_FREQUENCY: frequency,
                c.PARAMETER_PENALTY_PRESENCE: presence,
            },
        )

    def dry(
        self,
        multiplier: Optional[float] = None,
        base: Optional[float] = None,
        allowed: Optional[int] = None,
        last: Optional[int] = None,
        breakers: Iterable[int] = (),
    ) -> Sampler:
        """Less for tokens that go on with a repetition; it ends at breakers."""
        self._add(
            c.STAGE_DRY,
            {
                c.PARAMETER_DRY_MULTIPLIER: multiplier,
                c.PARAMETER_DRY_BASE: base,
                c.PARAMETER_DRY_ALLOWED: allowed,
                c.PARAMETER_DRY_LAST: last,
            },
        )
        check(lib.inlay_sampler_set_breakers(self._handle, *to_c(breakers)))
        return self

    def bias(self, biases: dict[int, float]) -> Sampler:
        """Adds to the logits of tokens; -inf bans one."""
        ids, count = to_c(biases)
        check(lib.inlay_sampler_add_bias(self._handle, ids, floats(biases.values()), count))
        return self

    def banned(self, tokens: Iterable[int]) -> Sampler:
        """None of these."""
        ids, count = to_c(tokens)
        check(lib.inlay_sampler_add_bias(self._handle, ids, None, count))
        return self

    def allowed(self, tokens: Iterable[int]) -> Sampler:
        """These alone; a single one is forced."""
        check(lib.inlay_sampler_add_allowed(self._handle, *to_c(tokens)))
        return self

    def callback(self, function: StageFunction) -> Sampler:
        """A stage of your own: it gets the candidates and their logits, and returns logits for them. What it
        raises, the call raises."""

        errors = self._errors

        def call(_user: Any, tokens: Any, logits: Any, count: Any) -> int:
            try:
                n = count[0]
                changed = list(function(tokens[:n], logits[:n]))
                if len(changed) != n:
                    raise ValueError(f"a stage was given {n} candidates and returned {len(changed)} logits")
                for index, logit in enumerate(changed):
                    logits[index] = logit
            except BaseException as error:  # noqa: BLE001 - raised again by _check
                errors.append(error)
                return 1
            return 0

        made = c.inlay_stage_fn(call)
        check(lib.inlay_sampler_add_callback(self._handle, made, None))
        self._calls.append(made)
        return self

    def grammar(self, grammar: Grammar) -> Sampler:
        """Only tokens with which the text can go on by the grammar; it begins with the first that is chosen."""
        check(lib.inlay_sampler_add_grammar(self._handle, grammar._handle))
        return self

    @property
    def grammar_state(self) -> int:
        """How the text stands to the last grammar: GRAMMAR_BEGUN, GRAMMAR_MAY_END and GRAMMAR_MUST_END, as bits."""
        state = c_int32()
        check(lib.inlay_sampler_grammar_state(self._handle, state))
        return state.value

    def _check(self, status: int) -> None:
        if self._errors:
            raise self._errors.pop()
        check(status)

    # -------------------------------------------------------- text and choices

    def accept(self, tokens: Union[int, Iterable[int]]) -> None:
        """Appends tokens to the text that stages look back at: the prompt's, and each that was chosen."""
        check(lib.inlay_sampler_accept(self._handle, *to_c([tokens] if isinstance(tokens, int) else tokens)))

    def reset(self, seed: int = 0) -> None:
        """An empty text, and random numbers from this seed."""
        check(lib.inlay_sampler_reset(self._handle, seed))

    def _logits(self, logits: Any) -> Any:
        if len(logits) != self._n_vocab:
            raise ValueError(f"{len(logits)} logits were given to a sampler of {self._n_vocab} tokens")
        return floats(logits)

    def sample(self, logits: Any) -> int:
        """A token by these logits, which are any sequence of n_vocab numbers."""
        return self._sample(self._logits(logits))

    def _sample(self, logits: Any) -> int:
        token = c_int32()
        self._check(lib.inlay_sampler_sample(self._handle, logits, token))
        return token.value

    def candidates(self, logits: Any) -> tuple[list[int], list[float]]:
        """What sample would draw from: tokens and their probabilities."""
        tokens, probabilities, n = (c_int32 * self._n_vocab)(), (c_float * self._n_vocab)(), c_size_t()
        self._check(
            lib.inlay_sampler_candidates(
                self._handle, self._logits(logits), tokens, probabilities, self._n_vocab, n
            )
        )
        return tokens[: n.value], probabilities[: n.value]

    def save(self) -> bytes:
        """What changes from token to token: last tokens, random numbers, what mirostat learnt."""
        needed = c_size_t()
        lib.inlay_sampler_save(self._handle, None, 0, needed)
        data = ctypes.create_string_buffer(needed.value)
        check(lib.inlay_sampler_save(self._handle, data, len(data), needed))
        return data.raw

    def load(self, state: bytes) -> None:
        """Takes up what save gave, with the same stages."""
        check(lib.inlay_sampler_load(self._handle, state, len(state)))


class Stop:
    """Texts at which an answer ends, also where they run across its pieces."""

    def __init__(self, texts: Iterable[str]):
        self._handle = c.inlay_stop_p()
        self._held = 0
        check(lib.inlay_stop_new(None, byref(self._handle)))
        for text in texts:
            data = text.encode()
            check(lib.inlay_stop_add(self._handle, data, len(data)))
            self._held = max(self._held, len(data))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.inlay_stop_free(self._handle)

    def add(self, piece: str) -> tuple[str, bool]:
        """What can no longer belong to a stop text, and whether one came."""
        return self._read(piece.encode())

    def finish(self) -> str:
        """What was held back."""
        return self._read(None)[0]

    def _read(self, data: Optional[bytes]) -> tuple[str, bool]:
        size = len(data) if data is not None else 0
        out, n, found = ctypes.create_string_buffer(self._held + size + 1), c_size_t(), c_int32()
        check(lib.inlay_stop_text(self._handle, data, size, out, len(out), n, found))
        return out.raw[: n.value].decode(), found.value != 0


def top_tokens(logits: Any, n: int) -> list[tuple[int, float]]:
    """The n most probable tokens by logits, with the natural logarithms of their probabilities."""
    data, count = floats(logits), len(logits)
    tokens, logs = (c_int32 * max(n, 1))(), (c_float * max(n, 1))()
    check(lib.inlay_top_tokens(data, count, n, tokens, logs))
    return list(zip(tokens[:n], logs[:n]))


def log_probability(logits: Any, token: int) -> float:
    """The natural logarithm of a token's probability by logits."""
    value = c_float()
    check(lib.inlay_log_probability(floats(logits), len(logits), token, value))
    return value.value
