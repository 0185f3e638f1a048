"""Intervals, tests and corrections against SciPy, against closed forms, and against what they promise."""

import numpy as np
import pytest
from oracles.metrics import sign_flip_p as every_pattern

from pyengine.eval.stats import adjust, bootstrap_intervals, bootstrap_means, sign_flip_p


def skewed(n: int, seed: int) -> np.ndarray:
    """Reciprocal ranks: many 1, many 0, little between."""
    random = np.random.default_rng(seed)
    return random.choice([1.0, 0.5, 1 / 3, 0.1, 0.0], n, p=[0.35, 0.15, 0.1, 0.1, 0.3])


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("n", [10, 200])
def test_intervals_agree_with_scipy(method: str, n: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    # Ten values as skewed as this shift each end of a BCa interval by far more than the tolerance.
    values = skewed(n, n) if n > 10 else np.random.default_rng(0).lognormal(0.0, 2.0, n)
    low, high = bootstrap_intervals(values[:, None], method=method, n_boot=100_000)[0]
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=100_000, method="BCa" if method == "bca" else method, rng=1
    )
    # Two independent samples of 100,000: four times the Monte-Carlo error of their ends.
    tolerance = 0.05 * values.std() / np.sqrt(n)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=tolerance)


def test_resamples_have_the_spread_of_the_mean() -> None:
    values = np.stack([skewed(300, 0), skewed(300, 1)], axis=1)
    means = bootstrap_means(values, 20_000, seed=0)
    assert means.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=2e-3)
    assert means.std(axis=0) == pytest.approx(values.std(axis=0) / np.sqrt(300), rel=0.02)
    # Columns are resampled together: their correlation is that of the data.
    assert np.corrcoef(means.T)[0, 1] == pytest.approx(np.corrcoef(values.T)[0, 1], abs=0.03)


def test_resampling_in_blocks_holds_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = skewed(50, 2)[:, None]
    whole = bootstrap_means(values, 1000, seed=3)
    monkeypatch.setattr("pyengine.eval.stats._DRAWS", 200)
    assert bootstrap_means(values, 1000, seed=3).tobytes() == whole.tobytes()


@pytest.mark.parametrize("seed", range(6))
def test_sign_flips_agree_with_all_patterns_and_with_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(seed)
    differences = random.choice([-0.5, -0.25, 0.0, 0.1, 0.25, 0.5], 9)
    p, exact = sign_flip_p(differences)
    assert exact
    assert p == pytest.approx(every_pattern(differences))
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert p == pytest.approx(theirs.pvalue)


def test_sampled_sign_flips_come_close_to_all_of_them() -> None:
    differences = np.random.default_rng(4).normal(0.1, 0.25, 20)
    whole, exact = sign_flip_p(differences)
    assert exact
    # Differences that change nothing but their number send it to sampling.
    sampled, exact = sign_flip_p(np.concatenate((differences, [1e-300])), n_permutations=100_000, seed=1)
    assert not exact
    assert sampled == pytest.approx(whole, abs=4 * np.sqrt(whole / 100_000))


def test_a_sampled_p_is_never_zero() -> None:
    p, exact = sign_flip_p(np.full(100, 0.5), n_permutations=999)
    assert (p, exact) == (1 / 1000, False)


def test_corrections_agree_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    p = np.random.default_rng(0).random(25) ** 3
    assert adjust(p, "bh") == pytest.approx(stats.false_discovery_control(p, method="bh"))


def test_holm_keeps_false_findings_below_the_level() -> None:
    random = np.random.default_rng(5)
    families = random.random((4000, 5))
    assert np.mean([min(adjust(p)) < 0.05 for p in families]) == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("exchange", [15, 60])
def test_p_is_uniform_when_the_arms_are_interchangeable(exchange: int) -> None:
    """Exact and sampled: of arms that do not differ, a share of at most alpha falls below alpha."""
    random = np.random.default_rng(6)
    p = np.array(
        [sign_flip_p(random.normal(0.0, 0.2, exchange), n_permutations=199, seed=i)[0] for i in range(1500)]
    )
    for alpha in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(p <= alpha) == pytest.approx(alpha, abs=3.5 * np.sqrt(alpha * (1 - alpha) / 1500))


@pytest.mark.parametrize(("method", "least"), [("bca", 0.925), ("percentile", 0.915)])
def test_intervals_hold_the_truth_as_often_as_they_say(method: str, least: float) -> None:
    """Coverage at n = 60 on skewed values; 1,500 trials have a standard error of 0.006."""
    truth = 0.35 + 0.15 / 2 + 0.1 / 3 + 0.1 * 0.1
    held = 0
    for trial in range(1500):
        low, high = bootstrap_intervals(
            skewed(60, 10_000 + trial)[:, None], method=method, n_boot=500, seed=trial
        )[0]
        held += low <= truth <= high
    assert least <= held / 1500 <= 0.97
