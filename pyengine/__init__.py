"""pyengine: hybrid retrieval that finds, explains and fixes the embedding plateau."""

from pyengine import errors
from pyengine.config import Bm25Config, DenseConfig, FusionConfig
from pyengine.corpus import Chunker, Corpus
from pyengine.dense import DenseIndex
from pyengine.diagnose import diagnose
from pyengine.embed import OnnxEmbedder
from pyengine.engine import Engine, SearchHit, SearchResult, TieredMerge
from pyengine.eval import EvalSet, Qrels, Run, compare, evaluate
from pyengine.fuse import rrf
from pyengine.sparse import Bm25Index, RowFilter
from pyengine.text import Analyzer, Token
from pyengine.types import NO_ROW, Hits

__all__ = [
    "NO_ROW",
    "Analyzer",
    "Bm25Config",
    "Bm25Index",
    "Chunker",
    "Corpus",
    "DenseConfig",
    "DenseIndex",
    "Engine",
    "EvalSet",
    "FusionConfig",
    "Hits",
    "OnnxEmbedder",
    "Qrels",
    "RowFilter",
    "Run",
    "SearchHit",
    "SearchResult",
    "TieredMerge",
    "Token",
    "compare",
    "diagnose",
    "errors",
    "evaluate",
    "rrf",
]
__version__ = "0.1.0"
