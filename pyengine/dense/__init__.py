"""Search by vector: `DenseIndex`.

The rooms inside: ``vectors`` holds the stored vectors, ``graph`` the HNSW graph over them (usearch),
``files`` what lies on disk, ``index`` composes them. Scores are computed in C++ (``csrc/core/dense.hpp``).
"""

from pyengine.dense.index import DenseIndex

__all__ = ["DenseIndex"]
