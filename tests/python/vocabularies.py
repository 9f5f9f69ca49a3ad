"""What the tokenizer tests share: where reference data is, and the reference tokenizer of a GGUF vocabulary."""
import os
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]

# As in the tokenizer.json of these families.
PATTERNS = {
    "llama-bpe": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                 r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
             r"|\s*[\r\n]+|\s+(?!\S)|\s+",
}
PRETOKENIZERS = ["gpt-2", "llama-bpe", "qwen2", "smollm"]


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
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated"),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "gpt-2":
        return byte_level
    assert name == "smollm"
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])


def reference(path, special=False):
    """The tokenizer of the package `tokenizers` for a GGUF file: with `special`, control tokens are matched too."""
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, models

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"].contents()]
    name = fields["tokenizer.ggml.pre"].contents()
    ids = {}
    for i, token in enumerate(tokens):
        ids.setdefault(token, i)
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, ignore_merges=name == "llama-bpe"))
    tokenizer.pre_tokenizer = pretokenizer(name)
    matched = [token for token, kind in zip(tokens, types) if kind == 4 or (special and kind in (2, 3))]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in matched])
    return tokenizer
