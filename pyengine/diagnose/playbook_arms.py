"""The playbook's branches: each ranks every document, and its fusion counts ranks from 0."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pyengine.corpus import indexed_text
from pyengine.diagnose import playbook
from pyengine.diagnose.arms import DEPTH, Arms, Judged, scored
from pyengine.errors import InvalidInputError
from pyengine.types import Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["Bm25", "merge", "ranking", "run_playbook_arms"]

_K1: Final = 1.5
_B: Final = 0.75
_K: Final = 60
_SLOTS: Final = 1 << 23

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Bm25:
    """The playbook's BM25: every document gets a score, most of them 0.

    Parameters
    ----------
    documents : iterable of sequence of str
        The tokens of each, from `pyengine.diagnose.playbook.tokens`.

    Notes
    -----
    In float64 and in the order of its operations, so that the scores are its scores bit for bit. For the
    playbook's mode alone: pyengine's own BM25 is faster by orders of magnitude.
    """

    def __init__(self, documents: Iterable[Sequence[str]]) -> None:
        lengths = array("q")
        postings: dict[str, tuple[array[int], array[int]]] = {}
        for row, tokens in enumerate(documents):
            lengths.append(len(tokens))
            for term, count in Counter(tokens).items():
                rows, counts = postings.setdefault(term, (array("q"), array("q")))
                rows.append(row)
                counts.append(count)
        self._postings = postings
        self._lengths = np.array(lengths, dtype=np.int64)
        self._average = float(np.mean(self._lengths)) if len(lengths) else 0.0

    @property
    def frequency(self) -> dict[str, int]:
        """Documents that have each term."""
        return {term: len(rows) for term, (rows, _) in self._postings.items()}

    def scores(self, query: Sequence[str]) -> F64:
        """Return the score of each document; a term that the query repeats counts each time.

        Parameters
        ----------
        query : sequence of str
        """
        n = len(self._lengths)
        scores = np.zeros(n)
        for term in query:
            if term in self._postings:
                rows, counts = (np.frombuffer(part, dtype=np.int64) for part in self._postings[term])
                idf = np.log((n - len(rows) + 0.5) / (len(rows) + 0.5) + 1)
                length = self._lengths[rows]
                scores[rows] += (
                    idf * (counts * (_K1 + 1)) / (counts + _K1 * (1 - _B + _B * length / self._average))
                )
        return scores


def ranking(scores: npt.NDArray[np.floating]) -> I64:
    """Return all rows by score, the highest first; equal ones in order of rows.

    The playbook leaves the order of equal scores to a sort that keeps none.
    """
    order: I64 = np.argsort(-scores, kind="stable")
    return order


def merge(rankings: Sequence[I64], k: int = _K) -> I64:
    """Return all rows by reciprocal rank fusion, ranks from 0; equal ones in order of the first ranking.

    Parameters
    ----------
    rankings : sequence of int64 (n,)
        Of the same rows.
    k : int
        60, as in the playbook.
    """
    total = np.zeros(len(rankings[0]))
    for order in rankings:
        total[order] += 1.0 / (k + np.arange(len(order)))
    first = rankings[0]
    fused: I64 = first[np.argsort(-total[first], kind="stable")]
    return fused


def run_playbook_arms(engine: "Engine", judged: Judged) -> tuple[Arms, Bm25]:
    """Rank every document for every query by the dense branch, the playbook's BM25, and their fusion.

    Parameters
    ----------
    engine : Engine
        With vectors. In a chunked index a document scores as its best chunk.
    judged : Judged

    Returns
    -------
    arms : Arms
        With the rank of each relevant document among all.
    lexical : Bm25
        Of the rows.

    Raises
    ------
    InvalidInputError
        No query shares a token with any document: BM25 would rank documents in the order they stand in.

    Notes
    -----
    Time: queries times documents. Memory: the corpus's postings as Python objects.
    """
    lexical = Bm25(map(playbook.tokens, _texts(engine)))
    owners = None if engine.chunker is None else engine.corpus.documents
    n = len(engine) if owners is None else len(owners)
    first_rows = np.arange(n) if owners is None else owners.first_rows.astype(np.int64)
    depth = min(DEPTH, n)
    rows = {
        arm: np.empty((len(judged.queries), depth), dtype=np.uint32) for arm in ("lexical", "dense", "fused")
    }
    places: dict[str, list[dict[int, int]]] = {arm: [] for arm in rows}
    answered = False
    for i, similarity in enumerate(_dense_scores(engine, judged.queries)):
        bm25 = lexical.scores(playbook.tokens(judged.queries[i]))
        answered = answered or bool(bm25.any())
        by_dense, by_bm25 = (
            ranking(scores if owners is None else np.maximum.reduceat(scores, first_rows))
            for scores in (similarity, bm25)
        )
        for arm, order in (("dense", by_dense), ("lexical", by_bm25), ("fused", merge([by_dense, by_bm25]))):
            ranked = first_rows[order]
            rows[arm][i] = ranked[:depth]
            wanted = np.array(list(judged.relevant[i]), dtype=np.int64)
            at = np.flatnonzero(np.isin(ranked, wanted))
            places[arm].append({int(ranked[place]): int(place) + 1 for place in at})
    if not answered:
        raise InvalidInputError(
            f"lexical branch: none of the {len(judged.queries)} queries shares a token with a document, as "
            "the playbook cuts tokens; the test would score the order of the documents"
        )
    falling = -np.arange(depth, dtype=np.float32)
    hits = {
        arm: Hits(found, np.tile(falling, (len(found), 1)), np.full(len(found), depth, dtype=np.uint32))
        for arm, found in rows.items()
    }
    return Arms(judged, hits, scored(hits, judged, engine.ids), places), lexical


def _texts(engine: "Engine") -> Iterator[str]:
    for batch in engine.corpus.batches():
        yield from indexed_text(batch.column("title"), batch.column("text")).to_pylist()


def _dense_scores(engine: "Engine", queries: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield each query's similarity with every row."""
    n = len(engine)
    step = max(1, _SLOTS // n)
    for start in range(0, len(queries), step):
        # Asked for all rows, the branch looks at all of them and not at its graph.
        found = engine.search_batch(list(queries[start : start + step]), n, mode="dense", collapse=False)
        for rows, scores in found:
            by_row = np.full(n, -np.inf, dtype=np.float32)
            by_row[rows] = scores
            yield by_row
