"""`DenseIndex`: worked examples, every refusal, and what the graph may and may not change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import clustered, random_unit, unit

from pyengine import NO_ROW, DenseIndex
from pyengine.config import DenseConfig
from pyengine.errors import InvalidInputError

SQUARE = np.array([[1, 0], [0, 1], [-1, 0], [0.6, 0.8]], dtype=np.float32)
GRAPH = DenseConfig(exact_below=0)


def float64_scores(queries: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return queries.astype(np.float64) @ vectors.astype(np.float16).astype(np.float64).T


@pytest.mark.parametrize("config", [DenseConfig(), GRAPH, DenseConfig(dtype="f32"), DenseConfig(dtype="i8")])
def test_four_points_on_a_circle(config: DenseConfig) -> None:
    index = DenseIndex.build(SQUARE, config=config)
    hits = index.search(np.array([[0, 1]], dtype=np.float32), k=3)
    assert hits.rows.tolist() == [[1, 3, 0]]
    np.testing.assert_allclose(hits.scores, [[1, 0.8, 0]], atol=5e-4)
    assert len(index) == 4
    assert index.dim == 2


def test_equal_scores_go_by_row() -> None:
    same = np.repeat(SQUARE[:1], 7, axis=0)
    index = DenseIndex.build(np.concatenate([SQUARE[1:2], same]))
    assert index.search(SQUARE[:1], k=5).rows.tolist() == [[1, 2, 3, 4, 5]]


def test_more_than_there_is_comes_back_short() -> None:
    hits = DenseIndex.build(SQUARE).search(SQUARE[:2], k=9)
    assert hits.counts.tolist() == [4, 4]
    assert hits.k == 9
    assert (hits.rows[:, 4:] == NO_ROW).all()
    assert (hits.scores[:, 4:] == -np.inf).all()


@pytest.mark.parametrize("dtype", ["f16", "f32", "i8"])
def test_empty_index_is_legal_and_grows(dtype: Any, tmp_path: Path) -> None:
    index = DenseIndex.build(np.empty((0, 2), dtype=np.float32), config=DenseConfig(dtype=dtype))
    assert index.search(SQUARE, k=3).counts.tolist() == [0, 0, 0, 0]
    index.save(tmp_path)
    loaded = DenseIndex.load(tmp_path)
    assert len(loaded) == 0
    assert loaded.add(SQUARE[:3]) == range(3)
    assert loaded.add(SQUARE[3:]) == range(3, 4)
    assert loaded.search(SQUARE[3:], k=1).rows.tolist() == [[3]]


def test_no_query_is_legal() -> None:
    hits = DenseIndex.build(SQUARE).search(np.empty((0, 2), dtype=np.float32), k=3)
    assert hits.rows.shape == (0, 3)


def test_scores_are_inner_products_whatever_found_the_row() -> None:
    vectors, queries = clustered(3000, 40), clustered(20, 40, seed=1)
    index = DenseIndex.build(vectors, config=GRAPH)
    truth = float64_scores(queries, vectors)
    for hits in (index.search(queries, 10, exact=True), index.search(queries, 10, exact=False)):
        expected = np.take_along_axis(truth, hits.rows.astype(np.int64), axis=1)
        np.testing.assert_allclose(hits.scores, expected, atol=1e-6)
    exact = index.search(queries, 3000, exact=True)
    found = index.search(queries, 10, exact=False)
    for i in range(len(queries)):
        score_of = dict(zip(exact.rows[i].tolist(), exact.scores[i].tolist(), strict=True))
        assert [score_of[row] for row in found.rows[i].tolist()] == found.scores[i].tolist()


def test_graph_appears_at_exact_below_and_keeps_the_earlier_rows() -> None:
    vectors = clustered(300, 16)
    index = DenseIndex.build(vectors[:150], config=DenseConfig(exact_below=200))
    assert not index.has_graph
    index.add(vectors[150:])
    assert index.has_graph
    assert index.search(vectors, 1, exact=False).rows[:, 0].tolist() == list(range(300))


def test_built_in_pieces_it_finds_as_much() -> None:
    vectors, queries = clustered(2500, 24), clustered(50, 24, seed=2)
    pieces = DenseIndex.build(vectors[:7], config=GRAPH)
    for start, stop in ((7, 8), (8, 1100), (1100, 2500)):
        assert pieces.add(vectors[start:stop]) == range(start, stop)
    assert pieces.recall(20, queries=queries) >= 0.95
    assert np.array_equal(pieces.vectors(range(2500)), DenseIndex.build(vectors).vectors(range(2500)))


def test_a_sorted_collection_is_found_as_well_as_a_shuffled_one() -> None:
    """Vectors along a path, as codes in order: inserted in that order, the graph would miss half of them."""
    steps = np.random.default_rng(0).standard_normal((4000, 32)) * 0.05
    path = unit(np.cumsum(steps, axis=0) + 1)
    queries = unit(path[::50] + np.random.default_rng(1).standard_normal((80, 32)) * 0.1)
    index = DenseIndex.build(path, config=GRAPH)
    assert index.recall(10, queries=queries) >= 0.9


@pytest.mark.parametrize("below", [0, 250])
def test_an_add_interrupted_leaves_the_index_as_it_was_or_closed(below: int) -> None:
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    vectors = clustered(300, 8)
    index = DenseIndex.build(vectors[:200], config=DenseConfig(exact_below=below))
    with pytest.raises(KeyboardInterrupt):
        index.add(vectors[200:], progress=interrupt)
    if below:
        assert len(index) == 200
        assert index.search(vectors[:5], 1).rows[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert index.add(vectors[200:]) == range(200, 300)
    else:
        for call in (index.search, index.add):
            with pytest.raises(InvalidInputError, match="half extended; load the index again"):
                call(vectors[:1])


@pytest.mark.parametrize("dtype", ["f16", "f32", "i8"])
def test_built_twice_it_is_the_same_file(dtype: Any, tmp_path: Path) -> None:
    vectors = clustered(1500, 32)
    config = DenseConfig(dtype=dtype, exact_below=0)
    for name in ("a", "b"):
        DenseIndex.build(vectors, config=config).save(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("dtype", ["f16", "f32", "i8"])
def test_recall_of_the_graph(dtype: Any) -> None:
    index = DenseIndex.build(clustered(5000, 48), config=DenseConfig(dtype=dtype, exact_below=0))
    assert index.recall(10, queries=clustered(100, 48, seed=3)) >= 0.95
    assert index.recall(10, sample=50, seed=1) >= 0.95
    starved = DenseConfig(dtype=dtype, exact_below=0, connectivity=2, expansion_add=1, expansion_search=1)
    assert DenseIndex.build(clustered(5000, 48), config=starved).recall(10) < 0.9


def test_recall_counts_what_ties_with_the_last_hit() -> None:
    index = DenseIndex.build(np.repeat(SQUARE[:2], 300, axis=0), config=GRAPH)
    assert index.recall(5, sample=10) == 1.0


def test_wide_searches_look_at_every_row() -> None:
    vectors = clustered(640, 8)
    index = DenseIndex.build(vectors, config=GRAPH)
    assert index.search(vectors[:5], 21).equals(index.search(vectors[:5], 21, exact=True))
    assert index.search(vectors[:5], 640).counts.tolist() == [640] * 5


def test_a_search_wider_than_the_expansion_is_answered_in_full() -> None:
    vectors = clustered(3000, 16)
    index = DenseIndex.build(vectors, config=DenseConfig(exact_below=0, expansion_search=8))
    assert index.search(vectors[:3], 500, exact=False).counts.tolist() == [500] * 3


def test_vectors_come_back_as_stored() -> None:
    vectors = random_unit(70_000, 3)  # more than one block
    index = DenseIndex.build(vectors, config=DenseConfig(exact_below=10**6))
    rows = [0, 69_999, 65_535, 65_536, 5, 5]
    assert np.array_equal(index.vectors(rows), vectors[rows].astype(np.float16).astype(np.float32))
    assert index.vectors([]).shape == (0, 3)
    queries = random_unit(3, 3, seed=4)
    hits = index.search(queries, 5)
    truth = float64_scores(queries, vectors)
    np.testing.assert_allclose(hits.scores, -np.sort(-truth, axis=1)[:, :5], atol=1e-6)


def test_threads_that_build_together_make_a_sound_graph(tmp_path: Path) -> None:
    vectors = clustered(3000, 16)
    index = DenseIndex.build(vectors, config=DenseConfig(exact_below=0, build_threads=3))
    assert index.recall(10) >= 0.95
    assert np.array_equal(index.vectors(range(3000)), vectors.astype(np.float16).astype(np.float32))
    index.save(tmp_path)
    loaded = DenseIndex.load(tmp_path)
    assert loaded.search(vectors[:50], 5).equals(index.search(vectors[:50], 5))


def test_the_caller_may_change_the_array_afterwards() -> None:
    vectors = clustered(500, 8).astype(np.float16)
    index = DenseIndex.build(vectors, config=GRAPH)
    before = index.search(clustered(5, 8, seed=5), 5)
    vectors[:] = 0
    assert index.search(clustered(5, 8, seed=5), 5).equals(before)


def test_progress_is_called() -> None:
    seen: list[tuple[int, int | None]] = []
    index = DenseIndex.build(
        random_unit(2500, 4), config=GRAPH, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1024, 2500), (2048, 2500), (2500, 2500)]
    index.add(random_unit(10, 4), progress=lambda done, total: seen.append((done, total)))
    assert seen[3:] == [(10, 10)]


BAD_VECTORS = [
    ([[1.0, 0.0]], "expected a numpy array of float32 or float16, got list"),
    (np.eye(2), "got an array of float64"),
    (np.eye(2, dtype=np.int8), "got an array of int8"),
    (np.array([1, 0], dtype=np.float32), r"expected shape \(n, 2\), got \(2,\); pass one vector as vector"),
    (np.eye(3, dtype=np.float32), "expected 2 columns, got 3"),
    (np.array([[0, 1], [np.nan, 1]], dtype=np.float32), r"vectors\[1\]: expected finite numbers"),
    (np.array([[np.inf, 0]], dtype=np.float16), r"vectors\[0\]: expected finite numbers"),
    (np.array([[1, 1]], dtype=np.float32), r"length 1, got 1.414; divide"),
    (np.array([[0, 0]], dtype=np.float32), r"length 1, got 0; divide"),
    (np.array([[1e30, 0]], dtype=np.float32), r"vectors\[0\]: expected a vector of length 1"),
]


@pytest.mark.parametrize(("vectors", "message"), BAD_VECTORS)
def test_bad_vectors_are_refused_before_they_get_in(vectors: Any, message: str) -> None:
    index = DenseIndex.build(SQUARE, config=GRAPH)
    for call in (index.add, index.search):
        with pytest.raises(InvalidInputError, match=message):
            call(vectors)
    assert len(index) == 4


def test_a_bad_vector_late_in_a_batch_keeps_all_out() -> None:
    vectors = random_unit(5000, 4)
    vectors[4999, 0] = np.nan
    index = DenseIndex.build(SQUARE[:0].reshape(0, 2), config=GRAPH)
    with pytest.raises(InvalidInputError, match=r"vectors\[4999\]"):
        DenseIndex.build(vectors)
    assert len(index) == 0


@pytest.mark.parametrize("name", ["k", "n_threads"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_counts_below_1_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{name}: expected a whole number of at least 1"):
        DenseIndex.build(SQUARE).search(SQUARE, **{name: value})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([4], r"rows\[0\]: expected 0 to 3, got 4"),
        ([0, -1], r"rows\[1\]"),
        ([0.5], "whole numbers"),
        (3, "shape"),
    ],
)
def test_bad_rows_are_refused(rows: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        DenseIndex.build(SQUARE).vectors(rows)


def test_recall_of_nothing_is_refused() -> None:
    empty = DenseIndex.build(SQUARE[:0])
    with pytest.raises(InvalidInputError, match="recall: the index is empty"):
        empty.recall()
    with pytest.raises(InvalidInputError, match="queries: expected at least one"):
        DenseIndex.build(SQUARE).recall(queries=SQUARE[:0])


def test_a_vector_rounded_to_half_is_still_of_length_1() -> None:
    index = DenseIndex.build(random_unit(200, 768).astype(np.float16))
    assert len(index) == 200
