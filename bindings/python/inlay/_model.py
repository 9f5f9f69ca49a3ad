"""A model: immutable once open, and shared by any number of threads and sessions."""

from __future__ import annotations

import ctypes
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from ctypes import byref, c_int32, c_int64, c_size_t, c_uint8, c_uint64, c_void_p, string_at
from typing import Any, BinaryIO, Callable, NamedTuple, Optional, Union

from . import _declarations as c
from ._chat import Message, read_text, to_json
from ._errors import check, error
from ._library import lib
from ._options import Callbacks, LogFunction, ProgressFunction, options_with
from ._session import Session
from ._tokens import to_c

Buffer = Union[bytes, bytearray, memoryview]

_TO_END = 2**64 - 1  # INLAY_TO_END

# Facts below this number are strings, those above are integers.
_FIRST_INT_FACT = 100
_FACTS = {name[len("MODEL_") :].lower(): value for name, value in vars(c).items() if name.startswith("MODEL_")}


_REPLAY = sorted(
    ((name[len("REPLAY_") :].lower(), value) for name, value in vars(c).items() if name.startswith("REPLAY_")),
    key=lambda pair: pair[1],
)


class Tensor(NamedTuple):
    """A tensor of the file; ``shape`` has the fastest dimension first."""

    name: str
    type: str
    shape: tuple[int, ...]


class _Reader:
    """A file object as a function of the library. What it raises is raised when the library has returned."""

    def __init__(self, file: BinaryIO, offset: int):
        self._file = file
        self._offset = offset
        self._error: Optional[BaseException] = None
        self.call = c.inlay_read_fn(self._read)

    def _read(self, _user: Any, buffer: int, size: int, offset: int) -> int:
        try:
            self._file.seek(self._offset + offset)
            view = memoryview((ctypes.c_char * size).from_address(buffer)).cast("B")
            return self._file.readinto(view) or 0  # type: ignore[attr-defined]
        except BaseException as error:  # noqa: BLE001 - raised again at the end
            self._error = error
            return -1

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._error is not None:
            raise self._error


class Model:
    """An open model file. Use it as a context manager, or call close().

    >>> with Model.open("smollm2.gguf") as model, model.session() as session:
    ...     print("".join(session.generate("The capital of France is")))
    """

    def __init__(self) -> None:
        raise TypeError("a Model is made by Model.open, Model.from_file or Model.from_bytes")

    @classmethod
    def open(
        cls,
        path: Union[str, bytes, os.PathLike[Any]],
        *,
        log: Optional[LogFunction] = None,
        progress: Optional[ProgressFunction] = None,
        **options: Any,
    ) -> Model:
        """Opens a GGUF file, of a split one the first part.

        Options are those of the library by name: threads=4, cpu="scalar", load="map", vocab_only=True.
        ``log(level, text)`` gets messages; ``progress(done, total)`` is told bytes, and cancels by a true value."""
        name = os.fsencode(path)
        if b"\0" in name:
            raise ValueError("a path cannot hold a NUL")
        return cls._open(lambda handle, given: lib.inlay_model_open(name, given, handle), None, log, progress, options)

    @classmethod
    def from_bytes(
        cls,
        data: Buffer,
        *,
        log: Optional[LogFunction] = None,
        progress: Optional[ProgressFunction] = None,
        **options: Any,
    ) -> Model:
        """Opens a model from memory, which is used in place and must not change. A read-only view is copied."""
        if not isinstance(data, bytes):
            view = memoryview(data).cast("B")
            held: Any = bytes(view) if view.readonly else (ctypes.c_char * len(view)).from_buffer(view)
        else:
            held = data
        size = len(held)
        return cls._open(
            lambda handle, given: lib.inlay_model_open_memory(ctypes.cast(held, c_void_p), size, given, handle),
            held,
            log,
            progress,
            options,
        )

    @classmethod
    def from_file(
        cls,
        file: Union[int, BinaryIO],
        offset: int = 0,
        size: Optional[int] = None,
        *,
        log: Optional[LogFunction] = None,
        progress: Optional[ProgressFunction] = None,
        **options: Any,
    ) -> Model:
        """Opens a GGUF file that stands inside an open one: ``size`` bytes from ``offset`` on, at any alignment.

        A descriptor, or what open() gives, is mapped or copied as Model.open does it. Any other file object, such as a
        member of a zip archive, is read through its seek() and readinto(). The file may be closed afterwards."""
        raw = getattr(file, "raw", file)
        if offset < 0 or (size is not None and size < 0):
            raise ValueError("offset and size cannot be negative")
        if isinstance(file, int) or isinstance(raw, io.FileIO):
            fd = file if isinstance(file, int) else raw.fileno()
            length = _TO_END if size is None else size
            return cls._open(
                lambda handle, given: lib.inlay_model_open_fd(fd, offset, length, given, handle),
                None,
                log,
                progress,
                options,
            )
        reader = _Reader(file, offset)
        length = max(file.seek(0, io.SEEK_END) - offset, 0) if size is None else size
        with reader:
            return cls._open(
                lambda handle, given: lib.inlay_model_open_read(reader.call, None, length, given, handle),
                None,
                log,
                progress,
                options,
            )

    @classmethod
    def _open(
        cls,
        call: Callable[[Any, Any], int],
        data: Any,
        log: Optional[LogFunction],
        progress: Optional[ProgressFunction],
        options: dict[str, Any],
    ) -> Model:
        model = object.__new__(cls)
        model._handle = c.inlay_model_p()
        model._data = data
        model._callbacks = Callbacks(log, progress)
        with options_with(model._callbacks, options) as given, model._callbacks.calling():
            check(call(byref(model._handle), given))
        return model

    _handle: c.inlay_model_p
    _data: Any  # memory that the library uses in place
    _callbacks: Callbacks

    # ------------------------------------------------------------- lifetime

    def close(self) -> None:
        """Frees the model. Its sessions stay valid and keep what they need of it."""
        handle = getattr(self, "_handle", None)
        if handle:
            self._handle = c.inlay_model_p()
            lib.inlay_model_free(handle)

    @property
    def closed(self) -> bool:
        return not self._handle

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<inlay.Model, closed>"
        return f"<inlay.Model {self.facts['name'] or self.facts['architecture']!r}>"

    @property
    def _open_handle(self) -> c.inlay_model_p:
        if not self._handle:
            raise error(c.ERR_STATE, "the model is closed")
        return self._handle

    def replay(self, path: Union[str, os.PathLike[str]], **options: Any) -> dict[str, int]:
        """Does again what Session.recording wrote. "equal" is 1 when every bit came out the same; else "record" is the
        number of the first that did not, at "position" of "sequence", with the hashes "expected" and "found"."""
        names = [name for name, _ in _REPLAY]
        values = (c_int64 * len(names))()
        with options_with(Callbacks(None, None), options) as given:
            status = lib.inlay_replay(self._open_handle, os.fsencode(path), given, values, len(names))
        if status != c.ERR_DIFFERENT:
            check(status)
        return {"equal": int(status == c.OK), **dict(zip(names, values))}

    def session(
        self,
        *,
        log: Optional[LogFunction] = None,
        progress: Optional[ProgressFunction] = None,
        **options: Any,
    ) -> Session:
        """A new, empty sequence. Options: context=2048, batch=256, threads=4, temperature=0.8, seed=1, ..."""
        return Session(self, log=log, progress=progress, **options)

    # ---------------------------------------------------------------- facts

    @property
    def facts(self) -> dict[str, Union[int, str]]:
        """What the model is: architecture, name, n_vocab, n_layer, token_eos, ..."""
        return {name: self._fact(fact) for name, fact in _FACTS.items()}

    def _fact(self, fact: int) -> Union[int, str]:
        if fact >= _FIRST_INT_FACT:
            number = c_int64()
            check(lib.inlay_model_get_int(self._open_handle, fact, number))
            return number.value
        text, size = c_void_p(), c_size_t()
        check(lib.inlay_model_get_string(self._open_handle, fact, byref(text), size))
        return string_at(text.value, size.value).decode("utf-8", "replace") if size.value else ""

    @property
    def decoder_start(self) -> list[int]:
        """What an encoder-decoder's decoder begins with once something was encoded; empty of other models."""
        tokens = (self._fact(c.MODEL_TOKEN_START), self._fact(c.MODEL_TOKEN_FORCED))
        return [int(token) for token in tokens if int(token) >= 0]

    @property
    def n_vocab(self) -> int:
        """Tokens in the vocabulary."""
        return int(self._fact(c.MODEL_N_VOCAB))

    @property
    def metadata(self) -> Metadata:
        """The file's metadata by key."""
        return Metadata(self)

    @property
    def tensors(self) -> list[Tensor]:
        """The file's tensors in its order."""
        count = c_size_t()
        check(lib.inlay_model_tensor_count(self._open_handle, count))
        return [self._tensor(index) for index in range(count.value)]

    def _tensor(self, index: int) -> Tensor:
        name, kind, shape = c_void_p(), c_int32(), (c_uint64 * 4)()
        check(lib.inlay_model_tensor(self._open_handle, index, byref(name), kind, shape))
        dimensions = list(shape)
        while len(dimensions) > 1 and dimensions[-1] == 1:
            dimensions.pop()
        type_name = lib.inlay_type_name(kind)
        text = type_name.decode() if type_name is not None else f"type {kind.value}"
        return Tensor(string_at(name.value).decode("utf-8", "replace"), text, tuple(dimensions))

    # --------------------------------------------------------------- tokens

    def tokenize(
        self, text: Union[str, bytes], *, add_special: bool = False, parse_special: bool = False
    ) -> list[int]:
        """The ids of a text. Bytes need not be UTF-8. ``add_special`` adds what the model wants at the beginning
        and end; ``parse_special`` turns "<|im_end|>" into that token: leave it off for what a user typed."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
        flags = (c.ADD_SPECIAL if add_special else 0) | (c.PARSE_SPECIAL if parse_special else 0)
        capacity, count = len(data) + 16, c_size_t()
        while True:
            tokens = (c_int32 * capacity)()
            status = lib.inlay_tokenize(self._open_handle, data, len(data), flags, tokens, capacity, count)
            if status != c.ERR_BUFFER or count.value <= capacity:
                check(status)
                return tokens[: count.value]
            capacity = count.value

    def fill_tokens(
        self, prefix: str, suffix: str, *, name: Optional[str] = None, files: Optional[Mapping[str, str]] = None
    ) -> list[int]:
        """The prompt with which a model that was trained to fill in gaps writes what stands between prefix and suffix, of the
        file ``name``; ``files``, by their names, are others that belong to it."""
        before, after = prefix.encode(), suffix.encode()
        texts = [text.encode() for pair in (files or {}).items() for text in pair]
        pointers = (c_void_p * max(len(texts), 1))(*(ctypes.cast(ctypes.c_char_p(text), c_void_p).value for text in texts))
        capacity, count = len(before) + len(after) + sum(map(len, texts)) + 16, c_size_t()
        while True:
            tokens = (c_int32 * capacity)()
            status = lib.inlay_fill_tokens(
                self._open_handle, before, len(before), after, len(after), name.encode() if name is not None else None,
                pointers, len(texts) // 2, tokens, capacity, count,
            )  # fmt: skip
            if status != c.ERR_BUFFER or count.value <= capacity:
                check(status)
                return tokens[: count.value]
            capacity = count.value

    def tokenize_spans(
        self, text: Union[str, bytes], *, add_special: bool = False, parse_special: bool = False
    ) -> list[tuple[int, int, int]]:
        """The ids of a text, each with the first byte it became of and the one after its last, in UTF-8."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
        flags = (c.ADD_SPECIAL if add_special else 0) | (c.PARSE_SPECIAL if parse_special else 0)
        capacity, count = len(data) + 16, c_size_t()
        while True:
            tokens, spans = (c_int32 * capacity)(), (c_size_t * (2 * capacity))()
            status = lib.inlay_tokenize_spans(self._open_handle, data, len(data), flags, tokens, spans, capacity, count)
            if status != c.ERR_BUFFER or count.value <= capacity:
                check(status)
                n = count.value
                return list(zip(tokens[:n], spans[: 2 * n : 2], spans[1 : 2 * n : 2]))
            capacity = count.value

    def tokenize_batch(
        self, texts: Iterable[Union[str, bytes]], *, add_special: bool = False, parse_special: bool = False, threads: int = 0
    ) -> list[list[int]]:
        """The ids of many texts, encoded on ``threads`` threads (0: one a CPU)."""
        data = [text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text) for text in texts]
        flags = (c.ADD_SPECIAL if add_special else 0) | (c.PARSE_SPECIAL if parse_special else 0)
        n = len(data)
        pointers = (c_void_p * max(n, 1))(*(ctypes.cast(ctypes.c_char_p(text), c_void_p).value for text in data))
        sizes, starts = (c_size_t * max(n, 1))(*map(len, data)), (c_size_t * (n + 1))()
        capacity = sum(map(len, data)) + 16 * n
        while True:
            tokens = (c_int32 * max(capacity, 1))()
            status = lib.inlay_tokenize_batch(
                self._open_handle, pointers, sizes, n, flags, threads, tokens, capacity, starts)
            if status != c.ERR_BUFFER or starts[n] <= capacity:
                check(status)
                return [tokens[starts[i] : starts[i + 1]] for i in range(n)]
            capacity = starts[n]

    def tokenize_pair(self, first: Union[str, bytes], second: Union[str, bytes]) -> tuple[list[int], list[int]]:
        """Two texts as one sequence of an encoder: its ids, and the segment of each."""
        data = [text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text) for text in (first, second)]
        capacity, count = sum(map(len, data)) + 32, c_size_t()
        while True:
            tokens, segments = (c_int32 * capacity)(), (c_uint8 * capacity)()
            status = lib.inlay_tokenize_pair(
                self._open_handle, data[0], len(data[0]), data[1], len(data[1]), tokens, segments, capacity, count)
            if status != c.ERR_BUFFER or count.value <= capacity:
                check(status)
                return tokens[: count.value], segments[: count.value]
            capacity = count.value

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token adds inside a text; maybe a part of a character."""
        size = c_size_t()
        status = lib.inlay_token_bytes(self._open_handle, self._id(token), None, 0, size)
        if status != c.ERR_BUFFER:
            check(status)
        text = ctypes.create_string_buffer(size.value + 1)
        check(lib.inlay_token_bytes(self._open_handle, self._id(token), text, size.value, size))
        return text.raw[: size.value]

    def detokenize_bytes(self, tokens: Iterable[int]) -> bytes:
        """The bytes of a text's tokens; control tokens give none."""
        ids, count = to_c(tokens)
        size = c_size_t()
        status = lib.inlay_detokenize(self._open_handle, ids, count, None, 0, size)
        if status != c.ERR_BUFFER:
            check(status)
        text = ctypes.create_string_buffer(size.value + 1)
        check(lib.inlay_detokenize(self._open_handle, ids, count, text, size.value, size))
        return text.raw[: size.value]

    def detokenize(self, tokens: Iterable[int]) -> str:
        """The text of tokens; bytes that are not UTF-8 become U+FFFD."""
        return self.detokenize_bytes(tokens).decode("utf-8", "replace")

    def token_text(self, token: int) -> str:
        """A token as the vocabulary has it, control tokens by their names."""
        text, size = c_void_p(), c_size_t()
        check(lib.inlay_token_text(self._open_handle, self._id(token), byref(text), size))
        return string_at(text.value, size.value).decode("utf-8", "replace") if size.value else ""

    def token_flags(self, token: int) -> int:
        """TOKEN_ bits of a token."""
        flags = lib.inlay_token_flags(self._open_handle, self._id(token))
        if flags < 0:
            raise error(c.ERR_TOKEN, f"id {token} is outside the vocabulary of {self.n_vocab} tokens")
        return flags

    def is_end(self, token: int) -> bool:
        """Whether generation ends with this token."""
        return bool(lib.inlay_token_is_end(self._open_handle, self._id(token)))

    def find_token(self, text: Union[str, bytes]) -> int:
        """The id of the token whose text is exactly this; KeyNotFoundError if there is none."""
        data = text.encode() if isinstance(text, str) else bytes(text)
        token = c_int32()
        check(lib.inlay_token_find(self._open_handle, data, len(data), token))
        return token.value

    # ----------------------------------------------------------------- chat

    def render_chat(
        self,
        messages: Iterable[Message],
        *,
        template: Optional[str] = None,
        tools: Optional[Iterable[Any]] = None,
        variables: Optional[Mapping[str, Any]] = None,
        generate: bool = True,
    ) -> str:
        """A conversation as the text that the model was trained to go on from.

        >>> model.render_chat([{"role": "user", "content": "Hi"}])
        '<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'

        ``template``: the name of one that the model or the library knows ("chatml", "llama3", ...), or Jinja text; None is
        the model's own. ``tools`` are what the template lists; ``variables`` are more of the template's, such as
        {"enable_thinking": False}. With ``generate`` the text ends where the answer begins. TemplateError: the template
        is wrong or refuses the conversation."""
        given = self._chat_arguments(messages, template, tools, variables)
        flags = c.CHAT_GENERATE if generate else 0
        return read_text(
            lambda text, capacity, needed: lib.inlay_chat_render(
                self._open_handle, *given, flags, text, capacity, needed
            )
        )

    def tokenize_chat(
        self,
        messages: Iterable[Message],
        *,
        template: Optional[str] = None,
        tools: Optional[Iterable[Any]] = None,
        variables: Optional[Mapping[str, Any]] = None,
        generate: bool = True,
        parse_special: bool = False,
    ) -> list[int]:
        """The same as tokens. Control tokens come from the template alone: "<|im_end|>" in a message stays text, unless
        ``parse_special`` is given, which is not for what a user typed."""
        given = self._chat_arguments(messages, template, tools, variables)
        flags = (c.CHAT_GENERATE if generate else 0) | (c.CHAT_PARSE_SPECIAL if parse_special else 0)
        capacity, count = 1024, c_size_t()
        while True:
            tokens = (c_int32 * capacity)()
            status = lib.inlay_chat_tokenize(self._open_handle, *given, flags, tokens, capacity, count)
            if status != c.ERR_BUFFER or count.value <= capacity:
                check(status)
                return tokens[: count.value]
            capacity = count.value

    @staticmethod
    def _chat_arguments(
        messages: Iterable[Message],
        template: Optional[str],
        tools: Optional[Iterable[Any]],
        variables: Optional[Mapping[str, Any]],
    ) -> tuple[Any, ...]:
        """format, and JSON with its size for messages, tools and variables."""
        if template is not None and "\0" in template:
            raise ValueError("a template cannot hold a NUL")
        said = to_json([dict(message) for message in messages]) or b""
        listed = to_json(tools if tools is None else list(tools))
        more = to_json(variables if variables is None else dict(variables))
        name = None if template is None else template.encode("utf-8")
        return name, said, len(said), listed, len(listed or b""), more, len(more or b"")

    @staticmethod
    def _id(token: int) -> int:
        if not -(2**31) <= token < 2**31:
            raise error(c.ERR_TOKEN, f"id {token} does not fit into 32 bits")
        return token


class Metadata(Mapping[str, Union[str, "list[str]"]]):
    """The pairs of a model file. Values are texts, arrays of any length but one are lists of texts."""

    def __init__(self, model: Model):
        self._model = model

    def __len__(self) -> int:
        count = c_size_t()
        check(lib.inlay_model_metadata_count(self._model._open_handle, count))
        return count.value

    def _pair(self, index: int) -> tuple[str, int]:
        key, n_values = c_void_p(), c_size_t()
        check(lib.inlay_model_metadata_key(self._model._open_handle, index, byref(key), n_values))
        return string_at(key.value).decode("utf-8", "replace"), n_values.value

    def __iter__(self) -> Iterator[str]:
        return (self._pair(index)[0] for index in range(len(self)))

    def __getitem__(self, key: str) -> Union[str, list[str]]:
        if not isinstance(key, str):
            raise KeyError(key)
        data, index = key.encode("utf-8", "surrogatepass"), c_size_t()
        check(lib.inlay_model_metadata_find(self._model._open_handle, data, len(data), index))
        _, n_values = self._pair(index.value)
        if n_values == 1:
            return self._text(index.value, 0)
        return [self._text(index.value, element) for element in range(n_values)]

    def _text(self, index: int, element: int) -> str:
        size = c_size_t()
        status = lib.inlay_model_metadata_text(self._model._open_handle, index, element, None, 0, size)
        if status != c.ERR_BUFFER:
            check(status)
        text = ctypes.create_string_buffer(size.value + 1)
        check(lib.inlay_model_metadata_text(self._model._open_handle, index, element, text, size.value + 1, size))
        return text.raw[: size.value].decode("utf-8", "replace")
