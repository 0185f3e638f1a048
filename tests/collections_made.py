"""Small made-up collections whose answers are known. For tests of fusion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import pyengine as pe

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pe", "ra") for b in ("der", "lin", "mon", "sat", "tor")]


def texts(n: int, seed: int = 0, length: int = 12) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, length)) for _ in range(n)]


class WordEmbedder:
    """Bags of words as unit vectors; with ``noise`` 1 nothing but a random vector for every text."""

    def __init__(self, noise: float = 0.0, dim: int = 64) -> None:
        self.dim = dim
        self.noise = noise
        self.fingerprint = f"words-{dim}-{noise}"

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> npt.NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim))
        for i, text in enumerate(texts):
            for word in text.split():
                vectors[i] += (1 - self.noise) * self._direction(word)
            vectors[i] += self.noise * self._direction(text + kind)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def _direction(self, text: str) -> npt.NDArray[np.float64]:
        return np.random.default_rng([ord(c) for c in text]).standard_normal(self.dim)


def made(path: Path, documents: Sequence[str], embedder: Any, **settings: Any) -> pe.Engine:
    engine = pe.Engine.create(path, embedder=embedder, **settings)
    engine.add([{"id": str(i), "text": text} for i, text in enumerate(documents)])
    engine.commit()
    return engine


def known_queries(documents: Sequence[str], words: int) -> tuple[list[str], list[int]]:
    random = np.random.default_rng(3)
    rows = random.choice(len(documents), 60, replace=False).tolist()
    return [" ".join(random.permutation(documents[row].split())[:words]) for row in rows], rows
