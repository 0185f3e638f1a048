"""What a search may be asked, and what it is told when it may not."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pyengine.engine.results import Mode
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import InvalidInputError

__all__ = ["check_collapse", "check_k", "check_mode", "check_queries", "check_query"]

_MOST_SLOTS: Final = 1 << 31


def check_query(query: Any) -> None:
    """Refuse what is not text."""
    if not isinstance(query, str):
        raise InvalidInputError(f"query: expected str, got {type(query).__name__}")


def check_queries(queries: Any) -> Sequence[str]:
    """Return the queries as a list; refuse one string, and anything that is not text."""
    if isinstance(queries, str):
        raise InvalidInputError("queries: expected a sequence of str, got one str; put it in a list")
    listed = list(queries)
    for i, query in enumerate(listed):
        if not isinstance(query, str):
            raise InvalidInputError(f"queries[{i}]: expected str, got {type(query).__name__}")
    return listed


def check_mode(mode: Mode | None, snapshot: Snapshot) -> Mode:
    """Return the mode to answer in; refuse one that the index cannot answer."""
    if mode is None:
        return "lexical" if snapshot.dense is None else "hybrid"
    if mode not in ("hybrid", "lexical", "dense"):
        raise InvalidInputError(f"mode: expected 'hybrid', 'lexical' or 'dense', got {mode!r}")
    if mode != "lexical":
        snapshot.require_dense()
    return mode


def check_k(k: Any, n_queries: int = 1) -> int:
    """Return the depth of an answer; refuse what is no number of hits, or more slots than could be meant."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise InvalidInputError(f"k: expected an int, got {type(k).__name__}")
    if not 1 <= k < _MOST_SLOTS:
        raise InvalidInputError(f"k: expected 1 to 2**31 - 1, got {k}")
    if int(k) * n_queries > _MOST_SLOTS:
        raise InvalidInputError(
            f"k: expected at most 2**31 slots in one answer, got {n_queries} queries x {k}; lower k or split "
            "the batch"
        )
    return int(k)


def check_collapse(collapse: Any, snapshot: Snapshot) -> bool:
    """Return whether hits are collapsed to documents; never where they are documents already."""
    if collapse is not None and not isinstance(collapse, bool):
        raise InvalidInputError(f"collapse: expected True, False or None, got {collapse!r}")
    return collapse is not False and snapshot.settings.chunker is not None
