"""Embedders side by side: does another one, a second one, or fewer dimensions change the answer?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.dense import DenseIndex
from pyengine.diagnose.arms import DEPTH, Arms, as_documents, fused, scored
from pyengine.errors import InvalidInputError
from pyengine.eval import compare_values
from pyengine.types import Embedder, Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["MOST_ROWS", "Probe", "Standing", "answers_of", "probe", "standings"]

_TEXTS_PER_STEP: Final = 1024
MOST_ROWS: Final = 200_000
"""Rows whose vectors are looked at again with fewer dimensions: they are held in memory meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Something teams try first, measured.

    Parameters
    ----------
    what : str
    ndcg : float
        Mean NDCG@10.
    gain, low, high : float
        Points over the dense branch as it is, with the interval.
    n : int
        Queries.
    """

    what: str
    ndcg: float
    gain: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an embedder stands on a board and on this collection.

    Parameters
    ----------
    name : str
    ndcg : float
        Mean NDCG@10 of its vectors alone.
    board : int or None
        Its place on the board, as the user gave it.
    place : int
        1 and the number of embedders that are surely better here: those within noise share a place.
    """

    name: str
    ndcg: float
    board: int | None
    place: int


def probe(
    engine: "Engine",
    arms: Arms,
    others: Mapping[str, Hits],
    *,
    queries: npt.NDArray[np.float32] | None,
    level: float,
    seed: int,
) -> list[Probe]:
    """Measure what teams try before BM25: another embedder, two fused, fewer dimensions.

    Parameters
    ----------
    engine : Engine
    arms : Arms
        Of its own embedder.
    others : mapping of name to Hits
        Answers of other embedders over the same rows.
    queries : float32 (n, dim) or None
        Vectors of the queries, for fewer dimensions; None leaves that out.
    level : float
    seed : int
    """
    tried: dict[str, Hits] = {}
    if queries is not None and 0 < len(engine) <= MOST_ROWS:
        tried |= _truncated(engine, queries)
    for name, hits in others.items():
        tried[f"{name} in its place"] = hits
        tried[f"{name} fused with it"] = fused([arms.hits["dense"], hits])
    tried["BM25 fused with it"] = arms.hits["fused"]
    values = scored(tried, arms.judged, engine.ids)["ndcg@10"]
    rows = []
    for what, found in values.items():
        c = compare_values(arms.values["ndcg@10"]["dense"], found, level=level, seed=seed)
        rows.append(
            Probe(
                what=what,
                ndcg=c.mean_b,
                gain=100 * c.difference,
                low=100 * c.low,
                high=100 * c.high,
                n=c.n,
            )
        )
    return rows


def _truncated(engine: "Engine", queries: npt.NDArray[np.float32]) -> dict[str, Hits]:
    """Search with the first half and quarter of each vector, made unit again."""
    assert engine.dense is not None  # an index with vectors was asked for
    vectors = engine.dense.vectors(np.arange(len(engine)))
    found = {}
    for share in (2, 4):
        dim = engine.dense.dim // share
        if dim >= 1:
            index = DenseIndex.build(_unit(vectors[:, :dim]))
            hits = index.search(_unit(queries[:, :dim]), min(DEPTH, len(engine)), exact=True)
            found[f"the first {dim} of {engine.dense.dim} dimensions"] = as_documents(engine, hits)
    return found


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = np.where(lengths > 0, vectors / np.maximum(lengths, 1e-12), 0)
    unit[lengths[:, 0] == 0, 0] = 1
    return np.ascontiguousarray(unit, dtype=np.float32)


def answers_of(engine: "Engine", embedder: Embedder, queries: Sequence[str]) -> Hits:
    """Return the dense answers that an engine would give with another embedder; embeds the whole corpus."""
    from pyengine.corpus import embedded_text

    index = DenseIndex.build(np.empty((0, embedder.dim), dtype=np.float32))
    for batch in engine.corpus.batches(max_rows=_TEXTS_PER_STEP):
        texts = embedded_text(batch.column("title"), batch.column("text")).to_pylist()
        index.add(embedder.embed(texts, kind="passage"))
    vectors = embedder.embed(list(queries), kind="query")
    return as_documents(engine, index.search(vectors, min(DEPTH, len(engine)), exact=True))


def standings(
    engine: "Engine",
    arms: Arms,
    others: Mapping[str, Hits],
    board: Mapping[str, int],
    *,
    own: str,
    level: float,
    seed: int,
) -> tuple[list[Standing], float | None]:
    """Return where embedders stand here and on a board, and how many places the board's leader lost.

    Parameters
    ----------
    engine : Engine
    arms : Arms
        Of the engine's own embedder.
    others : mapping of name to Hits
    board : mapping of name to int
        Places on the board; ``own`` names the engine's embedder.
    own : str
    level : float
    seed : int

    Raises
    ------
    InvalidInputError
        A place for an embedder that was not given, or below 1.
    """
    unknown = sorted(set(board) - {own, *others})
    if unknown or any(place < 1 for place in board.values()):
        raise InvalidInputError(
            f"leaderboard: expected places from 1 on for {', '.join([own, *others])}, got {dict(board)}"
        )
    values = {own: arms.values["ndcg@10"]["dense"], **scored(others, arms.judged, engine.ids)["ndcg@10"]}
    listed = []
    for name, mine in values.items():
        better = sum(
            compare_values(mine, theirs, level=level, seed=seed).low > 0
            for other, theirs in values.items()
            if other != name
        )
        listed.append(Standing(name=name, ndcg=float(mine.mean()), board=board.get(name), place=1 + better))
    listed.sort(key=lambda standing: (standing.place, -standing.ndcg))
    ranked = sorted(board, key=lambda name: board[name])
    if len(ranked) < 2:
        return listed, None
    leader = next(standing for standing in listed if standing.name == ranked[0])
    return listed, float(leader.place - 1)
