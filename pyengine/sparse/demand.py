"""What queries ask for, known before they are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.errors import InvalidInputError
from pyengine.sparse.index import Bm25Index

__all__ = ["Demands", "demands"]

# A literal that more documents have than this share, and than this number, is a word like others.
_RARE_SHARE: Final = 0.003
_RARE: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Demands:
    """What n queries ask for.

    Parameters
    ----------
    idf : float64, shape (n,)
        Sum over the terms that the index knows, each as often as it is asked for.
    literal_share : float64, shape (n,), 0 to 1
        Of the idf of these terms and of unknown words, what the rare literals hold.
    literals : sequence of sequence of str, length n
        The rare literals.
    """

    idf: npt.NDArray[np.float64]
    literal_share: npt.NDArray[np.float64]
    literals: Sequence[Sequence[str]]


def demands(index: Bm25Index, queries: Sequence[str]) -> Demands:
    """Return what queries ask for.

    A literal is rare if 5 documents have it, or 0.3 % of all. Of a literal that no document has whole, the
    parts count that mix digits with other characters: "9.8.4" of "section 9.8.4".

    Parameters
    ----------
    index : Bm25Index
        With an analyzer.
    queries : sequence of str, length n

    Raises
    ------
    InvalidInputError
        A query that is not text, or an index of token lists.

    Notes
    -----
    Threads: safe; the GIL is released. Cost: analysis, and one look at the vocabulary for each term.
    """
    analyzer = index.analyzer
    if analyzer is None:
        raise InvalidInputError("index: expected one with an analyzer, this was built from token lists")
    asked = _core.AskedTexts(analyzer._core, queries)
    if analyzer.stemmer is not None:
        asked.replace_terms(analyzer._stem(asked.terms()))
    most = max(_RARE, _RARE_SHARE * len(index))
    return Demands(*_core.demands(index._core, asked, most))
