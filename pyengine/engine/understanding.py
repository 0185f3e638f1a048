"""What a query asks for: what scores, what the model is asked, and what hits must have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal, TypeAlias

from pyengine import _core
from pyengine.engine.conditions import Condition
from pyengine.engine.query_syntax import Clause, parse_query, plain
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import InvalidInputError
from pyengine.text import Analyzer

__all__ = ["UNREAD", "LiteralMode", "Syntax", "Understood", "check_syntax", "grouped", "understand"]

Syntax: TypeAlias = Literal["plain", "query"]
LiteralMode: TypeAlias = Literal["off", "boost", "require"]

MOST_EXPANSIONS: Final = 1024
MOST_SCORED: Final = 128
_EVERY: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Understood:
    """A query taken apart.

    Parameters
    ----------
    terms : list of str or None
        What scores in the lexical branch, as the index has it; a term that comes twice counts twice. None:
        the query as it is.
    words : str
        What the model is asked.
    conditions : tuple of Condition
        Each once, in one order for all queries that have the same.
    notes : tuple of str
        What the answer should say.
    """

    terms: list[str] | None
    words: str
    conditions: tuple[Condition, ...]
    notes: tuple[str, ...]


UNREAD: Final = Understood(None, "", (), ())
"""A plain query, which is not taken apart."""


def grouped(read: Sequence[Understood]) -> list[list[int]]:
    """Return the queries that can be answered together: those with the same conditions."""
    groups: dict[tuple[Condition, ...], list[int]] = {}
    for i, one in enumerate(read):
        if one.words.strip():
            groups.setdefault(one.conditions, []).append(i)
    return list(groups.values())


def check_syntax(syntax: str, literal: str, *, strict: bool) -> bool:
    """Return whether a query has to be taken apart; raise `InvalidInputError` for what is no choice."""
    if syntax not in ("plain", "query"):
        raise InvalidInputError(f"syntax: expected 'plain' or 'query', got {syntax!r}")
    if literal not in ("off", "boost", "require"):
        raise InvalidInputError(f"literal: expected 'off', 'boost' or 'require', got {literal!r}")
    if strict and syntax != "query":
        raise InvalidInputError("strict: expected syntax='query' beside it; plain queries have no syntax")
    return syntax == "query" or literal != "off"


def understand(
    snapshot: Snapshot, query: str, syntax: Syntax, literal: LiteralMode, *, strict: bool
) -> Understood:
    """Take a query apart; only its terms are looked up, no rows.

    Parameters
    ----------
    snapshot : Snapshot
    query : str
    syntax : "plain" or "query"
        In the query language, or words alone.
    literal : "off", "boost" or "require"
        What literals in the query do that the corpus has: nothing, count twice, or have to be in a hit.
    strict : bool
        As in `parse_query`.

    Raises
    ------
    InvalidInputError
        A lone surrogate; with ``strict``, as `parse_query`.
    """
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            "query: expected text that UTF-8 can express, got a lone surrogate; decode the text properly"
        ) from error
    notes: list[str] = []
    clauses = [Clause(query, "word", "", None)]
    if syntax == "query":
        clauses = parse_query(query, strict=strict, notes=notes)
    scoring = " ".join(clause.text for clause in clauses if clause.sign != "-" and clause.kind != "prefix")
    terms = snapshot.settings.analyzer.terms(scoring)
    conditions: list[Condition] = []
    for clause in clauses:
        if clause.is_condition:
            condition = _condition(snapshot, clause, notes)
            if condition is not None:
                conditions.append(condition)
                if condition.kind == "any" and not condition.excluded:
                    terms += condition.terms[:MOST_SCORED]
    if literal != "off":
        for found in _literals(snapshot, scoring, literal, notes):
            if literal == "boost":
                terms += found
            else:
                conditions.append(Condition("all", tuple(found)))
    if not terms and any(clause.sign == "-" for clause in clauses):
        notes.append("nothing in the query scores: it only excludes")
    unique = sorted(dict.fromkeys(conditions), key=_order)
    return Understood(terms, plain(clauses), tuple(unique), tuple(notes))


def _order(condition: Condition) -> tuple[str, tuple[str, ...], str, str, bool]:
    return condition.kind, condition.terms, condition.text, condition.field or "", condition.excluded


def _condition(snapshot: Snapshot, clause: Clause, notes: list[str]) -> Condition | None:
    """Return what a clause demands, or None where it has no term."""
    excluded = clause.sign == "-"
    if clause.kind == "prefix":
        # A limit would let some of what is excluded through.
        limit = _EVERY if excluded else MOST_EXPANSIONS
        # As the terms are, which the preset "whitespace" leaves as they stand.
        exact = snapshot.settings.analyzer.preset == "whitespace"
        prefix = clause.text if exact else _core.normalize(clause.text)
        terms, more = snapshot.lexical.terms_with_prefix(prefix, limit)
        if more:
            notes.append(f"more than {limit} terms begin with {clause.text!r}: the others were left out")
        return Condition("any", tuple(terms), field=clause.field, excluded=excluded)
    whole = _whole(snapshot.settings.analyzer, clause.text)
    if not whole:
        notes.append(f"{clause.text!r} has no term and is not a condition")
        return None
    found = Condition("all", tuple(whole), field=clause.field, excluded=excluded)
    return replace(found, kind="phrase", text=clause.text) if clause.kind == "phrase" else found


def _literals(snapshot: Snapshot, text: str, literal: LiteralMode, notes: list[str]) -> list[list[str]]:
    """Return the terms of each literal of a text that some document has."""
    found = []
    for token in _domain().tokens(text):
        if token.kind == "word" or token.part:
            continue
        named = text[token.start : token.end]
        terms = _whole(snapshot.settings.analyzer, named)
        if terms and all(snapshot.lexical.rows_with(term).any() for term in terms):
            found.append(terms)
        elif literal == "require":
            notes.append(f"no document has {named!r}: it is not required")
    return found


@cache
def _domain() -> Analyzer:
    return Analyzer("domain")


def _whole(analyzer: Analyzer, text: str) -> list[str]:
    return [token.term for token in analyzer.tokens(text) if not token.part]
