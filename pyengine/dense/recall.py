"""How much of the exact answer a vector index finds."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pyengine.dense.vectors import check_count
from pyengine.errors import InvalidInputError
from pyengine.types import Hits

__all__ = ["recall"]


class _Searchable(Protocol):
    def __len__(self) -> int: ...

    def vectors(self, rows: Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]: ...

    def search(
        self, vectors: npt.NDArray[Any], k: int = 10, *, exact: bool | None = None, n_threads: int = 1
    ) -> Hits: ...


def recall(
    index: _Searchable,
    k: int,
    *,
    queries: npt.NDArray[Any] | None,
    sample: int,
    seed: int,
    n_threads: int,
) -> float:
    """Return recall@k of an index; see `DenseIndex.recall`, which says what the parameters are."""
    check_count("sample", sample)
    if len(index) == 0:
        raise InvalidInputError("recall: the index is empty, so there is nothing to find")
    if queries is None:
        drawn = np.random.default_rng(seed).choice(len(index), min(sample, len(index)), replace=False)
        queries = index.vectors(np.sort(drawn))
    truth = index.search(queries, k, exact=True, n_threads=n_threads)
    found = index.search(queries, k, exact=False, n_threads=n_threads)
    if len(truth) == 0:
        raise InvalidInputError("queries: expected at least one vector")
    depth = int(truth.counts[0])
    right = (found.scores[:, :depth] >= truth.scores[:, depth - 1 : depth]).sum(axis=1)
    return float(np.mean(right / depth))
