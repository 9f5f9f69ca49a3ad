"""N-gram models: `inlay count` estimates what the definition says, and the probabilities of any ARPA file are those that the
package arpa 0.1.0b4 reads from it.

INLAY_PROGRAM names the program, INLAY_LIBRARY the shared library.
"""

from __future__ import annotations

import collections
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import arpa
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python" / "tests"))

import tiny  # noqa: E402 - the model that the tests of the bindings use

import inlay as bindings  # noqa: E402

PROGRAM = os.environ.get("INLAY_PROGRAM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")
ORDER = 4


def inlay(*arguments: str, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *arguments], input=text.encode(), capture_output=True, timeout=120, check=False)


def sentences(seed: int, n: int, n_words: int = 3000) -> list[list[str]]:
    """Words of Zipf's law, of which each makes a few of the next more likely."""
    draw = random.Random(seed)
    weights = [1 / (i + 1) for i in range(n_words)]
    lines = []
    for _ in range(n):
        line = draw.choices(range(n_words), weights, k=1)
        while draw.random() < 0.9:
            line.append((line[-1] * 7 + draw.randrange(3)) % n_words if draw.random() < 0.5 else draw.choices(range(n_words), weights)[0])
        lines.append([f"w{word}" for word in line])
    return lines


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A text, and the model that the program makes of it."""
    folder = tmp_path_factory.mktemp("ngram")
    lines = sentences(1, 1500)
    (folder / "text").write_text("".join(" ".join(line) + "\n" for line in lines))
    done = inlay("count", str(folder / "text"), str(folder / "model.arpa"), "--order", str(ORDER))
    assert done.returncode == 0, done.stderr.decode()
    assert b"discounts" not in done.stderr
    return lines, folder / "model.arpa"


def kneser_ney(lines: list[list[str]], order: int):
    """log10 p(word | context) by Chen and Goodman 1999, straight from the formulas."""
    counts = [collections.Counter() for _ in range(order + 1)]
    for line in lines:
        padded = ["<s>", *line, "</s>"]
        for n in range(1, order + 1):
            counts[n].update(tuple(padded[i : i + n]) for i in range(len(padded) - n + 1))
    adjusted = [collections.Counter() for _ in range(order + 1)]
    adjusted[order] = counts[order]
    for n in range(1, order):
        for gram in counts[n + 1]:
            adjusted[n][gram[1:]] += 1
        for gram in counts[n]:
            if gram[0] == "<s>":
                adjusted[n][gram] = counts[n][gram]
    del adjusted[1][("<s>",)]
    discounts = {}
    for n in range(1, order + 1):
        t = collections.Counter(adjusted[n].values())
        y = t[1] / (t[1] + 2 * t[2])
        discounts[n] = [0, *(j - (j + 1) * y * t[j + 1] / t[j] for j in (1, 2, 3))]
    followers = collections.defaultdict(list)
    for n in range(1, order + 1):
        for gram, count in adjusted[n].items():
            followers[gram[:-1]].append(count)
    n_words = len(adjusted[1]) + 1  # and <unk>

    def weight(context: tuple[str, ...]) -> float:
        found = followers[context]
        return sum(discounts[len(context) + 1][min(count, 3)] for count in found) / sum(found)

    def p(context: tuple[str, ...], word: str) -> float:
        lower = p(context[1:], word) if context else 1 / n_words
        if context not in followers:
            return lower
        count = adjusted[len(context) + 1][(*context, word)]
        share = (count - discounts[len(context) + 1][min(count, 3)]) / sum(followers[context])
        return share + weight(context) * lower

    return p


def logits_of(model, words: list[str]) -> list[list[float]]:
    """ln p of every token, after <s> and each of the words."""
    ids = model.tokenize(" ".join(words), add_special=True)
    with model.session(context=len(ids) + 1) as session:
        return [list(row) for row in session.eval_all(ids)]


def token_logs(path, lines):
    """log10 p of each word of each line and of its end, and the words before."""
    with bindings.Model.open(str(path)) as model:
        for line in lines:
            words = [*line, "</s>"]
            rows = logits_of(model, line)
            for i, word in enumerate(words):
                try:
                    token = model.find_token(word)
                except KeyError:
                    token = model.find_token("<unk>")
                yield ("<s>", *line[:i]), word, rows[i][token] / math.log(10)


def test_count_estimates_what_the_definition_says(counted) -> None:
    lines, path = counted
    p = kneser_ney(lines, ORDER)
    worst = 0.0
    for context, word, log10 in token_logs(path, lines[:60] + sentences(2, 60)):
        worst = max(worst, abs(log10 - math.log10(p(context[-(ORDER - 1) :], word))))
    assert worst < 1e-6


def test_probabilities_after_any_context_sum_to_one(counted) -> None:
    _, path = counted
    with bindings.Model.open(str(path)) as model:
        for line in sentences(3, 20):
            for row in logits_of(model, line):
                assert abs(sum(math.exp(x) for x in row) - 1) < 1e-5


def test_probabilities_are_those_of_another_reader(counted) -> None:
    _, path = counted
    other = arpa.loadf(str(path), encoding="utf-8")[0]
    worst = 0.0
    for context, word, log10 in token_logs(path, sentences(4, 200, 4000)):
        words = [w if (w,) in other._ps or w in ("<s>", "</s>") else "<unk>" for w in (*context[-(ORDER - 1) :], word)]
        worst = max(worst, abs(log10 - other.log_p_raw(tuple(words))))
    assert worst < 1e-6


def test_a_small_text_gets_the_usual_discounts(tmp_path) -> None:
    done = inlay("count", "-", str(tmp_path / "m.arpa"), text="a b\n\nb a b\n")
    assert done.returncode == 0, done.stderr.decode()
    assert b"0.5, 1 and 1.5 are taken" in done.stderr
    shown = inlay("run", str(tmp_path / "m.arpa"), "-p", "b a", "-n", "1")
    assert shown.stdout.strip().endswith(b"b")


@pytest.mark.parametrize(("arguments", "words"), [
    (["count", "no such file", "out"], "could not be opened"),
    (["count", "-"], "needs a file to write"),
    (["count"], "needs a text file"),
    (["count", "-", "out", "--order", "9"], "not a whole number from 1 to 8"),
    (["count", "-", "/no/such/folder/out"], "could not be written"),
    (["count", "-", "out", "--model", "no such file"], "no such file"),
])
def test_what_cannot_be_counted_is_told(arguments, words) -> None:
    done = inlay(*arguments, text="a b c\n")
    assert done.returncode in (1, 2)
    assert words in done.stderr.decode()


def test_a_model_of_another_models_tokens_is_tied_to_it(tmp_path) -> None:
    target = str(tiny.write(tmp_path / "tiny.gguf"))
    text = "the cat sat on the mat and the cat sat on the cat\n" * 20
    done = inlay("count", "-", str(tmp_path / "draft.arpa"), "--model", target, "--order", "3", text=text)
    assert done.returncode == 0, done.stderr.decode()
    with bindings.Model.open(target) as model, bindings.Model.open(str(tmp_path / "draft.arpa")) as draft:
        assert draft.n_vocab == model.n_vocab
        ids = model.tokenize(text)
        with draft.session(context=len(ids)) as session:
            rows = session.eval_all(ids)
            right = sum(max(range(draft.n_vocab), key=list(row).__getitem__) == token for row, token in zip(rows[8:], ids[9:]))
            assert right > 0.7 * (len(ids) - 9)
