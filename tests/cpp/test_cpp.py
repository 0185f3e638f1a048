"""Build and run the C++ tests, so that one command runs every test there is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "cpp-tests"


def tool(name: str) -> str:
    """Return a build tool: the one beside this Python (the test extra brings it), else the system's."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here: it comes with the extra 'test'")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_cpp_suite() -> None:
    # A folder of its own, which nobody else builds in; a second run compiles only what changed.
    run(
        tool("cmake"),
        f"-S{ROOT}",
        f"-B{BUILD}",
        "-GNinja",
        f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}",
        "-DPYENGINE_PYTHON=OFF",
        "-DPYENGINE_TESTS=ON",
        "-DPYENGINE_WERROR=ON",
    )
    run(tool("cmake"), "--build", str(BUILD))
    report = run(str(BUILD / "pyengine_cpp_tests"))
    assert "0 failed" in report
    assert "test cases: 0 " not in report
