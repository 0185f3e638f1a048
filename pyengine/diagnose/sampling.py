"""Literals and words with the place they stand in, drawn from the stored documents."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pyengine.text import Analyzer, Token

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["Spot", "draw_spots"]

_DOCUMENTS: Final = 4000
# What stands around a literal, on each side: about a sentence.
_CONTEXT: Final = 100
_LONGEST_TEXT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A literal or a word in a document.

    Parameters
    ----------
    row : int
    family : str
        "word", or the literal's family.
    written : str
        As it stands there.
    before, after : str
        What stands around it, cut at word boundaries.
    term : str
        Its rarest term in the index: a literal as a whole.
    frequency : int
        Documents that have that term.
    """

    row: int
    family: str
    written: str
    before: str
    after: str
    term: str = ""
    frequency: int = 0

    def with_(self, other: str) -> str:
        """Return the passage with something else in its place."""
        return f"{self.before}{other}{self.after}"

    @property
    def passage(self) -> str:
        """The passage as it stands."""
        return self.with_(self.written)


def draw_spots(engine: "Engine", *, per_family: int, most: int, seed: int) -> dict[str, list[Spot]]:
    """Draw literals of each family, and words, of which at most ``most`` documents have the term.

    Parameters
    ----------
    engine : Engine
    per_family : int
        At most so many of each, no term twice.
    most : int
        Documents that may have the term: few, so that one knows what should be found.
    seed : int
        Of the draw of documents; the same gives the same spots.

    Returns
    -------
    dict of str to list of Spot
        Families in order of their names; "word" among them.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(engine))[:_DOCUMENTS]
    candidates: dict[str, dict[str, Spot]] = {}
    for spot in _occurrences(engine, rows.tolist()):
        found = candidates.setdefault(spot.family, {})
        # Words are plenty: one of each is enough, and never more than can be looked up at once.
        if len(found) < 50 * per_family:
            found.setdefault(spot.written.casefold(), spot)
    spots: dict[str, list[Spot]] = {}
    for family in sorted(candidates):
        kept = [
            spot for spot in _counted(engine, list(candidates[family].values())) if spot.frequency <= most
        ]
        order = random.permutation(len(kept))[:per_family]
        spots[family] = [kept[i] for i in order.tolist()]
    return {family: found for family, found in spots.items() if found}


def _occurrences(engine: "Engine", rows: list[int]) -> Iterator[Spot]:
    literals = Analyzer("domain")
    for row in rows:
        text = f"{engine.corpus.title(row)} {engine.corpus.text(row)}"[:_LONGEST_TEXT].strip()
        for token in literals.tokens(text):
            plain = token.kind == "word" and token.term.isalpha() and len(token.term) >= 4
            if not token.part and (token.kind != "word" or plain):
                yield _spot(row, token, text)


def _counted(engine: "Engine", spots: list[Spot]) -> list[Spot]:
    """Return the spots that the index has a term for, with the rarest and how many documents have it."""
    terms = [engine.analyzer.terms(spot.written) for spot in spots]
    listed = list(dict.fromkeys(term for found in terms for term in found))
    counts = engine.lexical.postings_count([[term] for term in listed]).tolist() if listed else []
    frequency = dict(zip(listed, counts, strict=True))
    counted = []
    for spot, found in zip(spots, terms, strict=True):
        if found and (rarest := min(found, key=lambda term: frequency[term])) and frequency[rarest]:
            counted.append(replace(spot, term=rarest, frequency=frequency[rarest]))
    return counted


def _spot(row: int, token: Token, text: str) -> Spot:
    start, end = token.start, token.end
    left = max(0, start - _CONTEXT)
    right = min(len(text), end + _CONTEXT)
    before, after = text[left:start], text[end:right]
    if left > 0:
        before = before[before.find(" ") + 1 :]
    if right < len(text) and " " in after:
        after = after[: after.rfind(" ")]
    return Spot(row, token.kind, text[start:end], before, after)
