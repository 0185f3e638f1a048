"""Fusion weights from judgements: `tune_fusion`, with what they gain on queries they were not chosen on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionConfig, FusionRecord
from pyengine.errors import InvalidInputError
from pyengine.eval import EvalSet, compare_values, evaluate
from pyengine.fuse import Normalisation, convex
from pyengine.types import NO_ROW, Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["FusionTuning", "LabelCurvePoint", "tune_fusion"]

F64 = npt.NDArray[np.float64]

_NORMALISATIONS: Final[tuple[Normalisation, ...]] = ("minmax", "theoretical")
_WEIGHTS: Final = tuple(round(0.05 * i, 2) for i in range(21))
_LABELS: Final = (5, 10, 25, 50, 100)
_DRAWS: Final = 50
_FOLDS: Final = 5
_REPEATS: Final = 10
_FEWEST: Final = 10
_DEPTH: Final = 100
_CHUNKS: Final = 4  # looked at for each document, as a search does at first


@dataclass(frozen=True, slots=True)
class LabelCurvePoint:
    """What tuning on some number of judged queries gains on the others.

    Parameters
    ----------
    labels : int
        Judged queries tuned on.
    gain : float
        Mean over random choices of them, in the metric's unit, on the queries not chosen.
    low, high : float
        5th and 95th percentile over these choices.
    """

    labels: int
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FusionTuning:
    """What was found, and whether it may be believed.

    Parameters
    ----------
    config : FusionConfig
        The settings that the judgements favour.
    accepted : bool
        Whether the gain is more than noise: the interval of the out-of-fold gain lies above 0.
    metric : str
    queries : int
        Judged queries.
    current : float
        Mean of the metric with the engine's own fusion.
    gain, low, high : float
        Out-of-fold gain over it with its 95 % interval: every query is measured with settings chosen
        without it.
    optimistic : float
        The gain of `config` on the queries it was chosen on; for comparison, not to be reported.
    curve : sequence of LabelCurvePoint
        How the gain depends on the number of judged queries.
    """

    config: FusionConfig
    accepted: bool
    metric: str
    queries: int
    current: float
    gain: float
    low: float
    high: float
    optimistic: float
    curve: Sequence[LabelCurvePoint]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)

    def __str__(self) -> str:
        gain = f"{100 * self.gain:+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        chosen = (
            f"convex, {self.config.normalisation} scores, lexical weight {self.config.lexical_weight:g}, "
            f"dense weight {self.config.dense_weight:g}"
        )
        verdict = (
            f"tuned: {chosen}"
            if self.accepted
            else f"not tuned: the gain is within noise; the best here would be {chosen}"
        )
        lines = [
            verdict,
            f"out-of-fold gain in {self.metric} over the present fusion ({self.current:.3f}): {gain}, "
            f"{self.queries} queries",
        ]
        lines += [
            f"  with {point.labels} judged queries: {100 * point.gain:+.1f} "
            f"({100 * point.low:+.1f} to {100 * point.high:+.1f})"
            for point in self.curve
        ]
        return "\n".join(lines)


def tune_fusion(
    engine: "Engine", evalset: EvalSet, *, metric: str = "ndcg@10", seed: int = 0, save: bool = True
) -> FusionTuning:
    """Choose the weight and the normalisation of ``method="convex"`` from judged queries.

    Two parameters: the lexical weight in steps of 0.05, and "minmax" or "theoretical". What they gain is
    measured by nested cross-validation, 5 folds, 10 times over: each query with the settings that the other
    folds chose. Where the 95 % interval of that gain reaches 0, nothing is changed.

    Parameters
    ----------
    engine : Engine
        With vectors, and nothing staged.
    evalset : EvalSet
        10 judged queries or more; not those that quality is reported on, whose figures would then be of
        queries that were tuned on.
    metric : str
        Any of `evaluate`.
    seed : int
        Of the folds and of the choices of the curve.
    save : bool
        Record the settings with the index as a new generation, if they are accepted.

    Returns
    -------
    FusionTuning

    Raises
    ------
    InvalidInputError
        Fewer queries, an index without vectors, or, with ``save``, staged changes.
    LockedError, StorageError
        As `Engine.set_fusion`.

    Notes
    -----
    Cost: each query is embedded and searched once in each branch, then fused 42 times. Same input and seed,
    same answer. In an index of chunks hits are documents, each by its best chunk, as in a search; of each
    branch four times as many chunks are looked at.
    """
    if len(evalset) < _FEWEST:
        raise InvalidInputError(
            f"evalset: expected {_FEWEST} judged queries or more to tune on, got {len(evalset)}"
        )
    if engine.dense is None:
        raise InvalidInputError("engine: expected an index with vectors to tune, got a lexical one")
    settings = [(name, weight) for name in _NORMALISATIONS for weight in _WEIGHTS]
    stored = engine.fusion
    now = _measured(engine, evalset, metric, engine.search_batch(evalset.queries, _DEPTH, mode="hybrid"))
    values = _grid(engine, evalset, metric, settings, stored.window) - now[:, None]
    random = np.random.default_rng(seed)
    honest = _out_of_fold(values, random)
    tested = compare_values(now, now + honest, metric=metric, names=("present", "tuned"), seed=seed)
    best = _best(values)
    name, weight = settings[best]
    config = FusionConfig(
        method="convex",
        k=stored.k,
        window=stored.window,
        lexical_weight=weight,
        dense_weight=round(1 - weight, 2),
        normalisation="minmax" if name == "minmax" else "theoretical",
    )
    accepted = bool(tested.low > 0)
    if accepted and save:
        gained = {"gain": float(honest.mean()), "low": tested.low, "high": tested.high}
        known = engine.info()["fingerprints"]
        engine.set_fusion(
            config, tuned=FusionRecord(metric=metric, queries=len(evalset), fingerprints=known, **gained)
        )
    return FusionTuning(
        config=config,
        accepted=accepted,
        metric=metric,
        queries=len(evalset),
        current=float(now.mean()),
        gain=float(honest.mean()),
        low=tested.low,
        high=tested.high,
        optimistic=float(values[:, best].mean()),
        curve=_curve(values, random),
    )


def _measured(engine: "Engine", evalset: EvalSet, metric: str, hits: Hits) -> F64:
    found = evaluate(hits, evalset.qrels, [metric], query_ids=evalset.query_ids, doc_ids=engine.ids)
    return np.asarray(found.per_query[metric], dtype=np.float64)


def _grid(
    engine: "Engine",
    evalset: EvalSet,
    metric: str,
    settings: Sequence[tuple[Normalisation, float]],
    window: int,
) -> F64:
    """Return the metric of each query with each of the settings, shape (n, settings)."""
    queries = evalset.queries
    dense, embedder = engine.dense, engine.embedder
    if dense is None or embedder is None:
        raise AssertionError("checked by the caller")
    depth = max(_DEPTH if engine.chunker is None else _CHUNKS * _DEPTH, window)
    vectors = embedder.embed(queries, kind="query")
    lists = [engine.lexical.search(queries, depth), dense.search(vectors, depth)]
    truth: list[list[npt.NDArray[np.float32] | None]] = [
        [None, engine.lexical.score(queries, lists[1].rows)],
        [dense.score(vectors, lists[0].rows), None],
    ]
    columns = [
        _measured(
            engine,
            evalset,
            metric,
            _documents(
                engine,
                convex(
                    lists,
                    weights=[weight, round(1 - weight, 2)],
                    normalisation=name,
                    minimum=[0.0, -1.0],
                    truth=truth,
                    depth=_DEPTH if engine.chunker is None else len(lists) * depth,
                ),
            ),
        )
        for name, weight in settings
    ]
    return np.stack(columns, axis=1)


def _documents(engine: "Engine", hits: Hits) -> Hits:
    """Return the best chunk of each document, where rows are chunks."""
    if engine.chunker is None or not len(engine):
        return hits
    rows = np.where(hits.rows == NO_ROW, 0, hits.rows)
    return hits.collapse(engine.corpus.documents.of(rows)).truncate(_DEPTH)


def _best(values: F64) -> int:
    """Return the best setting, each judged with its neighbours: few queries make sharp peaks."""
    means = values.mean(axis=0).reshape(len(_NORMALISATIONS), len(_WEIGHTS))
    padded = np.pad(means, ((0, 0), (1, 1)), mode="edge")
    return int(np.argmax((padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]).ravel()))


def _out_of_fold(values: F64, random: np.random.Generator) -> F64:
    """Return the gain of each query with settings that queries of other folds chose."""
    n = len(values)
    total = np.zeros(n)
    for _ in range(_REPEATS):
        fold = random.permutation(n) % _FOLDS
        for held in range(_FOLDS):
            out = fold == held
            total[out] += values[out, _best(values[~out])]
    gains: F64 = total / _REPEATS
    return gains


def _curve(values: F64, random: np.random.Generator) -> list[LabelCurvePoint]:
    points = []
    for labels in (count for count in _LABELS if 2 * count <= len(values)):
        gains = []
        for _ in range(_DRAWS):
            order = random.permutation(len(values))
            gains.append(values[order[labels:], _best(values[order[:labels]])].mean())
        low, high = np.quantile(gains, [0.05, 0.95])
        points.append(LabelCurvePoint(labels, float(np.mean(gains)), float(low), float(high)))
    return points
