"""The declarations are the header's, whole, and the library is checked at import."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent
TREE = PACKAGE.parent.parent
HEADER = TREE / "include" / "inlay.h"


def generate(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(PACKAGE / "generate.py"), *arguments], capture_output=True, text=True, check=False
    )


def import_inlay(library: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "INLAY_LIBRARY": library, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(
        [sys.executable, "-c", "import inlay; print(inlay.__version__)"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def compile_library(source: str, path: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")
    code = path.with_suffix(".c")
    code.write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(path), str(code)], check=True)
    return path


def test_declarations_are_what_the_header_gives():
    checked = generate("--check")
    assert checked.returncode == 0, checked.stderr


def test_a_changed_header_is_noticed(tmp_path):
    header = tmp_path / "inlay.h"
    header.write_text(HEADER.read_text().replace("int32_t inlay_model_open(const char *path, ", "int32_t inlay_model_open("))
    assert generate("--check", "--header", str(header)).returncode == 1


def test_a_header_beyond_the_generator_is_refused(tmp_path):
    header = tmp_path / "inlay.h"
    header.write_text(HEADER.read_text() + "\nINLAY_API int32_t inlay_new(struct thing value);\n")
    made = generate("--header", str(header), "--target", str(tmp_path / "out.py"))
    assert made.returncode == 1
    assert "struct thing" in made.stderr


def test_every_exported_function_has_types_and_words():
    from inlay import _declarations as c
    from inlay._library import lib

    headers = "".join(path.read_text() for path in HEADER.parent.glob("*.h"))
    names = set(re.findall(r"^INLAY_API .*?\b(inlay_\w+)\(", headers, flags=re.M))
    assert set(c.FUNCTIONS) == names
    for name, (restype, argtypes, text) in c.FUNCTIONS.items():
        function = getattr(lib, name)
        assert function.restype is restype
        assert function.argtypes == list(argtypes)
        assert text, name


def test_constants_have_the_values_a_compiler_gives_them(tmp_path):
    from inlay import _declarations as c

    constants = {name: value for name, value in vars(c).items() if name.isupper() and isinstance(value, int)}
    constants.pop("ALL")
    rows = "\n".join(f"const int32_t value_{name} = INLAY_{name};" for name in constants)
    library = compile_library(f'#include "{HEADER}"\n{rows}\n', tmp_path / "libconstants.so")
    compiled = ctypes.CDLL(str(library))
    assert len(constants) > 80
    for name, value in constants.items():
        assert ctypes.c_int32.in_dll(compiled, f"value_{name}").value == value, name


def test_the_loaded_library_imports():
    from inlay._library import lib

    assert re.fullmatch(r"\d+\.\d+\.\d+\n", import_inlay(lib._name).stdout)


def test_a_library_with_another_abi_is_refused(tmp_path):
    library = compile_library("int inlay_abi_version(void) { return 999; }", tmp_path / "libinlay.so.1")
    failed = import_inlay(str(library))
    assert failed.returncode != 0
    assert "ImportError" in failed.stderr
    assert "ABI 999" in failed.stderr and str(library) in failed.stderr


def test_a_library_that_is_not_inlay_is_refused(tmp_path):
    library = compile_library("int something(void) { return 1; }", tmp_path / "libother.so")
    failed = import_inlay(str(library))
    assert "ImportError" in failed.stderr and "not libinlay" in failed.stderr


def test_a_library_that_lacks_functions_is_refused(tmp_path):
    library = compile_library("int inlay_abi_version(void) { return 1; }", tmp_path / "libinlay.so.1")
    failed = import_inlay(str(library))
    assert "ImportError" in failed.stderr and "inlay_model_open" in failed.stderr


def test_a_missing_library_is_named(tmp_path):
    failed = import_inlay(str(tmp_path / "nowhere.so"))
    assert "ImportError" in failed.stderr and "nowhere.so" in failed.stderr
