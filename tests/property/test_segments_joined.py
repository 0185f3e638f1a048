"""Several segments with deletions answer as one index over what is left, bit for bit."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyengine as pe
from pyengine.dense import DenseUnion

WORDS = [f"t{i}" for i in range(12)]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
# Each segment: its texts, and which of them are deleted.
SEGMENTS = st.lists(st.lists(st.tuples(TEXTS, st.booleans()), max_size=12), min_size=1, max_size=4)


@given(segments=SEGMENTS, queries=st.lists(TEXTS, min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_lexical(segments: list[list[tuple[str, bool]]], queries: list[str], seed: int) -> None:
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for i, segment in enumerate(segments):
            whole = pe.Bm25Index.build([text for text, _ in segment])
            dead = [row for row, (_, gone) in enumerate(segment) if gone]
            half = len(dead) // 2
            texts = [segment[row][0] for row in dead]
            at_once = whole.without(dead)
            in_turn = whole.without(dead[:half], texts[:half]).without(dead[half:], texts[half:])
            files = Path(folder) / f"{i}.scanned", Path(folder) / f"{i}.told"
            at_once.save_deletions(files[0])
            in_turn.save_deletions(files[1])
            if dead:
                assert files[0].read_bytes() == files[1].read_bytes()
            parts.append(whole.with_deletions(files[1]))
    joined = pe.Bm25Index.union(parts, close_up=True)
    fresh = pe.Bm25Index.build([text for segment in segments for text, gone in segment if not gone])
    assert len(joined) == len(fresh)
    allowed = np.random.default_rng(seed).random(len(fresh)) < 0.5
    for k in (1, 3, 40):
        for exact in (False, True):
            assert joined.search(queries, k, exact=exact).equals(fresh.search(queries, k))
        assert joined.search(queries, k, filter=allowed).equals(fresh.search(queries, k, filter=allowed))
        few = np.flatnonzero(allowed)[:1]
        assert joined.search(queries, k, filter=few).equals(fresh.search(queries, k, filter=few))
    rows = np.tile(np.arange(len(fresh), dtype=np.uint32), (len(queries), 1))
    assert np.array_equal(joined.score(queries, rows), fresh.score(queries, rows))
    assert joined.stats.documents == fresh.stats.documents
    assert joined.stats.postings == fresh.stats.postings
    assert joined.stats.average_length == fresh.stats.average_length


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_dense(sizes: list[int], share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    stored = random.integers(-1, 2, (sum(sizes), 4)).astype(np.float32)  # many ties
    stored[(stored == 0).all(axis=1), 0] = 1
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    dead = random.random(len(stored)) < share
    starts = np.cumsum([0, *sizes])
    config = pe.DenseConfig(dtype="f32")
    joined = DenseUnion(
        [
            (
                pe.DenseIndex.build(stored[start:stop], config=config),
                np.flatnonzero(dead[start:stop]).astype(np.uint32),
            )
            for start, stop in itertools.pairwise(starts)
        ]
    )
    fresh = pe.DenseIndex.build(stored[~dead], config=config)
    assert len(joined) == len(fresh)
    queries = stored[:3] if len(stored) else np.eye(3, 4, dtype=np.float32)
    allowed = random.random(len(fresh)) < 0.5
    for k in (1, 4, 100):
        assert joined.search(queries, k).equals(fresh.search(queries, k))
        assert joined.search(queries, k, filter=allowed).equals(fresh.search(queries, k, filter=allowed))
    rows = random.permutation(len(fresh))
    assert np.array_equal(joined.vectors(rows), fresh.vectors(rows))
    if len(fresh):
        assert joined.recall(k=2) == 1.0


def test_a_graph_in_one_segment_of_two() -> None:
    random = np.random.default_rng(3)
    stored = random.normal(size=(3000, 16)).astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    config = pe.DenseConfig(exact_below=1000)
    dead = np.arange(0, 2000, 2, dtype=np.uint32)
    joined = DenseUnion(
        [
            (pe.DenseIndex.build(stored[:2000], config=config), dead),
            (pe.DenseIndex.build(stored[2000:2500], config=config), np.zeros(0, dtype=np.uint32)),
        ]
    )
    assert joined.has_graph
    assert joined.recall(k=10, sample=50) > 0.95
    found = joined.search(stored[2500:], 10)
    assert (found.counts == 10).all()
    live = np.delete(np.arange(2500), dead)
    exact = stored[2500:] @ stored[live].T
    best = np.sort(exact, axis=1)[:, -1]
    assert np.mean(found.scores[:, 0] >= best - 1e-3) > 0.95
    with pytest.raises(pe.errors.InvalidInputError, match="rows: expected rows below 1500, got 1500"):
        joined.vectors([1500])
