"""Unit vectors for tests, the same on every run."""

import numpy as np
import numpy.typing as npt


def unit(vectors: np.ndarray) -> npt.NDArray[np.float32]:
    """Scale rows to length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_unit(n: int, dim: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return ``n`` directions, evenly spread."""
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def clustered(n: int, dim: int, seed: int = 0, clusters: int = 50) -> npt.NDArray[np.float32]:
    """Return ``n`` directions in clusters, as embeddings of texts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    return unit(centres[rng.integers(0, clusters, n)] + rng.standard_normal((n, dim)))
