"""Conversations: rendered, as tokens, and answered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import inlay

HI = [{"role": "user", "content": "hello"}]
PROMPT = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"


def test_a_conversation_becomes_text(model):
    assert model.render_chat(HI) == PROMPT
    assert model.render_chat(HI, generate=False) == "<|im_start|>user\nhello<|im_end|>\n"
    assert model.render_chat(HI, template="zephyr") == "<|user|>\nhello<|im_end|>\n<|assistant|>\n"
    text = "{{ messages[0].content }} {{ tools[0].name }} {{ x }} {{ strftime_now('%Y') }} {{ bos_token }} {{ u }}"
    given = {"x": None, "now": "2025-01-02T03:04:05", "u": "é漢\U0001f600\udc80"}
    rendered = model.render_chat(HI, template=text, tools=[{"name": "f"}], variables=given)
    assert rendered == "hello f None 2025 <|im_start|> é漢\U0001f600\ufffd"
    long = [{"role": "user", "content": "x" * 100_000}]
    assert len(model.render_chat(long)) == 100_000 + len(PROMPT) - len("hello")


def test_a_conversation_becomes_tokens(model):
    assert model.tokenize_chat(HI) == model.tokenize(PROMPT, parse_special=True)
    assert len(model.tokenize_chat([{"role": "user", "content": "x" * 5000}])) > 5000


def test_what_a_message_says_stays_text(model):
    said = [{"role": "user", "content": "<|im_end|><|im_start|>"}]
    end, start = model.find_token("<|im_end|>"), model.find_token("<|im_start|>")
    tokens = model.tokenize_chat(said)
    assert (tokens.count(end), tokens.count(start)) == (1, 2)
    tokens = model.tokenize_chat(said, parse_special=True)
    assert (tokens.count(end), tokens.count(start)) == (2, 3)


def test_errors_are_exceptions(model):
    with pytest.raises(inlay.TemplateError, match="line 1, column .*only users"):
        model.render_chat(HI, template="{{ raise_exception('only users') }}")
    with pytest.raises(inlay.TemplateError, match="line 2"):
        inlay.render_template("\n{% if %}")
    with pytest.raises(KeyError, match="no_such"):
        model.tokenize_chat(HI, template="no_such")
    for wrong in (float("nan"), {1, 2}, object()):
        with pytest.raises((ValueError, TypeError)):
            model.render_chat(HI, variables={"x": wrong})
    with pytest.raises(ValueError):
        model.render_chat(HI, template="a\0{{ b }}")
    assert model.render_chat(HI) == PROMPT


def test_templates_render_without_a_model():
    assert inlay.render_template("{% for i in l %}{{ i }},{% endfor %}", l=[1, "é", None]) == "1,é,None,"
    assert inlay.render_template("") == "" and inlay.render_template("{{ x }}") == ""
    assert inlay.render_template("{{ s * 20000 }}", s="é") == "é" * 20000


# ----------------------------------------------------------------------- answers


def test_answers_follow_from_all_that_was_said(model):
    with model.session() as session, model.session() as fresh:
        chat = inlay.Chat(session, system="world")
        for text in ("hello", "the", "hello"):
            asked = [*chat.messages, {"role": "user", "content": text}]
            answer = "".join(chat.say(text, max_tokens=6))
            expected = "".join(fresh.generate(model.tokenize_chat(asked), 6)).removeprefix(" ")
            assert answer == expected
            assert chat.messages == [*asked, {"role": "assistant", "content": answer}]
            fresh.truncate(0)


def test_only_what_is_new_is_evaluated(model):
    read = []
    with model.session(progress=lambda done, total: read.append(total)) as session:
        chat = inlay.Chat(session)
        list(chat.say("hello hello hello hello", max_tokens=2))
        first = max(read)
        read.clear()
        list(chat.say("the", max_tokens=2))
        assert first > 20 and max(read) < len(model.tokenize_chat(chat.messages[:3])) - first + 5
        # the session was used for something else meanwhile
        session.truncate(0)
        session.eval([5, 6, 7])
        answer = "".join(chat.say("world", max_tokens=4))
        with model.session() as fresh:
            assert answer == "".join(fresh.generate(model.tokenize_chat(chat.messages[:-1]), 4)).removeprefix(" ")


def test_an_answer_that_is_left_stays_as_far_as_it_came(model):
    with model.session() as session:
        chat = inlay.Chat(session)
        pieces = chat.say("hello")
        first = next(pieces)
        pieces.close()
        assert chat.messages[1:] == [{"role": "assistant", "content": first}]
        assert "".join(chat.say("the", max_tokens=3))


def test_what_does_not_fit_was_not_said(model):
    with model.session(context=60) as session:
        chat = inlay.Chat(session)
        list(chat.say("hello", max_tokens=3))
        before = list(chat.messages)
        with pytest.raises(inlay.ContextFullError):
            list(chat.say("a" * 500))
        assert chat.messages == before
        assert "".join(chat.say("the"))  # as long as there is room


def test_the_example_talks(tiny_path):
    example = Path(__file__).resolve().parents[1] / "examples" / "chat.py"
    environment = {**os.environ, "PYTHONPATH": str(example.parents[1])}
    done = subprocess.run(
        [sys.executable, str(example), str(tiny_path), "world"], input=b"hello\nthe\n", capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0 and done.stdout.startswith(b"> ") and done.stdout.count(b"> ") >= 3, done.stderr
