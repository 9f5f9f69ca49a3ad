#!/usr/bin/env python3
"""Installs the build into a folder, builds a user's project against it in three ways (CMake shared, CMake static,
pkg-config) and runs the programs."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path


def run(*command: str | Path, **keywords) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **keywords)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("build", "source", "cmake", "compiler"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    root = Path(arguments.build) / "install-test"
    prefix, project = root / "prefix", root / "project"
    shutil.rmtree(root, ignore_errors=True)
    run(arguments.cmake, "--install", arguments.build, "--prefix", prefix)
    for file in ("include/inlay.h", "include/inlay_session.h", "include/inlay_sampler.h", "include/inlay_speculation.h",
                 "include/inlay_grammar.h", "include/inlay_replay.h", "bin/inlay"):
        if not (prefix / file).is_file():
            sys.exit(f"{file} was not installed")

    run(arguments.cmake, "-S", arguments.source, "-B", project, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_C_COMPILER={arguments.compiler}")
    run(arguments.cmake, "--build", project)
    versions = {run(project / "user_shared"), run(project / "user_static")}

    pc = next(prefix.rglob("inlay.pc"))
    if shutil.which("pkg-config"):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
        flags = run("pkg-config", "--cflags", "--libs", "inlay", env=environment).split()
        libdir = run("pkg-config", "--variable=libdir", "inlay", env=environment)
        program = root / "user_pkg_config"
        run(arguments.compiler, Path(arguments.source) / "user.c", "-o", program, *flags, f"-Wl,-rpath,{libdir}")
        versions.add(run(program))
    if len(versions) != 1:
        sys.exit(f"the programs print different versions: {versions}")
    print(f"version {versions.pop()}, linked {'three ways' if shutil.which('pkg-config') else 'two ways (no pkg-config)'}")


if __name__ == "__main__":
    main()
