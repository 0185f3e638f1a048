"""bm25-turbo's exact search; its approximate one is not rank-safe."""

import os

from bm25_turbo_python import BM25

IDF = "lucene"
LENGTHS = "exact"


class Peer:
    """One index, one thread."""

    def build(self, texts, folder, k1, b):
        """Index texts with its own tokenizer."""
        engine = BM25(method="lucene", k1=k1, b=b)
        engine.index(list(texts))
        engine.save(os.path.join(folder, "index.bm25"))

    def open(self, folder, k1, b):
        """Load the index."""
        self.engine = BM25.load(os.path.join(folder, "index.bm25"))

    def search(self, tokens, k):
        """Return ids and scores of one query."""
        return self.engine.search(" ".join(tokens), k=k)

    def size(self, folder):
        """Bytes on disk."""
        return os.path.getsize(os.path.join(folder, "index.bm25"))
