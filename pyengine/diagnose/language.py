"""Is this text in the language of the reference? Asked before a distance from it means anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from pyengine._optional import require

__all__ = ["Language", "language_of"]

_WORDS: Final = 500
# A word that a language's list lacks: its lists end near one in a million words.
_FLOOR: Final = -7.0
_MARGIN: Final = 0.25
_LEAST_KNOWN: Final = 0.3


@dataclass(frozen=True, slots=True)
class Language:
    """What language the most frequent words of a text fit best.

    Parameters
    ----------
    best : str
        ISO 639-1 code of the likeliest of those that wordfreq lists.
    margin : float
        By how much it fits better than the language asked about: mean of log10 of the share of a word. 0
        where it is that language.
    known : float
        Share of the tokens looked at whose word is in the list of the language asked about.
    foreign : bool
        Whether the text is not in that language: another fits better by a quarter of a power of ten a word,
        or less than 30 % of the tokens are among its words.
    """

    best: str
    margin: float
    known: float
    foreign: bool


def language_of(counts: Mapping[str, int], asked: str) -> Language:
    """Find out which language the 500 most frequent words of letters are likeliest in.

    Parameters
    ----------
    counts : mapping of str to int
    asked : str
        The language of the reference.

    Notes
    -----
    Naive Bayes over words with the lists of wordfreq. Program text reads as the language its names and
    keywords are in, so shell commands and Python read English.
    """
    words = sorted((word for word in counts if word.isalpha()), key=lambda word: (-counts[word], word))[
        :_WORDS
    ]
    total = sum(counts[word] for word in words)
    if not total:
        return Language(asked, 0.0, 0.0, foreign=True)
    wanted = {word: counts[word] / total for word in words}
    scores = {}
    known = 0.0
    for code in _languages():
        found = {
            word: -0.01 * centibels
            for centibels, bucket in enumerate(_list(code))
            for word in bucket
            if word in wanted
        }
        scores[code] = sum(share * max(found.get(word, _FLOOR), _FLOOR) for word, share in wanted.items())
        if code == asked:
            known = sum(share for word, share in wanted.items() if word in found)
    best = max(scores, key=lambda code: (scores[code], code))
    margin = scores[best] - scores[asked]
    return Language(best, margin, known, foreign=margin > _MARGIN or known < _LEAST_KNOWN)


@cache
def _languages() -> tuple[str, ...]:
    return tuple(sorted(require("wordfreq", extra="diagnose").available_languages("small")))


def _list(code: str) -> list[list[str]]:
    lists: list[list[str]] = require("wordfreq", extra="diagnose").get_frequency_list(code, "small")
    return lists
