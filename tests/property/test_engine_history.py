"""History does not show: after any changes an engine is one that was built from the documents left."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import pyengine as pe
from pyengine.corpus import ChunkPlace
from pyengine.errors import InvalidInputError, NotFoundError

IDS = st.sampled_from([f"id{i}" for i in range(8)])
TEXTS = st.lists(st.sampled_from(["a", "b", "c", "F33.1", "x-1"]), max_size=5).map(" ".join)
DOCUMENTS = st.dictionaries(IDS, st.tuples(TEXTS, st.integers(0, 3)), max_size=4)
# Segments of one document each, tiers of two: merges cascade within a few commits.
POLICIES = st.sampled_from(
    [True, False, pe.TieredMerge(factor=2, smallest=1), pe.TieredMerge(factor=3, smallest=1, max_deleted=0.1)]
)
CHUNKERS = st.sampled_from([None, pe.Chunker(2, 1), pe.Chunker(1)])
QUERIES = ["a", "b c", "F33.1 a a", "x-1"]


class History(RuleBasedStateMachine):
    """An engine beside a dict that says what it should hold: id to (text, n), in order of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.fresh = 0
        self.committed: dict[str, tuple[str, int]] = {}
        self.staged: dict[str, tuple[str, int]] = {}

    @initialize(vectors=st.booleans(), policy=POLICIES, chunker=CHUNKERS)
    def create(self, vectors: bool, policy: bool | pe.TieredMerge, chunker: pe.Chunker | None) -> None:
        self.embedder = FakeEmbedder() if vectors else None
        self.policy = policy
        self.path = Path(self.folder.name) / "idx"
        self.chunker = chunker
        self.engine = pe.Engine.create(
            self.path, embedder=self.embedder, auto_compact=policy, chunker=chunker
        )

    def teardown(self) -> None:
        self.engine.close()
        self.folder.cleanup()

    @rule(documents=DOCUMENTS)
    def add(self, documents: dict[str, tuple[str, int]]) -> None:
        if self.staged.keys() & documents.keys():
            with pytest.raises(InvalidInputError):
                self.engine.add(rows(documents))
        else:
            assert self.engine.add(rows(documents)) == len(documents)
            self.staged.update(documents)

    @rule(documents=DOCUMENTS)
    def update(self, documents: dict[str, tuple[str, int]]) -> None:
        assert self.engine.update(rows(documents)) == len(self.staged.keys() & documents.keys())
        for id_, document in documents.items():
            self.staged.pop(id_, None)  # it moves to the end
            self.staged[id_] = document

    @rule(ids=st.lists(IDS, max_size=4), missing_ok=st.booleans())
    def delete(self, ids: list[str], missing_ok: bool) -> None:
        if missing_ok or set(ids) <= self.staged.keys():
            assert self.engine.delete(ids, missing_ok=missing_ok) == len(self.staged.keys() & set(ids))
            for id_ in ids:
                self.staged.pop(id_, None)
        else:
            with pytest.raises(NotFoundError):
                self.engine.delete(ids)

    @precondition(lambda self: self.staged)
    @rule(n=st.integers(0, 3))
    def delete_matching(self, n: int) -> None:
        gone = [id_ for id_, (_, m) in self.staged.items() if m < n]
        assert self.engine.delete(filter=f"n < {n}") == len(gone)
        for id_ in gone:
            del self.staged[id_]

    @rule()
    def commit(self) -> None:
        self.engine.commit()
        self.committed = dict(self.staged)

    @rule()
    def rollback(self) -> None:
        self.engine.rollback()
        self.staged = dict(self.committed)

    @rule()
    def compact(self) -> None:
        self.engine.rollback()
        self.staged = dict(self.committed)
        self.engine.compact()
        (segment,) = self.engine.info()["segments"]
        assert (segment["documents"], segment["deleted"]) == (len(self.engine), 0)
        assert self.engine.n_documents == len(self.committed)

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self.engine = pe.Engine.open(self.path, embedder=self.embedder, auto_compact=self.policy)
        self.staged = dict(self.committed)

    @invariant()
    def is_as_if_built_anew(self) -> None:
        if not hasattr(self, "engine"):
            return
        assert list(dict.fromkeys(self.engine.ids)) == list(self.committed)
        assert self.engine.n_documents == len(self.committed)
        assert self.engine.verify() == []
        self.reads_as_stored()
        self.fresh += 1
        fresh = Path(self.folder.name) / f"f{self.fresh}"
        with pe.Engine.create(fresh, embedder=self.embedder, chunker=self.chunker) as other:
            other.add(rows(self.committed))
            other.commit()
            assert list(self.engine.ids) == list(other.ids)
            for mode in ("lexical", "hybrid") if self.embedder is not None else ("lexical",):
                for k in (1, 10):
                    expected = other.search_batch(QUERIES, k, mode=mode)
                    assert self.engine.search_batch(QUERIES, k, mode=mode).equals(expected)
            everything = np.tile(np.arange(len(other), dtype=np.uint32), (len(QUERIES), 1))
            assert np.array_equal(
                self.engine.lexical.score(QUERIES, everything), other.lexical.score(QUERIES, everything)
            )
            for row in range(len(other)):
                explained = self.engine.lexical.explain("a b F33.1", row)
                assert explained == other.lexical.explain("a b F33.1", row)
            if self.committed:
                expected = other.search_batch(QUERIES, 10, filter="n >= 1")
                assert self.engine.search_batch(QUERIES, 10, filter="n >= 1").equals(expected)

    def reads_as_stored(self) -> None:
        corpus, wanted = self.engine.corpus, self.committed
        places = [
            (
                id_,
                text,
                n,
                None if self.chunker is None else ChunkPlace(number, len(spans), start, end),
                text[start:end],
            )
            for id_, (text, n) in wanted.items()
            for spans in [[(0, len(text))] if self.chunker is None else self.chunker.spans(text)]
            for number, (start, end) in enumerate(spans)
        ]
        assert len(corpus) == len(places)
        ids = [place[0] for place in places]
        assert corpus.rows_of(list(wanted)).tolist() == [ids.index(id_) for id_ in wanted]
        assert corpus.documents.of(np.arange(len(places))).tolist() == [
            list(wanted).index(id_) for id_ in ids
        ]
        assert corpus.rows_of(["nobody"]).tolist() == [pe.types.NO_ROW]
        backwards = list(range(len(places)))[::-1]
        assert corpus.take(backwards).column("id").to_pylist() == ids[::-1]
        for row, (id_, _, n, place, text) in enumerate(places):
            assert (corpus.id(row), corpus.text(row), corpus.title(row)) == (id_, text, "")
            assert corpus.metadata(row) == {"n": n}
            assert corpus.chunk(row) == place


def rows(documents: dict[str, tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"id": id_, "text": text, "n": n} for id_, (text, n) in documents.items()]


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
