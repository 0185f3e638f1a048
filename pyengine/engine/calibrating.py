"""Which branch finds this collection's own documents? Known-item queries, without judgements."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionCalibration
from pyengine.engine.embedding import checked_vectors
from pyengine.engine.snapshot import Snapshot
from pyengine.types import Embedder, Hits

__all__ = ["KNOWN_ITEMS", "assumed", "calibrate", "still_holds"]

KNOWN_ITEMS: Final = 200
"""Documents looked for: the success they give is then right to about three in a hundred."""

# Words of a known-item query: enough to tell a document, too few to be its summary.
_WORDS: Final = 6
_FEWEST_WORDS: Final = 4
_DEPTH: Final = 100
# Of the packaged embedder, over the development collections of docs/fusion.md.
_SPREAD: Final = 0.11
_LEXICAL: Final = 0.8
_DENSE: Final = 0.27


def assumed(snapshot: Snapshot) -> FusionCalibration:
    """Return the values of an ordinary collection and embedder, for where nothing can be measured."""
    return FusionCalibration(
        lexical_success=_LEXICAL,
        dense_success=_DENSE,
        spread=_SPREAD,
        queries=0,
        documents=len(snapshot.corpus),
        embedder=_fingerprint(snapshot),
    )


def calibrate(snapshot: Snapshot, embedder: Embedder, samples: int) -> FusionCalibration:
    """Ask both branches for documents by six consecutive words of each.

    The documents lie evenly over the rows and the words start at a place that depends on the row alone, so
    the same index gives the same values.

    Parameters
    ----------
    snapshot : Snapshot
        With vectors.
    embedder : Embedder
    samples : int
        Documents to look for; those with fewer than four words are left out.

    Raises
    ------
    BackendError
        The embedder returned what is no vector.
    """
    asked = list(_known_items(snapshot, samples))
    record = snapshot.settings.embedder
    if len(asked) < 2 or record is None:
        return assumed(snapshot)
    rows = np.array([row for row, _ in asked], dtype=np.uint32)
    queries = [query for _, query in asked]
    vectors = checked_vectors(embedder.embed(queries, kind="query"), len(queries), record)
    dense = snapshot.require_dense()
    scores = dense.score(vectors, np.broadcast_to(rows, (len(rows), len(rows))))
    spread = float(scores.astype(np.float64).std(axis=1).mean())
    return FusionCalibration(
        lexical_success=_success(snapshot.lexical.search(queries, _DEPTH), rows),
        dense_success=_success(dense.search(vectors, _DEPTH), rows),
        spread=spread if spread > 0 else _SPREAD,
        queries=len(queries),
        documents=len(snapshot.corpus),
        embedder=record.fingerprint,
    )


def still_holds(known: FusionCalibration, snapshot: Snapshot) -> bool:
    """Whether a calibration is of this vector space, and of a collection of about this size."""
    now = len(snapshot.corpus)
    same_space = known.embedder == _fingerprint(snapshot)
    return same_space and known.documents <= 2 * now and now <= 2 * known.documents


def _known_items(snapshot: Snapshot, samples: int) -> Iterator[tuple[int, str]]:
    """Yield rows, and a few consecutive words of each."""
    total = len(snapshot.corpus)
    for i in range(min(samples, total)):
        row = i * total // min(samples, total)
        words = snapshot.corpus.text(row).split()
        if len(words) >= _FEWEST_WORDS:
            start = _mixed(row) % max(1, len(words) - _WORDS + 1)
            yield row, " ".join(words[start : start + _WORDS])


def _mixed(number: int) -> int:
    """Return a number without order: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = (number + 1) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
    return mixed ^ (mixed >> 31)


def _success(hits: Hits, rows: npt.NDArray[np.uint32]) -> float:
    """Return the mean reciprocal rank of one row a query."""
    found = hits.rows == rows[:, None]
    ranks = np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, np.inf)
    return float((1.0 / ranks).mean())


def _fingerprint(snapshot: Snapshot) -> str:
    record = snapshot.settings.embedder
    return "" if record is None else record.fingerprint
