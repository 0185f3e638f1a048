"""How long vector search takes, in milliseconds for 100 queries one by one, k = 10.

Model: 10,000 unit vectors of 384 dimensions in 50 clusters, seed 0; queries alike, seed 1. One thread.
A time without its recall says nothing: each test holds the recall it was measured at.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe
from pyengine.config import DenseConfig

N_ROWS, N_QUERIES, DIM, K = 10_000, 100, 384, 10
LEAST_RECALL = 0.9


def clustered(n: int, seed: int) -> np.ndarray:
    centres = np.random.default_rng(0).standard_normal((50, DIM))
    random = np.random.default_rng(seed)
    vectors = centres[random.integers(0, 50, n)] + random.standard_normal((n, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=["f16", "f32", "i8"])
def index(request: pytest.FixtureRequest) -> pe.DenseIndex:
    return pe.DenseIndex.build(clustered(N_ROWS, 0), config=DenseConfig(dtype=request.param))


@pytest.mark.parametrize("exact", [False, True], ids=["graph", "every-row"])
def test_single_queries(benchmark: Any, index: pe.DenseIndex, exact: bool) -> None:
    queries = clustered(N_QUERIES, 1)
    answers = benchmark(lambda: [index.search(query[None], K, exact=exact) for query in queries])
    truth = index.search(queries, K, exact=True)
    found = np.mean([np.isin(a.rows[0], truth.rows[i]).mean() for i, a in enumerate(answers)])
    assert found == 1.0 if exact else found >= LEAST_RECALL


def test_usearch_called_bare(benchmark: Any, index: pe.DenseIndex) -> None:
    """The same graph searched without us: what checking, scoring and ranking add to a single query."""
    assert index._graph is not None
    bare, width = index._graph._index, index.config.expansion_search
    queries = clustered(N_QUERIES, 1)
    found = benchmark(lambda: [bare.search(query[None], width, threads=1) for query in queries])
    best = [index._vectors.rows[answer.keys.astype(np.int64)] for answer in found]
    truth = index.search(queries, K, exact=True)
    assert np.mean([np.isin(truth.rows[i], rows).mean() for i, rows in enumerate(best)]) >= LEAST_RECALL
