"""Each branch's answers to judged queries, and how good each is: what the labelled tests share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError
from pyengine.eval import EvalSet, Qrels, evaluate
from pyengine.fuse import rrf
from pyengine.types import NO_ROW, Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["DEPTH", "METRICS", "WINDOW", "Arms", "Judged", "as_documents", "fused", "run_arms", "scored"]

DEPTH: Final = 1000
"""Hits a branch is asked for: deep enough to see how far apart the branches place one document."""
WINDOW: Final = 100
"""Hits of each branch that are fused, as in the playbook's recall@100."""
METRICS: Final = ("ndcg@10", "recall@100")

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged queries over the rows of one corpus.

    Parameters
    ----------
    query_ids, queries : tuple of str
    qrels : Qrels
        Of those queries.
    relevant : tuple of dict of int to int
        For each query the rows judged 1 or above, with their grades.
    unknown : tuple of str
        Judged documents that the corpus does not have.
    """

    query_ids: tuple[str, ...]
    queries: tuple[str, ...]
    qrels: Qrels
    relevant: tuple[dict[int, int], ...]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, engine: "Engine", evalset: EvalSet) -> "Judged":
        """Find the judged documents in an engine's corpus.

        Raises
        ------
        InvalidInputError
            No query has a relevant document in the corpus.
        """
        relevant: list[dict[int, int]] = []
        unknown: dict[str, None] = {}
        for query in evalset.query_ids:
            grades = {str(doc): grade for doc, grade in evalset.qrels[query].items() if grade >= 1}
            rows = engine.corpus.rows_of(list(grades)).tolist()
            relevant.append(
                {row: grade for row, grade in zip(rows, grades.values(), strict=True) if row != NO_ROW}
            )
            unknown |= {doc: None for doc, row in zip(grades, rows, strict=True) if row == NO_ROW}
        if not any(relevant):
            raise InvalidInputError(
                f"evalset: none of its {len(evalset)} queries has a relevant document in this corpus of "
                f"{len(engine)}; expected judgements over its ids, such as {next(iter(unknown), 'none')!r}"
            )
        return cls(evalset.query_ids, evalset.queries, evalset.qrels, tuple(relevant), tuple(unknown))


@dataclass(frozen=True, slots=True)
class Arms:
    """What lexical, dense and fused search answer, and their metrics.

    Parameters
    ----------
    judged : Judged
    hits : dict of str to Hits
        "lexical" and "dense" to `DEPTH`, "fused" (RRF of `WINDOW` hits each, k = 60) to twice `WINDOW`.
    values : dict of str to dict of str to float64 (n,)
        Metric, then arm, to the value of each query.
    places : dict of str to list of dict, optional
        By arm, for each query, the rank from 1 of each relevant row, where every document was ranked.
    """

    judged: Judged
    hits: Mapping[str, Hits]
    values: Mapping[str, Mapping[str, F64]]
    places: Mapping[str, list[dict[int, int]]] | None = None

    def mean(self, arm: str, metric: str = "ndcg@10") -> float:
        """Return the mean of a metric over the queries."""
        return float(self.values[metric][arm].mean())

    def ranks(self, arm: str) -> list[dict[int, int]]:
        """Return for each query the rank from 1 of each relevant row that the arm found."""
        if self.places is not None:
            return self.places[arm]
        found = []
        for (rows, _), relevant in zip(self.hits[arm], self.judged.relevant, strict=True):
            places = {row: rank for rank, row in enumerate(rows.tolist(), start=1) if row in relevant}
            found.append(places)
        return found


def run_arms(engine: "Engine", judged: Judged, *, dense: Any = None) -> Arms:
    """Ask both branches every query, fuse, and score.

    Parameters
    ----------
    engine : Engine
        With vectors.
    judged : Judged
    dense : callable, optional
        ``dense(queries, k) -> Hits`` in the place of the engine's dense branch.

    Raises
    ------
    InvalidInputError
        The index has no vectors, or an arm answered no query at all: an arm that did not run is not scored 0.
    """
    queries = list(judged.queries)
    depth = min(DEPTH, max(len(engine), 1))
    lexical = as_documents(engine, engine.search_batch(queries, depth, mode="lexical"))
    if dense is None:
        vectors = as_documents(engine, engine.search_batch(queries, depth, mode="dense"))
    else:
        vectors = dense(queries, depth)
    hits = {"lexical": lexical, "dense": vectors, "fused": fused([lexical, vectors])}
    for arm, found in hits.items():
        if not found.counts.any():
            raise InvalidInputError(
                f"{arm} branch: it answered none of the {len(queries)} queries; the test would score it 0 "
                "where it did not run. Search the index with this branch alone to see why"
            )
    return Arms(judged, hits, scored(hits, judged, engine.ids))


def as_documents(engine: "Engine", hits: Hits) -> Hits:
    """Name each document of a chunked index once, by its first row, by which judgements are found."""
    if engine.chunker is None:
        return hits
    documents = engine.corpus.documents
    best = hits.collapse(documents.of(np.where(hits.rows == NO_ROW, 0, hits.rows)))
    rows = best.rows.copy()
    used = rows != NO_ROW
    rows[used] = documents.first_rows[documents.of(rows[used])]
    return Hits(rows, best.scores, best.counts)


def fused(branches: Sequence[Hits], window: int = WINDOW) -> Hits:
    """Return the reciprocal rank fusion of the first ``window`` hits of each branch."""
    parts = [hits.truncate(min(window, hits.k)) for hits in branches]
    return rrf(parts, k=60, depth=2 * window)


def scored(hits: Mapping[str, Hits], judged: Judged, ids: Sequence[str]) -> dict[str, dict[str, F64]]:
    """Return each metric of each arm, by query."""
    results: dict[str, dict[str, F64]] = {metric: {} for metric in METRICS}
    for arm, found in hits.items():
        evaluation = evaluate(
            found, judged.qrels, list(METRICS), query_ids=judged.query_ids, doc_ids=ids, n_boot=100
        )
        for metric in METRICS:
            results[metric][arm] = evaluation.per_query[metric]
    return results
