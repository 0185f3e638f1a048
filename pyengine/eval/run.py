"""Answers by id, in memory and in the format of TREC."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.eval.lines import fields_of, numbered_lines, word, write_lines
from pyengine.types import Hits

__all__ = ["Run", "document_ids"]


class Run(Mapping[str, Mapping[str, float]]):
    """Answers by id: query -> document -> score. Immutable; a mapping in the order given.

    Build with `from_hits`, `from_trec` or `from_dict`.
    """

    __slots__ = ("_by_query",)

    def __init__(self, by_query: dict[str, dict[str, float]]) -> None:
        self._by_query = by_query

    def __getitem__(self, query: str) -> Mapping[str, float]:
        """Return document -> score of one query (read-only)."""
        try:
            return MappingProxyType(self._by_query[query])
        except KeyError:
            raise NotFoundError(f"query {query!r} is not in the run") from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over queries."""
        return iter(self._by_query)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self._by_query)

    def __repr__(self) -> str:
        return f"Run({len(self)} queries, {sum(map(len, self._by_query.values()))} hits)"

    @property
    def query_ids(self) -> tuple[str, ...]:
        """Queries, in order."""
        return tuple(self._by_query)

    @classmethod
    def from_dict(cls, answers: Mapping[str, Mapping[str, float]]) -> "Run":
        """Take answers from a dict of dicts.

        Parameters
        ----------
        answers : mapping of query id to mapping of document id to score
            A query with no documents is kept: it was asked and answered with nothing.

        Raises
        ------
        InvalidInputError
            Ids that are not str, scores that are not numbers or are NaN.
        """
        if isinstance(answers, Run):
            return answers
        by_query: dict[str, dict[str, float]] = {}
        for query, documents in answers.items():
            if not isinstance(query, str) or not isinstance(documents, Mapping):
                raise InvalidInputError(
                    f"run[{query!r}]: expected a query id (str) with a dict of document id to score, got "
                    f"{type(query).__name__} with {type(documents).__name__}"
                )
            scores: dict[str, float] = {}
            for document, score in documents.items():
                where = f"run[{query!r}][{document!r}]"
                if not isinstance(document, str):
                    raise InvalidInputError(
                        f"{where}: expected a document id (str), got {type(document).__name__}"
                    )
                scores[document] = _score(score, where)
            by_query[query] = scores
        return cls(by_query)

    @classmethod
    def from_hits(cls, hits: Hits, query_ids: Sequence[str], doc_ids: Any) -> "Run":
        """Name the rows of `Hits`.

        Parameters
        ----------
        hits : Hits
        query_ids : sequence of str
            One id per answer.
        doc_ids : Corpus, sequence of str, or pyarrow array
            Document id of each row.

        Raises
        ------
        InvalidInputError
            Another number of query ids, one twice, a row without an id, a row twice in one answer, NaN.
        """
        ids = document_ids(doc_ids)
        if len(query_ids) != len(hits):
            raise InvalidInputError(f"query_ids: expected {len(hits)}, one per answer, got {len(query_ids)}")
        by_query: dict[str, dict[str, float]] = {}
        names: dict[int, str] = {}
        for query, (rows, scores) in zip(query_ids, hits, strict=True):
            if query in by_query:
                raise InvalidInputError(f"query_ids: {query!r} twice")
            answer: dict[str, float] = {}
            for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
                if row not in names:
                    names[row] = _name(ids, row)
                answer[names[row]] = _score(score, f"query {query!r}, row {row}")
            if len(answer) != len(rows):
                raise InvalidInputError(f"hits: the answer to query {query!r} holds a document twice")
            by_query[query] = answer
        return cls(by_query)

    @classmethod
    def from_trec(cls, path: str | os.PathLike[str]) -> "Run":
        """Read a TREC run: ``query Q0 document rank score tag``, separated by white space.

        Parameters
        ----------
        path : path
            Documents are kept in file order; the rank field is not used, as in trec_eval, which orders
            by score.

        Raises
        ------
        NotFoundError
            No such file.
        InvalidInputError
            Another number of fields, a score that is not a number, a document twice for one query: the
            message names file, line and field.
        """
        by_query: dict[str, dict[str, float]] = {}
        for number, line in numbered_lines(path):
            fields = fields_of(line)
            if len(fields) != 6:
                raise InvalidInputError(
                    f"{path}:{number}: expected 6 fields (query Q0 document rank score tag), got "
                    f"{len(fields)}"
                )
            query, _, document, _, text, _ = fields
            answer = by_query.setdefault(query, {})
            if document in answer:
                raise InvalidInputError(f"{path}:{number}: document {document!r} twice for query {query!r}")
            answer[document] = _score(text, f"{path}:{number}: score")
        return cls(by_query)

    def to_trec(self, path: str | os.PathLike[str], tag: str = "pyengine") -> None:
        """Write ``query Q0 document rank score tag`` lines, ranks from 1 in the order held.

        trec_eval ignores the rank and orders by score, then by document id descending; where scores tie
        it may therefore judge another order than the one held here. A query without hits leaves no line.

        Parameters
        ----------
        path : path
            Replaced if it exists.
        tag : str
            Name of the run, the last field.

        Raises
        ------
        InvalidInputError
            An id or tag that is empty or holds white space, which the format cannot carry.
        StorageError
            The system refused.
        """
        name = word(tag, "tag")
        write_lines(
            path,
            (
                f"{word(query, 'query id')} Q0 {word(document, 'document id')} {rank} {score!r} {name}"
                for query, answer in self._by_query.items()
                for rank, (document, score) in enumerate(answer.items(), start=1)
            ),
        )


def document_ids(doc_ids: Any) -> Any:
    """Return the ids by row that a sequence, an array, or an object with ``ids`` (or ``ids()``) stands for.

    Parameters
    ----------
    doc_ids : Corpus, sequence of str, or pyarrow array

    Raises
    ------
    InvalidInputError
        Something that has no length and no place i.
    """
    ids = getattr(doc_ids, "ids", doc_ids)
    if callable(ids):
        ids = ids()
    if isinstance(ids, str | Mapping) or not (hasattr(ids, "__len__") and hasattr(ids, "__getitem__")):
        raise InvalidInputError(
            f"doc_ids: expected the document id of each row (a corpus, a sequence or a pyarrow array), got "
            f"{type(doc_ids).__name__}"
        )
    return ids


def documents_of(doc_ids: Any) -> Any:
    """Return which rows are chunks of which document, where ``doc_ids`` says so, else None.

    Parameters
    ----------
    doc_ids : Corpus, sequence of str, or pyarrow array
        Of a chunked index: its ids or its corpus, which have ``documents``.
    """
    documents = getattr(getattr(doc_ids, "ids", None), "documents", None)
    return documents if documents is not None else getattr(doc_ids, "documents", None)


def _score(score: Any, where: str) -> float:
    try:
        value = float(score)
    except (TypeError, ValueError):
        raise InvalidInputError(f"{where}: expected a number, got {score!r}") from None
    if math.isnan(value):
        raise InvalidInputError(f"{where}: expected a number, got NaN")
    return value


def _name(ids: Any, row: int) -> str:
    if row >= len(ids):
        raise InvalidInputError(f"doc_ids: holds {len(ids)} ids, but the hits name row {row}")
    name = ids[row]
    if hasattr(name, "as_py"):
        name = name.as_py()
    if not isinstance(name, str):
        raise InvalidInputError(f"doc_ids[{row}]: expected a document id (str), got {type(name).__name__}")
    return name
