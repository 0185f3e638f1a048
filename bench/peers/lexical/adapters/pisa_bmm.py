"""PISA block-max MaxScore through pyterrier-pisa's native module, without its pandas layer."""

import os

import numpy as np
from pyterrier_pisa import PisaIndex, _pisathon

IDF = "robertson"
LENGTHS = "exact"
ALGORITHM = "block_max_maxscore"


class Peer:
    """One index, one thread."""

    def build(self, texts, folder, k1, b):
        """Index without stemming, and make what a first search would."""
        index = PisaIndex(folder, stemmer="none", threads=1, overwrite=True, stops="none")
        index.index({"docno": str(row), "text": text} for row, text in enumerate(texts))
        self.open(folder, k1, b)

    def open(self, folder, k1, b):
        """Prepare retrieval: encodes and computes block maxima at the first time."""
        index = PisaIndex(folder, stemmer="none", threads=1, stops="none")
        self.retriever = index.bm25(k1=k1, b=b, num_results=10, threads=1, query_algorithm=ALGORITHM)
        self.context = self.retriever._ctxt
        self.arrays = {}

    def buffers(self, size):
        """Result arrays, made once a size."""
        if size not in self.arrays:
            self.arrays[size] = (
                np.empty(size, dtype=np.int32),
                np.empty(size, dtype=object),
                np.empty(size, dtype=np.int32),
                np.empty(size, dtype=np.float32),
            )
        return self.arrays[size]

    def run(self, queries, k, threads):
        """Answer queries given as token lists."""
        qidxs, docnos, ranks, scores = self.buffers(len(queries) * k)
        found = _pisathon.retrieve(
            self.context,
            ALGORITHM,
            [(i, " ".join(tokens)) for i, tokens in enumerate(queries)],
            k=k,
            threads=threads,
            query_weighted=0,
            pretokenised=False,
            result_qidxs=qidxs,
            result_docnos=docnos,
            result_ranks=ranks,
            result_scores=scores,
        )
        return docnos[:found], scores[:found]

    def search(self, tokens, k):
        """Return docnos and scores of one query."""
        return self.run([tokens], k, 1)

    def rows(self, docnos):
        """Docnos are rows as text."""
        return [int(docno) for docno in docnos]

    def search_batch(self, queries, k, threads):
        """Answer many queries in one call."""
        self.run(queries, k, threads)

    def size(self, folder):
        """Bytes of what a search reads: postings, block maxima, lexicon and document map."""
        used = ("block_simdbp", "bmw", "termlex", "doclex")
        return sum(
            os.path.getsize(os.path.join(folder, name))
            for name in os.listdir(folder)
            if any(part in name for part in used)
        )
