"""Whether a phrase is in a text: the slow twin, from the analyzer's tokens and the text between them."""

import re
from itertools import pairwise

import pyengine as pe

__all__ = ["phrase_in"]


def phrase_in(analyzer: pe.Analyzer, phrase: str, text: str) -> bool:
    """Whether the tokens of a phrase follow each other in a text, or its words do, literally."""
    wanted = [token.term for token in analyzer.tokens(phrase) if not token.part]
    tokens = [token for token in analyzer.tokens(text) if not token.part]
    if not wanted:
        return False
    if len(wanted) == 1 and wanted[0] in analyzer.terms(text):
        return True
    terms = [token.term for token in tokens]
    if any(terms[i : i + len(wanted)] == wanted for i in range(len(terms))):
        return True
    if analyzer.preset != "domain":
        return False
    literals = [(token.start, token.end) for token in tokens if token.kind != "word"]
    words = pe.Analyzer("words").tokens(text)
    asked = pe.Analyzer("words").tokens(phrase)
    for i in range(len(words) - len(asked) + 1):
        found = words[i : i + len(asked)]
        if [w.term for w in found] != [w.term for w in asked] or _gaps(text, found) != _gaps(phrase, asked):
            continue
        start, end = found[0].start, found[-1].end
        cut = any(
            (first < start < last and not text[start - 1].isspace())
            or (first < end < last and not text[end].isspace())
            for first, last in literals
        )
        if not cut:
            return True
    return False


def _gaps(text: str, words: list[pe.Token]) -> list[str]:
    between = [text[a.end : b.start] for a, b in pairwise(words)]
    return [re.sub(r"\s+", " ", gap) for gap in between]
