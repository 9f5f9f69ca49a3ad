"""Grammars of each kind, from Python."""

import pytest

import inlay


@pytest.mark.parametrize(
    ("kind", "source", "yes", "no"),
    [
        (inlay.GRAMMAR_GBNF, 'root ::= "yes" | "no"', "no", "na"),
        (inlay.GRAMMAR_REGEX, "[a-c]{2,}", "abc", "abd"),
        (inlay.GRAMMAR_JSON_SCHEMA, '{"items":{"type":"integer"}}', "[1, 2]", "[1, true]"),
        (inlay.GRAMMAR_JSON_SCHEMA_COMPACT, '{"items":{"type":"integer"}}', "[1,2]", "[1, 2]"),
    ],
)
def test_texts_match_by_kind(model, kind, source, yes, no):
    with inlay.Grammar(model, source, kind=kind) as grammar:
        assert grammar.match(yes) == (len(yes), True)
        assert grammar.match(no)[1] is False


def test_triggers_are_taken_and_errors_name_the_place(model):
    inlay.Grammar(model, "a", kind=inlay.GRAMMAR_REGEX, triggers=["<call>", "x"]).close()
    with pytest.raises(inlay.FormatError, match="at byte 1"):
        inlay.Grammar(model, "a(", kind=inlay.GRAMMAR_REGEX)
