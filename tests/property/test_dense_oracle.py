"""The dense search against its slow twin, bit for bit."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.dense import slow_search
from vectors import unit

from pyengine import DenseIndex
from pyengine.config import DenseConfig


@st.composite
def collections(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and queries with few distinct components, so that equal scores and equal vectors are common."""
    dim = draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([2, 3, 1000]))
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    drawn = rng.integers(-levels, levels + 1, (n + m, dim)).astype(np.float64)
    drawn[~drawn.any(axis=1), 0] = 1
    vectors = unit(drawn)
    return vectors[:n], vectors[n:]


@settings(deadline=None)
@given(data=collections(), k=st.integers(1, 50), dtype=st.sampled_from(["f16", "f32"]))
def test_exact_search_equals_the_slow_twin(data: tuple, k: int, dtype: str) -> None:
    vectors, queries = data
    index = DenseIndex.build(vectors, config=DenseConfig(dtype=dtype))
    stored = vectors.astype(np.float16 if dtype == "f16" else np.float32)
    assert index.search(queries, k).equals(slow_search(queries, stored, k))


@settings(deadline=None, max_examples=40)
@given(data=collections(), k=st.integers(1, 50), dtype=st.sampled_from(["f16", "f32", "i8"]))
def test_the_graph_of_a_small_index_misses_nothing_and_ranks_alike(data: tuple, k: int, dtype: str) -> None:
    """With an expansion above the number of rows the graph visits them all: equal to exact, ties included."""
    vectors, queries = data
    index = DenseIndex.build(vectors, config=DenseConfig(dtype=dtype, exact_below=0))
    depth = max(k, len(vectors))
    assert index.search(queries, depth, exact=False).equals(index.search(queries, depth, exact=True))


@settings(deadline=None, max_examples=30)
@given(data=collections(), cuts=st.lists(st.integers(0, 40), max_size=4), below=st.sampled_from([0, 10, 100]))
def test_pieces_save_and_load_change_nothing(data: tuple, cuts: list, below: int, tmp_path_factory) -> None:
    vectors, queries = data
    config = DenseConfig(exact_below=below)
    index = DenseIndex.build(vectors[:0], config=config)
    edges = [0, *sorted(cut for cut in cuts if cut < len(vectors)), len(vectors)]
    for start, stop in pairwise(edges):
        folder = tmp_path_factory.mktemp("index")
        index.save(folder)
        index = DenseIndex.load(folder)
        index.add(vectors[start:stop])
    expected = DenseIndex.build(vectors, config=config)
    assert index.search(queries, 7).equals(expected.search(queries, 7))
    assert np.array_equal(index.vectors(range(len(vectors))), expected.vectors(range(len(vectors))))
