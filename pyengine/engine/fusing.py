"""From the hits of the branches to one ranking: which method, which weights, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionCalibration, FusionConfig, FusionMethod
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.weighing import BEST, auto_weights, doubts
from pyengine.errors import InvalidInputError
from pyengine.fuse import Normalisation, convex, rrf
from pyengine.sparse.demand import demands
from pyengine.types import NO_ROW, Hits

__all__ = ["Fusing", "Share", "check_fusion"]

Truth: TypeAlias = list[list[npt.NDArray[np.float32] | None]]

_MINIMUM: Final = {"lexical": 0.0, "dense": -1.0}  # the least score that a branch can give


@dataclass(frozen=True, slots=True)
class Share:
    """How one query was fused.

    Parameters
    ----------
    weights : mapping of branch to float
    why : str
        One sentence.
    parts : callable
        Takes a row, returns what each branch adds to its score.
    """

    weights: Mapping[str, float]
    why: str
    parts: Callable[[int], dict[str, float]]


def check_fusion(fusion: FusionConfig | FusionMethod | None, stored: FusionConfig) -> FusionConfig:
    """Return the settings of a call: those given, the stored ones with another method, or the stored ones."""
    if fusion is None:
        return stored
    if isinstance(fusion, str):
        return replace(stored, method=fusion)
    if not isinstance(fusion, FusionConfig):
        raise InvalidInputError(f"fusion: expected the name of a method or FusionConfig, got {fusion!r}")
    return fusion


class Fusing:
    """The fusion of one call.

    Parameters
    ----------
    snapshot : Snapshot
    config : FusionConfig
    queries : sequence of str
        What the dense branch is asked, and what literals are looked for in.
    terms : sequence of str or of list of str
        What the lexical branch is asked.
    vectors : callable
        Returns the vectors of some of the queries, given their numbers.
    calibration : callable
        Returns what "auto" knows of the collection; called for that method only.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        config: FusionConfig,
        queries: Sequence[str],
        *,
        terms: Sequence[str] | Sequence[list[str]],
        vectors: Callable[[npt.NDArray[np.intp]], npt.NDArray[np.float32]],
        calibration: Callable[[], FusionCalibration],
    ) -> None:
        self.config = config
        self._snapshot = snapshot
        self._queries = queries
        self._terms = terms
        self._vectors = vectors
        self._calibration = calibration

    def fuse(self, found: Mapping[str, Hits], which: npt.NDArray[np.intp], k: int) -> Hits:
        """Return the k best rows of some of the queries.

        Parameters
        ----------
        found : mapping of branch to Hits
            What each branch that answered found for them.
        which : int array
            Their numbers.
        k : int
        """
        lists = list(found.values())
        if self._by_rank:
            fixed = self._fixed()
            return rrf(lists, k=self.config.k, weights=[fixed[name] for name in found], depth=k)
        truth = self._truth(found, which) if self.config.complete and len(lists) > 1 else None
        weights = self._weights(which, found, truth)
        return convex(
            lists,
            weights=[weights[name] for name in found],
            normalisation=self._normalisation,
            minimum=[_MINIMUM[name] for name in found],
            truth=truth,
            depth=k,
        )

    def share(self, found: Mapping[str, Hits]) -> Share:
        """Say how the first query was fused, and what each branch adds to a row.

        Parameters
        ----------
        found : mapping of branch to Hits
            As it was fused.
        """
        if self._by_rank:
            fixed = self._fixed()

            def of_ranks(row: int) -> dict[str, float]:
                ranks = {name: _rank(hits, row) for name, hits in found.items()}
                return {
                    name: fixed[name] / (self.config.k + rank)
                    for name, rank in ranks.items()
                    if rank is not None and fixed[name] > 0
                }

            return Share(fixed, f"reciprocal ranks, k = {self.config.k}, weights of the settings", of_ranks)
        first = np.zeros(1, dtype=np.intp)
        weights = {name: float(weight[0]) for name, weight in self._weights(first, found).items()}

        def of_scores(row: int) -> dict[str, float]:
            parts = {}
            for name, hits in found.items():
                rank = _rank(hits, row)
                if rank is not None:
                    score = float(hits.scores[0, rank - 1])
                elif self.config.complete and len(found) > 1:
                    score = float(self._scores(name, first, np.array([[row]], dtype=np.uint32))[0, 0])
                else:
                    continue
                low, span = self._range(name, hits)
                parts[name] = weights[name] / span * (score - low) if span > 0 else weights[name]
            return parts

        return Share(weights, self._why(found), of_scores)

    @property
    def _by_rank(self) -> bool:
        return self.config.method in ("rrf", "wrrf")

    @property
    def _normalisation(self) -> Normalisation:
        return "none" if self.config.method == "auto" else self.config.normalisation

    def _range(self, name: str, hits: Hits) -> tuple[float, float]:
        """Return where the normalised scores of the first query start, and how far they reach."""
        if self._normalisation == "none":
            return 0.0, 1.0
        scores = hits.query(0)[1].astype(np.float64)
        if not len(scores):
            scores = np.zeros(1)
        low = _MINIMUM[name] if self._normalisation == "theoretical" else float(scores.min())
        return low, float(scores.max()) - low

    def _fixed(self) -> dict[str, float]:
        """Return the weights of the settings."""
        return {"lexical": self.config.lexical_weight, "dense": self.config.dense_weight}

    def _weights(
        self, which: npt.NDArray[np.intp], found: Mapping[str, Hits], truth: Truth | None = None
    ) -> dict[str, npt.NDArray[np.float64]]:
        if self.config.method == "convex":
            fixed = self._fixed()
            total = sum(fixed.values())
            return {name: np.full(len(which), weight / total) for name, weight in fixed.items()}
        asked = demands(self._snapshot.lexical, [self._queries[i] for i in which])
        known = self._calibration()
        lexical, dense = auto_weights(known, asked, self._doubts(known, which, found, truth))
        return {"lexical": lexical, "dense": dense}

    def _doubts(
        self,
        known: FusionCalibration,
        which: npt.NDArray[np.intp],
        found: Mapping[str, Hits],
        truth: Truth | None = None,
    ) -> npt.NDArray[np.float64]:
        """Return how far the dense branch disagrees with the best lexical hits of each query."""
        if len(found) < 2:
            return np.zeros(len(which))
        lexical, dense = found["lexical"], found["dense"]
        true = None if truth is None else truth[list(found).index("dense")][list(found).index("lexical")]
        if true is None:
            true = self._scores("dense", which, _used_rows(lexical.truncate(BEST)))
        own = dense.scores[:, :BEST]
        if int(dense.counts.min(initial=BEST)) < BEST:
            own = np.where(np.arange(own.shape[1]) < dense.counts[:, None], own, -np.inf)
        return doubts(known, own, true[:, :BEST])

    def _why(self, found: Mapping[str, Hits]) -> str:
        """Say where the weights of the first query come from."""
        if self.config.method == "convex":
            return f"{self.config.normalisation} scores, weights of the settings"
        known = self._calibration()
        shares = f"{known.lexical_success:.0%} and the dense one {known.dense_success:.0%}"
        success = f"the lexical branch finds {shares}"
        said = (
            f"of {known.queries} documents looked for by a few of their words, {success}"
            if known.queries
            else f"nothing was measured, assumed that {success}"
        )
        doubt = float(self._doubts(known, np.zeros(1, dtype=np.intp), found)[0])
        if doubt > 0:
            said += (
                f"; the best lexical hits lie {doubt:.1f} standard deviations below the best dense ones "
                "in the dense scores"
            )
        asked = demands(self._snapshot.lexical, self._queries[:1])
        if asked.literals[0]:
            rare = ", ".join(asked.literals[0])
            said += f"; rare literals ({rare}) hold {asked.literal_share[0]:.0%} of what the query asks for"
        return said

    def _truth(self, found: Mapping[str, Hits], which: npt.NDArray[np.intp]) -> Truth:
        """Return what each branch gives to the hits of each other one."""
        return [
            [None if by == of else self._scores(by, which, _used_rows(found[of])) for of in found]
            for by in found
        ]

    def _scores(
        self, branch: str, which: npt.NDArray[np.intp], rows: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.float32]:
        """Return the scores that a branch gives to rows of some of the queries."""
        if branch == "dense":
            return self._snapshot.require_dense().score(self._vectors(which), rows)
        return self._snapshot.lexical.score([self._terms[i] for i in which], rows)


def _used_rows(hits: Hits) -> npt.NDArray[np.uint32]:
    """Return the rows of hits, `NO_ROW` in every unused slot."""
    if len(hits) and int(hits.counts.min()) >= hits.k:
        return hits.rows
    used = np.arange(hits.k) < hits.counts[:, None]
    return np.where(used, hits.rows, np.uint32(NO_ROW))


def _rank(hits: Hits, row: int) -> int | None:
    place = np.flatnonzero(hits.query(0)[0] == row)
    return int(place[0]) + 1 if len(place) else None
