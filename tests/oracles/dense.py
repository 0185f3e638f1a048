"""The slow twin of the dense search: one pair at a time, one addition after the other."""

import numpy as np

from pyengine import Hits

LANES = 32


def slow_inner_product(query: np.ndarray, stored: np.ndarray) -> np.float32:
    """Return the inner product as ``csrc/core/inner_product.hpp`` defines it, in single float32 steps."""
    sums = np.zeros(LANES, dtype=np.float32)
    for start in range(0, len(query), LANES):
        products = query[start : start + LANES] * stored[start : start + LANES].astype(np.float32)
        sums[: len(products)] += products
    while len(sums) > 1:
        half = len(sums) // 2
        sums = sums[:half] + sums[half:]
    return sums[0]


def slow_search(queries: np.ndarray, stored: np.ndarray, k: int) -> Hits:
    """Rank all of ``stored`` for every query by the order law."""
    lists = [[(row, float(slow_inner_product(q, v))) for row, v in enumerate(stored)] for q in queries]
    return Hits.from_lists(lists, k)
