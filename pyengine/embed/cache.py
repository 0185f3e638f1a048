"""A bounded, thread-safe memory of query vectors."""

import threading
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

__all__ = ["VectorCache"]


class VectorCache:
    """Least recently used vectors by text. Threads: safe. Vectors are copied in and out.

    Parameters
    ----------
    size : int, >= 0
        Entries kept; 0 keeps none.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._vectors: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Entries held."""
        return len(self._vectors)

    def read(self, text: str, out: npt.NDArray[np.float32]) -> bool:
        """Copy the vector of ``text`` into ``out`` and return True, or return False."""
        with self._lock:
            vector = self._vectors.get(text)
            if vector is None:
                return False
            self._vectors.move_to_end(text)
        # Outside the lock: a stored vector is never written again.
        out[:] = vector
        return True

    def write(self, text: str, vector: npt.NDArray[np.float32]) -> None:
        """Keep a copy of ``vector``, forgetting the least recently used entry if full."""
        if self._size == 0:
            return
        kept = vector.copy()
        with self._lock:
            self._vectors[text] = kept
            self._vectors.move_to_end(text)
            if len(self._vectors) > self._size:
                self._vectors.popitem(last=False)
