"""What a query asks for, by dictionaries, from what an index explains of its terms."""

from typing import Any


def slow_demand(index: Any, query: str) -> tuple[float, float, list[str]]:
    """Return idf, literal share and rare literals of one query."""
    if not len(index):
        return 0.0, 0.0, []
    terms = {term.term: term for term in index.explain(query, 0)}
    literals: set[str] = set()
    words: set[str] = set()
    whole_is_known = True
    for token in index.analyzer.tokens(query):
        if token.kind == "word":
            words.add(token.term)
        elif not token.part:
            whole_is_known = terms[token.term].df > 0
            literals.add(token.term)
        else:
            digits = sum(character in "0123456789" for character in token.term)
            if not whole_is_known and 0 < digits < len(token.term):
                literals.add(token.term)
    most = max(5, 0.003 * len(index))
    idf = asked = held = 0.0
    rare = []
    for term in terms.values():
        mass = term.weight * max(term.idf, 0.0)
        idf += mass if term.df else 0.0
        asked += mass if term.df or term.term in words else 0.0
        if term.term in literals and 0 < term.df <= most:
            held += mass
            rare.append(term.term)
    return idf, held / asked if held > 0 else 0.0, rare
