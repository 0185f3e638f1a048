"""pyengine: hybrid retrieval that finds, explains and fixes the embedding plateau."""

import importlib
import typing

from pyengine import errors
from pyengine.diagnose import diagnose

if typing.TYPE_CHECKING:
    from pyengine.config import Bm25Config, DenseConfig, FusionCalibration, FusionConfig
    from pyengine.corpus import Chunker, Corpus
    from pyengine.dense import DenseIndex
    from pyengine.embed import OnnxEmbedder
    from pyengine.engine import Engine, SearchHit, SearchResult, TieredMerge
    from pyengine.eval import EvalSet, Qrels, Run, evaluate
    from pyengine.eval.compare import compare
    from pyengine.fuse import convex, rrf
    from pyengine.sparse import Bm25Index, RowFilter
    from pyengine.text import Analyzer, Token
    from pyengine.tune import tune_fusion
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
    "FusionCalibration",
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
    "convex",
    "diagnose",
    "errors",
    "evaluate",
    "rrf",
    "tune_fusion",
]
__version__ = "0.1.0"

# Loaded when first asked for: a program that only searches postings does not pay for the engine. `diagnose`
# is here from the start, since its package has the same name and would take its place.
_WHERE: typing.Final = {
    "Analyzer": "text",
    "Bm25Config": "config",
    "Bm25Index": "sparse",
    "Chunker": "corpus",
    "Corpus": "corpus",
    "DenseConfig": "config",
    "DenseIndex": "dense",
    "Engine": "engine",
    "EvalSet": "eval",
    "FusionCalibration": "config",
    "FusionConfig": "config",
    "Hits": "types",
    "NO_ROW": "types",
    "OnnxEmbedder": "embed",
    "Qrels": "eval",
    "RowFilter": "sparse",
    "Run": "eval",
    "SearchHit": "engine",
    "SearchResult": "engine",
    "TieredMerge": "engine",
    "Token": "text",
    "compare": "eval",
    "convex": "fuse",
    "evaluate": "eval",
    "rrf": "fuse",
    "tune_fusion": "tune",
}


def __getattr__(name: str) -> typing.Any:
    """Import what is asked for, a public name or the module of one."""
    if name in _WHERE:
        value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    elif name in _WHERE.values():
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
