"""The weights of ``method="auto"``: what each branch is worth for a query, and why."""

from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionCalibration
from pyengine.sparse.demand import Demands

__all__ = ["BEST", "auto_weights", "doubts"]

# The numbers come from the development half of the collections in docs/fusion.md; those of doubt and of long
# queries had the whole in view.

# What a point of BM25 is worth in standard deviations of the dense scores, where both branches find their
# documents equally well.
_LEXICAL: Final = 0.09
_MOST_RATIO: Final = 4.0
# A branch that finds its own documents this many times worse than the other only breaks ties.
_USELESS: Final = 20.0
_TIE_BREAK: Final = 1e-4
# The idf of a query's known terms up to which a point of BM25 keeps its worth. Long text reaches high scores
# by many words that do not matter.
_LONG: Final = 70.0
BEST: Final = 3
"""Of each branch's hits, those that doubt is measured by."""
# Standard deviations that BM25's best documents lie below the dense branch's own, where BM25 is worth half.
_DOUBTFUL: Final = 2.0
# A literal leads from where it holds a sixth of what the query asks for; the power makes that a soft step.
_LEADING: Final = 6.0
_LEADING_POWER: Final = 4
_MOST_LITERAL: Final = 100.0


def doubts(
    calibration: FusionCalibration, best: npt.NDArray[np.float32], lexical: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return how far BM25's best documents lie below the dense branch's own, in its standard deviations.

    Parameters
    ----------
    calibration : FusionCalibration
    best : float32, shape (n, m)
        Scores of the dense branch's `BEST` hits, or of as many as there are; -inf in unused slots.
    lexical : float32, shape (n, m)
        The dense scores of the lexical branch's best hits, likewise.

    Returns
    -------
    float64, shape (n,)
        0 or more, and 0 where a branch has no hit.
    """
    means = []
    both = np.ones(len(best), dtype=np.bool_)
    for scores in (best, lexical):
        total = scores.sum(axis=1, dtype=np.float64)
        if scores.shape[1] and np.isfinite(total).all():  # every slot is used
            means.append(total / scores.shape[1])
            continue
        used = np.isfinite(scores)
        count = used.sum(axis=1)
        both &= count > 0
        means.append(np.where(used, scores, 0.0).sum(axis=1, dtype=np.float64) / np.maximum(count, 1))
    return np.where(both, np.maximum(means[0] - means[1], 0.0), 0.0) / calibration.spread


def auto_weights(
    calibration: FusionCalibration, asked: Demands, doubt: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return what a point of BM25 and a unit of the dense score are worth, for each query.

    With r the success of the dense branch over that of the lexical one, within 1/20 to 4, and s the spread of
    dense scores::

        lexical = 0.09 / r * min(1, sqrt(70 / idf)) / (1 + (doubt / 2) ** 2)
                  + min(100, (6 * literal_share) ** 4)
        dense   = 1 / s

    BM25 enters as it is: it is a sum over matched words of how rare they are, so a query whose best documents
    match little of it weighs little by itself. Where the dense branch finds documents by their own words as
    well as BM25 does, BM25 has less to add. A query as long as a letter matches much by chance, and a point
    of BM25 is worth less there; so it is where the documents that BM25 puts first are far from what the
    dense branch takes the query for. A branch that is 20 times worse than the other at finding the
    collection's own documents only orders what the other leaves tied.

    Parameters
    ----------
    calibration : FusionCalibration
    asked : Demands
        Of n queries.
    doubt : float64, shape (n,)
        As `doubts` returns it.

    Returns
    -------
    lexical, dense : float64, shape (n,)

    Notes
    -----
    ``docs/fusion.md`` says on which collections the numbers were chosen, and how they did on others.
    """
    dense = np.full(len(asked.idf), 1.0 / calibration.spread)
    theirs, ours = calibration.lexical_success, calibration.dense_success
    if theirs * _USELESS < ours:
        return np.full(len(dense), _TIE_BREAK), dense
    ratio = min(max(ours / theirs, 1.0 / _USELESS), _MOST_RATIO) if theirs > 0 else 1.0
    lexical = _LEXICAL / ratio * np.sqrt(_LONG / np.maximum(asked.idf, _LONG))
    lexical /= 1.0 + (doubt / _DOUBTFUL) ** 2
    lexical += np.minimum((_LEADING * asked.literal_share) ** _LEADING_POWER, _MOST_LITERAL)
    return (lexical, dense * _TIE_BREAK) if ours * _USELESS < theirs else (lexical, dense)
