"""The weights of ``method="auto"``: what a query asks for, and what each branch is worth for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionCalibration
from pyengine.engine.snapshot import Snapshot

__all__ = ["QueryTerms", "auto_weights", "query_terms"]

# All numbers were chosen on the development half of the collections in docs/fusion.md.

# What a point of BM25 is worth in standard deviations of the dense scores, where both branches find their
# documents equally well.
_LEXICAL: Final = 0.054
_MOST_RATIO: Final = 4.0
# A branch that finds its own documents this many times worse than the other only breaks ties.
_USELESS: Final = 20.0
_TIE_BREAK: Final = 1e-4
# The idf of a query's known terms up to which a point of BM25 keeps its worth. Long text reaches high scores
# by many words that do not matter.
_LONG: Final = 70.0
# A literal leads from where it holds 1 / 7.5 of what the query asks for; the power makes that a soft step.
_LEADING: Final = 7.5
_LEADING_POWER: Final = 4
_MOST_LITERAL: Final = 100.0
# Literals that more documents have than this share, and than this number, are words like others.
_RARE_SHARE: Final = 0.003
_RARE: Final = 5


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """What is known of a query before it is answered.

    Parameters
    ----------
    idf : float
        Sum over the terms that the index knows, each as often as it is asked for.
    literal_share : float, 0 to 1
        Of the idf of these terms and of unknown words, what the rare literals hold.
    literals : sequence of str
        The rare literals.
    """

    idf: float
    literal_share: float
    literals: Sequence[str]


def query_terms(snapshot: Snapshot, query: str) -> QueryTerms:
    """Return what a query asks for.

    A literal is rare if 5 documents have it, or 0.3 % of all. Of a literal that no document has whole, the
    parts count that mix digits with other characters: "9.8.4" of "section 9.8.4".

    Parameters
    ----------
    snapshot : Snapshot
    query : str
    """
    if not len(snapshot.lexical):
        return QueryTerms(0.0, 0.0, ())
    terms = {term.term: term for term in snapshot.lexical.explain(query, 0)}
    literals: set[str] = set()
    words: set[str] = set()
    whole_is_known = True
    for token in snapshot.settings.analyzer.tokens(query):
        if token.kind == "word":
            words.add(token.term)
        elif not token.part:
            whole_is_known = terms[token.term].df > 0
            literals.add(token.term)
        elif not whole_is_known and _is_code(token.term):
            literals.add(token.term)
    most = max(_RARE, _RARE_SHARE * len(snapshot.lexical))
    idf = asked = held = 0.0
    rare = []
    for term in terms.values():
        mass = term.weight * term.idf
        idf += mass if term.df else 0.0
        asked += mass if term.df or term.term in words else 0.0
        if term.term in literals and 0 < term.df <= most:
            held += mass
            rare.append(term.term)
    return QueryTerms(idf, held / asked if held > 0 else 0.0, rare)


def auto_weights(
    calibration: FusionCalibration, queries: Sequence[QueryTerms]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return what a point of BM25 and a unit of the dense score are worth, for each query.

    With r the success of the dense branch over that of the lexical one, within 1/20 to 4, and s the spread of
    dense scores::

        lexical = 0.054 / r * min(1, sqrt(70 / idf)) + min(100, (7.5 * literal_share) ** 4)
        dense   = 1 / s

    BM25 enters as it is: it is a sum over matched words of how rare they are, so a query whose best documents
    match little of it weighs little by itself. Where the dense branch finds documents by their own words as
    well as BM25 does, BM25 has less to add. A query as long as a letter matches much by chance, and a point
    of BM25 is worth less there. A branch that is 20 times worse than the other at finding the collection's
    own documents only orders what the other leaves tied.

    Parameters
    ----------
    calibration : FusionCalibration
    queries : sequence of QueryTerms

    Returns
    -------
    lexical, dense : float64, shape (n,)

    Notes
    -----
    ``docs/fusion.md`` says on which collections the numbers were chosen, and how they did on others.
    """
    dense = np.full(len(queries), 1.0 / calibration.spread)
    theirs, ours = calibration.lexical_success, calibration.dense_success
    if theirs * _USELESS < ours:
        return np.full(len(queries), _TIE_BREAK), dense
    ratio = min(max(ours / theirs, 1.0 / _USELESS), _MOST_RATIO) if theirs > 0 else 1.0
    idf = np.array([query.idf for query in queries], dtype=np.float64)
    share = np.array([query.literal_share for query in queries], dtype=np.float64)
    lexical = _LEXICAL / ratio * np.sqrt(_LONG / np.maximum(idf, _LONG))
    lexical += np.minimum((_LEADING * share) ** _LEADING_POWER, _MOST_LITERAL)
    return (lexical, dense * _TIE_BREAK) if ours * _USELESS < theirs else (lexical, dense)


def _is_code(term: str) -> bool:
    digits = sum(character.isdigit() for character in term)
    return 0 < digits < len(term)
