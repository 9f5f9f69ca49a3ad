"""Compares log10 probabilities of an ARPA file with those of KenLM, on random sentences of its words, known and unknown.

    pip install kenlm==0.3.0
    INLAY_LIBRARY=build/test/libinlay.so python tests/reference/compare_kenlm.py MODEL.arpa [--sentences 2000]

Exits with 1 when any differs by more than 1e-6.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path

import kenlm

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python"))

import inlay  # noqa: E402


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model")
    arguments.add_argument("--sentences", type=int, default=2000)
    chosen = arguments.parse_args()
    peer, draw = kenlm.Model(chosen.model), random.Random(1)
    worst, n = 0.0, 0
    with inlay.Model.open(chosen.model) as model:
        end = model.find_token("</s>")
        words = [model.token_text(i) for i in range(model.n_vocab)]
        words = [word for word in words if word not in ("<s>", "</s>", "<unk>", "<UNK>")] + ["never-seen-before"]
        for _ in range(chosen.sentences):
            line = " ".join(draw.choice(words) for _ in range(draw.randrange(1, 20)))
            ids = model.tokenize(line, add_special=True)
            with model.session(context=len(ids), temperature=1.0, seed=draw.randrange(1 << 30)) as session:
                if draw.random() < 0.7:  # words that the model expects
                    session.eval(ids[:1])
                    ids = ids[:1]
                    for _ in range(len(line.split()) - 1):
                        token = session.sample()
                        if token == end:
                            break
                        ids.append(token)
                        session.eval([token])
                    session.truncate(0)
                rows = session.eval_all(ids)
            line = " ".join("never-seen-before" if model.token_text(i) == "<unk>" else model.token_text(i) for i in ids[1:])
            scores = [score for score, _, _ in peer.full_scores(line, bos=True, eos=True)]
            for row, token, score in zip(rows, [*ids[1:], end], scores, strict=True):
                worst, n = max(worst, abs(row[token] / math.log(10) - score)), n + 1
    print(f"{n} probabilities, greatest difference of log10 {worst:.3g}")
    return int(worst > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
