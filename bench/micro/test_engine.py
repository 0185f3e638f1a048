"""What the engine adds to its parts: BM25, the vector index and fusion called by hand on the same index.

10,000 documents of 30 words drawn from 5,000 by a Zipf-like law (seed 0), 384 dimensions, k = 10 out
of 100 a branch. The embedder answers from memory, so that the model does not hide the engine. The interesting
figure is the ratio between `engine` and `parts` of one run; both must give the same answer, and for one query
both read the ten documents.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyengine as pe
from pyengine.config import DenseConfig

DOCUMENTS, WORDS, DIM, QUERIES = 10_000, 5_000, 384, 64


class Remembered:
    """Unit vectors by text, made once."""

    dim = DIM
    fingerprint = "remembered"

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._known: dict[str, Any] = {}

    def embed(self, texts: Sequence[str], *, kind: str = "passage") -> Any:
        for text in texts:
            if text not in self._known:
                vector = self._random.standard_normal(DIM).astype(np.float32)
                self._known[text] = vector / np.linalg.norm(vector)
        return np.stack([self._known[text] for text in texts])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pe.Engine]:
    random = np.random.default_rng(0)
    share = 1.0 / np.arange(2, WORDS + 2)
    words = random.choice(WORDS, size=(DOCUMENTS, 30), p=share / share.sum())
    path: Path = tmp_path_factory.mktemp("engine") / "idx"
    with pe.Engine.create(path, embedder=Remembered(), dense=DenseConfig(expansion_search=64)) as made:
        made.add({"id": str(i), "text": " ".join(f"w{w}" for w in row)} for i, row in enumerate(words))
        made.commit()
        yield made


@pytest.fixture(scope="module")
def queries() -> list[str]:
    random = np.random.default_rng(2)
    return [" ".join(f"w{w}" for w in random.integers(5, 500, size=4)) for _ in range(QUERIES)]


def by_hand(engine: pe.Engine, queries: Sequence[str]) -> pe.Hits:
    assert engine.dense is not None
    assert engine.embedder is not None
    lexical = engine.lexical.search(queries, 100)
    dense = engine.dense.search(engine.embedder.embed(queries, kind="query"), 100)
    return pe.rrf([lexical, dense], k=60, depth=10)


@pytest.mark.parametrize("how", ["parts", "engine"])
def test_a_batch(engine: pe.Engine, queries: list[str], benchmark: Any, how: str) -> None:
    expected = by_hand(engine, queries)
    if how == "engine":
        hits = benchmark(lambda: engine.search_batch(queries, k=10))
    else:
        hits = benchmark(lambda: by_hand(engine, queries))
    assert hits.equals(expected)


@pytest.mark.parametrize("how", ["parts", "engine"])
def test_one_query(engine: pe.Engine, queries: list[str], benchmark: Any, how: str) -> None:
    query = queries[0]
    expected = by_hand(engine, [query]).query(0)[0].tolist()
    if how == "engine":
        result = benchmark(lambda: engine.search(query, k=10))
        assert [hit.row for hit in result] == expected
    else:

        def parts() -> list[int]:
            rows: list[int] = by_hand(engine, [query]).query(0)[0].tolist()
            for row in rows:
                (
                    engine.corpus.id(row),
                    engine.corpus.title(row),
                    engine.corpus.text(row),
                    engine.corpus.metadata(row),
                )
            return rows

        assert benchmark(parts) == expected
