"""A small collection, and the indexes the command line makes of it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.cli import HAS_MODEL, Runner, start, write_beir

HOSTILE = "bell\a clear\x1b[2J\x1b]0;title\x07 csi\x9b31m back\b\r over\u202eesrever\u202c\u2066 end\x7f"
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": "d1", "title": "Jurisdiction", "text": "Federal question under 28 USC § 1331.", "year": 1948},
    {"_id": "d2", "title": "", "text": "Diagnosis F33.1, depressive disorder, moderate.", "year": 2019},
    {
        "_id": "d3",
        "title": "",
        "text": "Use os.path.splitext() to take the extension off a path.",
        "year": 2001,
    },
    {"_id": "d4", "title": "", "text": "A moderate question about a path through a park.", "year": 2020},
    {"_id": "d\x1b[31m5", "title": HOSTILE, "text": f"hostile document {HOSTILE}", "year": 1999},
]
QUERIES = {"q1": "28 USC § 1331 federal", "q2": "F33.1 moderate", "q3": "extension of path", "q4": "unjudged"}
QRELS = {"q1": {"d1": 1}, "q2": {"d2": 2, "d4": 0}, "q3": {"d3": 1}}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(capsys)


@pytest.fixture(scope="session")
def hostile() -> str:
    return HOSTILE


@pytest.fixture(scope="session")
def documents() -> list[dict[str, Any]]:
    return DOCUMENTS


@pytest.fixture(scope="session")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_beir(tmp_path_factory.mktemp("data") / "beir", DOCUMENTS, QUERIES, QRELS)


def build(out: Path, *arguments: object) -> str:
    process = start("index", out, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, b""), errors
    return printed.decode()


@pytest.fixture(scope="session")
def index(beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lexical index of the collection."""
    out = tmp_path_factory.mktemp("index") / "lexical"
    assert "5 documents, lexical only" in build(out, "--corpus", beir)
    return out


@pytest.fixture(scope="session")
def hybrid(beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of the collection with the packaged model, or skip."""
    if not HAS_MODEL:
        pytest.skip("the packaged model is not installed: make demo")
    out = tmp_path_factory.mktemp("index") / "hybrid"
    assert "5 documents, lexical and dense" in build(out, "--corpus", beir, "--embedder", "minilm")
    return out
