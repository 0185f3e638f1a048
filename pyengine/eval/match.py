"""Where the judged documents stand in each answer: what every metric is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError
from pyengine.eval.qrels import Key, Qrels
from pyengine.eval.run import Run, document_ids, documents_of
from pyengine.types import NO_ROW, Hits

__all__ = ["Answers", "Matched", "Ties", "match"]

Answers = Hits | Run | Mapping[str, Mapping[str, float]]
"""What can be evaluated: arrays, or scores by id."""

Ties = Literal["order", "trec"]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Judged documents found, per judged query, as flat arrays.

    Parameters
    ----------
    query_ids : tuple
        Judged queries, q of them.
    start : int64 (q + 1,)
        Query i owns slots ``start[i]:start[i + 1]`` of the arrays of j judgements.
    positions, grades : int64 (j,), int32 (j,)
        Position from 0 and grade of each judged document found, by position; ``found[i]`` slots are used.
    found : int64 (q,)
    ideal : int32 (j,)
        All grades of the query, descending.
    retrieved : int64 (q,)
        Length of the answer.
    answered : bool (q,)
        Whether the query has an answer at all (it may be empty).
    n_ignored : int
        Answers to queries without judgements.
    n_unknown_documents : int
        Judged documents that are not in the corpus; 0 where the corpus is not known.
    """

    query_ids: tuple[Key, ...]
    start: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    grades: npt.NDArray[np.int32]
    found: npt.NDArray[np.int64]
    ideal: npt.NDArray[np.int32]
    retrieved: npt.NDArray[np.int64]
    answered: npt.NDArray[np.bool_]
    n_ignored: int
    n_unknown_documents: int


def match(
    answers: Answers,
    qrels: Qrels,
    *,
    query_ids: Sequence[str] | None = None,
    doc_ids: Any = None,
    ties: Ties | None = None,
    exclude_self: bool = False,
) -> Matched:
    """Find the judged documents of each query in its answer.

    Parameters
    ----------
    answers : Hits, Run or dict of dicts
    qrels : Qrels
    query_ids, doc_ids, ties, exclude_self
        As in `evaluate`.

    Raises
    ------
    InvalidInputError
        Arguments that do not belong together, malformed answers, or nothing in common.
    """
    if ties not in (None, "order", "trec"):
        raise InvalidInputError(f"ties: expected 'order' or 'trec', got {ties!r}")
    if len(qrels) == 0:
        raise InvalidInputError("qrels: no query has judgements; there is nothing to evaluate against")
    if isinstance(answers, Hits):
        answers = _of_documents(answers, doc_ids)
        if exclude_self:
            answers = _without_self(answers, qrels, query_ids, doc_ids)
        return _match_hits(answers, qrels, query_ids, doc_ids, ties or "order")
    if query_ids is not None or doc_ids is not None:
        raise InvalidInputError(
            "query_ids, doc_ids: only Hits take them; a run names its queries and documents"
        )
    if not isinstance(answers, Mapping):
        raise InvalidInputError(
            f"hits: expected Hits, Run or a dict of query id to dict of document id to score, got "
            f"{type(answers).__name__}"
        )
    run = Run.from_dict(answers)
    if exclude_self:
        run = Run({q: {d: s for d, s in answer.items() if d != q} for q, answer in run.items()})
    return _match_run(run, qrels, ties or "trec")


def _layout(qrels: Qrels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return start offsets, and all grades descending per query."""
    start = np.zeros(len(qrels) + 1, dtype=np.int64)
    np.cumsum([len(documents) for documents in qrels.values()], out=start[1:])
    ideal = np.fromiter(
        (grade for documents in qrels.values() for grade in sorted(documents.values(), reverse=True)),
        dtype=np.int32,
        count=int(start[-1]),
    )
    return start, ideal


def _match_run(run: Run, qrels: Qrels, ties: Ties) -> Matched:
    if qrels.by_row:
        raise InvalidInputError(
            "qrels: keyed by numbers, which only fit Hits; a run needs judgements keyed by ids"
        )
    start, ideal = _layout(qrels)
    n = len(qrels)
    positions = np.zeros(len(ideal), dtype=np.int64)
    grades = np.zeros(len(ideal), dtype=np.int32)
    found, retrieved = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    answers: Mapping[Any, Mapping[str, float]] = run
    answered = np.zeros(n, dtype=np.bool_)
    for i, (query, judged) in enumerate(qrels.items()):
        answer = answers.get(query)
        if answer is None:
            continue
        answered[i] = True
        retrieved[i] = len(answer)
        placed = sorted(
            (position, judged[document]) for position, document in _places(answer, judged.keys(), ties)
        )
        found[i] = len(placed)
        for slot, (position, grade) in enumerate(placed, start=int(start[i])):
            positions[slot], grades[slot] = position, grade
    if not answered.any():
        raise InvalidInputError(
            f"run: none of its {len(run)} queries ({_sample(run)}) is judged in qrels ({_sample(qrels)}); "
            "expected the same query ids in both"
        )
    n_ignored = len(run) - int(answered.sum())
    return Matched(qrels.query_ids, start, positions, grades, found, ideal, retrieved, answered, n_ignored, 0)


def _places(answer: Mapping[str, float], judged: Any, ties: Ties) -> list[tuple[int, Any]]:
    """Return (position, document) of the judged documents in an answer."""
    if ties == "order":
        return [(i, document) for i, document in enumerate(answer) if document in judged]
    present = [document for document in judged if document in answer]
    if not present:
        return []
    scores = _float32(np.fromiter(answer.values(), dtype=np.float64, count=len(answer)))
    documents = list(answer)
    return [
        (_place_in_trec(scores, np.float32(_float32(np.float64(answer[d]))), d, documents.__getitem__), d)
        for d in present
    ]


def _float32(scores: Any) -> Any:
    # trec_eval 9 keeps scores as C floats: scores that differ only beyond that are ties.
    with np.errstate(over="ignore"):
        return scores.astype(np.float32)


def _place_in_trec(scores: npt.NDArray[np.float32], score: np.float32, document: str, name_of: Any) -> int:
    """Return the position under trec_eval's order: score descending, then document id descending."""
    place = int(np.count_nonzero(scores > score))
    tied = np.flatnonzero(scores == score)
    if len(tied) > 1:
        place += sum(name_of(int(other)) > document for other in tied)
    return place


def _match_hits(
    hits: Hits, qrels: Qrels, query_ids: Sequence[str] | None, doc_ids: Any, ties: Ties
) -> Matched:
    from pyengine import kernels  # noqa: PLC0415  # loads Numba: only when there is something to compute

    _check_hits(hits)
    answer_of, n_ignored = _answers_of(hits, qrels, query_ids)
    start, ideal = _layout(qrels)
    names = None
    if qrels.by_row:
        if ties == "trec":
            raise InvalidInputError(
                "ties: 'trec' orders tied documents by their ids, and qrels are keyed by row; pass qrels "
                "keyed by ids with query_ids and doc_ids, or ties='order'"
            )
        rows = np.fromiter((row for docs in qrels.values() for row in docs), np.int64, len(ideal))
    else:
        names = _ids(doc_ids, hits)
        rows = _rows_of(names, qrels, len(ideal), documents_of(doc_ids))
    judged_grades = np.fromiter((g for docs in qrels.values() for g in docs.values()), np.int32, len(ideal))
    owner = np.repeat(np.arange(len(qrels)), np.diff(start))
    order = np.lexsort((rows, owner))
    rows, judged_grades = rows[order], judged_grades[order]

    positions, grades = np.zeros(len(ideal), dtype=np.int64), np.zeros(len(ideal), dtype=np.int32)
    found = np.zeros(len(qrels), dtype=np.int64)
    twice = kernels.find_judged(
        hits.rows, hits.counts, answer_of, start, rows, judged_grades, positions, grades, found
    )
    if twice >= 0:
        raise InvalidInputError(
            f"hits: answer {answer_of[twice]} (query {qrels.query_ids[twice]!r}) holds a row twice; an "
            "answer names each document once"
        )
    answered = answer_of >= 0
    matched = Matched(
        query_ids=qrels.query_ids,
        start=start,
        positions=positions,
        grades=grades,
        found=found,
        ideal=ideal,
        retrieved=np.where(answered, hits.counts[answer_of], 0).astype(np.int64),
        answered=answered,
        n_ignored=n_ignored,
        n_unknown_documents=len(np.unique(rows[rows < 0])),
    )
    if ties == "trec":
        _reorder_as_trec(matched, hits, answer_of, names)
    return matched


def _of_documents(hits: Hits, doc_ids: Any) -> Hits:
    """Return the hits with the first row of each document in the place of the chunk that was found."""
    documents = documents_of(doc_ids)
    if documents is None:
        return hits
    _check_hits(hits)
    _ids(doc_ids, hits)
    used = np.arange(hits.k, dtype=np.uint32) < hits.counts[:, None]
    rows = documents.first_rows[documents.of(np.where(used, hits.rows, 0))]
    whole = Hits(np.where(used, rows, np.uint32(NO_ROW)), hits.scores, hits.counts)
    twice = np.flatnonzero(whole.collapse(whole.rows).counts < hits.counts)
    if len(twice):
        raise InvalidInputError(
            f"hits: answer {twice[0]} holds two chunks of one document; an answer names each document once: "
            "search with collapse=True, or collapse the hits"
        )
    return whole


def _without_self(hits: Hits, qrels: Qrels, query_ids: Sequence[str] | None, doc_ids: Any) -> Hits:
    """Return the answers without the document whose id is the query's own."""
    if qrels.by_row:
        raise InvalidInputError(
            "exclude_self: needs ids to tell a query from its own document; pass qrels keyed by ids, with "
            "query_ids and doc_ids"
        )
    _check_hits(hits)
    answer_of, _ = _answers_of(hits, qrels, query_ids)
    ids = list(query_ids or ())
    at = _find(_ids(doc_ids, hits), {ids[answer]: int(answer) for answer in answer_of if answer >= 0})
    at = _first(at, documents_of(doc_ids))
    own = np.full(len(hits), NO_ROW, dtype=np.uint32)
    own[at[at >= 0]] = np.flatnonzero(at >= 0)
    out = (hits.rows == own[:, None]) & (own != NO_ROW)[:, None]
    kept = np.argsort(out, axis=1, kind="stable")
    dropped = np.take_along_axis(out, kept, axis=1)
    return Hits(
        np.where(dropped, np.uint32(NO_ROW), np.take_along_axis(hits.rows, kept, axis=1)),
        np.where(dropped, np.float32(-np.inf), np.take_along_axis(hits.scores, kept, axis=1)),
        hits.counts - out.sum(axis=1, dtype=np.uint32),
    )


def _check_hits(hits: Hits) -> None:
    if len(hits) == 0:
        raise InvalidInputError("hits: no answers; there is nothing to evaluate")
    if int(hits.counts.max()) > hits.k:
        raise InvalidInputError(f"hits.counts: expected at most k = {hits.k}, got {int(hits.counts.max())}")
    used = np.arange(hits.k, dtype=np.uint32)[None, :] < hits.counts[:, None]
    for what, bad in (("NaN", np.isnan(hits.scores)), ("NO_ROW", hits.rows == NO_ROW)):
        if (bad & used).any():
            query, slot = np.argwhere(bad & used)[0]
            raise InvalidInputError(f"hits: answer {query} holds {what} in used slot {slot}")


def _answers_of(
    hits: Hits, qrels: Qrels, query_ids: Sequence[str] | None
) -> tuple[npt.NDArray[np.int64], int]:
    """Return which answer belongs to each judged query (-1: none), and how many belong to no judged one."""
    if qrels.by_row:
        if query_ids is not None:
            raise InvalidInputError(
                "query_ids: qrels are keyed by number, where query i is answer i; leave query_ids out, or "
                "pass qrels keyed by ids"
            )
        answer_of = np.fromiter(qrels, dtype=np.int64, count=len(qrels))
        if int(answer_of.max()) >= len(hits):
            raise InvalidInputError(
                f"qrels: name query {answer_of.max()}, but hits answer {len(hits)} queries"
            )
        return answer_of, len(hits) - len(qrels)
    if query_ids is None:
        raise InvalidInputError(
            "query_ids: missing; qrels are keyed by ids, so pass query_ids (one per answer) and doc_ids (one "
            "per row), or key qrels by numbers: {query position: {row: grade}}"
        )
    ids = list(query_ids)
    if len(ids) != len(hits):
        raise InvalidInputError(f"query_ids: expected {len(hits)}, one per answer, got {len(ids)}")
    place: dict[Key, int] = {query: i for i, query in enumerate(ids)}
    if len(place) != len(ids):
        query = next(query for i, query in enumerate(ids) if place[query] != i)
        raise InvalidInputError(f"query_ids: {query!r} twice; expected each query once")
    answer_of = np.fromiter((place.get(query, -1) for query in qrels), dtype=np.int64, count=len(qrels))
    common = int((answer_of >= 0).sum())
    if common == 0:
        raise InvalidInputError(
            f"query_ids: none of the {len(ids)} ({_sample(ids)}) is judged in qrels ({_sample(qrels)}); "
            "expected the same query ids in both"
        )
    return answer_of, len(ids) - common


def _ids(doc_ids: Any, hits: Hits) -> Any:
    if doc_ids is None:
        raise InvalidInputError(
            "doc_ids: missing; qrels are keyed by ids, so pass the document id of each row (a corpus, or a "
            "sequence), or key qrels by numbers: {query position: {row: grade}}"
        )
    ids = document_ids(doc_ids)
    used = hits.rows != NO_ROW
    top = int(hits.rows.max(initial=0, where=used))
    if used.any() and top >= len(ids):
        raise InvalidInputError(f"doc_ids: holds {len(ids)} ids, but the hits name row {top}")
    return ids


def _rows_of(ids: Any, qrels: Qrels, n: int, chunks: Any) -> npt.NDArray[np.int64]:
    """Return the (first) row of each judged document, or a negative number of its own if it has none."""
    numbers: dict[Key, int] = {}
    for documents in qrels.values():
        for document in documents:
            numbers.setdefault(document, len(numbers))
    judged = np.fromiter((numbers[d] for docs in qrels.values() for d in docs), np.int64, n)
    at = _first(_find(ids, numbers), chunks)
    known = np.flatnonzero(at >= 0)
    if len(known) == 0:
        raise InvalidInputError(
            f"doc_ids: none of the {len(numbers)} judged documents ({_sample(numbers)}) is among the "
            f"{len(ids)} ids ({_sample(ids)}); expected the ids that qrels use"
        )
    row_of = -1 - np.arange(len(numbers), dtype=np.int64)
    row_of[at[known]] = known
    if len(np.unique(at[known])) != len(known):
        values, times = np.unique(at[known], return_counts=True)
        name = list(numbers)[values[times > 1][0]]
        raise InvalidInputError(f"doc_ids: {name!r} is the id of two rows; expected each id once")
    return row_of[judged]


def _find(ids: Any, numbers: dict[Key, int]) -> npt.NDArray[np.int64]:
    """Return, for each row, the number of its id, or -1."""
    if type(ids).__module__.startswith("pyarrow"):
        import pyarrow as pa  # noqa: PLC0415  # heavy: only when an Arrow array came in
        import pyarrow.compute as pc  # noqa: PLC0415  # as above

        try:
            found = pc.index_in(ids, value_set=pa.array(list(numbers), type=ids.type))
        except pa.ArrowException as error:
            raise InvalidInputError(f"doc_ids: expected strings, got {ids.type}: {error}") from None
        if isinstance(found, pa.ChunkedArray):
            found = found.combine_chunks()
        return np.asarray(found.fill_null(-1), dtype=np.int64)
    values = ids.tolist() if isinstance(ids, np.ndarray) else ids
    found = np.fromiter((numbers.get(document, -1) for document in values), np.int64, len(ids))
    return found


def _first(at: npt.NDArray[np.int64], documents: Any) -> npt.NDArray[np.int64]:
    """Return what was found for each row, at the first row of each document only: all have its id."""
    if documents is None:
        return at
    first = np.full(len(at), -1, dtype=np.int64)
    first[documents.first_rows] = at[documents.first_rows]
    return first


def _reorder_as_trec(matched: Matched, hits: Hits, answer_of: npt.NDArray[np.int64], ids: Any) -> None:
    """Replace positions by those of trec_eval's order, in place."""
    for i in np.flatnonzero(matched.found):
        slots = slice(int(matched.start[i]), int(matched.start[i] + matched.found[i]))
        rows, scores = hits.query(int(answer_of[i]))
        places = _trec_places(rows, scores, matched.positions[slots], ids)
        order = np.argsort(places)
        matched.positions[slots] = places[order]
        matched.grades[slots] = matched.grades[slots][order]


def _trec_places(
    rows: npt.NDArray[np.uint32],
    scores: npt.NDArray[np.float32],
    positions: npt.NDArray[np.int64],
    ids: Any,
) -> npt.NDArray[np.int64]:
    def name(position: int) -> str:
        value = ids[int(rows[position])]
        return str(value.as_py() if hasattr(value, "as_py") else value)

    return np.array([_place_in_trec(scores, scores[p], name(p), name) for p in positions], dtype=np.int64)


def _sample(ids: Any) -> str:
    first = next(iter(ids), None)
    return "empty" if first is None else f"such as {first!r}"
