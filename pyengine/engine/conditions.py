"""What a query demands besides words that score: clauses of the query language, and literals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.engine.query_syntax import Clause, parse_query, plain
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import InvalidInputError
from pyengine.rows import RowFilter
from pyengine.sparse import Bm25Index
from pyengine.text import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "UNREAD",
    "LiteralMode",
    "Syntax",
    "Understood",
    "both",
    "check_syntax",
    "grouped",
    "understand",
]

Syntax: TypeAlias = Literal["plain", "query"]
LiteralMode: TypeAlias = Literal["off", "boost", "require"]

MOST_EXPANSIONS: Final = 1024
MOST_SCORED: Final = 128
_ROWS_PER_STEP: Final = 8192

Rows: TypeAlias = npt.NDArray[np.bool_]


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
    allowed : bool array of shape (rows,), or None
        The rows that fulfil the conditions; None if there are none.
    notes : tuple of str
        What the answer should say.
    """

    terms: list[str] | None
    words: str
    allowed: Rows | None
    notes: tuple[str, ...]


UNREAD: Final = Understood(None, "", None, ())
"""A plain query, which is not taken apart."""


def both(allowed: RowFilter | None, rows: Rows | None) -> RowFilter | None:
    """Return the rows that a filter and a query's conditions admit; None: all."""
    if rows is None:
        return allowed
    return RowFilter(rows if allowed is None else rows & allowed.mask(), len(rows))


def grouped(read: "Sequence[Understood]") -> list[list[int]]:
    """Return the queries that can be answered together: those without conditions; each other one alone."""
    free = [i for i, one in enumerate(read) if one.allowed is None and one.words.strip()]
    alone = [[i] for i, one in enumerate(read) if one.allowed is not None and one.words.strip()]
    return [free, *alone] if free else alone


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
    """Take a query apart.

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
    clauses = parse_query(query, strict=strict) if syntax == "query" else [Clause(query, "word", "", None)]
    words = plain(clauses)
    reader = _Reader(snapshot)
    scoring = " ".join(clause.text for clause in clauses if clause.sign != "-" and clause.kind != "prefix")
    terms = snapshot.settings.analyzer.terms(scoring)
    conditions: list[Rows] = []
    for clause in clauses if syntax == "query" else ():
        rows = reader.rows(clause)
        if clause.kind == "prefix" and clause.sign != "-":
            terms += reader.expanded[:MOST_SCORED]
        if rows is None:
            if clause.sign or clause.kind != "word":
                reader.notes.append(f"{clause.text!r} has no term and is not a condition")
        elif clause.sign == "-":
            conditions.append(~rows)
        elif clause.sign == "+" or clause.kind != "word" or clause.field is not None:
            conditions.append(rows)
    if literal != "off":
        for found in reader.literals(scoring):
            if literal == "boost":
                terms += found
            else:
                conditions.append(reader.with_all(found))
    if not terms:
        reader.notes.append("nothing in the query scores: it only excludes")
    allowed = reduce(np.logical_and, conditions) if conditions else None
    return Understood(terms, words, allowed, tuple(reader.notes))


class _Reader:
    """Finds the rows of clauses, and collects what is to be said of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._analyzer = snapshot.settings.analyzer
        self.notes: list[str] = []
        self.expanded: list[str] = []

    def rows(self, clause: Clause) -> Rows | None:
        """Return the rows that a clause names; None if it has no term."""
        if clause.kind == "prefix":
            found, self.expanded = self._with_prefix(self._snapshot.lexical, clause.text)
        else:
            terms = self._whole(clause.text)
            if not terms:
                return None
            found = self.with_all(terms)
        if clause.kind == "phrase" and not self._is_one_literal(clause.text):
            exact = [token.term for token in self._plain().tokens(clause.text) if not token.part]
            if self._snapshot.settings.phrases and len(exact) > 1:
                pairs = [self._snapshot.rows_with_pair(*pair) for pair in pairwise(exact)]
                found = reduce(np.logical_and, pairs)
                if len(pairs) == 1 and clause.field is None:
                    return found
            fields = ("title", "text") if clause.field is None else (clause.field,)
            return self._checked(found, lambda take: _phrase_in(self._plain(), clause.text, take, fields))
        if clause.field is not None:
            field = clause.field
            return self._checked(found, lambda take: self._in_field(clause, take.column(field)))
        return found

    def literals(self, text: str) -> list[list[str]]:
        """Return the terms of each literal of a text that some document has."""
        found = []
        for token in Analyzer("domain").tokens(text):
            if token.kind == "word" or token.part:
                continue
            terms = self._whole(text[token.start : token.end])
            if terms and self.with_all(terms).any():
                found.append(terms)
        return found

    def with_all(self, terms: Iterable[str]) -> Rows:
        """Return the rows that have all of some terms."""
        lexical = self._snapshot.lexical
        rows: Rows = reduce(np.logical_and, [lexical.rows_with(term) for term in dict.fromkeys(terms)])
        return rows

    def _whole(self, text: str) -> list[str]:
        return [token.term for token in self._analyzer.tokens(text) if not token.part]

    def _is_one_literal(self, text: str) -> bool:
        tokens = [token for token in self._analyzer.tokens(text) if not token.part]
        return len(tokens) == 1 and tokens[0].kind != "word"

    def _plain(self) -> Analyzer:
        """The analyzer without stems and stop words: phrases are exact."""
        return Analyzer(self._analyzer.preset)

    def _with_prefix(self, index: Bm25Index, prefix: str) -> tuple[Rows, list[str]]:
        """Return the rows that have a term which begins so, and those terms."""
        terms, more = index.terms_with_prefix(_core.normalize(prefix), MOST_EXPANSIONS)
        if more:
            self.notes.append(
                f"more than {MOST_EXPANSIONS} terms begin with {prefix!r}: the others were left out"
            )
        rows = np.zeros(len(index), dtype=np.bool_)
        for term in terms:
            rows |= index.rows_with(term)
        return rows, terms

    def _checked(self, rows: Rows, check: "Callable[[pa.Table], Rows]") -> Rows:
        """Return those of ``rows`` whose stored documents pass a check, some thousands at a time."""
        kept = np.zeros(len(rows), dtype=np.bool_)
        candidates = np.flatnonzero(rows)
        for start in range(0, len(candidates), _ROWS_PER_STEP):
            step = candidates[start : start + _ROWS_PER_STEP]
            kept[step] = check(self._snapshot.corpus.take(step))
        return kept

    def _in_field(self, clause: Clause, column: "pa.ChunkedArray") -> Rows:
        """Index one field of some documents, and return which have the clause there."""
        index = Bm25Index.build(_array(column), analyzer=self._analyzer)
        if clause.kind == "prefix":
            return self._with_prefix(index, clause.text)[0]
        rows: Rows = reduce(np.logical_and, [index.rows_with(term) for term in self._whole(clause.text)])
        return rows


def _phrase_in(analyzer: Analyzer, phrase: str, table: "pa.Table", fields: tuple[str, ...]) -> Rows:
    found = [_core.phrase_in(analyzer._core, phrase, _array(table.column(field))) for field in fields]
    rows: Rows = reduce(np.logical_or, found)
    return rows


def _array(column: "pa.ChunkedArray") -> Any:
    """Return a table's column as one Arrow array."""
    import pyarrow as pa  # noqa: PLC0415 - importing pyengine must not import pyarrow

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
