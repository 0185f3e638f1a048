"""Queries with judgements: an evaluation set in BEIR format."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.eval.lines import numbered_lines
from pyengine.eval.qrels import Qrels

__all__ = ["EvalSet", "EvalSetReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSetReport:
    """What was read, and what was left out.

    Parameters
    ----------
    n_queries_in_file : int
        Lines of the query file.
    n_queries : int
        Queries with judgements: those of the set.
    n_queries_unjudged : int
        Queries without a judgement in this split, left out.
    n_queries_without_relevant : int
        Queries of the set whose every grade is 0 or below. They score 0 under every metric.
    n_queries_empty : int
        Queries of the set without text. Kept.
    n_judgements : int
        Judgements of the set.
    n_unknown_queries : int
        Query ids that are judged but not in the query file; their judgements are left out.
    n_unknown_judgements : int
        How many judgements that is.
    """

    n_queries_in_file: int
    n_queries: int
    n_queries_unjudged: int
    n_queries_without_relevant: int
    n_queries_empty: int
    n_judgements: int
    n_unknown_queries: int
    n_unknown_judgements: int

    def to_json(self) -> dict[str, int]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.n_queries} queries with {self.n_judgements} judgements"]
        if self.n_queries_unjudged:
            lines.append(f"{self.n_queries_unjudged} queries without judgements left out")
        if self.n_unknown_queries:
            lines.append(
                f"{self.n_unknown_judgements} judgements of {self.n_unknown_queries} unknown queries left out"
            )
        if self.n_queries_without_relevant:
            lines.append(f"{self.n_queries_without_relevant} queries without a relevant document (score 0)")
        if self.n_queries_empty:
            lines.append(f"{self.n_queries_empty} queries without text")
        return "; ".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class EvalSet:
    """Queries with judgements.

    Parameters
    ----------
    query_ids : tuple of str
        Judged queries, in the order of the query file.
    queries : tuple of str
        Their texts.
    qrels : Qrels
        Their judgements, in the same order.
    report : EvalSetReport
    """

    query_ids: tuple[str, ...]
    queries: tuple[str, ...]
    qrels: Qrels
    report: EvalSetReport

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.query_ids)

    @classmethod
    def of(cls, query_ids: Sequence[str], queries: Sequence[str], qrels: Qrels) -> "EvalSet":
        """Make a set of queries and judgements at hand; queries without judgements are left out.

        Parameters
        ----------
        query_ids, queries : sequence of str, length n
            Ids and texts.
        qrels : Qrels
            Keyed by query id and document id.

        Raises
        ------
        InvalidInputError
            Different lengths, an id twice, or no judged query.
        """
        if len(query_ids) != len(queries):
            raise InvalidInputError(
                f"queries: expected one for each of {len(query_ids)} ids, got {len(queries)}"
            )
        texts = dict(zip(query_ids, queries, strict=True))
        if len(texts) != len(query_ids):
            raise InvalidInputError("query_ids: expected each once, got one twice")
        if not any(query in qrels for query in texts):
            raise InvalidInputError(
                f"qrels: none of the {len(texts)} queries is judged; expected the same ids"
            )
        return cls._of(texts, qrels)

    @classmethod
    def from_beir(
        cls, folder: str | os.PathLike[str], split: str = "test", *, queries: str = "queries.jsonl"
    ) -> "EvalSet":
        """Read ``queries.jsonl`` and ``qrels/<split>.tsv`` of a BEIR folder.

        Parameters
        ----------
        folder : path
        split : str
            Name of the judgement file without ``.tsv``. "test", what published numbers are measured on.
        queries : str
            Name of the query file: one JSON object a line with the strings ``_id`` and ``text``; other
            fields are not read.

        Returns
        -------
        EvalSet
            Judged queries only. What was left out is counted in ``report``.

        Raises
        ------
        NotFoundError
            The folder, the query file or the split does not exist; the message lists the splits that do.
        InvalidInputError
            A line that is not such an object, an id twice, bad UTF-8, bad judgements (file and line are
            named), or no judged query at all.
        """
        root = Path(folder)
        if not root.is_dir():
            raise NotFoundError(f"{folder}: no such folder")
        path = root / "qrels" / f"{split}.tsv"
        if not path.is_file():
            splits = sorted(file.stem for file in root.glob("qrels/*.tsv"))
            have = ", ".join(splits) if splits else "none"
            raise NotFoundError(f"{path}: no such file; splits of this folder: {have}")
        texts = _read_queries(root / queries)
        judged = Qrels.from_beir(path)
        if not judged.only(texts):
            raise InvalidInputError(
                f"{path}: none of its {len(judged)} queries is in {root / queries}, which has {len(texts)}; "
                "expected the same ids in both"
            )
        return cls._of(texts, judged)

    @classmethod
    def _of(cls, texts: dict[str, str], judged: Qrels) -> "EvalSet":
        qrels = judged.only(texts)
        unknown = [query for query in judged if query not in texts]
        ids = tuple(query for query in texts if query in qrels)
        return cls(
            query_ids=ids,
            queries=tuple(texts[query] for query in ids),
            qrels=qrels,
            report=EvalSetReport(
                n_queries_in_file=len(texts),
                n_queries=len(ids),
                n_queries_unjudged=len(texts) - len(ids),
                n_queries_without_relevant=sum(max(qrels[q].values()) < 1 for q in ids),
                n_queries_empty=sum(not texts[q].strip() for q in ids),
                n_judgements=qrels.n_judgements,
                n_unknown_queries=len(unknown),
                n_unknown_judgements=sum(len(judged[q]) for q in unknown),
            ),
        )


def _read_queries(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, line in numbered_lines(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInputError(
                f"{path}:{number}: expected a JSON object, got {line[:40]!r}: {error.msg}, "
                f"column {error.colno}"
            ) from None
        if not isinstance(record, dict):
            raise InvalidInputError(
                f"{path}:{number}: expected a JSON object, got {type(record).__name__}; write "
                '{"_id": "q1", "text": "…"}'
            )
        for field in ("_id", "text"):
            if not isinstance(record.get(field), str):
                got = type(record[field]).__name__ if field in record else "no such field"
                raise InvalidInputError(f"{path}:{number}: field {field!r}: expected a string, got {got}")
        if record["_id"] in texts:
            raise InvalidInputError(f"{path}:{number}: query id {record['_id']!r} is used twice")
        texts[record["_id"]] = record["text"]
    return texts
