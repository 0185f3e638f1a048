"""Filtered vectors: exactly the admitted rows' order, and with a graph as many hits as there are rows."""

import numpy as np
import numpy.typing as npt
import pytest

from pyengine import DenseConfig, DenseIndex, Hits, RowFilter
from pyengine.errors import InvalidInputError

DIM = 24


def unit(random: np.random.Generator, n: int) -> npt.NDArray[np.float32]:
    vectors = random.standard_normal((n, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def brute(index: DenseIndex, queries: npt.NDArray[np.float32], k: int, mask: npt.NDArray[np.bool_]) -> Hits:
    """All rows in order, those not admitted left out."""
    every = index.search(queries, len(index), exact=True)
    lists = [
        [(int(row), float(score)) for row, score in zip(*every.query(i), strict=True) if mask[row]][:k]
        for i in range(len(queries))
    ]
    return Hits.from_lists(lists, k)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("exact_below", [1, 10**6])
def test_every_selectivity(seed: int, exact_below: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.choice([1, 2, 63, 64, 65, 700]))
    index = DenseIndex.build(unit(random, n), config=DenseConfig(exact_below=exact_below))
    queries = unit(random, 7)
    for share in (0.0, 0.01, 0.3, 0.9, 1.0):
        mask = random.random(n) < share
        for k in (1, 10, 1000):
            expected = brute(index, queries, k, mask)
            assert index.search(queries, k, exact=True, filter=mask).equals(expected)
            assert index.search(queries, k, exact=True, filter=np.flatnonzero(mask), n_threads=3).equals(
                expected
            )
            found = index.search(queries, k, exact=False, filter=RowFilter(mask, n))
            assert found.counts.tolist() == expected.counts.tolist()
            assert mask[found.rows[found.rows != 2**32 - 1]].all()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_graph_finds_what_a_filter_leaves(share: float) -> None:
    """Recall@10 with random filters stays what it is without: docs/dense.md states 0.95 as the least."""
    random = np.random.default_rng(3)
    index = DenseIndex.build(unit(random, 20_000))
    assert index.has_graph
    queries = unit(random, 100)
    mask = random.random(len(index)) < share
    truth = index.search(queries, 10, exact=True, filter=mask)
    found = index.search(queries, 10, exact=False, filter=mask)
    overlap = np.mean([np.isin(a, b).mean() for a, b in zip(found.rows, truth.rows, strict=True)])
    assert overlap >= 0.95


def test_a_filter_far_from_the_query_is_answered_exactly() -> None:
    """The graph's nearest are all left out, so the rows asked for are not among what it gives."""
    random = np.random.default_rng(4)
    near = unit(random, 1)
    crowd = near + 0.05 * unit(random, 3000)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    far = unit(random, 3000)
    index = DenseIndex.build(
        np.concatenate([crowd, far]).astype(np.float32), config=DenseConfig(exact_below=1)
    )
    mask = np.arange(6000) >= 3000
    truth = index.search(near, 10, exact=True, filter=mask)
    assert index.search(near, 10, exact=False, filter=mask).equals(truth)


def test_a_filter_of_another_index_is_refused() -> None:
    index = DenseIndex.build(unit(np.random.default_rng(1), 5))
    for wrong in ([True] * 4, [5], RowFilter([1], 6), ["a"]):
        with pytest.raises(InvalidInputError, match="filter"):
            index.search(unit(np.random.default_rng(1), 1), 2, filter=wrong)
