"""Each rule of sampling as its paper defines it, in float64 and without regard to speed.

Candidates are a dictionary from token to logit; a rule returns those that it leaves."""

from __future__ import annotations

import math

import numpy

Candidates = dict[int, float]


def probabilities(c: Candidates) -> dict[int, float]:
    greatest = max(c.values())
    weights = {token: math.exp(logit - greatest) for token, logit in c.items()}
    total = sum(weights.values())
    return {token: weight / total for token, weight in weights.items()}


def by_probability(c: Candidates) -> list[int]:
    return sorted(c, key=lambda token: (-c[token], token))


def take(c: Candidates, tokens: list[int]) -> Candidates:
    return {token: c[token] for token in tokens}


def temperature(c: Candidates, t: float) -> Candidates:
    """t = 0 leaves the greatest."""
    return take(c, by_probability(c)[:1]) if t == 0 else {token: logit / t for token, logit in c.items()}


def dynamic_temperature(c: Candidates, lowest: float, highest: float, exponent: float) -> Candidates:
    """Entropy-based temperature, kalomaze 2023: entropy as a part of that of equal probabilities."""
    p = numpy.array(list(probabilities(c).values()))
    p = p[p > 0]
    entropy = -(p * numpy.log(p)).sum()
    part = 0.0 if len(c) < 2 else (entropy / math.log(len(c))) ** exponent
    return temperature(c, lowest + (highest - lowest) * part)


def top_k(c: Candidates, k: int) -> Candidates:
    """Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation", 2018."""
    return take(c, by_probability(c)[:k]) if k > 0 else c


def reach(c: Candidates, order: list[int], p: float) -> Candidates:
    """The first of an order whose probabilities reach p, at least one."""
    of, kept, total = probabilities(c), [], 0.0
    for token in order:
        kept.append(token)
        total += of[token]
        if total >= p:
            break
    return take(c, kept)


def top_p(c: Candidates, p: float) -> Candidates:
    """Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020: the smallest set that reaches p."""
    return c if p >= 1 else reach(c, by_probability(c), p)


def min_p(c: Candidates, p: float) -> Candidates:
    """Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs", 2024."""
    of = probabilities(c)
    least = p * max(of.values())
    return take(c, [token for token in c if of[token] >= least])


def typical(c: Candidates, p: float) -> Candidates:
    """Meister et al., "Locally Typical Sampling", 2023: nearest to the conditional entropy first."""
    if p >= 1:
        return c
    of = probabilities(c)
    entropy = -sum(q * math.log(q) for q in of.values() if q > 0)
    return reach(c, sorted(c, key=lambda token: (abs(entropy + math.log(of[token])), token)), p)


def top_n_sigma(c: Candidates, n: float) -> Candidates:
    """Tang et al., "Top-nσ: Not All Logits Are You Need", 2024."""
    logits = numpy.array(list(c.values()))
    least = logits.max() - n * logits.std()
    return take(c, [token for token in c if c[token] >= least])


def xtc(c: Candidates, threshold: float) -> Candidates:
    """Exclude top choices, p-e-w 2024, where its die says so: of those above the threshold the least probable stays."""
    of = probabilities(c)
    above = [token for token in by_probability(c) if of[token] >= threshold]
    return take(c, [token for token in c if token not in above[:-1]])


def penalties(
    c: Candidates, text: list[int], last: int, repeat: float, frequency: float, presence: float
) -> Candidates:
    """Keskar et al., "CTRL", 2019 (repeat; multiplied where negative, as it became usual), and the two of OpenAI's
    interface."""
    text, out = (text[-last:] if last > 0 else []), dict(c)
    for token in set(text) & set(c):
        logit = c[token]
        logit = logit / repeat if logit > 0 else logit * repeat
        out[token] = logit - frequency * text.count(token) - presence
    return out


def dry(
    c: Candidates, text: list[int], multiplier: float, base: float, allowed: int, last: int, breakers: set[int]
) -> Candidates:
    """DRY, p-e-w 2024: for each token the longest end of the text that stood before it earlier."""
    text, out = text[-last:] if last > 0 else [], dict(c)
    longest: dict[int, int] = {}
    for place in range(1, len(text)):
        length = 0
        while length < place and text[place - 1 - length] == text[-1 - length] and text[-1 - length] not in breakers:
            length += 1
        longest[text[place]] = max(longest.get(text[place], 0), length)
    for token, length in longest.items():
        if length >= allowed and token not in breakers and token in c:
            out[token] = c[token] - multiplier * base ** (length - allowed)
    return out


def surprise(c: Candidates, token: int) -> float:
    return -math.log2(probabilities(c)[token])


def mirostat(c: Candidates, mu: float, m: int) -> Candidates:
    """Basu et al., "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity", 2021, its first
    algorithm."""
    order, of = by_probability(c), probabilities(c)
    first = [of[token] for token in order[:m]]
    t = [math.log((i + 2) / (i + 1)) for i in range(len(first) - 1)]
    b = [math.log(first[i] / first[i + 1]) for i in range(len(first) - 1)]
    s = sum(x * y for x, y in zip(t, b)) / sum(x * x for x in t)
    eps = s - 1
    k = ((eps * 2**mu) / (1 - len(c) ** (-eps))) ** (1 / s)
    return take(c, order[: max(1, min(len(c), math.floor(k + 0.5)))])


def mirostat_v2(c: Candidates, mu: float) -> Candidates:
    """The same authors' second version: what surprises more than mu goes, but for the first."""
    order, of = by_probability(c), probabilities(c)
    return take(c, [token for token in order if token == order[0] or -math.log2(of[token]) <= mu])
