"""Stand-ins for parts that are slow or large. For tests, and nothing else."""

import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


class FakeEmbedder:
    """Hashed character pairs as unit vectors: texts that share letters lie close. Deterministic, no model."""

    def __init__(self, dim: int = 32) -> None:
        self.dim = dim
        self.fingerprint = f"fake-{dim}"

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> npt.NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        # Texts without a pair of letters get a vector too.
        vectors[:, 0] = 1e-3
        for vector, text in zip(vectors, texts, strict=True):
            for pair in pairwise(text):
                vector[zlib.crc32("".join(pair).encode("utf-8", "replace")) % self.dim] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
