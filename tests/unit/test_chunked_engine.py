"""An engine whose rows are chunks: changes by document, hits, metrics, and what is refused."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.errors import IncompatibleIndexError, InvalidInputError, NotFoundError

DOCUMENTS = [
    {"id": "long", "title": "T", "text": "alpha beta. gamma alpha. alpha alpha. delta.", "year": 1},
    {"id": "short", "text": "alpha gamma.", "year": 2},
    {"id": "empty", "text": "", "year": 3},
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[pe.Engine]:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder(), chunker=pe.Chunker(2, 0)) as engine:
        assert engine.add(DOCUMENTS) == 3
        engine.commit()
        yield engine


def found(engine: pe.Engine, query: str, **options: Any) -> list[tuple[str, int | None]]:
    return [(hit.id, hit.chunk) for hit in engine.search(query, mode="lexical", **options)]


def test_rows_are_chunks(engine: pe.Engine) -> None:
    assert (len(engine), engine.n_documents, engine.chunker) == (6, 3, pe.Chunker(2, 0))
    assert list(engine.ids) == ["long"] * 4 + ["short", "empty"]
    assert engine.corpus.text(2) == "alpha alpha."
    assert engine.corpus.title(2) == "T"
    facts = engine.info()
    assert (facts["documents"], facts["chunks"]) == (3, 6)
    assert facts["settings"]["chunker"]["config"] == {"tokens": 2, "overlap": 0, "sentences": True}
    json.dumps(facts)


def test_hits_are_documents_with_their_best_chunk(engine: pe.Engine) -> None:
    assert found(engine, "alpha") == [("long", 2), ("short", 0)]
    assert found(engine, "alpha", collapse=True) == [("long", 2), ("short", 0)]
    assert len(found(engine, "alpha", collapse=False)) == 4
    best = engine.search("alpha", mode="lexical", explain=True)[0]
    assert (best.span, best.text, best.title, best.metadata) == ((25, 37), "alpha alpha.", "T", {"year": 1})
    assert best.explanation is not None
    assert sum(term.contribution for term in best.explanation.terms) == pytest.approx(best.score)


def test_asearch_takes_collapse(engine: pe.Engine) -> None:
    result = asyncio.run(engine.asearch("alpha", mode="lexical", collapse=False))
    assert len(result) == 4


def test_many_chunks_of_one_document_do_not_crowd_the_others_out(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder(), chunker=pe.Chunker(1, 0)) as engine:
        engine.add([{"id": "crowd", "text": "x " * 3000}])
        engine.add([{"id": f"d{i}", "title": "long " * 9, "text": "x"} for i in range(20)])
        engine.commit()
        assert [hit.id for hit in engine.search("x", 21, mode="lexical")] == [
            "crowd",
            *(f"d{i}" for i in range(20)),
        ]
        for mode in ("lexical", "dense", "hybrid"):
            hits = engine.search_batch(["x", "nothing"], 30, mode=mode)
            assert hits.counts[0] == 21
            assert len(set(engine.corpus.ids(hits.query(0)[0]))) == 21


def test_the_model_reads_a_query_once_however_far_it_is_widened(tmp_path: Path) -> None:
    class Counting(FakeEmbedder):
        queries = 0

        def embed(self, texts: Any, *, kind: Any = "passage") -> Any:
            self.queries += len(texts) if kind == "query" else 0
            return super().embed(texts, kind=kind)

    embedder = Counting()
    with pe.Engine.create(
        tmp_path / "idx", embedder=embedder, chunker=pe.Chunker(1, 0), fusion=pe.FusionConfig(window=1)
    ) as engine:
        engine.add([{"id": "crowd", "text": "x " * 500}, {"id": "other", "text": "y"}])
        engine.commit()
        assert len(engine.search("x", 2)) == 2
        assert embedder.queries == 1
        assert engine.search_batch(["x", "x y"], 2).counts.tolist() == [2, 2]
        assert embedder.queries == 3


def test_documents_are_updated_and_deleted_whole(engine: pe.Engine) -> None:
    assert engine.update([{"id": "long", "text": "one. two three.", "year": 9}]) == 1
    engine.commit()
    assert list(engine.ids) == ["short", "empty", "long", "long"]
    assert engine.delete(["long", "long"]) == 1
    with pytest.raises(NotFoundError, match="no document has the id 'long'"):
        engine.delete(["long"])
    engine.commit()
    assert list(engine.ids) == ["short", "empty"]
    assert engine.verify() == []


def test_a_filter_that_admits_one_chunk_deletes_the_document(engine: pe.Engine) -> None:
    assert sorted(found(engine, "alpha", filter="chunk == 0")) == [("long", 0), ("short", 0)]
    assert engine.delete(filter="start == 25") == 1
    engine.commit()
    assert list(engine.ids) == ["short", "empty"]
    assert engine.delete(filter="chunks == 1") == 2


def test_ids_are_unique_by_document(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match="id 'short' is committed already"):
        engine.add([{"id": "short", "text": "a b c d"}])
    with pytest.raises(InvalidInputError, match="duplicate id 'new'"):
        engine.add([{"id": "new", "text": "a b c d"}, {"id": "new", "text": "a"}])


def test_compact_and_reembed_keep_chunks(engine: pe.Engine) -> None:
    engine.add([{"id": "more", "text": "alpha one. two alpha alpha.", "year": 4}])
    engine.commit()
    engine.delete(["short"])
    engine.commit()
    before = engine.search_batch(["alpha", "gamma"], 5)
    engine.compact()
    assert engine.search_batch(["alpha", "gamma"], 5).equals(before)
    engine.reembed(FakeEmbedder(8))
    assert engine.dense is not None
    assert len(engine.dense) == len(engine) == 8
    assert sorted(found(engine, "alpha")) == [("long", 2), ("more", 2)]


def test_the_chunker_is_recorded_and_compared(engine: pe.Engine, tmp_path: Path) -> None:
    path = tmp_path / "idx"
    with pe.Engine.open(path, chunker=pe.Chunker(2, 0)) as again:
        assert again.chunker == pe.Chunker(2, 0)
    with pytest.raises(
        IncompatibleIndexError, match=r"made with Chunker\(tokens=2, overlap=0.*given is Chunker\(tokens=3"
    ):
        pe.Engine.open(path, chunker=pe.Chunker(3, 0))
    pe.Engine.create(tmp_path / "whole").close()
    with pytest.raises(IncompatibleIndexError, match="made without a chunker, the one given is"):
        pe.Engine.open(tmp_path / "whole", chunker=pe.Chunker())
    for wrong in (256, "tokens"):
        with pytest.raises(InvalidInputError, match=r"chunker: expected a pyengine\.Chunker, got"):
            pe.Engine.create(tmp_path / "x", chunker=wrong)  # type: ignore[arg-type]  # the mistake


def test_a_chunker_that_cuts_otherwise_now_is_refused(
    engine: pe.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = pe.Chunker(2, 0).fingerprint
    monkeypatch.setattr("pyengine.corpus.chunking._RULE_VERSION", 99)
    with pytest.raises(
        IncompatibleIndexError, match=f"made with chunker {there}, .* has {pe.Chunker(2, 0).fingerprint}"
    ):
        pe.Engine.open(tmp_path / "idx")


def test_chunks_of_ones_own(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", chunker=pe.Chunker.given()) as engine:
        engine.add([{"id": "a", "text": "red green blue", "spans": [[0, 9], [4, 14]]}])
        engine.commit()
        with pytest.raises(InvalidInputError, match="spans: document 'b', span 0"):
            engine.add([{"id": "b", "text": "red", "spans": [[0, 4]]}])
    with pe.Engine.open(tmp_path / "idx", chunker=pe.Chunker.given()) as engine:
        (hit,) = engine.search("blue")
        assert (hit.chunk, hit.span, hit.text, hit.metadata) == (1, (4, 14), "green blue", {})


@pytest.mark.parametrize(
    "of", [lambda engine: engine, lambda engine: engine.ids, lambda engine: engine.corpus]
)
def test_metrics_judge_documents(engine: pe.Engine, of: Callable[[pe.Engine], Any]) -> None:
    qrels = pe.Qrels.from_dict({"q": {"long": 2, "short": 1, "lost": 1}, "r": {"short": 1}})
    asked, names = ["alpha", "gamma"], ["q", "r"]
    hits = engine.search_batch(asked, 10, mode="lexical")
    metrics = ["ndcg@10", "recall@10", "mrr@10"]
    judged = pe.evaluate(hits, qrels, metrics, query_ids=names, doc_ids=of(engine))
    run = pe.Run.from_hits(hits, names, of(engine))
    assert judged.means == pe.evaluate(run, qrels, metrics, ties="order").means
    assert judged.n_unknown_documents == 1
    chunks = engine.search_batch(asked, 10, mode="lexical", collapse=False)
    with pytest.raises(InvalidInputError, match=r"answer 0 holds two chunks of one document.*collapse=True"):
        pe.evaluate(chunks, qrels, metrics, query_ids=names, doc_ids=of(engine))
    with pytest.raises(InvalidInputError, match="holds a document twice"):
        pe.Run.from_hits(chunks, names, of(engine))


def test_a_query_that_is_a_document_is_excluded_whatever_its_chunk(engine: pe.Engine) -> None:
    qrels = pe.Qrels.from_dict({"long": {"short": 1}})
    hits = engine.search_batch(["alpha"], 10, mode="lexical")
    options: dict[str, Any] = {"query_ids": ["long"], "doc_ids": engine.ids}
    assert pe.evaluate(hits, qrels, ["mrr@10"], **options).means["mrr@10"] == 0.5
    assert pe.evaluate(hits, qrels, ["mrr@10"], exclude_self=True, **options).means["mrr@10"] == 1


def test_bad_collapse_is_refused_and_whole_documents_do_not_mind(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx") as engine:
        engine.add([{"id": "a", "text": "x"}])
        engine.commit()
        for collapse in (None, True, False):
            (hit,) = engine.search("x", collapse=collapse)
            assert (hit.id, hit.chunk, hit.span) == ("a", None, None)
        with pytest.raises(InvalidInputError, match="collapse: expected True, False or None, got 'yes'"):
            engine.search("x", collapse="yes")  # type: ignore[arg-type]  # the mistake


def test_an_empty_index_answers_nothing(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", chunker=pe.Chunker()) as engine:
        assert len(engine.search("x")) == 0
        assert engine.search_batch(["x"], 5).counts.tolist() == [0]
        assert (engine.n_documents, engine.info()["chunks"]) == (0, 0)
        assert np.array_equal(engine.corpus.documents.of(np.empty(0, dtype=np.int64)), [])
