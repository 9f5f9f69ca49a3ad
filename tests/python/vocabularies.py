"""What the tokenizer tests share: where reference data is, and the reference tokenizer of a GGUF vocabulary."""
import os
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]

# As in the tokenizer.json of these families: regular expressions that cut one after the other.
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LINES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _CONTRACTION + r"?"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _CONTRACTION + r"?"
          r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _LINES)
_QWEN2 = _CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _LINES
PATTERNS = {
    "llama-bpe": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _LINES],
    "qwen2": [_QWEN2],
    "qwen35": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + _LINES],
    "gpt-4o": [_GPT4O],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", _GPT4O],
    "tekken": [r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
               r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
               r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _LINES],
    "deepseek-v3": [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
                    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
                    r"| ?[\p{P}\p{S}]+[\r\n]*|" + _LINES],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}"],
    "kimi-k2": [r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"
                r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+" + _CONTRACTION + r"?"
                r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
                r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*" + _CONTRACTION + r"?"
                r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _LINES],
    "bailingmoe": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
                   r"|\s*[\r\n]|\s+(?!\S)|\s+"],
    "exaone-moe": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
                   r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"],
    "seed-coder": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + _LINES],
    "bloom": [r" ?[^(\s|.,!?…。，、।۔،)]+"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]"],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "chameleon": ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}",
                  r"[\p{P}!-/:-@\[-`{-~]", _GPT2],
}
PRETOKENIZERS = ["gpt-2", "smollm", *PATTERNS]


def data_folder():
    """The reference data: INLAY_DATA, or ../shared/data beside the tree; None where it is absent."""
    given = os.environ.get("INLAY_DATA")
    folder = Path(given) if given else TREE.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def vocabulary(name):
    """The path of a vocabulary of the reference data; skips the test where it is absent."""
    folder = data_folder()
    path = folder / "vocab" / f"ggml-vocab-{name}.gguf" if folder else None
    if path is None or not path.is_file():
        pytest.skip(f"reference data has no vocabulary '{name}'; name its folder in INLAY_DATA")
    return path


def model_file():
    """The real model that the build fetched, INLAY_SMOLLM2; skips the test where it is absent."""
    given = os.environ.get("INLAY_SMOLLM2")
    if not given or not Path(given).is_file():
        pytest.skip("no model file; name SmolLM2-135M-Instruct.Q4_1.gguf in INLAY_SMOLLM2")
    return Path(given)


def pretokenizer(name):
    from tokenizers import Regex, pre_tokenizers
    if name in PATTERNS:
        return pre_tokenizers.Sequence([*(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS[name]),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "gpt-2":
        return byte_level
    assert name == "smollm"
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])


def reference(path, special=False):
    """The tokenizer of the package `tokenizers` for a GGUF file or a tokenizer.json: with `special`, control tokens are matched
    too. Of GGUF files also the families `llama` and `bert`."""
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer

    if str(path).endswith(".json"):
        return Tokenizer.from_file(str(path))
    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    tokenizer = _MODELS[fields["tokenizer.ggml.model"].contents()](fields, tokens, types)
    matched = [token for token, kind in zip(tokens, types) if kind == 4 or (special and kind in (2, 3))]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in matched])
    return tokenizer


def _ids(tokens):
    ids = {}
    for i, token in enumerate(tokens):
        ids.setdefault(token, i)
    return ids


def _byte_level(fields, tokens, types):
    from tokenizers import Tokenizer, models
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"].contents()]
    name = fields["tokenizer.ggml.pre"].contents()
    tokenizer = Tokenizer(models.BPE(vocab=_ids(tokens), merges=merges, ignore_merges=name in ("llama-bpe", "tekken")))
    tokenizer.pre_tokenizer = pretokenizer(name)
    return tokenizer


def _sentencepiece(fields, tokens, types):
    """Merges in the order of the scores of what they give, as transformers makes them."""
    from tokenizers import Tokenizer, models, normalizers
    ids, scores = _ids(tokens), fields["tokenizer.ggml.scores"].contents()
    plain = {token for token, kind in zip(tokens, types) if kind == 1}
    found = []
    for token in plain:
        for i in range(1, len(token)):
            if token[:i] in plain and token[i:] in plain:
                found.append((-scores[ids[token]], ids[token[:i]], ids[token[i:]], token[:i], token[i:]))
    unknown = tokens[fields["tokenizer.ggml.unknown_token_id"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[merge[3:] for merge in sorted(found)], unk_token=unknown, fuse_unk=True,
                                     byte_fallback=True))
    prefix = fields.get("tokenizer.ggml.add_space_prefix")
    first = [normalizers.Prepend("\u2581")] if prefix is None or prefix.contents() else []
    tokenizer.normalizer = normalizers.Sequence([*first, normalizers.Replace(" ", "\u2581")])
    return tokenizer


def _wordpiece(fields, tokens, types):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    texts = [token[1:] if token[0] == "\u2581" else token if kind != 1 else "##" + token for token, kind in zip(tokens, types)]
    tokenizer = Tokenizer(models.WordPiece(vocab=_ids(texts), unk_token="[UNK]", max_input_chars_per_word=10 ** 6))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


_MODELS = {"gpt2": _byte_level, "llama": _sentencepiece, "bert": _wordpiece}
