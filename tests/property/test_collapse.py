"""Collapsing: the best row of every group, and k documents whenever so many match."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

import pyengine as pe
from pyengine import Hits
from pyengine.types import NO_ROW

# Few scores, so that there are ties within and between groups.
RANKINGS = st.lists(
    st.dictionaries(st.integers(0, 11), st.sampled_from([0.5, 1.0, 1.5, 2.0]), max_size=12), max_size=4
)
QUERIES = ["a", "b c", "F33.1 a", "c d a b", "nowhere"]
WORDS = st.sampled_from(["a", "b", "c", "d", "F33.1", "e"])
# One document with many chunks crowds the others out of any short ranking.
DOCUMENTS = st.lists(st.lists(WORDS, max_size=24), min_size=1, max_size=8)


def slow_collapse(pairs: dict[int, float], group_of: list[int]) -> list[tuple[int, float]]:
    """Return the best (row, score) of every group: highest score, then lowest row; in the same order."""
    best: dict[int, tuple[float, int]] = {}
    for row, score in pairs.items():
        best[group_of[row]] = max(best.get(group_of[row], (-np.inf, 0)), (score, -row))
    return [(-row, score) for score, row in sorted(best.values(), reverse=True)]


@settings(max_examples=400)
@given(
    rankings=RANKINGS,
    group_of=st.lists(st.integers(0, 5), min_size=12, max_size=12),
    filler=st.integers(0, 5),
)
def test_collapse_keeps_the_best_row_of_every_group(
    rankings: list[dict[int, float]], group_of: list[int], filler: int
) -> None:
    hits = Hits.from_lists([list(pairs.items()) for pairs in rankings], k=12)
    used = hits.rows != NO_ROW
    groups = np.where(used, np.array(group_of)[np.where(used, hits.rows, 0)], filler)
    expected = Hits.from_lists([slow_collapse(pairs, group_of) for pairs in rankings], k=12)
    assert hits.collapse(groups).equals(expected)


@settings(max_examples=25)
@given(
    documents=DOCUMENTS,
    tokens=st.integers(1, 3),
    k=st.integers(1, 10),
    hybrid=st.booleans(),
    narrow=st.booleans(),
)
def test_k_documents_come_back_whenever_so_many_match(
    documents: list[list[str]], tokens: int, k: int, hybrid: bool, narrow: bool
) -> None:
    embedder = FakeEmbedder() if hybrid else None
    fusion = pe.FusionConfig(window=1)  # the branches are read no deeper than has to be
    condition = "n >= 2" if narrow else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "idx"
        chunker = pe.Chunker(tokens, tokens - 1)
        with pe.Engine.create(path, embedder=embedder, fusion=fusion, chunker=chunker) as engine:
            engine.add(
                [{"id": f"d{i}", "text": " ".join(words), "n": i} for i, words in enumerate(documents)]
            )
            engine.commit()
            every = max(1, len(engine))
            owner = [engine.corpus.documents.of(np.array([row]))[0] for row in range(len(engine))]
            for mode in ("lexical", "dense") if hybrid else ("lexical",):
                whole = engine.search_batch(QUERIES, every, mode=mode, filter=condition, collapse=False)
                lists = [
                    slow_collapse(dict(zip(rows.tolist(), scores.tolist(), strict=True)), owner)
                    for rows, scores in whole
                ]
                expected = Hits.from_lists([pairs[:k] for pairs in lists], k=k)
                assert engine.search_batch(QUERIES, k, mode=mode, filter=condition).equals(expected)
            found = engine.search_batch(QUERIES, k, filter=condition)
            for i, query in enumerate(QUERIES):
                one = engine.search(query, k, filter=condition)
                rows, scores = found.query(i)
                assert [hit.row for hit in one] == rows.tolist()
                assert [np.float32(hit.score) for hit in one] == scores.tolist()
                assert len({hit.id for hit in one}) == len(one)
                # Fused: every document that a branch names is there, up to k.
                branches = ("lexical", "dense") if hybrid else ("lexical",)
                matching = {
                    owner[row]
                    for mode in branches
                    for row in engine.search_batch(
                        [query], every, mode=mode, filter=condition, collapse=False
                    ).query(0)[0]
                }
                assert len(one) == min(k, len(matching))
                for hit in one:
                    words = " ".join(documents[int(hit.id[1:])])
                    assert hit.span is not None
                    assert words[slice(*hit.span)] == hit.text


def test_groups_of_another_shape_are_refused() -> None:
    hits = Hits.from_lists([[(1, 2.0), (2, 1.0)]])
    with pytest.raises(pe.errors.InvalidInputError, match=r"groups: expected integers of shape \(1, 2\)"):
        hits.collapse(np.zeros(2, dtype=np.int64))
    with pytest.raises(pe.errors.InvalidInputError, match=r"groups: expected numbers from 0 .* got -1"):
        hits.collapse(np.array([[0, -1]]))
    with pytest.raises(pe.errors.InvalidInputError, match=r"groups: .*float64"):
        hits.collapse(np.zeros((1, 2)))
