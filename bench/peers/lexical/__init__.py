"""Exact BM25 top k: pyengine and its peers on the same texts and queries, interleaved query by query."""
