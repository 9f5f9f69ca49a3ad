#!/usr/bin/env python3
"""Makes the virtual environment of the Python tests, or finds it made: one for each set of requirements."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path


def run(command: list[str], hint: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}\n{hint}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--requirements", type=Path, required=True)
    arguments = parser.parse_args()
    folder, stamp = arguments.folder, arguments.folder / "requirements.sha256"
    wanted = hashlib.sha256(arguments.requirements.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)],
        "The tests need Python's venv module (Debian: apt install python3-venv).")
    run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement",
         str(arguments.requirements)], "The Python tests install their packages once, which needs the network.")
    stamp.write_text(wanted, encoding="ascii")


if __name__ == "__main__":
    main()
