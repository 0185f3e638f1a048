"""`DenseIndex.score` and `DenseUnion.score`: the scores a search gives, for rows that one names."""

from typing import Any

import numpy as np
import pytest

from pyengine import NO_ROW, DenseConfig, DenseIndex
from pyengine.dense import DenseUnion
from pyengine.errors import InvalidInputError


def unit(n: int, dim: int = 40, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", ["f16", "f32", "i8"])
@pytest.mark.parametrize("exact_below", [0, 1000])
def test_scores_are_those_of_a_search_bit_for_bit(dtype: Any, exact_below: int) -> None:
    index = DenseIndex.build(unit(300), config=DenseConfig(dtype=dtype, exact_below=exact_below))
    queries = unit(5, seed=1)
    hits = index.search(queries, 50)
    scores = index.score(queries, hits.rows)
    assert np.array_equal(scores.view(np.uint32), hits.scores.view(np.uint32))


def test_unused_slots_get_no_score() -> None:
    index = DenseIndex.build(unit(3))
    rows = np.array([[2, NO_ROW], [NO_ROW, NO_ROW]], dtype=np.uint32)
    scores = index.score(unit(2, seed=1), rows)
    assert np.isneginf(scores).tolist() == [[False, True], [True, True]]
    assert np.isneginf(index.score(unit(1, seed=1), np.full((1, 2), NO_ROW))).all()


def test_a_union_scores_the_rows_it_shows() -> None:
    parts = [(DenseIndex.build(unit(40, seed=s)), np.array([1, 5], np.uint32)) for s in (2, 3)]
    union = DenseUnion(parts)
    queries = unit(4, seed=1)
    hits = union.search(queries, 100)
    assert hits.counts.tolist() == [76] * 4
    scores = union.score(queries, hits.rows)
    assert np.array_equal(scores.view(np.uint32), hits.scores.view(np.uint32))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[3]], "rows: expected rows below 3, got 3"),
        ([0], r"rows: expected shape \(1, m\), got \(1,\)"),
        ([[0], [1]], r"rows: expected shape \(1, m\), got \(2, 1\)"),
        ([[0.5]], "rows: expected integers"),
    ],
)
def test_refusals(rows: list[object], message: str) -> None:
    index = DenseIndex.build(unit(3))
    for asked in (index, DenseUnion([(index, np.zeros(0, np.uint32))])):
        with pytest.raises(InvalidInputError, match=message):
            asked.score(unit(1, seed=1), np.array(rows))
