"""Is one arm better than another: paired difference, its interval, its p, and what n could show."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError
from pyengine.eval.comparison import Comparison, Comparisons
from pyengine.eval.match import Answers, Ties
from pyengine.eval.metrics import Evaluation, Metric, evaluate
from pyengine.eval.qrels import Key, Qrels
from pyengine.eval.stats import (
    Correction,
    IntervalMethod,
    adjust,
    bootstrap_intervals,
    check_settings,
    sign_flip_p,
)
from pyengine.types import Hits

__all__ = ["compare", "compare_many", "compare_values"]

F64 = npt.NDArray[np.float64]


def compare(
    a: Answers | Evaluation,
    b: Answers | Evaluation,
    qrels: Qrels | Mapping[Any, Mapping[Any, int]] | None = None,
    metric: str | Metric = "ndcg@10",
    *,
    query_ids: Sequence[str] | None = None,
    doc_ids: Any = None,
    ties: Ties | None = None,
    rel: int = 1,
    missing: Literal["zero", "skip"] = "zero",
    exclude_self: bool = False,
    names: tuple[str, str] = ("a", "b"),
    level: float = 0.95,
    power: float = 0.8,
    method: IntervalMethod = "percentile",
    n_boot: int = 10_000,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two arms on the same queries. The difference is b minus a: above 0, b gains over a.

    Parameters
    ----------
    a, b : Hits, Run, dict of dicts, or Evaluation
        The arms. An `Evaluation` must hold the metric, and needs no qrels.
    qrels : Qrels, or dict of dicts
        As in `evaluate`.
    metric : str
        As in `evaluate`.
    query_ids, doc_ids, ties, rel, missing, exclude_self
        As in `evaluate`; used for both arms (a Run or dict needs no ids). With ``missing="skip"`` only
        queries that both arms answered count.
    names : (str, str)
        What to call the arms.
    level : float
        Of the confidence interval; the test is significant below 1 - level.
    power : float
        For the detectable difference and the queries still needed.
    method : "percentile" or "bca"
        Paired bootstrap: queries are resampled, both arms together. Differences lie on both sides of 0, so
        there is little skewness to correct, and the correction itself is noisy with few queries.
    n_boot, n_permutations : int, >= 100
        Resamples of the interval; random sign flips of the test when there are too many to try all.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInputError
        What `evaluate` refuses, arms judged on different queries, or an arm without a single hit: it did not
        run, and an arm that did not run is not scored 0.

    Notes
    -----
    Threads: safe. Memory: bounded, whatever n.

    Examples
    --------
    >>> import pyengine as pe
    >>> a = pe.Hits.from_lists([[(1, 1.0)], [(5, 1.0)]])
    >>> b = pe.Hits.from_lists([[(0, 1.0)], [(5, 1.0)]])
    >>> result = pe.compare(a, b, {0: {0: 1}, 1: {5: 1}}, "mrr@10")
    >>> result.difference, result.p, result.wins
    (0.5, 1.0, 1)
    """
    first, second = (
        _evaluated(
            arm,
            label,
            qrels,
            [metric],
            query_ids=query_ids,
            doc_ids=doc_ids,
            ties=ties,
            rel=rel,
            missing=missing,
            exclude_self=exclude_self,
        )
        for arm, label in zip((a, b), names, strict=True)
    )
    return _compare_evaluations(
        first,
        second,
        str(Metric.parse(metric)),
        names=names,
        level=level,
        power=power,
        method=method,
        n_boot=n_boot,
        n_permutations=n_permutations,
        seed=seed,
    )


def _evaluated(
    arm: Answers | Evaluation,
    label: str,
    qrels: Qrels | Mapping[Any, Mapping[Any, int]] | None,
    metrics: Sequence[str | Metric],
    *,
    query_ids: Sequence[str] | None,
    doc_ids: Any,
    **settings: Any,
) -> Evaluation:
    """Evaluate an arm unless it is evaluated, and refuse one that did not run."""
    if isinstance(arm, Evaluation):
        evaluation = arm
    elif qrels is None:
        raise InvalidInputError("qrels: missing; only two Evaluations can be compared without")
    else:
        if isinstance(arm, Hits):
            settings |= {"query_ids": query_ids, "doc_ids": doc_ids}
        try:
            evaluation = evaluate(arm, qrels, metrics, n_boot=0, **settings)
        except InvalidInputError as error:
            raise InvalidInputError(f"{label}: {error}") from error
    for name in map(str, map(Metric.parse, metrics)):
        if name not in evaluation.means:
            raise InvalidInputError(f"metric: {name!r} was not evaluated for {label!r}")
    if evaluation.n_answered == 0:
        raise InvalidInputError(
            f"{label}: no judged query has a single hit; an arm that returned nothing did not run and is not "
            "scored 0. Look at what produced it"
        )
    return evaluation


def _compare_evaluations(
    a: Evaluation, b: Evaluation, metric: str, *, names: tuple[str, str], **settings: Any
) -> Comparison:
    queries, first, second = _paired(a, b, metric, names)
    result = compare_values(first, second, query_ids=queries, metric=metric, names=names, **settings)
    kept = {key: b.settings[key] for key in ("ties", "rel", "missing", "exclude_self")}
    return replace(
        result,
        n_missing_a=a.n_missing,
        n_missing_b=b.n_missing,
        n_empty_a=a.n_empty,
        n_empty_b=b.n_empty,
        settings={**kept, **result.settings},
    )


def _paired(
    a: Evaluation, b: Evaluation, name: str, names: tuple[str, str]
) -> tuple[tuple[Key, ...], F64, F64]:
    labels = " and ".join(names)
    if a.settings["rel"] != b.settings["rel"]:
        raise InvalidInputError(
            f"{labels}: evaluated with rel={a.settings['rel']} and rel={b.settings['rel']}; use one"
        )
    if a.query_ids == b.query_ids:
        return a.query_ids, a.per_query[name], b.per_query[name]
    if "zero" in (a.settings["missing"], b.settings["missing"]):
        raise InvalidInputError(
            f"{labels}: evaluated on different queries ({a.n} and {b.n}); evaluate both against the same "
            "qrels, or both with missing='skip'"
        )
    place = {query: i for i, query in enumerate(b.query_ids)}
    common = [(i, place[query]) for i, query in enumerate(a.query_ids) if query in place]
    if not common:
        raise InvalidInputError(f"{labels}: no query was answered by both; there is nothing to pair")
    left, right = np.array(common).T
    return tuple(a.query_ids[i] for i in left), a.per_query[name][left], b.per_query[name][right]


def compare_values(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    query_ids: Sequence[Key] | None = None,
    metric: str = "value",
    names: tuple[str, str] = ("a", "b"),
    level: float = 0.95,
    power: float = 0.8,
    method: IntervalMethod = "percentile",
    n_boot: int = 10_000,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two arms by their value of each query, whatever was measured. The difference is b minus a.

    Parameters
    ----------
    a, b : array of float, shape (n,)
        Value of each query, in the same order.
    query_ids : sequence, optional
        0 to n - 1 by default.
    metric : str
        What to call the values.
    names, level, power, method, n_boot, n_permutations, seed
        As in `compare`.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInputError
        Different lengths, no query, NaN or infinite values, or a setting out of range.
    """
    check_settings(level=level, n_boot=n_boot, seed=seed, method=method)
    if n_permutations < 100:
        raise InvalidInputError(f"n_permutations: expected at least 100, got {n_permutations!r}")
    if not 0.0 < power < 1.0:
        raise InvalidInputError(f"power: expected a number between 0 and 1, such as 0.8, got {power!r}")
    first, second = (_values(x, label) for x, label in zip((a, b), names, strict=True))
    if len(first) != len(second):
        raise InvalidInputError(
            f"{names[0]}, {names[1]}: expected values of the same queries, got {len(first)} and {len(second)}"
        )
    n = len(first)
    differences = second - first
    ((low, high),) = bootstrap_intervals(
        differences[:, None], level=level, n_boot=n_boot, seed=seed, method=method
    )
    p, exact = sign_flip_p(differences, n_permutations=n_permutations, seed=seed)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    return Comparison(
        metric=metric,
        a=names[0],
        b=names[1],
        mean_a=float(first.mean()),
        mean_b=float(second.mean()),
        difference=float(differences.mean()),
        low=low,
        high=high,
        p=p,
        p_adjusted=p,
        exact=exact,
        n=n,
        wins=wins,
        losses=losses,
        equal=n - wins - losses,
        sd=float(differences.std(ddof=1)) if n > 1 else math.nan,
        differences=differences,
        query_ids=tuple(range(n)) if query_ids is None else tuple(query_ids),
        settings={
            "level": level,
            "power": power,
            "method": method,
            "n_boot": n_boot,
            "n_permutations": n_permutations,
            "seed": seed,
            "correction": "none",
        },
    )


def _values(values: npt.ArrayLike, name: str) -> F64:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name}: expected numbers, one per query: {error}") from None
    if array.ndim != 1 or len(array) == 0:
        raise InvalidInputError(f"{name}: expected one number per query, got shape {array.shape}")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InvalidInputError(f"{name}: expected finite numbers, got {array[where]} for query {where}")
    return array


def compare_many(
    arms: Mapping[str, Answers | Evaluation],
    qrels: Qrels | Mapping[Any, Mapping[Any, int]] | None = None,
    metrics: Sequence[str | Metric] | str = ("ndcg@10",),
    *,
    baseline: str | None = None,
    correction: Correction = "holm",
    query_ids: Sequence[str] | None = None,
    doc_ids: Any = None,
    ties: Ties | None = None,
    rel: int = 1,
    missing: Literal["zero", "skip"] = "zero",
    exclude_self: bool = False,
    level: float = 0.95,
    power: float = 0.8,
    method: IntervalMethod = "percentile",
    n_boot: int = 10_000,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> Comparisons:
    """Compare several arms, several metrics, or both, and correct the p values for being many.

    Parameters
    ----------
    arms : dict of name to arm
        As in `compare`.
    qrels : Qrels, or dict of dicts
        As in `evaluate`.
    metrics : sequence of str
        As in `evaluate`.
    baseline : str, optional
        Name of the arm every other is compared with; by default every pair is compared, the later arm minus
        the earlier.
    correction : "holm", "bh" or "none"
        See `pyengine.eval.stats.adjust`. "holm", because it needs no assumption and the same queries stand
        behind every comparison.
    query_ids, doc_ids, ties, rel, missing, exclude_self, level, power, method, n_boot, n_permutations, seed
        As in `compare`. The intervals are those of single comparisons: they are not widened.

    Returns
    -------
    Comparisons
        Ordered by metric, then by pair of arms.

    Raises
    ------
    InvalidInputError
        Fewer than two arms, an unknown baseline or correction, or what `compare` refuses.
    """
    if len(arms) < 2:
        raise InvalidInputError(f"arms: expected at least two, got {len(arms)}")
    if baseline is not None and baseline not in arms:
        raise InvalidInputError(f"baseline: expected one of {', '.join(arms)}, got {baseline!r}")
    adjust([], correction)
    wanted = [Metric.parse(metric) for metric in ([metrics] if isinstance(metrics, str) else metrics)]
    done = {
        name: _evaluated(
            arm,
            name,
            qrels,
            wanted,
            query_ids=query_ids,
            doc_ids=doc_ids,
            ties=ties,
            rel=rel,
            missing=missing,
            exclude_self=exclude_self,
        )
        for name, arm in arms.items()
    }
    pairs = (
        list(itertools.combinations(arms, 2))
        if baseline is None
        else [(baseline, other) for other in arms if other != baseline]
    )
    found = [
        _compare_evaluations(
            done[a],
            done[b],
            str(metric),
            names=(a, b),
            level=level,
            power=power,
            method=method,
            n_boot=n_boot,
            n_permutations=n_permutations,
            seed=seed,
        )
        for metric in wanted
        for a, b in pairs
    ]
    adjusted = adjust([c.p for c in found], correction)
    return Comparisons(
        tuple(
            replace(c, p_adjusted=p, settings={**c.settings, "correction": correction})
            for c, p in zip(found, adjusted, strict=True)
        )
    )
