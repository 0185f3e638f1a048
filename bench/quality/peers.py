"""Second and third opinions: bm25s on the same tokens, ir-measures on the same ranking."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pyengine.types import NO_ROW, Hits

__all__ = ["Bm25sPeer", "ir_measures_mean", "top_agreement"]

RELATIVE = 1e-5
"""Scores of bm25s closer than this, relative to the larger, count as tied: it sums in float32."""


class Bm25sPeer:
    """BM25 of bm25s, Lucene variant, over token lists.

    Its term weight has no factor ``k1 + 1``, so its scores are ours divided by that; the order is the same.

    Parameters
    ----------
    tokens : sequence of lists of str
        Documents.
    k1, b : float
        As in our index.
    """

    def __init__(self, tokens: Sequence[list[str]], *, k1: float, b: float) -> None:
        # Not a dependency of the package; only this comparison needs it.
        import bm25s  # noqa: PLC0415

        self._index = bm25s.BM25(method="lucene", k1=k1, b=b)
        self._index.index(list(tokens), show_progress=False)
        self._known = self._index.vocab_dict

    def scores(self, query: list[str]) -> npt.NDArray[np.float32]:
        """Return the score of every document, float32.

        Parameters
        ----------
        query : list of str
            Tokens; unknown ones are left out, repeated ones count each time.
        """
        known = [token for token in query if token in self._known]
        if not known:
            return np.zeros(self._index.scores["num_docs"], dtype=np.float32)
        return np.asarray(self._index.get_scores(known), dtype=np.float32)

    def search(self, queries: Sequence[list[str]], k: int) -> tuple[Hits, list[npt.NDArray[np.float32]]]:
        """Return the best rows under the order law, and per query the top scores in descending order.

        Parameters
        ----------
        queries : sequence of lists of str
        k : int
            Depth.
        """
        hits = Hits.empty(len(queries), k)
        tops = []
        for i, query in enumerate(queries):
            scores = self.scores(query)
            positive = np.flatnonzero(scores > 0)
            best = positive[np.lexsort((positive, -scores[positive]))[:k]]
            hits.rows[i, : len(best)] = best
            hits.scores[i, : len(best)] = scores[best]
            hits.counts[i] = len(best)
            tops.append(scores[best])
        return hits, tops


def top_agreement(
    ours: Hits, peer: Bm25sPeer, queries: Sequence[list[str]], k: int
) -> tuple[float, Hits, list[int]]:
    """Compare the first ``k`` rows of every query, ties of score allowed to swap.

    Parameters
    ----------
    ours : Hits
        Our answers, at least ``k`` deep.
    peer : Bm25sPeer
        Built over the same tokens.
    queries : sequence of lists of str
        The same tokens that we searched.
    k : int
        Depth to compare.

    Returns
    -------
    share : float
        Queries on which our rows, scored by the peer, are the peer's best ``k`` in order.
    hits : Hits
        The peer's own answers, as deep as ours.
    wrong : list of int
        The queries that disagree.
    """
    theirs, tops = peer.search(queries, ours.k)
    wrong = []
    for i, (query, top) in enumerate(zip(queries, tops, strict=True)):
        rows = ours.rows[i, : min(k, int(ours.counts[i]))]
        same_count = len(rows) == min(k, len(top))
        if not same_count or not np.allclose(
            peer.scores(query)[rows], top[: len(rows)], rtol=RELATIVE, atol=0
        ):
            wrong.append(i)
    return 1.0 - len(wrong) / max(1, len(queries)), theirs, wrong


def ir_measures_mean(
    hits: Hits,
    doc_ids: Sequence[str],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    k: int,
) -> float:
    """Return the mean NDCG of a ranking by ir-measures (trec_eval behind it).

    Parameters
    ----------
    hits : Hits
        The ranking; its order is what is judged.
    doc_ids : sequence of str
        Id of each row.
    query_ids : sequence of str
        Id of each query of `hits`.
    qrels : mapping
        Query id to document id to grade.
    k : int
        Cutoff.
    """
    import ir_measures  # noqa: PLC0415  # as above

    # trec_eval sorts by score and breaks ties its own way: whole numbers by rank leave it no choice.
    run = {
        query: {doc_ids[row]: float(hits.k - rank) for rank, row in enumerate(rows) if row != NO_ROW}
        for query, rows in zip(query_ids, hits.rows.tolist(), strict=True)
    }
    measure = ir_measures.nDCG @ k
    # It wants plain dicts, not mappings.
    judged = {query: dict(documents) for query, documents in qrels.items()}
    return float(ir_measures.calc_aggregate([measure], judged, run)[measure])
