"""Text to unit vectors with an ONNX model: `OnnxEmbedder`.

The rooms inside: ``folder`` reads what a model folder says, ``session`` runs ONNX Runtime on CUDA or
CPU, ``batching`` tokenises and groups texts, ``pooling`` turns token vectors into one, ``cache``
remembers queries, ``choices`` settles what folder, model and caller say together, ``fingerprint`` names the
vector space, ``embedder`` composes them. ONNX Runtime and tokenizers load with the first
embedder, never with ``import pyengine``.
"""

from pyengine.embed.embedder import OnnxEmbedder
from pyengine.embed.stats import EmbedStats

__all__ = ["EmbedStats", "OnnxEmbedder"]
