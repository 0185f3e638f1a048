"""The engine: composes corpus, lexical and dense branch, fusion and store.

Useful for searching a directory of documents both ways and keeping it up to date. Not useful for ranking rows
you hold yourself: use `pyengine.Bm25Index`, `pyengine.DenseIndex` and `pyengine.rrf`.
"""

from pyengine.engine.facade import Engine
from pyengine.engine.merging import MergePolicy, SegmentSize, TieredMerge
from pyengine.engine.results import Explanation, Mode, SearchHit, SearchResult

__all__ = [
    "Engine",
    "Explanation",
    "MergePolicy",
    "Mode",
    "SearchHit",
    "SearchResult",
    "SegmentSize",
    "TieredMerge",
]
