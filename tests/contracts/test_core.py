"""The C++ core stands alone: every header compiles by itself, and none knows Python or talks to the user."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from contracts.tree import ROOT, tracked

CORE = ROOT / "csrc" / "core"
FILES = [path for path in tracked(".hpp", ".cpp") if path.is_relative_to(CORE)]
HEADERS = [path for path in FILES if path.suffix == ".hpp"]
# Under Python a library must not end the process, print, or differ from one run to the next.
FORBIDDEN = {
    "Python or its binding": r'#include\s*[<"](?:Python\.h|pybind11|bind/)',
    "printing": r"#include\s*<(?:iostream|print)>|\bstd::(?:cout|cerr|clog)\b|\b[fv]?printf\s*\(",
    "ending the process": r"\b(?:std::)?(?:abort|exit|_Exit|quick_exit|terminate)\s*\(",
    "the clock or an unseeded generator": r"\bstd::(?:random_device|chrono::system_clock)\b|\brand\s*\(",
    "the locale": r"#include\s*<(?:locale|clocale)>|\bsetlocale\s*\(",
}


def code(path: Path) -> str:
    """Return the text of a C++ file without comments and string literals."""
    text = path.read_text(encoding="utf-8")
    return re.sub(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"',
        lambda m: m[0] if "#include" in m[0] else " ",
        text,
        flags=re.S,
    )


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_core_keeps_to_itself(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in FILES:
        lines = path.read_text(encoding="utf-8") if "include" in FORBIDDEN[what] else code(path)
        found += [
            f"{path.relative_to(ROOT)}: {m[0]}" for m in pattern.finditer(re.sub(r"//[^\n]*", "", lines))
        ]
    assert not found


def test_only_one_file_opens_the_door_to_pybind11() -> None:
    doors = [
        p
        for p in tracked(".hpp", ".cpp")
        if re.search(r"#include\s*<pybind11/", p.read_text(encoding="utf-8"))
    ]
    assert [p.relative_to(ROOT).as_posix() for p in doors] == ["csrc/bind/pybind.hpp"]


@pytest.mark.parametrize("header", HEADERS, ids=lambda p: str(p.relative_to(CORE)))
def test_header_compiles_alone(header: Path, tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler on PATH")
    # Twice, so that a header without a guard fails too.
    line = f'#include "{header.relative_to(ROOT / "csrc").as_posix()}"\n'
    source = tmp_path / "alone.cpp"
    source.write_text(line * 2, encoding="utf-8")
    done = subprocess.run(
        [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", f"-I{ROOT / 'csrc'}", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
