"""Search by vector: `DenseIndex`, and `DenseUnion` of several.

The rooms inside: ``vectors`` holds the stored vectors, ``graph`` the HNSW graph over them (usearch),
``files`` what lies on disk, ``index`` composes them, ``union`` joins indexes. Scores are computed in C++
(``csrc/core/dense.hpp``).
"""

from pyengine.dense.index import DenseIndex
from pyengine.dense.union import DenseUnion

__all__ = ["DenseIndex", "DenseUnion"]
