"""From a filter as a caller gives it to the rows of a snapshot, evaluated once a generation."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyengine.corpus import JoinedCorpus, StoredCorpus, admitted
from pyengine.rows import RowFilter, row_filter

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow.compute as pc

__all__ = ["Filter", "Filters"]

Filter: TypeAlias = "str | pc.Expression | npt.ArrayLike | RowFilter"
"""What ``filter=`` takes; `Engine.search` says what each means."""

_KEPT: Final = 64


class Filters:
    """The filters of one snapshot; those given as text are kept, the last 64.

    Threads: safe. Two threads that ask for a new filter at once may both evaluate it.

    Parameters
    ----------
    corpus : StoredCorpus or JoinedCorpus
        The documents of the snapshot.
    """

    def __init__(self, corpus: StoredCorpus | JoinedCorpus) -> None:
        self._corpus = corpus
        self._known: OrderedDict[str, RowFilter] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, given: Filter) -> RowFilter:
        """Return which rows a filter admits.

        Parameters
        ----------
        given : str, pyarrow.compute.Expression, bool array, int array or RowFilter

        Raises
        ------
        InvalidInputError
            As `pyengine.corpus.filtering.admitted` and `RowFilter`.
        """
        if isinstance(given, str):
            with self._lock:
                if given in self._known:
                    self._known.move_to_end(given)
                    return self._known[given]
        elif not _is_expression(given):
            return row_filter(given, len(self._corpus))
        made = RowFilter(admitted(self._corpus, given), len(self._corpus))
        if isinstance(given, str):
            with self._lock:
                self._known[given] = made
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
        return made


def _is_expression(given: Any) -> bool:
    """Whether ``given`` is an Arrow expression; asked without importing Arrow's functions."""
    kind = type(given)
    return kind.__module__.startswith("pyarrow") and kind.__name__ == "Expression"
