"""How long a BM25 index takes to build, to open and to answer, on one thread.

Corpus model: 20,000 documents of 70 tokens whose ranks are Zipf-distributed (exponent 1.15) over 100,000
types, seed 0. Queries: 2 to 6 tokens of one document each, so that frequent terms are as frequent in
queries as in texts. Times are of the whole call from Python.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from oracles.bm25 import SlowBm25

import pyengine as pe

N_DOCUMENTS, LENGTH, N_TYPES, N_QUERIES = 20_000, 70, 100_000, 200


@pytest.fixture(scope="module")
def texts() -> list[str]:
    ranks = np.random.default_rng(0).zipf(1.15, (N_DOCUMENTS, LENGTH)) % N_TYPES
    return [" ".join(f"t{rank}" for rank in row) for row in ranks.tolist()]


@pytest.fixture(scope="module")
def queries(texts: list[str]) -> list[str]:
    random = np.random.default_rng(1)
    sources = random.integers(0, N_DOCUMENTS, N_QUERIES)
    return [" ".join(random.choice(texts[i].split(), random.integers(2, 7))) for i in sources]


@pytest.fixture(scope="module")
def index(texts: list[str]) -> pe.Bm25Index:
    return pe.Bm25Index.build(texts, analyzer=pe.Analyzer("whitespace"))


def test_build(benchmark: Any, texts: list[str]) -> None:
    column = pa.array(texts)
    built = benchmark.pedantic(
        pe.Bm25Index.build, (column,), {"analyzer": pe.Analyzer("whitespace")}, rounds=3
    )
    stats = built.stats
    assert (stats.documents, stats.tokens) == (N_DOCUMENTS, N_DOCUMENTS * LENGTH)
    benchmark.extra_info["bytes_per_posting"] = round(stats.total_bytes / stats.postings, 2)


@pytest.mark.parametrize("k", [10, 100, 1000])
def test_one_query_a_call(benchmark: Any, index: pe.Bm25Index, queries: list[str], k: int) -> None:
    def search_all() -> list[pe.Hits]:
        return [index.search([query], k=k) for query in queries]

    found = benchmark(search_all)
    benchmark.extra_info["postings_a_query"] = int(index.postings_count(queries).mean())
    batch = index.search(queries, k=k)
    assert all(np.array_equal(hits.rows[0], batch.rows[i]) for i, hits in enumerate(found))


def test_overhead_of_a_call(benchmark: Any, index: pe.Bm25Index) -> None:
    """A query without a known term: what a call costs beside the search."""
    assert benchmark(index.search, ["unknown"]).counts[0] == 0


def test_load(benchmark: Any, index: pe.Bm25Index, tmp_path: Path) -> None:
    index.save(tmp_path)
    assert len(benchmark(pe.Bm25Index.load, tmp_path)) == N_DOCUMENTS


def test_the_answers_timed_are_right(index: pe.Bm25Index, texts: list[str], queries: list[str]) -> None:
    slow = SlowBm25([text.split() for text in texts])
    for query in queries[:3]:
        rows, scores = index.search([query], k=20).query(0)
        assert list(zip(rows.tolist(), scores.tolist(), strict=True)) == slow.search(query.split(), 20)
