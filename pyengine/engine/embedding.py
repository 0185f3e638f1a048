"""What an embedder returns, checked before it is stored."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.engine.settings import EmbedderRecord
from pyengine.errors import BackendError

__all__ = ["TEXTS_PER_STEP", "checked_vectors"]

TEXTS_PER_STEP: Final = 1024
"""Texts handed to the embedder at a time: enough to sort by length, few enough for progress and Ctrl-C."""

# What float16 arithmetic in a model may leave; the vector index asks for the same.
_UNIT_TOLERANCE: Final = 0.01


def checked_vectors(vectors: Any, rows: int, record: EmbedderRecord) -> npt.NDArray[np.float32]:
    """Refuse what an embedder should not return, before it is stored."""
    if not isinstance(vectors, np.ndarray) or vectors.shape != (rows, record.dim):
        got = vectors.shape if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise BackendError(
            f"embedder.embed: expected float32 vectors of shape {(rows, record.dim)}, got {got}; "
            "the embedder must return one vector of its own dim per text"
        )
    unit: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(unit).all():
        bad = int(np.flatnonzero(~np.isfinite(unit).all(axis=1))[0])
        raise BackendError(f"embedder.embed: text {bad} of the batch got a vector with NaN or infinity")
    lengths = np.linalg.norm(unit, axis=1)
    if (np.abs(lengths - 1.0) > _UNIT_TOLERANCE).any():
        bad = int(np.argmax(np.abs(lengths - 1.0)))
        raise BackendError(
            f"embedder.embed: text {bad} of the batch got a vector of length {lengths[bad]:.3g}; "
            "the index holds unit vectors: divide each by its length"
        )
    return unit
