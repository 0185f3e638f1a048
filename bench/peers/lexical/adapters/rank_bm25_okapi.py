"""rank_bm25, Python over NumPy: scores every document for every query. Its idf is another: not checked."""

import json
import os

import numpy as np
import rank_bm25

IDF = "other"
LENGTHS = "exact"


class Peer:
    """One index in memory; it has no file of its own, so the texts are kept and indexed when opened."""

    def build(self, texts, folder, k1, b):
        """Keep the tokens."""
        with open(os.path.join(folder, "tokens.json"), "w") as file:
            json.dump([text.split() for text in texts], file)

    def open(self, folder, k1, b):
        """Index the tokens."""
        with open(os.path.join(folder, "tokens.json")) as file:
            self.model = rank_bm25.BM25Okapi(json.load(file), k1=k1, b=b)

    def search(self, tokens, k):
        """Return ids and scores of one query."""
        scores = self.model.get_scores(tokens)
        best = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
        best = best[np.argsort(-scores[best], kind="stable")]
        return best, scores[best]

    def size(self, folder):
        """It has no format."""
        return None
