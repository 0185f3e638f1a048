"""What an engine should hold after each commit, and whether one does: ids, texts and answers."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fakes import FakeEmbedder
from oracles.bm25 import SlowBm25
from oracles.dense import slow_search

import pyengine as pe

QUERIES = ["a", "b c", "F33.1 a a", "nobody"]
WORDS = ["a", "b", "c", "F33.1", "x-1", "größe"]


def document(n: int, version: int = 0) -> dict[str, Any]:
    """A document by its number; another version has another text."""
    words = [WORDS[(n * 7 + version * 3 + i * i) % len(WORDS)] for i in range(1 + (n + version) % 5)]
    return {"id": f"d{n}", "text": " ".join([*words, f"t{n}v{version}"]), "n": n}


@dataclass(frozen=True)
class State:
    """The documents of one generation, in order of rows, and the length of their vectors."""

    documents: tuple[Mapping[str, Any], ...] = ()
    dim: int | None = None

    def with_documents(self, *more: Mapping[str, Any]) -> "State":
        """Those and more; one with a known id replaces it and moves to the end."""
        ids = {d["id"] for d in more}
        return State((*(d for d in self.documents if d["id"] not in ids), *more), self.dim)

    def without(self, *ids: str) -> "State":
        return State(tuple(d for d in self.documents if d["id"] not in ids), self.dim)

    @property
    def embedder(self) -> FakeEmbedder | None:
        return None if self.dim is None else FakeEmbedder(self.dim)

    @property
    def ids(self) -> list[str]:
        return [d["id"] for d in self.documents]

    @cached_property
    def lexical(self) -> list[list[tuple[str, np.float32]]]:
        """The slow reference's answers."""
        slow = SlowBm25([d["text"].split() for d in self.documents])
        if not self.documents:
            return [[] for _ in QUERIES]
        return [[(self.ids[row], score) for row, score in slow.search(q.split(), 5)] for q in QUERIES]

    @cached_property
    def dense(self) -> pe.Hits:
        assert self.embedder is not None
        stored: npt.NDArray[Any] = self.embedder.embed([d["text"] for d in self.documents])
        return slow_search(self.embedder.embed(QUERIES), stored.astype(np.float16), 5)

    def differs(self, engine: pe.Engine) -> str | None:
        """Say how an engine is not in this state, None if it is."""
        if list(engine.ids) != self.ids:
            return f"ids {list(engine.ids)}, expected {self.ids}"
        for row, d in enumerate(self.documents):
            if engine.corpus.text(row) != d["text"] or engine.corpus.metadata(row) != {"n": d["n"]}:
                return f"document {d['id']}: {engine.corpus.text(row)!r}, expected {d['text']!r}"
        for query, expected in zip(QUERIES, self.lexical, strict=True):
            hits = engine.search(query, 5, mode="lexical").hits
            if [(hit.id, np.float32(hit.score)) for hit in hits] != expected:
                return f"query {query!r}: {hits}, expected {expected}"
        if (engine.dense is None) != (self.dim is None):
            return f"vectors: {engine.dense}, expected length {self.dim}"
        if (
            self.documents
            and self.dim
            and not engine.search_batch(QUERIES, 5, mode="dense").equals(self.dense)
        ):
            return "dense answers"
        return None


def opened(path: Path, **options: Any) -> pe.Engine:
    """Open an engine with the embedder it was made with, one of the fakes."""
    with pe.Engine.open(path) as engine:
        record = engine.info()["settings"]["embedder"]
    return pe.Engine.open(path, embedder=None if record is None else FakeEmbedder(record["dim"]), **options)


def found_in(path: Path, states: Sequence[State]) -> State:
    """Return which of ``states`` the directory is in, whole; fail if it is in none."""
    with opened(path) as engine:
        assert engine.verify() == []
        differences = [state.differs(engine) for state in states]
        assert None in differences, f"lost: generation {engine.generation} is none of these: {differences}"
        return states[differences.index(None)]


def goes_on_from(path: Path, state: State) -> None:
    """The next writer cleans up what was left over, and commits."""
    more = document(900)
    with opened(path, auto_compact=False) as engine:
        engine.add([more])
        engine.commit()
        after = state.with_documents(more)
        assert after.differs(engine) is None
        named = {Path(entry.path).parts[1] for entry in engine._store.manifest.files}
    assert found_in(path, [after]) is after
    assert sorted(os.listdir(path)) == ["manifest.json", "segments", "write.lock"]
    there = {name for name in os.listdir(path / "segments") if not name.startswith("reembed-")}
    assert there == named, (there, named)
