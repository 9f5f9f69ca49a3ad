"""Samplers against the definitions of sampler_reference.py: the same candidates with the same probabilities, and
choices that are distributed so."""

from __future__ import annotations

import math

import numpy
import pytest
import sampler_reference as reference

import inlay

N_VOCAB = 2000


def random_logits(rng: numpy.random.Generator, n: int = N_VOCAB) -> numpy.ndarray:
    logits = (rng.normal(size=n) * rng.uniform(0.5, 6)).astype(numpy.float32)
    if rng.random() < 0.3:
        logits[rng.random(n) < 0.3] = -numpy.inf
    return logits


def all_of(logits: numpy.ndarray) -> reference.Candidates:
    return {token: float(logit) for token, logit in enumerate(logits) if logit > -numpy.inf}


def check(sampler: inlay.Sampler, logits: numpy.ndarray, expected: reference.Candidates) -> None:
    tokens, found = sampler.candidates(logits)
    assert set(tokens) == set(expected)
    of = reference.probabilities(expected)
    assert max(abs(probability - of[token]) for token, probability in zip(tokens, found)) < 1e-6


# A rule with random settings: (how it is added to a sampler, how to a reference). `text` is the text so far.
def some_rule(name: str, rng: numpy.random.Generator, text: list[int]):
    if name == "temperature":
        t = rng.choice([0.0, rng.uniform(0.1, 3)])
        return lambda s: s.temperature(t), lambda c: reference.temperature(c, t)
    if name == "dynamic_temperature":
        low, high, exponent = rng.uniform(0.1, 1), rng.uniform(1, 3), rng.uniform(0.5, 2)
        return (
            lambda s: s.dynamic_temperature(low, high, exponent),
            lambda c: reference.dynamic_temperature(c, low, high, exponent),
        )
    if name == "top_k":
        k = int(rng.choice([0, 1, rng.integers(2, 100), N_VOCAB + 5]))
        return lambda s: s.top_k(k), lambda c: reference.top_k(c, k)
    if name in ("top_p", "min_p", "typical"):
        p = rng.uniform(0.001, 0.3) if name == "min_p" else rng.uniform(0.01, 0.99)
        return lambda s: getattr(s, name)(p), lambda c: getattr(reference, name)(c, p)
    if name == "top_n_sigma":
        n = rng.uniform(0.3, 3)
        return lambda s: s.top_n_sigma(n), lambda c: reference.top_n_sigma(c, n)
    if name == "xtc":
        threshold = rng.choice([rng.uniform(0.002, 0.05), rng.uniform(0, 0.6)])
        return lambda s: s.xtc(1.0, threshold), lambda c: reference.xtc(c, threshold)
    if name == "penalties":
        last, repeat = int(rng.integers(0, 80)), rng.uniform(0.7, 2)
        frequency, presence = rng.uniform(-1, 2), rng.uniform(-1, 2)
        return (
            lambda s: s.penalties(repeat, frequency, presence, last),
            lambda c: reference.penalties(c, text, last, repeat, frequency, presence),
        )
    if name == "dry":
        multiplier, base, allowed = rng.uniform(0.1, 3), rng.uniform(1, 2), int(rng.integers(1, 4))
        last, breakers = int(rng.integers(0, 120)), set(map(int, rng.choice(8, rng.integers(0, 3))))
        return (
            lambda s: s.dry(multiplier, base, allowed, last, breakers),
            lambda c: reference.dry(c, text, multiplier, base, allowed, last, breakers),
        )
    assert name == "bias"
    biases = {int(token): float(numpy.float32(rng.normal() * 3)) for token in rng.choice(N_VOCAB, 50)}
    return lambda s: s.bias(biases), lambda c: {token: logit + biases.get(token, 0) for token, logit in c.items()}


RULES = ["temperature", "dynamic_temperature", "top_k", "top_p", "min_p", "typical", "top_n_sigma", "xtc", "penalties",
         "dry", "bias"]  # fmt: skip


def some_text(rng: numpy.random.Generator) -> list[int]:
    """With many repetitions."""
    return [int(token) for token in rng.integers(0, rng.choice([3, 8, 30]), rng.integers(0, 150))]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_what_its_paper_says(name: str):
    rng = numpy.random.default_rng(RULES.index(name))
    n_cut = 0
    for _ in range(60):
        text, logits = some_text(rng), random_logits(rng)
        add, apply = some_rule(name, rng, text)
        with add(inlay.Sampler(N_VOCAB)) as sampler:
            sampler.accept(text)
            expected = apply(all_of(logits))
            n_cut += expected != all_of(logits)
            check(sampler, logits, expected)
    assert n_cut >= 20, "the cases are trivial"


def test_chains_in_any_order_do_what_their_rules_do_one_after_the_other():
    rng = numpy.random.default_rng(100)
    for _ in range(200):
        text, logits = some_text(rng), random_logits(rng)
        expected = all_of(logits)
        with inlay.Sampler(N_VOCAB) as sampler:
            for name in rng.choice(RULES, rng.integers(2, 6), replace=False):
                add, apply = some_rule(str(name), rng, text)
                add(sampler)
                expected = apply(expected)
            sampler.accept(text)
            check(sampler, logits, expected)


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_allows_the_surprise_of_its_paper_and_learns(version: int):
    rng = numpy.random.default_rng(version)
    tau, eta, m = 6.0, 0.2, 60
    with inlay.Sampler(N_VOCAB, seed=5) as sampler:
        if version == 1:
            sampler.mirostat(tau, eta, m)
        else:
            sampler.mirostat_v2(tau, eta)
        mu, sizes = 2 * tau, set()
        for _ in range(60):
            logits = random_logits(rng)
            c = all_of(logits)
            expected = reference.mirostat(c, mu, m) if version == 1 else reference.mirostat_v2(c, mu)
            check(sampler, logits, expected)
            sizes.add(len(expected))
            token = sampler.sample(logits)
            assert token in expected
            mu -= eta * (reference.surprise(c, token) - tau)
        assert len(sizes) > 10


def chi_squared(counts: numpy.ndarray, p: numpy.ndarray) -> float:
    """Of outcomes with an expectation of at least 5, the rest together; as a number of standard deviations."""
    expected = p * counts.sum()
    common = expected >= 5
    found = [*counts[common], counts[~common].sum()]
    wanted = [*expected[common], expected[~common].sum()]
    terms = [(x - y) ** 2 / y for x, y in zip(found, wanted) if y > 0]
    degrees = len(terms) - 1
    return (sum(terms) - degrees) / math.sqrt(2 * max(degrees, 1))


@pytest.mark.parametrize("name", RULES)
def test_choices_are_distributed_as_the_candidates_are(name: str):
    rng = numpy.random.default_rng(200 + RULES.index(name))
    text, logits = some_text(rng), random_logits(rng)[:300]
    if name == "bias":
        logits = random_logits(rng)
    add, _ = some_rule(name, rng, text)
    with add(inlay.Sampler(len(logits), seed=9)) as sampler:
        sampler.accept(text)
        tokens, found = sampler.candidates(logits)
        counts, p = numpy.zeros(len(logits)), numpy.zeros(len(logits))
        p[tokens] = found
        given = sampler._logits(logits)
        for _ in range(8000):
            counts[sampler._sample(given)] += 1
    assert counts[p == 0].sum() == 0
    assert abs(chi_squared(counts, p)) < 5


def test_xtc_acts_as_often_as_it_is_told():
    logits = [3.0, 2.9, 0.0]
    with inlay.Sampler(3, seed=3).xtc(0.25, 0.1) as sampler:
        excluded = sum(sampler.sample(logits) != 0 for _ in range(6000))
    p = numpy.exp(logits) / numpy.exp(logits).sum()
    expected = 0.75 * (1 - p[0]) + 0.25
    assert abs(excluded / 6000 - expected) < 4 * math.sqrt(expected * (1 - expected) / 6000)


def test_probabilities_of_tokens_are_those_of_a_softmax():
    rng = numpy.random.default_rng(300)
    for _ in range(50):
        logits = random_logits(rng)
        exact = logits.astype(numpy.float64)
        exact -= numpy.log(numpy.exp(exact - exact.max()).sum()) + exact.max()
        order = sorted(range(N_VOCAB), key=lambda token: (-logits[token], token))
        found = inlay.top_tokens(logits, 40)
        assert [token for token, _ in found] == order[:40]
        assert max(abs(log - exact[token]) for token, log in found) < 1e-5
        token = int(rng.integers(N_VOCAB))
        log = inlay.log_probability(logits, token)
        assert log == exact[token] or abs(log - exact[token]) < 1e-5 * max(1, abs(exact[token]))
