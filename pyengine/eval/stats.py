"""Uncertainty of means over queries: bootstrap intervals, sign-flip test, corrections, power.

All of it is deterministic: a seed gives the same numbers on every run and with any number of threads.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    from statistics import NormalDist

__all__ = [
    "Correction",
    "IntervalMethod",
    "adjust",
    "bootstrap_intervals",
    "bootstrap_means",
    "detectable_effect",
    "queries_for_effect",
    "sign_flip_p",
]

F64 = npt.NDArray[np.float64]
IntervalMethod = Literal["bca", "percentile"]
Correction = Literal["holm", "bh", "none"]

# Draws held at once: 4 MiB of uint32, whatever the number of queries and resamples.
_DRAWS: Final = 2**20
# Up to 2**_EXACT sign patterns are enumerated: 8 MiB.
_EXACT: Final = 20


@cache
def _normal() -> "NormalDist":
    from statistics import NormalDist  # noqa: PLC0415  # loads decimal, fractions and random

    return NormalDist()


def bootstrap_means(values: F64, n_boot: int, seed: int) -> F64:
    """Return the means of ``n_boot`` resamples of queries.

    Parameters
    ----------
    values : float64, shape (n, m)
        One row per query, one column per quantity; a resample takes whole rows.
    n_boot : int, >= 1
    seed : int

    Returns
    -------
    float64, shape (n_boot, m)
    """
    from pyengine import kernels  # noqa: PLC0415  # loads Numba: only when there is something to compute

    values = np.ascontiguousarray(values, dtype=np.float64)
    n = len(values)
    means = np.empty((n_boot, values.shape[1]), dtype=np.float64)
    random = np.random.default_rng(seed)
    step = max(1, _DRAWS // max(n, 1))
    for first in range(0, n_boot, step):
        block = means[first : first + step]
        kernels.resampled_means(values, random.integers(0, n, (len(block), n), dtype=np.uint32), block)
    return means


def bootstrap_intervals(
    values: F64,
    *,
    level: float = 0.95,
    n_boot: int = 2000,
    seed: int = 0,
    method: IntervalMethod = "bca",
) -> list[tuple[float, float]]:
    """Return a confidence interval of each column's mean, resampling queries.

    Parameters
    ----------
    values : float64, shape (n, m)
        One row per query.
    level : float, 0 to 1
        Share of such intervals that hold the true mean.
    n_boot : int, >= 100
        Resamples.
    seed : int
    method : "bca" or "percentile"
        "bca" corrects the percentile interval for bias and for skewness, which scores near 0 or 1 have.

    Returns
    -------
    list of (low, high)
        ``(nan, nan)`` for fewer than two queries: one query says nothing about the next.

    Raises
    ------
    InvalidInputError
        A setting out of range.

    Notes
    -----
    BCa: Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987). The acceleration of a mean has the
    closed form ``sum(d**3) / (6 * sum(d**2)**1.5)`` with d the deviations from the mean, which is what the
    jackknife gives.
    """
    check_settings(level=level, n_boot=n_boot, seed=seed, method=method)
    if len(values) < 2:
        return [(math.nan, math.nan)] * values.shape[1]
    means = bootstrap_means(values, n_boot, seed)
    intervals = []
    for column, sample in zip(values.T, means.T, strict=True):
        if np.all(column == column[0]):
            intervals.append((float(column[0]), float(column[0])))
            continue
        tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
        if method == "bca":
            tails = _bca_tails(column, sample, tails)
        low, high = np.quantile(sample, tails)
        intervals.append((float(low), float(high)))
    return intervals


def _bca_tails(column: F64, sample: F64, tails: tuple[float, float]) -> tuple[float, float]:
    deviation = column - column.mean()
    acceleration = float((deviation**3).sum() / (6.0 * (deviation**2).sum() ** 1.5))
    mean = float(column.mean())
    below = float((sample < mean).sum() + 0.5 * (sample == mean).sum()) / len(sample)
    # A mean outside all of its resamples would send the correction to infinity.
    bias = _normal().inv_cdf(min(max(below, 0.5 / len(sample)), 1.0 - 0.5 / len(sample)))

    def corrected(tail: float) -> float:
        z = bias + _normal().inv_cdf(tail)
        return _normal().cdf(bias + z / (1.0 - acceleration * z))

    return corrected(tails[0]), corrected(tails[1])


def sign_flip_p(differences: F64, *, n_permutations: int = 10_000, seed: int = 0) -> tuple[float, bool]:
    """Return the two-sided p of "the two arms are interchangeable" from paired differences.

    Parameters
    ----------
    differences : float64, shape (n,)
        One per query.
    n_permutations : int, >= 100
        Random sign patterns, when there are too many to try all.
    seed : int

    Returns
    -------
    p : float
        Share of sign patterns whose mean is at least as far from 0 as the one observed.
    exact : bool
        Whether all patterns were tried: up to 20 differences other than 0. Otherwise p is
        ``(1 + count) / (1 + n_permutations)``, which is never 0 and never too small.

    Notes
    -----
    The paired randomisation test: Smucker, Allan and Carterette, CIKM 2007. Monte-Carlo form: Phipson and
    Smyth, Permutation P-values Should Never Be Zero, 2010. Differences of 0 do not change a sum, so they
    are left out of the patterns.
    """
    from pyengine import kernels  # noqa: PLC0415  # loads Numba: only when there is something to compute

    moving = np.ascontiguousarray(differences[differences != 0.0], dtype=np.float64)
    n = len(moving)
    if n == 0:
        return 1.0, True
    # The same sum in another order of additions may differ in its last bits and still is a tie.
    least = abs(float(moving.sum())) - 1e-12 * float(np.abs(moving).sum())
    if n <= _EXACT:
        sums = np.zeros(1)
        for difference in moving:
            sums = np.concatenate((sums + difference, sums - difference))
        return float((np.abs(sums) >= least).mean()), True
    random = np.random.default_rng(seed)
    width = (n + 7) // 8
    step = max(1, 4 * _DRAWS // width)
    count = 0
    for first in range(0, n_permutations, step):
        size = min(step, n_permutations - first)
        bits = random.integers(0, 256, (size, width), dtype=np.uint8)
        sums = np.empty(size)
        kernels.sign_flip_sums(moving, bits, sums)
        count += int((np.abs(sums) >= least).sum())
    return (1 + count) / (1 + n_permutations), False


def adjust(p_values: Sequence[float], correction: Correction = "holm") -> list[float]:
    """Correct p values for having asked several questions.

    Parameters
    ----------
    p_values : sequence of float
    correction : "holm", "bh" or "none"
        "holm" bounds the chance of any false finding (Holm, 1979) and assumes nothing about dependence.
        "bh" bounds the expected share of false findings among the findings (Benjamini and Hochberg, 1995);
        it assumes independent or positively dependent tests.

    Returns
    -------
    list of float
        Adjusted values in the order given: compare each with the level as if it were the only one.

    Raises
    ------
    InvalidInputError
        A p outside 0 to 1, or another correction.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not np.all((p >= 0.0) & (p <= 1.0)):
        raise InvalidInputError(f"p_values: expected numbers from 0 to 1, got {list(p_values)!r}")
    if correction not in ("holm", "bh", "none"):
        raise InvalidInputError(f"correction: expected 'holm', 'bh' or 'none', got {correction!r}")
    if correction == "none" or len(p) == 0:
        return list(map(float, p))
    order = np.argsort(p, kind="stable")
    rank = np.arange(len(p))
    if correction == "holm":
        steps = np.maximum.accumulate(p[order] * (len(p) - rank))
    else:
        steps = np.minimum.accumulate((p[order] * len(p) / (rank + 1))[::-1])[::-1]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return list(map(float, adjusted))


def detectable_effect(sd: float, n: int, *, level: float = 0.95, power: float = 0.8) -> float:
    """Return the smallest true mean difference that n queries would show with this power.

    Parameters
    ----------
    sd : float, >= 0
        Standard deviation of the per-query differences.
    n : int, >= 1
        Queries.
    level : float
        1 minus the two-sided significance level.
    power : float
        Chance of finding it significant.

    Notes
    -----
    ``(z_(1+level)/2 + z_power) * sd / sqrt(n)``, the normal approximation.
    """
    return (_normal().inv_cdf((1.0 + level) / 2.0) + _normal().inv_cdf(power)) * sd / math.sqrt(n)


def queries_for_effect(sd: float, effect: float, *, level: float = 0.95, power: float = 0.8) -> int | None:
    """Return how many queries would show a true mean difference with this power; None if it is 0.

    Parameters
    ----------
    sd : float, >= 0
        Standard deviation of the per-query differences.
    effect : float
        True mean difference; its sign does not matter.
    level, power : float
        As in `detectable_effect`, whose formula this solves for n.
    """
    if effect == 0.0:
        return None
    return max(2, math.ceil((detectable_effect(sd, 1, level=level, power=power) / effect) ** 2))


def check_settings(*, level: float, n_boot: int, seed: int, method: str) -> None:
    """Refuse settings out of range."""
    if not 0.5 <= level < 1.0:
        raise InvalidInputError(f"level: expected a number from 0.5 to below 1, such as 0.95, got {level!r}")
    if n_boot < 100:
        raise InvalidInputError(f"n_boot: expected at least 100 resamples, got {n_boot!r}")
    if seed < 0:
        raise InvalidInputError(f"seed: expected 0 or more, got {seed!r}")
    if method not in ("bca", "percentile"):
        raise InvalidInputError(f"method: expected 'bca' or 'percentile', got {method!r}")
