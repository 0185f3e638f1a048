"""bm25s with its NumPy backend."""

import bm25s
import bm25s_numba

IDF = "lucene"
LENGTHS = "exact"


class Peer(bm25s_numba.Peer):
    """As the Numba one, without it."""

    def open(self, folder, k1, b):
        """Load without activating Numba."""
        self.model = bm25s.BM25.load(folder)
        self.model.backend = "numpy"
