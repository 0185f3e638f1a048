"""From branch hits to an answer: fuse, say each hit's rank and score per branch, explain."""

import numpy as np

from pyengine.engine.branches import BranchHits
from pyengine.engine.fusing import Share
from pyengine.engine.results import Explanation, Mode, SearchHit, SearchResult
from pyengine.engine.snapshot import Snapshot
from pyengine.types import Hits

__all__ = ["answer"]


def answer(
    snapshot: Snapshot,
    query: str,
    mode: Mode,
    best: Hits,
    found: BranchHits,
    *,
    terms: list[str] | None = None,
    share: Share | None = None,
    explain: bool,
    filtered: bool,
    notes: tuple[str, ...] = (),
) -> SearchResult:
    """Make the answer to one query out of its best rows and what its branches found.

    ``terms`` is what the lexical branch was asked, if not the query; ``share`` is how it was fused, in hybrid
    mode; ``notes`` come before those made here.
    """
    asked = query if terms is None else terms
    rows, scores = best.query(0)
    ranks = {name: _ranks(hits, rows) for name, hits in found.hits.items()}
    hits = []
    for i, row in enumerate(rows.tolist()):
        rank = {name: ranks[name][i] for name in found.hits}
        place = snapshot.corpus.chunk(row)
        hits.append(
            SearchHit(
                id=snapshot.corpus.id(row),
                row=row,
                score=float(scores[i]),
                ranks=rank,
                scores={
                    name: None if (r := rank[name]) is None else float(found.hits[name].scores[0, r - 1])
                    for name in found.hits
                },
                title=snapshot.corpus.title(row),
                text=snapshot.corpus.text(row),
                metadata=snapshot.corpus.metadata(row),
                explanation=_explain(snapshot, asked, row, share) if explain else None,
                chunk=None if place is None else place.chunk,
                span=None if place is None else (place.start, place.end),
            )
        )
    said = (*notes, *_notes(found, mode, filtered))
    return SearchResult(query, tuple(hits), mode, bool(found.late), said)


def _ranks(hits: Hits, rows: np.ndarray) -> list[int | None]:
    """Rank from 1 of each of ``rows`` in the first query of ``hits``, None where it is not there."""
    rank_of = {row: rank for rank, row in enumerate(hits.query(0)[0].tolist(), start=1)}
    return [rank_of.get(row) for row in rows.tolist()]


def _explain(snapshot: Snapshot, query: str | list[str], row: int, share: Share | None) -> Explanation:
    terms = tuple(snapshot.lexical.explain(query, row))
    if share is None:
        return Explanation(terms, {})
    return Explanation(terms, share.parts(row), share.weights, share.why)


def _notes(found: BranchHits, mode: Mode, filtered: bool) -> tuple[str, ...]:
    notes = []
    lexical = found.hits.get("lexical")
    if lexical is not None and lexical.counts[0] == 0:
        rest = "; answered by the dense branch alone" if "dense" in found.hits else ""
        where = "any document that the filter admits" if filtered else "the corpus"
        notes.append(f"no term of the query occurs in {where}{rest}")
    if found.late:
        rest = "; answered by the lexical branch alone" if mode == "hybrid" else ""
        notes.append(f"the dense branch was late and was dropped{rest}")
    return tuple(notes)
