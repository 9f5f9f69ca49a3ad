#!/usr/bin/env python3
"""Compares the ABI of the shared library with that kept of each release (baseline-*.abi), by libabigail's abidiff.
Additions are fine; anything removed or changed fails. --write RELEASE keeps today's. Skipped (77) where abidiff is not installed.

The compared library is built with debug information, which tells abidiff the types.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHANGED, INCOMPATIBLE = 4, 8  # bits of abidiff's exit status


def build_with_types(source: Path, folder: Path) -> Path:
    """The shared library, compiled with -g from the sources of the tree."""
    library = folder / "libinlay.so.1"
    files = [str(path) for path in sorted((source / "lib").rglob("*.c"))]
    subprocess.run(["cc", "-std=c11", "-O0", "-g", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off", "-D_GNU_SOURCE",
                    "-DINLAY_BUILD", f"-I{source / 'include'}", f"-I{source / 'lib'}", "-Wl,-soname,libinlay.so.1",
                    f"-Wl,--version-script={source / 'lib' / 'inlay.map'}", "-o", str(library), *files, "-lm", "-lpthread"],
                   check=True)
    return library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--write", metavar="RELEASE")
    arguments = parser.parse_args()
    if shutil.which("abidiff") is None or shutil.which("abidw") is None:
        print("skipped: abidiff and abidw are not installed (Debian: abigail-tools)")
        return 77
    headers = str(arguments.source / "include")
    with tempfile.TemporaryDirectory() as folder:
        library = build_with_types(arguments.source, Path(folder))
        if arguments.write:
            target = arguments.folder / f"baseline-{arguments.write}.abi"
            subprocess.run(["abidw", "--headers-dir", headers, "--no-comp-dir-path", "--no-corpus-path", "--no-show-locs",
                            "--out-file", str(target), str(library)], check=True)
            return 0
        baselines = sorted(arguments.folder.glob("baseline-*.abi"))
        if not baselines:
            print("no baseline is kept", file=sys.stderr)
            return 1
        failed = False
        for baseline in baselines:
            result = subprocess.run(["abidiff", "--headers-dir2", headers, str(baseline), str(library)],
                                    capture_output=True, text=True, check=False)
            removed_or_changed = result.returncode & INCOMPATIBLE or result.returncode & 3
            print(f"{baseline.name}: status {result.returncode}\n{result.stdout}{result.stderr}")
            failed = failed or bool(removed_or_changed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
