"""What a fusion costs a hybrid answer without embedding, in milliseconds for 200 queries.

Corpus model: 10,000 documents of 60 Zipf words with 5 % literals, seed 0; queries are 12 consecutive words of
200 of them. Vectors: random directions, 384 numbers, exact search; the query's lies near its document's.
k = 10, one thread; "single" asks one by one, "batch" all at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import pyengine as pe
from bench.micro.text import documents

N_DOCUMENTS, N_QUERIES, DIM = 10_000, 200, 384


class Known:
    """An embedder that looks up vectors of whole texts, and of anything else by its length."""

    dim = DIM
    fingerprint = "known"

    def __init__(self, texts: Sequence[str], queries: Sequence[str], rows: Sequence[int]) -> None:
        random = np.random.default_rng(0)
        vectors = _unit(random.standard_normal((len(texts), DIM)))
        near = _unit(vectors[rows] + 0.04 * random.standard_normal((len(rows), DIM)))
        self._vectors = dict(zip([*texts, *queries], np.vstack([vectors, near]), strict=True))
        self._others = vectors

    def embed(self, texts: Sequence[str], *, kind: str = "passage") -> npt.NDArray[np.float32]:
        return np.stack([self._vectors.get(text, self._others[len(text)]) for text in texts])


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[pe.Engine, list[str]]:
    texts = documents(N_DOCUMENTS, words=60)
    rows = list(range(0, N_DOCUMENTS, N_DOCUMENTS // N_QUERIES))
    queries = [" ".join(texts[row].split()[8:20]) for row in rows]
    path: Path = tmp_path_factory.mktemp("fusing") / "idx"
    engine = pe.Engine.create(path, embedder=Known(texts, queries, rows), fusion="auto")
    engine.add([{"id": str(i), "text": text} for i, text in enumerate(texts)])
    engine.commit()
    return engine, queries


@pytest.mark.parametrize("method", ["rrf", "convex", "auto"])
@pytest.mark.parametrize("way", ["single", "batch"])
def test_hybrid(benchmark: Any, asked: tuple[pe.Engine, list[str]], way: str, method: Any) -> None:
    engine, queries = asked
    batch = engine.search_batch(queries, 10, fusion=method)
    if way == "batch":
        assert benchmark(engine.search_batch, queries, 10, fusion=method).equals(batch)
        return
    answers = benchmark(lambda: [engine.search(query, 10, fusion=method) for query in queries])
    assert [[hit.row for hit in answer] for answer in answers] == [
        batch.query(i)[0].tolist() for i in range(len(queries))
    ]


@pytest.mark.parametrize("method", ["rrf", "auto"])
@pytest.mark.parametrize("window", [10, 20, 50, 100, 200, 500])
def test_window(benchmark: Any, asked: tuple[pe.Engine, list[str]], method: Any, window: int) -> None:
    engine, queries = asked
    config = pe.FusionConfig(method=method, window=window)
    found = benchmark(engine.search_batch, queries, 10, fusion=config)
    assert found.counts.tolist() == [10] * len(queries)
