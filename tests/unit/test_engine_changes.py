"""Updating, deleting, refreshing: what a commit then shows, and what a failure leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.errors import InvalidInputError, LockedError, NotFoundError

DOCUMENTS = [{"id": f"d{i}", "text": f"word{i % 5} common text{i}", "year": 2000 + i} for i in range(20)]


@pytest.fixture(params=["lexical", "hybrid"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[pe.Engine]:
    embedder = FakeEmbedder() if request.param == "hybrid" else None
    with pe.Engine.create(tmp_path / "idx", embedder=embedder) as made:
        made.add(DOCUMENTS)
        made.commit()
        yield made


def fresh(folder: Path, documents: list[dict[str, Any]], embedder: Any) -> pe.Engine:
    """Return an engine that never held anything else."""
    made = pe.Engine.create(folder, embedder=embedder)
    made.add(documents)
    made.commit()
    return made


def assert_same(engine: pe.Engine, other: pe.Engine) -> None:
    """Both hold the same documents in the same rows and answer with the same bits."""
    assert list(engine.ids) == list(other.ids)
    assert [engine.corpus.text(i) for i in range(len(engine))] == [
        other.corpus.text(i) for i in range(len(other))
    ]
    queries = ["common", "word1 text6", "text3 text4 text9", "word2 common text12"]
    for mode in ("lexical", "dense", "hybrid") if engine.dense is not None else ("lexical",):
        for k in (1, 3, 50):
            assert engine.search_batch(queries, k, mode=mode).equals(
                other.search_batch(queries, k, mode=mode)
            )


def test_deleted_documents_were_never_there(engine: pe.Engine, tmp_path: Path) -> None:
    assert engine.delete(["d3", "d7", "d3", "d19"]) == 3
    assert len(engine) == 20  # until the commit
    engine.commit()
    left = [d for d in DOCUMENTS if d["id"] not in {"d3", "d7", "d19"}]
    assert_same(engine, fresh(tmp_path / "fresh", left, engine.embedder))
    assert engine.verify() == []
    with pytest.raises(NotFoundError, match="'d3'"):
        engine.delete(["d3"])


def test_an_update_replaces_and_moves_to_the_end(engine: pe.Engine, tmp_path: Path) -> None:
    new = [{"id": "d2", "text": "word2 entirely new"}, {"id": "new", "text": "added", "year": 1}]
    assert engine.update(new) == 1
    engine.commit()
    left = [d for d in DOCUMENTS if d["id"] != "d2"]
    assert_same(engine, fresh(tmp_path / "fresh", left + new, engine.embedder))
    assert engine.search("entirely new", mode="lexical")[0].id == "d2"
    assert engine.corpus.metadata(engine.corpus.row_of("d2")) == {"year": None}


def test_staged_documents_are_replaced_and_deleted_too(engine: pe.Engine, tmp_path: Path) -> None:
    engine.add([{"id": "x", "text": "first", "year": 1}, {"id": "y", "text": "second", "year": 2}])
    assert engine.update([{"id": "x", "text": "third", "year": 3}]) == 1
    assert engine.delete(["y", "d0"]) == 2
    engine.add([{"id": "y", "text": "fourth", "year": 4}])  # the id is free again
    with pytest.raises(InvalidInputError, match="'x' is staged"):
        engine.add([{"id": "x", "text": "again"}])
    engine.commit()
    after = [{"id": "x", "text": "third", "year": 3}, {"id": "y", "text": "fourth", "year": 4}]
    assert_same(engine, fresh(tmp_path / "fresh", DOCUMENTS[1:] + after, engine.embedder))


def test_delete_by_filter(engine: pe.Engine) -> None:
    engine.add([{"id": "s", "text": "staged", "year": 2003}, {"id": "t", "text": "no year"}])
    assert engine.delete(filter="year < 2005") == 6
    assert engine.delete(filter=pc.field("year") == 2010) == 1
    assert engine.delete(filter="year < 2005") == 0
    engine.commit()
    assert list(engine.ids) == [f"d{i}" for i in range(5, 20) if i != 10] + ["t"]


def test_everything_may_be_deleted(engine: pe.Engine) -> None:
    assert engine.delete(engine.ids) == 20
    engine.commit()
    assert len(engine) == 0
    assert len(engine.search("common")) == 0
    engine.add(DOCUMENTS[:1])
    engine.commit()
    assert list(engine.ids) == ["d0"]


def test_a_rollback_forgets_deletions(engine: pe.Engine) -> None:
    engine.delete(["d1"])
    engine.rollback()
    generation = engine.generation
    assert engine.commit() == generation
    assert len(engine) == 20


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: e.delete(), InvalidInputError, "one of the two"),
        (lambda e: e.delete(["d1"], filter="year > 1"), InvalidInputError, "one of the two"),
        (lambda e: e.delete("d1"), InvalidInputError, r"pass \['d1'\]"),
        (lambda e: e.delete([1]), InvalidInputError, "ids: expected a sequence of strings"),
        (lambda e: e.delete(["d1", "a", "b"]), NotFoundError, "'a' and 1 more; nothing was deleted"),
        (lambda e: e.delete(filter="yeer > 1"), InvalidInputError, "no column 'yeer'"),
        (lambda e: e.update([{"id": "d1", "text": 5}]), InvalidInputError, "text"),
        (lambda e: e.update([{"id": "d1", "text": "a"}] * 2), InvalidInputError, "d1"),
        (lambda e: e.update([{"id": "d1", "text": "a", "year": "x"}]), InvalidInputError, "year"),
    ],
)
def test_a_refused_change_changes_nothing(engine: pe.Engine, call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(engine)
    generation = engine.generation
    assert engine.commit() == generation
    assert list(engine.ids) == [d["id"] for d in DOCUMENTS]


def test_missing_ids_may_be_passed_over(engine: pe.Engine) -> None:
    assert engine.delete(["d1", "nobody", "d1"], missing_ok=True) == 1


def test_a_failing_embedder_leaves_the_old_document(tmp_path: Path) -> None:
    class Failing(FakeEmbedder):
        fail = False

        def embed(self, texts: Any, *, kind: Any) -> Any:
            if self.fail:
                raise RuntimeError("no model today")
            return super().embed(texts, kind=kind)

    embedder = Failing()
    with fresh(tmp_path / "idx", DOCUMENTS, embedder) as engine:
        embedder.fail = True
        with pytest.raises(RuntimeError, match="no model today"):
            engine.update([{"id": "d1", "text": "new"}])
        embedder.fail = False
        engine.commit()
        assert engine.corpus.text(engine.corpus.row_of("d1")) == "word1 common text1"


def test_a_reader_refreshes(engine: pe.Engine, tmp_path: Path) -> None:
    with pe.Engine.open(tmp_path / "idx", embedder=engine.embedder) as reader:
        assert reader.refresh() == reader.generation == engine.generation
        engine.delete(["d0"])
        with pytest.raises(LockedError):
            reader.add([{"id": "z", "text": "z"}])
        engine.commit()
        assert len(reader) == 20
        with pytest.raises(InvalidInputError, match="refresh"):
            reader.delete(["d1"])
        assert reader.refresh() == engine.generation
        assert len(reader) == 19
        reader.delete(["d1"])
        with pytest.raises(InvalidInputError, match="staged"):
            reader.refresh()
        reader.commit()
    assert engine.refresh() == engine.generation
    assert len(engine) == 18


def test_the_graph_is_laid_out_anew_after_deletions(tmp_path: Path) -> None:
    """With so few exact rows the graph answers; its rows and scores are those of the documents left."""
    config = pe.DenseConfig(exact_below=1)
    random = np.random.default_rng(1)
    documents = [{"id": str(i), "text": " ".join(map(str, random.integers(0, 50, 5)))} for i in range(400)]
    embedder = FakeEmbedder()
    with pe.Engine.create(tmp_path / "idx", embedder=embedder, dense=config) as engine:
        engine.add(documents)
        engine.commit()
        engine.delete([str(i) for i in range(0, 400, 3)])
        engine.commit()
        left = [d for i, d in enumerate(documents) if i % 3]
        with pe.Engine.create(tmp_path / "new", embedder=embedder, dense=config) as other:
            other.add(left)
            other.commit()
            queries = [d["text"] for d in documents[:30]]
            found = engine.search_batch(queries, 10, mode="dense")
            assert found.equals(other.search_batch(queries, 10, mode="dense"))


def test_threads_and_a_bound_of_memory_change_no_byte(tmp_path: Path) -> None:
    files = []
    for i, options in enumerate([{}, {"n_threads": 3}, {"memory_mb": 64}]):
        with pe.Engine.create(tmp_path / str(i)) as engine:
            engine.add(DOCUMENTS)
            for wrong in ({"n_threads": 0}, {"memory_mb": 1}):
                with pytest.raises(InvalidInputError, match=next(iter(wrong))):
                    engine.commit(**wrong)
            engine.commit(**options)  # what was staged is still there
            assert len(engine) == 20
            (file,) = (tmp_path / str(i)).glob("segments/*/*/lexical.seg")
            files.append(file.read_bytes())
    assert files[0] == files[1] == files[2]
