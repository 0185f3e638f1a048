"""What every retriever promises, whatever is inside it.

A case builds a retriever over texts and says how texts become its queries. To have another retriever held
to the same promises, add a line to ``CASES``.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder

from pyengine import NO_ROW, Bm25Index, DenseIndex
from pyengine.config import DenseConfig
from pyengine.errors import InvalidInputError
from pyengine.types import Hits, Retriever

TEXTS = [
    "the wing of an aircraft",
    "28 USC § 1331 federal question",
    "",
    "diagnosis code F33.1",
    "the wing of an aircraft",
    "Köln, 東京 and a 🙂",
    *[f"document number {i} about wings and codes" for i in range(60)],
]
QUERIES = ["wing of an aircraft", "code F33.1", "", "zzz", "東京"]
EMBEDDER = FakeEmbedder()


@dataclass(frozen=True)
class Case:
    """One retriever: how it is built, how it is loaded again, how it is asked."""

    build: Callable[[Sequence[str]], Any]
    load: Callable[[Path], Any]
    queries: Callable[[Sequence[str]], Any]


def dense(**config: Any) -> Case:
    def build(texts: Sequence[str]) -> DenseIndex:
        return DenseIndex.build(EMBEDDER.embed(texts), config=DenseConfig(**config))

    return Case(build, DenseIndex.load, lambda texts: EMBEDDER.embed(texts, kind="query"))


CASES = {
    "dense-exact": dense(),
    "dense-graph": dense(exact_below=0),
    "dense-f32": dense(exact_below=0, dtype="f32"),
    "dense-i8": dense(exact_below=0, dtype="i8"),
    "lexical": Case(Bm25Index.build, Bm25Index.load, list),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def check_form(hits: Hits, n: int, k: int) -> None:
    """Shape, the order law, no row twice, unused slots filled."""
    assert hits.rows.shape == (n, k)
    for i in range(n):
        rows, scores = hits.query(i)
        pairs = list(zip(-scores.astype(np.float64), rows.tolist(), strict=True))
        assert pairs == sorted(pairs)
        assert len(set(rows.tolist())) == len(rows)
        assert np.isfinite(scores).all()
        assert (hits.rows[i, len(rows) :] == NO_ROW).all()
        assert (hits.scores[i, len(rows) :] == -np.inf).all()


def test_is_a_retriever(case: Case) -> None:
    assert isinstance(case.build(TEXTS), Retriever)


@pytest.mark.parametrize("k", [1, 3, 10, len(TEXTS), 1000])
def test_answers_are_ranked_by_the_order_law(case: Case, k: int) -> None:
    hits = case.build(TEXTS).search(case.queries(QUERIES), k=k)
    check_form(hits, len(QUERIES), k)
    assert (hits.counts <= min(k, len(TEXTS))).all()


def test_a_deeper_search_begins_with_the_shallow_one(case: Case) -> None:
    retriever = case.build(TEXTS)
    deep = retriever.search(case.queries(QUERIES), k=60)
    for k in (1, 2, 7, 30):
        assert retriever.search(case.queries(QUERIES), k=k).equals(deep.truncate(k))


def test_equal_documents_come_in_the_order_of_their_rows(case: Case) -> None:
    hits = case.build(TEXTS).search(case.queries([TEXTS[0]]), k=2)
    assert hits.rows.tolist() == [[0, 4]]
    assert hits.scores[0, 0] == hits.scores[0, 1]


def test_a_batch_is_its_queries_one_by_one(case: Case) -> None:
    retriever = case.build(TEXTS)
    batch = retriever.search(case.queries(QUERIES), k=20)
    for i, query in enumerate(QUERIES):
        alone = retriever.search(case.queries([query]), k=20)
        assert alone.equals(Hits(batch.rows[i : i + 1], batch.scores[i : i + 1], batch.counts[i : i + 1]))


def test_no_query(case: Case) -> None:
    check_form(case.build(TEXTS).search(case.queries([]), k=5), 0, 5)


def test_no_document(case: Case) -> None:
    hits = case.build([]).search(case.queries(QUERIES), k=5)
    check_form(hits, len(QUERIES), 5)
    assert not hits.counts.any()


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_1_is_refused(case: Case, k: int) -> None:
    with pytest.raises(InvalidInputError, match="k: "):
        case.build(TEXTS).search(case.queries(QUERIES), k=k)


def test_threads_change_nothing(case: Case) -> None:
    retriever = case.build(TEXTS)
    queries = case.queries(QUERIES * 20)
    once = retriever.search(queries, k=10)
    assert retriever.search(queries, k=10, n_threads=3).equals(once)
    with ThreadPoolExecutor(4) as pool:
        for hits in pool.map(lambda _: retriever.search(queries, k=10), range(12)):
            assert hits.equals(once)


def test_saved_and_loaded_it_answers_alike(case: Case, tmp_path: Path) -> None:
    retriever = case.build(TEXTS)
    retriever.save(tmp_path)
    loaded = case.load(tmp_path)
    assert len(loaded) == len(TEXTS)
    assert loaded.search(case.queries(QUERIES), k=30).equals(retriever.search(case.queries(QUERIES), k=30))


def test_built_again_it_answers_alike(case: Case) -> None:
    queries = case.queries(QUERIES)
    assert case.build(TEXTS).search(queries, k=30).equals(case.build(TEXTS).search(queries, k=30))
