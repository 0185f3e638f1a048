"""bm25s with its Numba backend."""

import os

import bm25s

IDF = "lucene"
LENGTHS = "exact"
BACKEND = "numba"


class Peer:
    """One index, one thread."""

    def build(self, texts, folder, k1, b):
        """Index texts, split at spaces, and save."""
        model = bm25s.BM25(method="lucene", k1=k1, b=b, backend=BACKEND)
        model.index([text.split() for text in texts], show_progress=False)
        model.save(folder)

    def open(self, folder, k1, b):
        """Load, and compile what would be compiled by the first query."""
        self.model = bm25s.BM25.load(folder)
        if BACKEND == "numba":
            self.model.activate_numba_scorer()
        self.vocabulary = self.model.vocab_dict

    def search(self, tokens, k):
        """Return ids and scores of one query."""
        found = self.model.retrieve([tokens], k=k, n_threads=1, show_progress=False)
        return found.documents[0], found.scores[0]

    def search_batch(self, queries, k, threads):
        """Answer many queries in one call."""
        self.model.retrieve(queries, k=k, n_threads=threads, show_progress=False)

    def size(self, folder):
        """Bytes on disk."""
        return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
