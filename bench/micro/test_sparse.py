"""How long BM25 takes: building (seconds) and 200 queries of 2 to 5 terms one by one (milliseconds).

Corpus model: 50,000 documents of 40 Zipf words with 5 % literals, seed 0; queries are the starts of other
documents, seed 1. One thread, k as named.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe
from bench.micro.text import documents

N_DOCUMENTS, N_QUERIES = 50_000, 200


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return documents(N_DOCUMENTS, words=40)


@pytest.fixture(scope="module")
def index(texts: list[str]) -> pe.Bm25Index:
    return pe.Bm25Index.build(texts)


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [
        " ".join(text.split()[: 2 + i % 4]) for i, text in enumerate(documents(N_QUERIES, words=5, seed=1))
    ]


def test_build(benchmark: Any, texts: list[str]) -> None:
    built = benchmark.pedantic(pe.Bm25Index.build, args=(texts,), rounds=3)
    assert len(built) == N_DOCUMENTS


@pytest.mark.parametrize("k", [10, 100, 1000])
def test_single_queries(benchmark: Any, index: pe.Bm25Index, queries: list[str], k: int) -> None:
    answers = benchmark(lambda: [index.search([query], k) for query in queries])
    together = index.search(queries, k, exact=True)
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer.rows[0], together.rows[i])


def test_batch(benchmark: Any, index: pe.Bm25Index, queries: list[str]) -> None:
    answer = benchmark(index.search, queries, 10)
    assert answer.equals(index.search(queries, 10, exact=True))
