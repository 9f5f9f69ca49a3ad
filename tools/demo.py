#!/usr/bin/env python3
"""Lets a model answer in the terminal: fetches one, unless --model names a file, and runs the program on it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from fetch_model import FetchError, fetch

PROMPT = ("<|im_start|>user\nWhat is gravity? Answer in three sentences.<|im_end|>\n"
          "<|im_start|>assistant\n")
PLAIN_PROMPT = "The capital of France is"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="", help="any GGUF file, instead of fetching one")
    arguments = parser.parse_args()
    try:
        model = arguments.model or str(fetch(arguments.cache))
    except (FetchError, OSError) as error:
        print(f"\nThe demo needs a model: {error}.\nWith any GGUF file you have:\n"
              f"    {arguments.program} run FILE.gguf -p \"{PLAIN_PROMPT}\"\n"
              "or configure with -DINLAY_DEMO_MODEL=FILE.gguf.", file=sys.stderr)
        return 1
    chat = not arguments.model
    command = [arguments.program, "run", model, "-n", "128", "-p", PROMPT if chat else PLAIN_PROMPT]
    command += ["--parse-special"] if chat else []
    print("\nUser: What is gravity? Answer in three sentences.\nModel: " if chat else f"\n{PLAIN_PROMPT}", end="", flush=True)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
