"""Exact BM25 over an inverted index: `Bm25Index`, and `Bm25Builder` that makes one from a stream."""

from pyengine.rows import RowFilter
from pyengine.sparse.builder import Bm25Builder
from pyengine.sparse.index import FILE_NAME, Bm25Index
from pyengine.sparse.positions import PositionsBuilder
from pyengine.sparse.report import Bm25Stats, QueryProfile, TermContribution

__all__ = [
    "FILE_NAME",
    "Bm25Builder",
    "Bm25Index",
    "Bm25Stats",
    "PositionsBuilder",
    "QueryProfile",
    "RowFilter",
    "TermContribution",
]
