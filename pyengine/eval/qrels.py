"""Judgements in memory and in the formats of BEIR and TREC."""

import operator
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.eval.lines import fields_of, numbered_lines, word, write_lines

__all__ = ["Key", "Qrels"]

Key = str | int
"""A query or a document: its id (str), or its number (int)."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_BEIR_HEADERS = frozenset({"query-id", "query_id", "query id", "qid", "query"})
_MAX_GRADE = 2**31 - 1


class Qrels(Mapping[Key, Mapping[Key, int]]):
    """Relevance judgements: query -> document -> grade. Immutable; a mapping in the order read.

    Grades are integers. 0 and below: judged, not relevant (trec_eval reads a negative grade as "in the
    pool, not judged"; it never adds gain). Documents without a grade count as not relevant.

    Keys are ids (str), or numbers (int) when the judgements speak of positions: query number i is
    answer i of a `Hits`, document number r is row r of the corpus.

    Build with `from_beir`, `from_trec` or `from_dict`.
    """

    __slots__ = ("_by_query", "by_row")

    by_row: bool
    """Whether keys are numbers."""

    def __init__(self, by_query: dict[Key, dict[Key, int]], by_row: bool) -> None:
        self._by_query = by_query
        self.by_row = by_row

    def __getitem__(self, query: Key) -> Mapping[Key, int]:
        """Return document -> grade of one query (read-only)."""
        try:
            return MappingProxyType(self._by_query[query])
        except KeyError:
            raise NotFoundError(f"query {query!r} has no judgements") from None

    def __iter__(self) -> Iterator[Key]:
        """Iterate over queries."""
        return iter(self._by_query)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self._by_query)

    def __repr__(self) -> str:
        return f"Qrels({len(self)} queries, {self.n_judgements} judgements)"

    @property
    def query_ids(self) -> tuple[Key, ...]:
        """Queries, in order."""
        return tuple(self._by_query)

    @property
    def n_judgements(self) -> int:
        """Number of (query, document) pairs with a grade."""
        return sum(map(len, self._by_query.values()))

    def only(self, queries: Iterable[Key]) -> "Qrels":
        """Return the judgements of these queries, in their order; queries without any are left out."""
        return Qrels({q: self._by_query[q] for q in queries if q in self._by_query}, self.by_row)

    @classmethod
    def from_dict(cls, judgements: Mapping[Any, Mapping[Any, int]]) -> "Qrels":
        """Take judgements from a dict of dicts.

        Parameters
        ----------
        judgements : mapping of query to mapping of document to grade
            All keys str (ids), or all keys int (query position, row). Queries without documents are dropped.

        Raises
        ------
        InvalidInputError
            Keys of mixed or other types, negative row numbers, grades that are not integers of 32 bits.
        """
        if isinstance(judgements, Qrels):
            return judgements
        if not isinstance(judgements, Mapping):
            raise InvalidInputError(
                f"qrels: expected Qrels or a dict of dicts, got {type(judgements).__name__}; read files with "
                "Qrels.from_beir or Qrels.from_trec"
            )
        by_query: dict[Key, dict[Key, int]] = {}
        kinds: set[type] = set()
        for query, documents in judgements.items():
            if not isinstance(documents, Mapping):
                raise InvalidInputError(
                    f"qrels[{query!r}]: expected a dict of document to grade, got {type(documents).__name__}"
                )
            key = _key(query, "qrels", kinds)
            grades = _plain(documents, kinds)
            if grades is None:
                grades = {}
                for document, grade in documents.items():
                    where = f"qrels[{query!r}][{document!r}]"
                    grades[_key(document, where, kinds)] = _grade(grade, where)
            if grades:
                by_query[key] = grades
        return cls(by_query, kinds == {int})

    @classmethod
    def from_beir(cls, path: str | os.PathLike[str]) -> "Qrels":
        """Read a BEIR judgement file: query id, document id and grade, separated by tabs.

        Parameters
        ----------
        path : path
            Such as ``scifact/qrels/test.tsv``. A first line of column names is recognised and skipped.

        Raises
        ------
        NotFoundError
            No such file.
        InvalidInputError
            Another number of fields, an empty id, a grade that is not an integer, a pair judged twice, bad
            UTF-8: the message names file, line and field.
        """

        def rows() -> Iterator[tuple[int, str, str, str]]:
            for number, line in numbered_lines(path):
                fields = line.split("\t")
                if number == 1 and fields[0].strip().lower() in _BEIR_HEADERS:
                    continue
                if len(fields) != 3:
                    raise InvalidInputError(
                        f"{path}:{number}: expected 3 fields separated by tabs (query-id, corpus-id, score), "
                        f"got {len(fields)}"
                    )
                yield number, fields[0], fields[1], fields[2]

        return cls(_collect(path, rows()), by_row=False)

    @classmethod
    def from_trec(cls, path: str | os.PathLike[str]) -> "Qrels":
        """Read a TREC judgement file: ``query 0 document grade``, separated by white space.

        Parameters
        ----------
        path : path
            The second field is not used, as in trec_eval.

        Raises
        ------
        NotFoundError
            No such file.
        InvalidInputError
            As `from_beir`.
        """

        def rows() -> Iterator[tuple[int, str, str, str]]:
            for number, line in numbered_lines(path):
                fields = fields_of(line)
                if len(fields) != 4:
                    raise InvalidInputError(
                        f"{path}:{number}: expected 4 fields (query 0 document grade), got {len(fields)}"
                    )
                yield number, fields[0], fields[2], fields[3]

        return cls(_collect(path, rows()), by_row=False)

    def to_trec(self, path: str | os.PathLike[str]) -> None:
        """Write ``query 0 document grade`` lines; `from_trec` reads back the same judgements.

        Parameters
        ----------
        path : path
            Replaced if it exists.

        Raises
        ------
        InvalidInputError
            An id that is empty or holds white space, which the format cannot carry.
        StorageError
            The system refused.
        """
        write_lines(
            path,
            (
                f"{word(query, 'query id')} 0 {word(document, 'document id')} {grade}"
                for query, documents in self._by_query.items()
                for document, grade in documents.items()
            ),
        )


def _collect(
    path: str | os.PathLike[str], rows: Iterator[tuple[int, str, str, str]]
) -> dict[Key, dict[Key, int]]:
    by_query: dict[Key, dict[Key, int]] = {}
    for number, query, document, text in rows:
        for field, value in (("query id", query), ("document id", document)):
            if not value.strip():
                raise InvalidInputError(f"{path}:{number}: {field}: expected an id, got an empty field")
        grades = by_query.setdefault(query, {})
        if document in grades:
            raise InvalidInputError(
                f"{path}:{number}: document {document!r} judged twice for query {query!r}; keep one line"
            )
        if not _INTEGER.fullmatch(text.strip()):
            raise InvalidInputError(f"{path}:{number}: grade: expected an integer, got {text.strip()!r}")
        grades[document] = _grade(int(text), f"{path}:{number}: grade")
    return by_query


def _plain(documents: Mapping[Any, Any], kinds: set[type]) -> dict[Key, int] | None:
    """Return the grades if nothing about them needs a closer look: all of it plain, of one kind, in range."""
    types = set(map(type, documents))
    if len(types) != 1 or types != kinds or set(map(type, documents.values())) != {int}:
        return None
    values = documents.values()
    if min(values) < -_MAX_GRADE or max(values) > _MAX_GRADE or (types == {int} and min(documents) < 0):
        return None
    return dict(documents)


def _key(key: Any, where: str, kinds: set[type]) -> Key:
    value: Key
    if isinstance(key, str):
        value = key
        kinds.add(str)
    else:
        try:
            value = operator.index(key)
        except TypeError:
            raise InvalidInputError(
                f"{where}: expected a key of type str (id) or int (row), got {type(key).__name__}"
            ) from None
        kinds.add(int)
        if value < 0:
            raise InvalidInputError(f"{where}: expected a number of 0 or more, got {value}")
    if len(kinds) > 1:
        raise InvalidInputError(
            f"{where}: keys of str and int mixed; use ids everywhere, or numbers everywhere"
        )
    return value


def _grade(grade: Any, where: str) -> int:
    try:
        value = operator.index(grade)
    except TypeError:
        raise InvalidInputError(f"{where}: expected an integer grade, got {grade!r}") from None
    if not -_MAX_GRADE <= value <= _MAX_GRADE:
        raise InvalidInputError(f"{where}: expected a grade of 32 bits, got {value}")
    return value
