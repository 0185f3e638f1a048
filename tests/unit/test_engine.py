"""The engine: both branches over the same rows, one answer, one directory."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.config import FusionConfig
from pyengine.errors import (
    BackendError,
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    LockedError,
    NotFoundError,
)

DOCUMENTS = [
    {
        "id": "a",
        "title": "Diversity",
        "text": "28 USC § 1331 gives federal question jurisdiction",
        "year": 1980,
    },
    {"id": "b", "title": "", "text": "F33.1 major depressive disorder, recurrent, moderate", "year": 2015},
    {"id": "c", "title": "Cats", "text": "the cat sat on the mat", "year": 2020},
    {"id": "d", "title": "", "text": "a cat and a dog", "year": 2021},
    {"id": "e", "title": "", "text": "", "year": None},
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[pe.Engine]:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder()) as made:
        made.add(DOCUMENTS)
        made.commit()
        yield made


def test_the_contract(engine: pe.Engine) -> None:
    assert len(engine) == 5
    assert engine.generation == 2  # the empty first one, and this commit
    assert list(engine.ids) == ["a", "b", "c", "d", "e"]
    result = engine.search("28 USC § 1331", k=3)
    assert result.mode == "hybrid"
    assert not result.degraded
    first = result[0]
    assert (first.id, first.row, first.title) == ("a", 0, "Diversity")
    assert first.ranks["lexical"] == 1
    assert first.metadata == {"year": 1980}
    assert first.text.startswith("28 USC")
    # Both branches ran and every document has a vector, so the dense rank is always known here.
    assert all(isinstance(hit.ranks["dense"], int) for hit in result)
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
def test_one_query_and_a_batch_agree(engine: pe.Engine, mode: Any) -> None:
    queries = ["a cat", "F33.1", "", "nothing of the kind", "dog mat"]
    hits = engine.search_batch(queries, k=4, mode=mode)
    assert hits.rows.shape == (5, 4)
    for i, query in enumerate(queries):
        single = engine.search(query, k=4, mode=mode)
        rows, scores = hits.query(i)
        assert [hit.row for hit in single] == rows.tolist()
        assert [hit.score for hit in single] == scores.tolist()
    assert hits.counts[2] == 0


def test_fusion_is_rrf_of_the_branches(engine: pe.Engine) -> None:
    lexical = engine.search_batch(["cat dog"], k=100, mode="lexical")
    dense = engine.search_batch(["cat dog"], k=100, mode="dense")
    expected: dict[int, float] = {}
    for hits in (lexical, dense):
        for rank, row in enumerate(hits.query(0)[0].tolist(), start=1):
            expected[row] = expected.get(row, 0.0) + 1 / (60 + rank)
    result = engine.search("cat dog", k=5)
    assert {hit.row: hit.score for hit in result} == {row: np.float32(s) for row, s in expected.items()}


def test_explanations_add_up(engine: pe.Engine) -> None:
    for hit in engine.search("the cat and the dog", k=5, explain=True):
        assert hit.explanation is not None
        assert np.float32(sum(hit.explanation.fusion.values())) == np.float32(hit.score)
        lexical = hit.scores["lexical"]
        total = sum(term.contribution for term in hit.explanation.terms)
        assert np.float32(total) == np.float32(0.0 if lexical is None else lexical)
    hit = engine.search("cat", mode="lexical", explain=True)[0]
    assert hit.explanation is not None
    assert not hit.explanation.fusion
    assert np.float32(sum(term.contribution for term in hit.explanation.terms)) == np.float32(hit.score)
    assert engine.search("cat")[0].explanation is None


def test_a_query_without_a_known_term_is_answered_by_dense_and_says_so(engine: pe.Engine) -> None:
    result = engine.search("zzyzx qwrtp", k=2)
    assert len(result) == 2
    assert all(hit.ranks["lexical"] is None for hit in result)
    assert any("no term of the query" in note and "dense" in note for note in result.notes)
    assert len(engine.search("zzyzx qwrtp", mode="lexical")) == 0


def test_empty_and_odd_queries(engine: pe.Engine) -> None:
    for query in ("", "  \n"):
        result = engine.search(query)
        assert len(result) == 0
        assert result.notes == ("the query is empty",)
    assert len(engine.search("cat", k=10_000)) == 5
    assert len(engine.search("?!")) > 0  # no term, but text: the model has something to read


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": 5}, "query: expected str, got int"),
        ({"query": "x", "k": 0}, r"k: expected 1 to 2\*\*31 - 1, got 0"),
        ({"query": "x", "k": 2.5}, "k: expected an int"),
        ({"query": "x", "mode": "both"}, "mode: expected 'hybrid'"),
        ({"query": "x", "timeout_s": 0}, "timeout_s: expected a number above 0"),
    ],
)
def test_bad_arguments(engine: pe.Engine, arguments: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        engine.search(**arguments)


def test_bad_batches(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match="put it in a list"):
        engine.search_batch("cat")
    with pytest.raises(InvalidInputError, match=r"queries\[1\]: expected str"):
        engine.search_batch(["cat", None])  # type: ignore[list-item]  # the error is what is tested
    assert len(engine.search_batch([])) == 0


def test_asearch(engine: pe.Engine) -> None:
    async def both() -> Sequence[pe.SearchResult]:
        return await asyncio.gather(engine.asearch("cat"), engine.asearch("F33.1", k=1))

    cat, code = asyncio.run(both())
    assert [hit.id for hit in cat] == [hit.id for hit in engine.search("cat")]
    assert [hit.id for hit in code] == ["b"]


def test_open_again(engine: pe.Engine, tmp_path: Path) -> None:
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder()) as again:
        assert again.generation == engine.generation
        for query in ("cat", "28 USC § 1331"):
            assert list(again.search(query, explain=True)) == list(engine.search(query, explain=True))
    assert json.loads(json.dumps(engine.info()))["documents"] == 5
    assert engine.verify() == []


def test_commits_add_up(engine: pe.Engine, tmp_path: Path) -> None:
    engine.add([{"id": "f", "text": "a new cat", "lang": "en"}])
    engine.add([{"id": "g", "text": "another cat"}])
    assert len(engine) == 5  # not before the commit
    assert engine.commit() == 3
    assert len(engine) == 7
    assert engine.commit() == 3  # nothing staged
    assert engine.search("new", mode="lexical")[0].metadata == {"year": None, "lang": "en"}
    # The lexical answer is that of an index built at once; so is the dense one, which is exact at this size.
    with pe.Engine.create(tmp_path / "at-once", embedder=FakeEmbedder()) as fresh:
        fresh.add([*DOCUMENTS, {"id": "f", "text": "a new cat"}, {"id": "g", "text": "another cat"}])
        fresh.commit()
        for mode in ("lexical", "dense", "hybrid"):
            queries = ["cat", "a new dog", "F33.1"]
            assert engine.search_batch(queries, mode=mode).equals(fresh.search_batch(queries, mode=mode))


def test_rollback(engine: pe.Engine, tmp_path: Path) -> None:
    engine.add([{"id": "f", "text": "gone"}])
    engine.rollback()
    assert engine.commit() == 2
    assert len(engine.search("gone", mode="lexical")) == 0
    assert len(list((tmp_path / "idx" / "segments").iterdir())) == 1


def test_lexical_only(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx") as engine:
        engine.add(pe.Corpus.from_rows(DOCUMENTS))
        engine.commit()
        result = engine.search("cat")
        assert result.mode == "lexical"
        assert set(result[0].ranks) == {"lexical"}
        assert engine.embedder is None
        assert engine.dense is None
        with pytest.raises(InvalidInputError, match="without an embedder"):
            engine.search("cat", mode="dense")
    with pytest.raises(IncompatibleIndexError, match="without an embedder"):
        pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder())


def test_an_empty_index_is_legal(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder()) as engine:
        assert len(engine) == 0
        assert len(engine.search("cat")) == 0
        assert engine.search_batch(["cat"], k=3).counts.tolist() == [0]
        engine.add([])
        engine.commit()
        assert len(engine) == 0
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder()) as engine:
        assert len(engine.search("cat")) == 0


def test_arrow_goes_in(tmp_path: Path) -> None:
    table = pa.table({"id": ["x", "y"], "text": ["one cat", "two dogs"]})
    with pe.Engine.create(tmp_path / "idx") as engine:
        assert engine.add(table) == 2
        engine.commit()
        assert engine.search("dogs")[0].id == "y"


def test_duplicate_ids_are_refused_and_nothing_is_lost(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match="'a' is committed already"):
        engine.add([{"id": "z", "text": "fine"}, {"id": "a", "text": "again"}])
    engine.add([{"id": "z", "text": "zebra"}])
    with pytest.raises(InvalidInputError, match="'z' is staged by an earlier add"):
        engine.add([{"id": "z", "text": "again"}])
    with pytest.raises(InvalidInputError, match="'y'"):
        engine.add([{"id": "y", "text": "1"}, {"id": "y", "text": "2"}])
    engine.commit()
    assert list(engine.ids) == ["a", "b", "c", "d", "e", "z"]
    assert engine.search("zebra")[0].id == "z"


def test_metadata_of_another_type_is_refused(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match=r"'year': expected int64.*got string"):
        engine.add([{"id": "f", "text": "x", "year": "1999"}])
    assert engine.commit() == 2


def test_text_instead_of_documents(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match="from_beir"):
        engine.add("scifact/")


def test_one_writer(engine: pe.Engine, tmp_path: Path) -> None:
    engine.add([{"id": "f", "text": "x"}])
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder()) as other:
        with pytest.raises(LockedError, match="process"):
            other.add([{"id": "g", "text": "x"}])
        engine.commit()
        # The other engine's documents would land on a generation it never saw.
        with pytest.raises(InvalidInputError, match="refresh"):
            other.add([{"id": "g", "text": "x"}])
        assert len(other) == 5
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder()) as other:
        other.add([{"id": "g", "text": "x"}])
        other.commit()
        assert len(other) == 7


def test_a_reader_keeps_its_generation(engine: pe.Engine, tmp_path: Path) -> None:
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder()) as reader:
        before = reader.search_batch(["cat"], k=10)
        for i in range(3):
            engine.add([{"id": f"n{i}", "text": "cat " * 5}])
            engine.commit()
        assert reader.search_batch(["cat"], k=10).equals(before)
        assert reader.search("cat")[0].text


def test_another_embedder_is_refused(engine: pe.Engine, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleIndexError, match="do not compare"):
        pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder(dim=16))
    with pe.Engine.open(tmp_path / "idx") as unnamed:
        assert len(unnamed.search("cat", mode="lexical")) == 2
        with pytest.raises(IncompatibleIndexError, match="embedder of your own"):
            unnamed.search("cat")


def test_another_analyzer_is_refused(engine: pe.Engine, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleIndexError, match="analyzer"):
        pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder(), analyzer=pe.Analyzer("words"))


def test_what_is_not_an_index(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        pe.Engine.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInputError, match="got a file"):
        pe.Engine.create(tmp_path / "file")
    pe.Engine.create(tmp_path / "idx").close()
    with pytest.raises(InvalidInputError, match="holds one"):
        pe.Engine.create(tmp_path / "idx")


def test_a_half_written_or_missing_file_is_named(engine: pe.Engine, tmp_path: Path) -> None:
    engine.close()
    files = [path for path in (tmp_path / "idx" / "segments").rglob("*") if path.is_file()]
    assert {path.stem for path in files} == {"corpus", "lexical", "dense"}
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(CorruptIndexError, match=re.escape(path.name)):
            pe.Engine.open(tmp_path / "idx")
        path.unlink()
        with pytest.raises(CorruptIndexError, match=re.escape(path.name)):
            pe.Engine.open(tmp_path / "idx")
        path.write_bytes(whole)
    pe.Engine.open(tmp_path / "idx").close()


def test_a_closed_engine_says_so(engine: pe.Engine) -> None:
    engine.close()
    engine.close()
    with pytest.raises(InvalidInputError, match="closed"):
        engine.search("cat")


class SlowEmbedder(FakeEmbedder):
    """Takes half a second for a query."""

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> Any:
        if kind == "query":
            time.sleep(0.5)
        return super().embed(texts, kind=kind)


def test_a_late_branch_is_dropped_and_said(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=SlowEmbedder()) as engine:
        engine.add(DOCUMENTS)
        engine.commit()
        result = engine.search("cat", timeout_s=0.02)
        assert result.degraded
        assert {hit.id for hit in result} == {"c", "d"}
        assert all(set(hit.ranks) == {"lexical"} for hit in result)
        assert any("late" in note for note in result.notes)
        in_time = engine.search("cat", timeout_s=30)
        assert not in_time.degraded
        assert list(in_time) == list(engine.search("cat"))


class BrokenEmbedder(FakeEmbedder):
    """Returns what an embedder should not."""

    answer: Any = None

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> Any:
        return self.answer if self.answer is not None else super().embed(texts, kind=kind)


@pytest.mark.parametrize("answer", [np.ones((1, 3), np.float32), np.full((1, 32), np.nan, np.float32), "no"])
def test_a_broken_embedder_stages_nothing(tmp_path: Path, answer: Any) -> None:
    embedder = BrokenEmbedder(dim=32)
    with pe.Engine.create(tmp_path / "idx", embedder=embedder) as engine:
        embedder.answer = answer
        with pytest.raises(BackendError, match=r"embedder\.embed"):
            engine.add([{"id": "a", "text": "x"}])
        assert engine.commit() == 1
        assert len(engine) == 0


def test_an_embedder_must_keep_the_protocol(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="dim, fingerprint and embed"):
        pe.Engine.create(tmp_path / "idx", embedder=object())  # type: ignore[arg-type]  # the error is tested


def test_weights_and_window_are_honoured(engine: pe.Engine, tmp_path: Path) -> None:
    engine.close()
    lexical_only = FusionConfig(dense_weight=0.0)
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder(), fusion=lexical_only) as weighted:
        result = weighted.search("cat")
        assert {hit.id for hit in result} == {"c", "d"}
        assert [hit.row for hit in result] == [hit.row for hit in weighted.search("cat", mode="lexical")]
    narrow = FusionConfig(window=1)
    with pe.Engine.open(tmp_path / "idx", embedder=FakeEmbedder(), fusion=narrow) as windowed:
        # The window is never narrower than what was asked for.
        assert len(windowed.search("cat", k=5)) == 5
        assert len(windowed.search("cat", k=1)) == 1
