"""Makes the engine directories beside it: ``python tests/golden/engines/make.py FORMAT FOLDER``.

Run it once for a format version, with the last package that writes it, and commit what it made: ``v1`` is by
commit de44ec4, ``v2`` by the first with segments, its ``chunked`` by the first with chunks, its ``phrases``
by abff20e, the last that wrote down all pairs of words and no positions. The directories are never made
again; the tests work on copies, and take what they expect from `left` and from ``tests/oracles``, not from a
run.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from fakes import FakeEmbedder

import pyengine as pe

DIM = 8
CHUNKS = (5, 1)  # tokens and overlap
TEXTS = [
    "the cat sat on the mat",
    "a dog chased the cat; the cat fled",
    "28 U.S.C. § 1331 gives federal question jurisdiction",
    "F33.1 is a recurrent depressive disorder, F33.2 a severe one",
    "größe und straße: words with letters beyond ASCII",
    "日本語 and emoji 👍 in one text",
    "numpy.linalg.norm(x) raises LinAlgError on v1.26.4",
    "",
    "the mat of the cat of the mat of the cat",
    "take 5 mg/day of warfarin; INR 2.5",
    "dog dog dog",
    "one last document about a cat and a dog",
]


def documents(*numbers: int) -> list[dict[str, Any]]:
    return [
        {"id": f"d{n}/ü", "title": "Title of nine" if n == 9 else "", "text": TEXTS[n], "n": n}
        for n in numbers
    ]


# Each step is a commit: what is added, what is replaced by documents of other text, what is deleted.
COMMITS: list[dict[str, list[int]]] = [
    {"add": [0, 1, 2, 3, 4, 5]},
    {"add": [6, 7, 8, 9, 10, 11], "delete": [1, 7]},
    {"update": [4], "delete": [10]},
]


def renewed(n: int) -> dict[str, Any]:
    return {"id": f"d{n}/ü", "title": "", "text": "a renewed text about the cat, F33.1", "n": 100 + n}


def left() -> list[dict[str, Any]]:
    """The documents after all commits, in order of rows."""
    rows: dict[str, dict[str, Any]] = {}
    for commit in COMMITS:
        for document in documents(*commit.get("add", [])):
            rows[document["id"]] = document
        for n in commit.get("update", []):
            del rows[f"d{n}/ü"]
            rows[f"d{n}/ü"] = renewed(n)
        for n in commit.get("delete", []):
            del rows[f"d{n}/ü"]
    return list(rows.values())


def play(engine: Any) -> Iterator[None]:
    for commit in COMMITS:
        engine.add(documents(*commit.get("add", [])))
        engine.update([renewed(n) for n in commit.get("update", [])])
        engine.delete([f"d{n}/ü" for n in commit.get("delete", [])])
        engine.commit()
        yield


def make(version: int, folder: Path) -> None:
    # Format 1 has one segment whatever happens; in format 2 segments stay as they were committed.
    options: dict[str, Any] = {} if version == 1 else {"auto_compact": False}
    for name, embedder in (("lexical", None), ("vectors", FakeEmbedder(DIM if version == 1 else 4))):
        with pe.Engine.create(folder / name, embedder=embedder, **options) as engine:
            for _ in play(engine):
                pass
            if version > 1 and embedder is not None:
                engine.reembed(FakeEmbedder(DIM))
    if version > 1:
        chunker = pe.Chunker(*CHUNKS)
        with pe.Engine.create(folder / "chunked", chunker=chunker, auto_compact=False) as engine:
            for _ in play(engine):
                pass
        with pe.Engine.create(folder / "phrases", phrases=True, auto_compact=False) as engine:
            for _ in play(engine):
                pass


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]))
