"""Fixtures every folder of tests may use."""

import os
from collections.abc import Callable
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
