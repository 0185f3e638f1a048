"""How long building takes from raw text (seconds): by preset, by threads, and within a bound of memory.

Corpus model: 100,000 documents, lengths log-normal around 70 words, six words in ten Zipf over 500,000 types,
four from 20,000 of the document's topic (of 200); seed 42. Texts are in memory before the clock starts.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe
from bench.micro.text import _letters

N_DOCUMENTS, N_TYPES, N_TOPICS, N_TOPIC_TYPES = 100_000, 500_000, 200, 20_000


def _zipf(random: np.random.Generator, types: int, size: int) -> Any:
    shares = np.arange(1, types + 1) ** -1.07
    return np.searchsorted(np.cumsum(shares / shares.sum()), random.random(size)).clip(max=types - 1)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    random = np.random.default_rng(42)
    lengths = np.exp(np.log(70) - 0.18 + 0.6 * random.standard_normal(N_DOCUMENTS)).clip(3, 1000).astype(int)
    total = int(lengths.sum())
    topics = np.repeat(random.integers(0, N_TOPICS, N_DOCUMENTS), lengths)
    own = (topics * N_TOPIC_TYPES + _zipf(random, N_TOPIC_TYPES, total)) * 2_654_435_761 % N_TYPES
    types = np.where(random.random(total) < 0.6, _zipf(random, N_TYPES, total), own)
    words = np.array([_letters(i + 26**2) for i in range(N_TYPES)], dtype=object)[types]
    ends = np.cumsum(lengths)
    return [" ".join(words[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("preset", ["words", "domain"])
def test_build(benchmark: Any, texts: list[str], preset: str, n_threads: int) -> None:
    built = benchmark.pedantic(
        lambda: pe.Bm25Index.build(texts, analyzer=pe.Analyzer(preset), n_threads=n_threads), rounds=3
    )
    assert len(built) == N_DOCUMENTS


def test_build_within_64_mb(benchmark: Any, texts: list[str]) -> None:
    built = benchmark.pedantic(
        lambda: pe.Bm25Index.build(texts, analyzer=pe.Analyzer("words"), memory_mb=64), rounds=3
    )
    assert len(built) == N_DOCUMENTS
