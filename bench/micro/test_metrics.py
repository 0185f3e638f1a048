"""How long evaluation takes, in seconds.

Work: 10,000 queries x 1,000 hits over a corpus of 1,000,000 rows, 10 judgements a query of which 3 are
among the hits, grades 0 to 3, seed 0. One thread, compiled code warm.
The target is under a second for the metrics with their confidence intervals.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe

N_QUERIES, K, N_ROWS = 10_000, 1_000, 1_000_000
METRICS = ("ndcg@10", "recall@100", "mrr@10", "map", "precision@10")

Work = tuple[pe.Hits, dict[int, dict[int, int]]]


@pytest.fixture(scope="module")
def work() -> Work:
    random = np.random.default_rng(0)
    first = random.integers(0, N_ROWS - K * 900, (N_QUERIES, 1))
    rows = first + np.cumsum(random.integers(1, 900, (N_QUERIES, K)), axis=1)
    rows = random.permuted(rows, axis=1).astype(np.uint32)
    scores = -np.sort(-random.random((N_QUERIES, K), dtype=np.float32), axis=1)
    hits = pe.Hits(rows, scores, np.full(N_QUERIES, K, dtype=np.uint32))
    places = random.integers(0, K, (N_QUERIES, 3))
    judged = np.concatenate(
        (np.take_along_axis(rows, places, axis=1), random.integers(0, N_ROWS, (N_QUERIES, 7))), axis=1
    )
    grades = random.integers(0, 4, judged.shape)
    qrels = {
        i: dict(zip(row, grade, strict=True))
        for i, (row, grade) in enumerate(zip(judged.tolist(), grades.tolist(), strict=True))
    }
    return hits, qrels


def by_hand(work: Work, query: int) -> float:
    """Reciprocal rank at 10 of one query, in plain Python."""
    hits, qrels = work
    ranking = hits.rows[query, :10].tolist()
    return next((1 / rank for rank, row in enumerate(ranking, 1) if qrels[query].get(row, 0) > 0), 0.0)


@pytest.mark.parametrize("n_boot", [0, 2000], ids=["no-intervals", "intervals"])
def test_keyed_by_number(benchmark: Any, work: Work, n_boot: int) -> None:
    hits, qrels = work
    result = benchmark.pedantic(
        pe.evaluate, (hits, qrels, METRICS), {"n_boot": n_boot}, rounds=5, warmup_rounds=1
    )
    assert result.per_query["mrr@10"][:200].tolist() == [by_hand(work, query) for query in range(200)]


@pytest.mark.parametrize("ties", ["order", "trec"])
def test_keyed_by_id(benchmark: Any, work: Work, ties: str) -> None:
    hits, qrels = work
    doc_ids = [f"doc{row}" for row in range(N_ROWS)]
    query_ids = [f"q{query}" for query in range(N_QUERIES)]
    named = pe.Qrels.from_dict(
        {query_ids[q]: {doc_ids[row]: grade for row, grade in judged.items()} for q, judged in qrels.items()}
    )
    settings = {"query_ids": query_ids, "doc_ids": doc_ids, "ties": ties}
    result = benchmark.pedantic(pe.evaluate, (hits, named, METRICS), settings, rounds=5, warmup_rounds=1)
    assert result.per_query["mrr@10"][:200].tolist() == [by_hand(work, query) for query in range(200)]


def test_compare(benchmark: Any, work: Work) -> None:
    hits, qrels = work
    other = pe.Hits(np.random.default_rng(1).permuted(hits.rows, axis=1), hits.scores, hits.counts)
    a, b = (pe.evaluate(arm, qrels, ["ndcg@10"], n_boot=0) for arm in (hits, other))
    result = benchmark.pedantic(pe.compare, (a, b), rounds=3, warmup_rounds=1)
    assert result.low <= result.difference <= result.high
    assert result.n == N_QUERIES
