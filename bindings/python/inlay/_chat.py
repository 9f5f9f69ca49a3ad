"""Conversations: by a model's chat template to text, to tokens, and to answers."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterable, Iterator, Mapping
from ctypes import c_size_t
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _declarations as c
from ._errors import ContextFullError, check
from ._library import lib
from ._session import Session, TextStream

if TYPE_CHECKING:
    from ._model import Model

Message = Mapping[str, Any]


def to_json(value: Any) -> Optional[bytes]:
    """A value as JSON, None as nothing."""
    return None if value is None else json.dumps(value, allow_nan=False).encode("ascii")


def read_text(call: Callable[[Any, int, Any], int]) -> str:
    """What `call(text, capacity, needed)` writes, in as much room as it needs."""
    capacity, needed = 1 << 12, c_size_t()
    while True:
        text = ctypes.create_string_buffer(capacity + 1)
        status = call(text, capacity, needed)
        if status != c.ERR_BUFFER or needed.value <= capacity:
            check(status)
            return text.raw[: needed.value].decode("utf-8", "replace")
        capacity = needed.value


def render_template(source: str, **variables: Any) -> str:
    """Renders any Jinja template, without a model, within the limits that docs/templates.md tells.

    >>> inlay.render_template("{% for m in messages %}{{ m.role }};{% endfor %}", messages=[{"role": "user"}])
    'user;'

    ``now="2026-11-24T12:00:00"`` is the time that strftime_now sees. TemplateError tells line and column."""
    template, data = source.encode("utf-8"), to_json(variables) or b"{}"
    return read_text(
        lambda text, capacity, needed: lib.inlay_template_render(
            template, len(template), data, len(data), text, capacity, needed
        )
    )


class Chat:
    """A conversation with a model, in a session of its own.

    >>> with inlay.Model.open("smollm2.gguf") as model, model.session() as session:
    ...     chat = inlay.Chat(session, system="Answer briefly.")
    ...     for piece in chat.say("What is the capital of France?"):
    ...         print(piece, end="", flush=True)

    ``messages`` is what was said: a list of dictionaries, which may be changed between answers. Only what the session
    has not read yet is evaluated. ``template``, ``tools`` and ``variables`` are those of Model.render_chat."""

    def __init__(
        self,
        session: Session,
        *,
        system: Optional[str] = None,
        template: Optional[str] = None,
        tools: Optional[Iterable[Any]] = None,
        variables: Optional[Mapping[str, Any]] = None,
    ):
        self.session = session
        self.messages: list[Message] = [] if system is None else [{"role": "system", "content": system}]
        self._format = {"template": template, "tools": tools if tools is None else list(tools), "variables": variables}

    def say(self, text: str, max_tokens: Optional[int] = None) -> Iterator[str]:
        """Says something as the user and yields the answer, piece by piece. What is left of the answer is not
        generated when the iteration ends before; what was generated stays in ``messages``. If nothing can be
        answered, nothing was said."""
        self.messages.append({"role": "user", "content": text})
        try:
            yield from self.answer(max_tokens)
        except BaseException:
            if self.messages[-1]["role"] == "user":
                self.messages.pop()
            raise

    def answer(self, max_tokens: Optional[int] = None) -> Iterator[str]:
        """Lets the model speak next, appends what it says to ``messages`` and yields it piece by piece. It ends at an
        end token, after ``max_tokens``, or when the context is full. ContextFullError: the messages do not fit."""
        model = self.session.model
        self.session.eval_prompt(model.tokenize_chat(self.messages, **self._format))
        said = ""
        stream = TextStream(model)
        try:
            for token in self._generate(model, max_tokens):
                piece = stream.add(token) if token >= 0 else stream.finish()
                if not said:
                    piece = piece.removeprefix(" ")  # it stands between the template and the answer
                said += piece
                if piece:
                    yield piece
        finally:
            if said:
                self.messages.append({"role": "assistant", "content": said})

    def _generate(self, model: Model, max_tokens: Optional[int]) -> Iterator[int]:
        """Tokens up to the end, then -1."""
        count = 0
        while max_tokens is None or count < max_tokens:
            token = self.session.sample()
            if model.is_end(token):
                break
            count += 1
            yield token
            if count == max_tokens:
                break
            try:
                self.session.eval([token])
            except ContextFullError:
                break
        yield -1
