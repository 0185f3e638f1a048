"""`Bm25Index` against bm25s, an independent implementation, on the same tokens.

bm25s leaves the factor k1 + 1 out of its "lucene" scores, as Lucene does since version 8; it is the same
for every term and document, so it changes no order.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt
import pytest

from pyengine import Bm25Index

Tokens = list[list[str]]


def peer_scores(docs: Tokens, queries: Tokens, k1: float, b: float) -> npt.NDArray[np.float64]:
    """Scores of every document for every query by bm25s, with the factor put back."""
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    peer = bm25s.BM25(method="lucene", k1=k1, b=b, dtype="float64")
    peer.index(docs, show_progress=False)
    known = set(peer.vocab_dict)
    scores = np.zeros((len(queries), len(docs)))
    for i, query in enumerate(queries):
        kept = [term for term in query if term in known]
        if kept:
            scores[i] = peer.get_scores(kept)
    return scores * (k1 + 1)


def assert_same_answers(docs: Tokens, queries: Tokens, k: int, k1: float, b: float) -> None:
    expected = peer_scores(docs, queries, k1, b)
    index = Bm25Index.build(docs, k1=k1, b=b)
    hits = index.search(queries, k)
    for i, (rows, scores) in enumerate(hits):
        best = np.sort(expected[i])[::-1][:k]
        best = best[best > 0]
        assert len(rows) == len(best), queries[i]
        # The same scores rank by rank, and each belongs to its row: the same top k up to ties.
        np.testing.assert_allclose(scores, best, rtol=1e-5, atol=0)
        np.testing.assert_allclose(scores, expected[i][rows], rtol=1e-5, atol=0)
    everything = np.tile(np.arange(len(docs)), (len(queries), 1))
    np.testing.assert_allclose(index.score(queries, everything), expected, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (1.2, 0.75), (0.9, 0.4), (2.0, 0.0), (1.5, 1.0)])
@pytest.mark.parametrize("seed", [1, 2])
def test_generated_collections(seed: int, k1: float, b: float) -> None:
    rng = np.random.default_rng(seed)

    def tokens(n: int) -> list[str]:
        return [f"t{int(x) % 500}" for x in rng.zipf(1.4, n)]

    docs = [tokens(int(rng.integers(1, 60))) for _ in range(300)]
    queries = [tokens(int(rng.integers(1, 9))) for _ in range(40)] + [["t1", "t1", "t2"], ["absent"]]
    assert_same_answers(docs, queries, 10, k1, b)


def read(path: Path, fields: list[str]) -> Tokens:
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [" ".join(str(record[f]) for f in fields).lower().split() for record in records]


def test_scifact(collection: Callable[[str], Path]) -> None:
    folder = collection("scifact")
    docs = read(folder / "corpus.jsonl", ["title", "text"])
    queries = read(folder / "queries.jsonl", ["text"])[:200]
    assert_same_answers(docs, queries, 10, 1.5, 0.75)
