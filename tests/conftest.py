"""Fixtures every folder of tests may use."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a busy machine is no failure. The same examples every time: a failure comes again.
settings.register_profile("pyengine", deadline=None, derandomize=True)
settings.load_profile("pyengine")

DATA = Path(os.environ.get("PYENGINE_DATA", Path(__file__).parents[1].parent / "shared" / "data"))


@pytest.fixture(scope="session")
def collection() -> Callable[[str], Path]:
    """Return the folder of a labelled collection in BEIR format, or skip the test."""

    def folder(name: str) -> Path:
        path = DATA / name
        if not (path / "corpus.jsonl").is_file():
            pytest.skip(f"collection {name} is not in {DATA} (set PYENGINE_DATA to a folder that has it)")
        return path

    return folder


@pytest.fixture
def shared_memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory, where the system has one: for tests that write thousands of files."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="pyengine-") as folder:
        yield Path(folder)


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what writes a line past pytest's capture: the summary of a run, which documents quote."""

    def write(line: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n{line}\n")

    return write
