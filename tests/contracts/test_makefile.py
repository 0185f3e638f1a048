"""The Makefile says what is missing, and the mend, in words, before it writes anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from contracts.tree import ROOT

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="no make on PATH")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # An outer make hands its own flags and overrides down in the environment; this one starts clean.
    env = {
        k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS"}
    }
    return subprocess.run(
        [str(MAKE), *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def python_that(tmp_path: Path, version: str, fails_on: str) -> str:
    """Return an interpreter of that version which lacks what a Debian package would bring."""
    path = tmp_path / "python3"
    path.write_text(
        f"""#!/bin/sh
case "$2" in
  *%d.%d*) echo {version} ;;
  *'{fails_on}'*) exit 1 ;;
esac
""",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("version", "fails_on", "message", "mend"),
    [
        ("3.10", "(3, 11)", "Python 3.11 or newer is needed", "PYTHON=python3.12 make test"),
        ("3.11", "ensurepip", "has no venv module", "sudo apt-get install python3.11-venv"),
        ("3.11", "Python.h", "Python.h is missing", "sudo apt-get install python3.11-dev"),
    ],
)
def test_missing_part_of_python(tmp_path: Path, version: str, fails_on: str, message: str, mend: str) -> None:
    done = make("doctor", f"PYTHON={python_that(tmp_path, version, fails_on)}", "EXTRA=cpu")
    assert done.returncode != 0
    first, second = done.stderr.splitlines()[:2]
    assert message in first
    assert mend in second


def test_no_python_at_all() -> None:
    done = make("doctor", "PYTHON=no-such-python", "EXTRA=cpu")
    assert done.returncode != 0
    assert done.stderr.startswith("pyengine: no Python: 'no-such-python' does not run\n  mend: ")


def test_unknown_extra() -> None:
    done = make("doctor", "EXTRA=tpu")
    assert done.returncode != 0
    assert "EXTRA is cpu or gpu, got 'tpu'" in done.stderr


def test_help_is_the_default_and_lists_the_two_commands() -> None:
    done = make()
    assert done.returncode == 0
    assert "make demo" in done.stdout
    assert "make test" in done.stdout
