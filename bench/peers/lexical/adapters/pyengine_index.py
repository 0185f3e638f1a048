"""pyengine itself."""

import os

from pyengine import Analyzer, Bm25Index

IDF = "lucene"
LENGTHS = "exact"


class Peer:
    """One index, one thread."""

    def build(self, texts, folder, k1, b):
        """Index texts and save."""
        Bm25Index.build(texts, analyzer=Analyzer("words"), k1=k1, b=b).save(folder)

    def open(self, folder, k1, b):
        """Map the saved index."""
        self.index = Bm25Index.load(folder)

    def search(self, tokens, k):
        """Return rows and scores of one query."""
        hits = self.index.search([tokens], k)
        return hits.query(0)

    def search_batch(self, queries, k, threads):
        """Answer many queries in one call."""
        self.index.search(queries, k, n_threads=threads)

    def size(self, folder):
        """Bytes on disk."""
        return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
