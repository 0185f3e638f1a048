"""pyengine: hybrid retrieval that finds, explains and fixes the embedding plateau."""

from pyengine import errors
from pyengine.embed import OnnxEmbedder
from pyengine.types import NO_ROW, Hits

__all__ = ["NO_ROW", "Hits", "OnnxEmbedder", "errors"]
__version__ = "0.1.0"
