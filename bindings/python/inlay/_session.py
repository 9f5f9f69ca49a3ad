"""A session: sequences of tokens, their key/value cache and a sampler."""

from __future__ import annotations

import ctypes
import os
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import POINTER, byref, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint64
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _declarations as c
from ._errors import ContextFullError, check, error
from ._library import lib
from ._options import Callbacks, LogFunction, ProgressFunction, find, int64, options_with
from ._sampler import Sampler, Stop
from ._speculator import Speculator
from ._tokens import to_c

if TYPE_CHECKING:
    from ._model import Model

try:
    import numpy
except ImportError:  # logits are memoryviews then
    numpy = None  # type: ignore[assignment]

# Sampling options, which may be changed later.
_FIRST_SAMPLING, _LAST_SAMPLING = c.OPT_TEMPERATURE, c.OPT_SEED


def _floats(n_rows: int, n_columns: int) -> tuple[Any, Any]:
    """Room for rows of logits: (what the caller gets, the float * for the library)."""
    if numpy is not None:
        rows = numpy.empty((n_rows, n_columns), dtype=numpy.float32)
        return rows, rows.ctypes.data_as(POINTER(c_float))
    data = array("f", bytes(4 * n_rows * n_columns))
    pointer = ctypes.cast((c_float * len(data)).from_buffer(data), POINTER(c_float))
    return memoryview(data).cast("B").cast("f", (n_rows, n_columns)), pointer


def _cut(tokens: list[int], most: int) -> list[int]:
    """With the last token, which ends the sequence, kept."""
    return tokens if len(tokens) <= most else tokens[: most - 1] + tokens[-1:]


class Session:
    """A sequence or several (``sequences=N``), made by Model.session(). One thread at a time uses it; cancel() may come from
    any. Eval, logits, sample, truncate and length are about the sequence in hand, ``sequence``."""

    def __init__(
        self,
        model: Model,
        *,
        log: Optional[LogFunction] = None,
        progress: Optional[ProgressFunction] = None,
        **options: Any,
    ):
        self._handle = c.inlay_session_p()
        self._lock = threading.Lock()  # held while a call uses the handle
        self._cancel_lock = threading.Lock()  # held while cancel() uses it
        self._model = model
        self._model_data = model._data  # stays alive even when the model is closed
        self._n_vocab = model.n_vocab
        self._callbacks = Callbacks(log, progress)
        with options_with(self._callbacks, options) as given, self._callbacks.calling():
            check(lib.inlay_session_new(model._open_handle, given, byref(self._handle)))
        self._sequence = int(options.get("sequence", 0))

    # ------------------------------------------------------------- lifetime

    def close(self) -> None:
        """Frees the session. BusyError while another thread is in a call of it."""
        if not getattr(self, "_handle", None):
            return
        with self._using(), self._cancel_lock:
            handle, self._handle = self._handle, c.inlay_session_p()
            lib.inlay_session_free(handle)

    @property
    def closed(self) -> bool:
        return not self._handle

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<inlay.Session, closed>"
        return f"<inlay.Session, {self.length} of {self.context} tokens>"

    @contextmanager
    def _using(self) -> Iterator[c.inlay_session_p]:
        """The handle, for one call at a time."""
        if not self._lock.acquire(blocking=False):
            raise error(c.ERR_BUSY, "another call is using this session")
        try:
            if not self._handle:
                raise error(c.ERR_STATE, "the session is closed")
            yield self._handle
        finally:
            self._lock.release()

    # ---------------------------------------------------------------- facts

    @property
    def model(self) -> Model:
        return self._model

    def _fact(self, fact: int) -> int:
        value = c_int64()
        with self._using() as handle:
            check(lib.inlay_session_get_int(handle, fact, value))
        return value.value

    @property
    def length(self) -> int:
        """Tokens in the sequence."""
        return self._fact(c.SESSION_LENGTH)

    @property
    def sequences(self) -> int:
        """Sequences there are."""
        return self._fact(c.SESSION_SEQUENCES)

    @property
    def kept(self) -> int:
        """Texts that are kept."""
        return self._fact(c.SESSION_KEPT)

    @property
    def sequence(self) -> int:
        """The sequence in hand, counted from 0. It can be set."""
        return self._sequence

    @sequence.setter
    def sequence(self, number: int) -> None:
        with self._using() as handle:
            check(lib.inlay_session_set_int(handle, c.OPT_SEQUENCE, number))
        self._sequence = number

    @property
    def encoded(self) -> int:
        """Tokens that encode last read."""
        return self._fact(c.SESSION_ENCODED)

    @property
    def context(self) -> int:
        """Tokens there is room for."""
        return self._fact(c.SESSION_CONTEXT)

    @property
    def threads(self) -> int:
        """Threads that work on a call."""
        return self._fact(c.SESSION_THREADS)

    @property
    def batch(self) -> int:
        """Prompt tokens evaluated together."""
        return self._fact(c.SESSION_BATCH)

    @property
    def memory(self) -> int:
        """Bytes the session has taken."""
        return self._fact(c.SESSION_MEMORY)

    @property
    def cache_memory(self) -> int:
        """Bytes of these that are the key/value cache."""
        return self._fact(c.SESSION_CACHE_MEMORY)

    # ----------------------------------------------------------- evaluation

    def eval(self, tokens: Iterable[int]) -> None:
        """Appends tokens and computes the logits that follow the last. After an error the sequence is as before."""
        ids, count = to_c(tokens)
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_eval(handle, ids, count))

    def eval_batch(self, runs: Mapping[int, Iterable[int]]) -> None:
        """Appends tokens to several sequences, by their numbers, evaluated together: each has the same bits as alone."""
        numbers, _ = to_c(runs)
        texts = [list(tokens) for tokens in runs.values()]
        ids, _ = to_c([token for tokens in texts for token in tokens])
        starts = (c_size_t * (len(texts) + 1))(0, *accumulate(map(len, texts)))
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_eval_batch(handle, numbers, ids, starts, len(texts)))

    def eval_prompt(self, tokens: Iterable[int]) -> int:
        """Makes the sequence these tokens, whatever it was, with the logits that follow. What one of the sequences or a text
        that is kept (``keep=N``) begins with alike is not read again; how many tokens that are. After an error of
        evaluation the sequence is a beginning of them."""
        ids, count = to_c(tokens)
        reused = c_size_t()
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_eval_prompt(handle, ids, count, reused))
        return reused.value

    def recall(self, tokens: Iterable[int]) -> int:
        """Makes the sequence the longest beginning of these tokens that is there, short of the last; how long it is. The
        rest is for eval, eval_batch or begin."""
        ids, count = to_c(tokens)
        reused = c_size_t()
        with self._using() as handle:
            check(lib.inlay_session_recall(handle, ids, count, reused))
        return reused.value

    def keep(self) -> None:
        """Keeps the text of the sequence, as it is now, for eval_prompt and recall."""
        with self._using() as handle:
            check(lib.inlay_session_keep(handle))

    def forget(self) -> None:
        """Forgets all texts that are kept."""
        with self._using() as handle:
            check(lib.inlay_session_forget(handle))

    def begin(self, tokens: Iterable[int]) -> None:
        """Begins an evaluation that :meth:`step` carries on in slices of time; until it is done, other calls raise
        StateError."""
        ids, count = to_c(tokens)
        with self._using() as handle:
            check(lib.inlay_eval_begin(handle, ids, count))

    def step(self, seconds: float) -> bool:
        """Carries the evaluation on for about so long. True when it is done. Slices change no bit."""
        with self._using() as handle, self._callbacks.calling():
            status = lib.inlay_eval_step(handle, max(0, int(seconds * 1e6)))
            if status != c.AGAIN:
                check(status)
            return status != c.AGAIN

    def abandon(self) -> None:
        """Gives the evaluation up that was begun: the sequence is as it was before."""
        with self._using() as handle:
            check(lib.inlay_eval_abandon(handle))

    def fork(self, source: int, target: int) -> None:
        """Makes sequence ``target`` what ``source`` is; the two share memory until one goes on."""
        with self._using() as handle:
            check(lib.inlay_sequence_fork(handle, source, target))

    def save(self, sequence: Optional[int] = None) -> bytes:
        """The sequence in hand, or another by its number, as bytes from which it goes on in any session of the same model,
        on any machine. They are as private as the text is."""
        number = self._sequence if sequence is None else sequence
        needed = c_size_t()
        with self._using() as handle:
            status = lib.inlay_sequence_save(handle, number, None, 0, needed)
            if status != c.ERR_BUFFER:
                check(status)
            data = ctypes.create_string_buffer(needed.value)
            check(lib.inlay_sequence_save(handle, number, data, needed.value, needed))
        return data.raw

    def load(self, data: bytes, sequence: Optional[int] = None) -> None:
        """Makes the sequence what save gave. Damage, another model and another cache type are errors, and change
        nothing."""
        with self._using() as handle:
            check(lib.inlay_sequence_load(handle, self._sequence if sequence is None else sequence, data, len(data)))

    def save_file(self, path: Union[str, os.PathLike[str]], sequence: Optional[int] = None) -> None:
        """The same to a file, which takes its name when it is whole."""
        with self._using() as handle:
            number = self._sequence if sequence is None else sequence
            check(lib.inlay_sequence_save_file(handle, number, os.fsencode(path)))

    def load_file(self, path: Union[str, os.PathLike[str]], sequence: Optional[int] = None) -> None:
        """The same from a file."""
        with self._using() as handle:
            number = self._sequence if sequence is None else sequence
            check(lib.inlay_sequence_load_file(handle, number, os.fsencode(path)))

    def eval_all(self, tokens: Iterable[int]) -> Any:
        """The same, and returns the logits after each token: float32 [n, n_vocab], a numpy array where numpy is
        installed and a memoryview elsewhere."""
        ids, count = to_c(tokens)
        rows, pointer = _floats(max(count, 1), self._n_vocab)
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_eval_all(handle, ids, count, pointer, count * self._n_vocab))
        return rows

    @contextmanager
    def recording(self, path: Union[str, os.PathLike[str]]) -> Iterator[None]:
        """Records what the session does within the block, for Model.replay on another machine. The file is there when the
        block ends."""
        with self._using() as handle:
            check(lib.inlay_record_begin(handle, os.fsencode(path)))
        try:
            yield
        finally:
            with self._using() as handle:
                check(lib.inlay_record_end(handle))

    @property
    def logits(self) -> Any:
        """A copy of the logits after the last token: float32 [n_vocab]."""
        rows, _ = _floats(1, self._n_vocab)
        with self._using() as handle:
            data = self._logits_of(handle)
            if numpy is not None:
                rows[0] = numpy.ctypeslib.as_array(data, (self._n_vocab,))
                return rows[0]
            return memoryview(array("f", data[: self._n_vocab]))

    def set_logits(self, values: Sequence[float]) -> None:
        """Replaces the logits before sample(): a bias, a ban (-inf)."""
        if len(values) != self._n_vocab:
            raise ValueError(f"{len(values)} logits were given, the vocabulary has {self._n_vocab} tokens")
        new = (c_float * self._n_vocab).from_buffer(array("f", values))
        with self._using() as handle:
            ctypes.memmove(self._logits_of(handle), new, ctypes.sizeof(new))

    # ------------------------------------------------------------- encoders

    def encode(self, tokens: Iterable[int], segments: Optional[Iterable[int]] = None) -> None:
        """Reads a whole sequence with an encoder; hidden_states and logits_at tell what came of it. ``segments`` has the
        segment of each token, such as 0 for a question and 1 for its answer."""
        ids, count = to_c(tokens)
        given = bytes(segments) if segments is not None else None
        if given is not None and len(given) != count:
            raise ValueError(f"{len(given)} segments were given for {count} tokens")
        of_each = (c_uint8 * count)(*given) if given is not None else None
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_encode_segments(handle, ids, of_each, count))

    @property
    def hidden_states(self) -> Any:
        """A copy of what the encoder made of each token: float32 [n, n_embd]."""
        data, n_tokens, n_embd = POINTER(c_float)(), c_size_t(), c_size_t()
        with self._using() as handle:
            check(lib.inlay_hidden_states(handle, byref(data), n_tokens, n_embd))
            rows, pointer = _floats(n_tokens.value, n_embd.value)
            ctypes.memmove(pointer, data, 4 * n_tokens.value * n_embd.value)
        return rows

    def logits_at(self, position: int) -> Any:
        """Which token a masked-language model expects at a position of what was encoded: float32 [n_vocab]."""
        if position < 0:
            raise error(c.ERR_ARGUMENT, f"position {position} is below 0")
        data = POINTER(c_float)()
        rows, pointer = _floats(1, self._n_vocab)
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_logits_at(handle, position, byref(data), None))
            ctypes.memmove(pointer, data, 4 * self._n_vocab)
        return rows[0] if numpy is not None else rows.cast("B").cast("f")

    def embeddings(self, sequences: Iterable[Iterable[int]]) -> Any:
        """One vector for each sequence of tokens: float32 [n, dimensions]."""
        starts, tokens = [0], []
        for sequence in sequences:
            tokens.extend(sequence)
            starts.append(len(tokens))
        ids, _ = to_c(tokens)
        n, n_dims, offsets = len(starts) - 1, c_size_t(), (c_size_t * len(starts))(*starts)
        with self._using() as handle, self._callbacks.calling():
            status = lib.inlay_embeddings(handle, ids, offsets, n, None, 0, n_dims)
            if status != c.ERR_BUFFER:
                check(status)
            rows, pointer = _floats(n, n_dims.value)
            check(lib.inlay_embeddings(handle, ids, offsets, n, pointer, n * n_dims.value, n_dims))
        return rows

    def embed(self, texts: Iterable[Union[str, bytes]]) -> Any:
        """The same of texts, with the tokens that the model wants around each; what is longer than the context is cut."""
        return self.embeddings(_cut(ids, self.context) for ids in self._model.tokenize_batch(texts, add_special=True))

    def scores(self, sequences: Iterable[Iterable[int]], segments: Optional[Iterable[Iterable[int]]] = None) -> Any:
        """What a model that classifies says of each sequence of tokens: float32 [n, labels]."""
        starts, tokens = [0], []
        for sequence in sequences:
            tokens.extend(sequence)
            starts.append(len(tokens))
        ids, _ = to_c(tokens)
        given = [number for each in segments for number in each] if segments is not None else None
        if given is not None and len(given) != len(tokens):
            raise ValueError(f"{len(given)} segments were given for {len(tokens)} tokens")
        of_each = (c_uint8 * max(len(tokens), 1))(*given) if given is not None else None
        n, n_labels, offsets = len(starts) - 1, c_size_t(), (c_size_t * len(starts))(*starts)
        with self._using() as handle, self._callbacks.calling():
            status = lib.inlay_scores(handle, ids, of_each, offsets, n, None, 0, n_labels)
            if status != c.ERR_BUFFER:
                check(status)
            rows, pointer = _floats(n, n_labels.value)
            check(lib.inlay_scores(handle, ids, of_each, offsets, n, pointer, n * n_labels.value, n_labels))
        return rows

    def score_pairs(self, pairs: Iterable[tuple[Union[str, bytes], Union[str, bytes]]]) -> Any:
        """The same of pairs of texts, such as a question and a passage: float32 [n, labels]."""
        made = [self._model.tokenize_pair(first, second) for first, second in pairs]
        return self.scores([ids for ids, _ in made], [segments for _, segments in made])

    @staticmethod
    def _logits_of(handle: c.inlay_session_p) -> Any:
        data = POINTER(c_float)()
        check(lib.inlay_logits(handle, byref(data), None))
        return data

    def truncate(self, length: int) -> None:
        """Shortens the sequence to its first ``length`` tokens."""
        if length < 0:
            raise error(c.ERR_ARGUMENT, f"a sequence cannot have {length} tokens")
        with self._using() as handle:
            check(lib.inlay_session_truncate(handle, length))

    def drop(self, begin: int, end: int) -> None:
        """Takes the tokens [begin, end) out of the sequence; those behind move forward and keep what they have learnt. For a
        talk that goes beyond its context: the beginning stays, and there is room again."""
        if begin < 0 or end < 0:
            raise error(c.ERR_ARGUMENT, f"a sequence has no tokens {begin} to {end}")
        with self._using() as handle:
            check(lib.inlay_session_drop(handle, begin, end))

    def cancel(self) -> None:
        """Makes an evaluation that runs on another thread end with CancelledError. From any thread."""
        with self._cancel_lock:
            if self._handle:
                lib.inlay_session_cancel(self._handle)

    # ------------------------------------------------------------- sampling

    def set(self, **options: Any) -> None:
        """Changes sampling options: temperature, top_k, top_p, min_p, seed. A seed restarts the random numbers."""
        for name, value in options.items():
            option = find(name)
            with self._using() as handle:
                if option.kind == c.KIND_INT:
                    check(lib.inlay_session_set_int(handle, option.key, int64(name, value)))
                elif option.kind == c.KIND_FLOAT:
                    check(lib.inlay_session_set_float(handle, option.key, value))
                else:
                    raise error(c.ERR_STATE, f"option '{name}' is fixed when the session is made")

    def sample(self, sampler: Optional[Sampler] = None) -> int:
        """Chooses the next token, by a sampler instead of the options if one is given, which then accepts it. It is not
        appended: eval([token]) does that."""
        token = c_int32()
        if sampler is not None:
            if sampler.n_vocab != self._n_vocab:
                raise ValueError(f"the sampler has {sampler.n_vocab} tokens, the vocabulary {self._n_vocab}")
            with self._using() as handle:
                chosen = sampler._sample(self._logits_of(handle))
            sampler.accept(chosen)
            return chosen
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_sample(handle, token))
        return token.value

    def speculate(
        self,
        speculator: Speculator,
        most: int = 64,
        *,
        draft: Optional[Session] = None,
        sampler: Optional[Sampler] = None,
    ) -> list[int]:
        """Chooses up to ``most`` tokens and appends them, at least one: those that as many calls of sample and eval would
        give. Guesses are looked up in the speculator's text, or what ``draft`` would choose: a session, of a smaller model
        with the same tokens, that has read the same text."""
        tokens, n_tokens = (c_int32 * max(most, 1))(), c_size_t()
        other = sampler._handle if sampler is not None else None
        with self._using() as handle, self._callbacks.calling():
            if draft is None:
                check(lib.inlay_speculate(speculator._handle, handle, None, other, tokens, most, n_tokens))
            else:
                with draft._using() as drafting, draft._callbacks.calling():
                    check(lib.inlay_speculate(speculator._handle, handle, drafting, other, tokens, most, n_tokens))
        return tokens[: n_tokens.value]

    def score(self, tokens: Iterable[int]) -> list[float]:
        """Appends tokens as eval does; the natural logarithm of each one's probability after those before it. The first
        token of an empty sequence has none: 0."""
        ids, count = to_c(tokens)
        logs = (c_float * max(count, 1))()
        with self._using() as handle, self._callbacks.calling():
            check(lib.inlay_score(handle, ids, count, logs))
        return logs[:count]

    def beam_search(self, n_beams: int, max_tokens: int, length_penalty: float = 1.0) -> tuple[list[int], float]:
        """The best answer to the sequence in hand, by n_beams beginnings at a time: its tokens without the end, and the
        logarithm of its probability divided by its length to the power of length_penalty. The session needs a sequence
        more than n_beams."""
        tokens, n_tokens, score = (c_int32 * max(max_tokens, 1))(), c_size_t(), c_double()
        with self._using() as handle, self._callbacks.calling():
            check(
                lib.inlay_beam_search(
                    handle, n_beams, max_tokens, length_penalty, tokens, max_tokens, n_tokens, score
                )
            )
        return tokens[: n_tokens.value], score.value

    def best_of(
        self, n_answers: int, max_tokens: int, length_penalty: float = 1.0, sampler: Optional[Sampler] = None
    ) -> tuple[list[int], float]:
        """The best of n answers that are drawn together, by copies of a sampler or by the sampling options: its tokens
        without the end, and its score as of :meth:`beam_search`. The session needs a sequence more than n_answers."""
        tokens, n_tokens, score = (c_int32 * max(max_tokens, 1))(), c_size_t(), c_double()
        other = sampler._handle if sampler is not None else None
        with self._using() as handle, self._callbacks.calling():
            check(
                lib.inlay_best_of(
                    handle, n_answers, max_tokens, length_penalty, other, tokens, max_tokens, n_tokens, score
                )
            )
        return tokens[: n_tokens.value], score.value

    def top_tokens(self, n: int) -> list[tuple[int, float]]:
        """The n most probable next tokens, with the natural logarithms of their probabilities."""
        tokens, logs = (c_int32 * max(n, 1))(), (c_float * max(n, 1))()
        with self._using() as handle:
            check(lib.inlay_top_tokens(self._logits_of(handle), self._n_vocab, n, tokens, logs))
        return list(zip(tokens[:n], logs[:n]))

    def generate(
        self,
        prompt: Union[str, bytes, Iterable[int]] = (),
        max_tokens: Optional[int] = 128,
        *,
        add_special: Optional[bool] = None,
        parse_special: bool = False,
        sampler: Optional[Sampler] = None,
        stop: Iterable[str] = (),
        speculator: Optional[Speculator] = None,
        draft: Optional[Session] = None,
        **sampling: Any,
    ) -> Iterator[str]:
        """Appends a prompt, text or ids, and yields the text that the model writes after it, piece by piece and
        never a part of a character. It ends at an end token, after ``max_tokens`` (None: no limit), or when the
        context is full. Tokens that begin a sequence are added to the first prompt, or as ``add_special`` says. An
        encoder-decoder encodes the prompt, in place of what was encoded before, and answers it. A sampler takes the place
        of the sampling options, and accepts prompt and answer. The answer ends before the first of the texts of ``stop``.
        With a speculator, which accepts them too, it comes sooner (``speculate``), and the sequence may hold tokens behind
        the end; a draft reads the prompt first.

        The prompt is read a batch at a time, so Ctrl-C takes effect soon; the sequence then holds what was read."""
        if isinstance(prompt, (str, bytes)):
            first = self.length == 0 or bool(self._model.decoder_start)
            special = first if add_special is None else add_special
            tokens = self._model.tokenize(prompt, add_special=special, parse_special=parse_special)
        else:
            tokens = list(prompt)
        self.set(**sampling)
        pieces = self._generate(tokens, max_tokens, Chooser(self, sampler, speculator, draft))
        texts = [stop] if isinstance(stop, str) else list(stop)
        return self._until(pieces, Stop(texts)) if texts else pieces

    @staticmethod
    def _until(pieces: Iterator[str], stop: Stop) -> Iterator[str]:
        for piece in pieces:
            text, found = stop.add(piece)
            if text:
                yield text
            if found:
                return
        rest = stop.finish()
        if rest:
            yield rest

    def _generate(self, tokens: list[int], max_tokens: Optional[int], chooser: Chooser) -> Iterator[str]:
        chooser.read(tokens)
        start = self._model.decoder_start
        if start:
            self.encode(tokens)
            tokens = start
        if len(tokens) > self.context - self.length:
            raise error(
                c.ERR_CONTEXT, f"{len(tokens)} tokens do not fit: {self.length} of {self.context} places are taken"
            )
        batch = self.batch
        for begin in range(0, len(tokens), batch):
            self.eval(tokens[begin : begin + batch])

        text = TextStream(self._model, after=tokens[-1] if tokens else None)
        for token in chooser.choose(max_tokens):
            if self._model.is_end(token):
                break
            piece = text.add(token)
            if piece:
                yield piece
        rest = text.finish()
        if rest:
            yield rest


class Chooser:
    """Who chooses the tokens of an answer."""

    def __init__(
        self,
        session: Session,
        sampler: Optional[Sampler],
        speculator: Optional[Speculator],
        draft: Optional[Session],
    ):
        if draft is not None and speculator is None:
            raise ValueError("a draft needs a speculator")
        self._session, self._sampler, self._speculator, self._draft = session, sampler, speculator, draft

    def read(self, tokens: list[int]) -> None:
        """The prompt, which the session evaluates itself."""
        if self._sampler is not None:
            self._sampler.accept(tokens)
        if self._speculator is not None:
            self._speculator.accept(tokens)
        if self._draft is not None and tokens:
            self._draft.eval(tokens)

    def choose(self, most: Optional[int]) -> Iterator[int]:
        """Tokens, all but perhaps the last of which are appended, until the context is full."""
        session, count = self._session, 0
        while most is None or count < most:
            if self._speculator is not None and session.length < session.context:
                left = 64 if most is None else min(64, most - count)
                chosen = session.speculate(self._speculator, left, draft=self._draft, sampler=self._sampler)
                count += len(chosen)
                yield from chosen
                continue
            token = session.sample(self._sampler)
            count += 1
            yield token
            if count == most:
                return
            try:
                session.eval([token])
            except ContextFullError:
                return


class TextStream:
    """Turns tokens into text as they come; the bytes of an unfinished character wait. The pieces together are what
    ``Model.detokenize`` gives of all tokens; ``after`` is the last token of a text that they go on with."""

    def __init__(self, model: Model, after: Optional[int] = None):
        self._model = model
        self._state = c_uint64(0)
        if after is not None:
            self.add(after)

    def add(self, token: int) -> str:
        """What a token adds to the text, "" while a character is unfinished."""
        if not 0 <= token < 2**31:
            raise error(c.ERR_TOKEN, f"id {token} is outside the vocabulary")
        return self._next(token)

    def finish(self) -> str:
        """U+FFFD for a character that never was finished, else ""."""
        return self._next(-1)

    def _next(self, token: int) -> str:
        size = c_size_t()
        capacity = 64
        while True:
            text = ctypes.create_string_buffer(capacity)
            handle = self._model._open_handle
            status = lib.inlay_stream_text(handle, self._state, token, text, capacity, size)
            if status != c.ERR_BUFFER or size.value <= capacity:
                check(status)
                return text.raw[: size.value].decode("utf-8", "replace")
            capacity = size.value
