"""Beside the verdicts of the labelled tests: intervals of every mean, queries to settle, traits corrected."""

import math
import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

import pyengine as pe
from pyengine.diagnose.arms import Arms, Judged
from pyengine.diagnose.lift import lift, queries_to_settle
from pyengine.diagnose.location import location
from pyengine.eval import compare_values

N = 60


def arms(
    dense: np.ndarray,
    fused: np.ndarray,
    recall: tuple[np.ndarray, np.ndarray],
    queries: list[str] | None = None,
) -> Arms:
    """Values as given, over answers of one document a query: what is looked at here are the values."""
    ids = tuple(f"q{i}" for i in range(N))
    qrels = pe.Qrels.from_dict({q: {f"d{i}": 1} for i, q in enumerate(ids)})
    texts = tuple(queries or ["text"] * N)
    judged = Judged(ids, texts, qrels, tuple({i: 1} for i in range(N)), ())
    hits = pe.Hits.from_lists([[(i, 1.0)] for i in range(N)])
    values = {
        "ndcg@10": {"lexical": dense, "dense": dense, "fused": fused},
        "recall@100": {"lexical": recall[0], "dense": recall[0], "fused": recall[1]},
    }
    return Arms(judged, dict.fromkeys(("lexical", "dense", "fused"), hits), values)


def test_recall_means_and_ceilings_have_intervals() -> None:
    random = np.random.default_rng(3)
    dense, fused, before, after = random.random((4, N))
    details = lift(arms(dense, fused, (before, after))).details
    expected = compare_values(before, after, names=("dense", "fused"), metric="recall@100", seed=0)
    assert details["recall_fused_minus_dense"]["difference"] == pytest.approx((after - before).mean())
    assert (details["recall_fused_minus_dense"]["low"], details["recall_fused_minus_dense"]["high"]) == (
        expected.low,
        expected.high,
    )
    for metric, by_arm in details["means"].items():
        for arm, mean in by_arm.items():
            interval = details["intervals"][metric][arm]
            assert interval["low"] < mean < interval["high"]
            # The normal interval is another way to the same: it agrees to a tenth of its width.
            values = {"ndcg@10": (dense, fused), "recall@100": (before, after)}[metric][arm == "fused"]
            half = NormalDist().inv_cdf(0.975) * values.std() / math.sqrt(N)
            assert interval["low"] == pytest.approx(mean - half, abs=0.2 * half)
    assert details["intervals"]["ceilings"]["oracle_fusion"]["low"] < details["ceilings"]["oracle_fusion"]


def test_queries_to_settle_is_the_distance_to_the_limit() -> None:
    # A lift of 1 or 7 points in turn: 4 in the mean, 1 above the limit, sd about 3.
    gains = np.tile([0.01, 0.07], N // 2)
    certain = compare_values(np.zeros(N), gains)
    assert queries_to_settle(certain) == 0  # the interval is above 3 already
    wide = compare_values(np.zeros(N), np.tile([-0.21, 0.29], N // 2))
    assert wide.low < 0.03 < wide.high
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    assert queries_to_settle(wide) == math.ceil((z * wide.sd / 0.01) ** 2) - N
    assert queries_to_settle(compare_values([0.0], [0.1])) is None


def test_a_lift_at_the_limit_is_not_settled_by_judging() -> None:
    zero = np.zeros(N)
    near = lift(arms(zero, np.tile([-0.25, 0.312], N // 2), (zero, zero)))
    assert near.verdict == "inconclusive"
    assert near.reason.endswith("it lies too near 3 for judged queries to settle it")
    far = lift(arms(zero, np.tile([-0.25, 0.27], N // 2), (zero, zero)))
    assert re.search(r"; about [\d,]+ more judged queries would settle it$", far.reason)


def test_one_query_has_no_intervals(tmp_path: Path) -> None:
    judged = Judged(("q",), ("text",), pe.Qrels.from_dict({"q": {"d": 1}}), ({0: 1},), ())
    hits = pe.Hits.from_lists([[(0, 1.0)]])
    one = np.ones(1)
    values = {metric: {"lexical": one, "dense": one, "fused": one} for metric in ("ndcg@10", "recall@100")}
    found = lift(Arms(judged, dict.fromkeys(("lexical", "dense", "fused"), hits), values))
    assert found.verdict == "inconclusive"
    assert found.estimate is not None
    assert (found.estimate.low, found.details["queries_to_settle"]) == (None, None)
    assert found.details["intervals"]["ndcg@10"]["dense"] == {"low": None, "high": None}


def test_differences_of_several_traits_are_corrected(tmp_path: Path) -> None:
    queries = [f"AB-{100 + i} common" if i % 2 else "common words" for i in range(N)]
    fused = np.random.default_rng(5).random(N)
    zero = np.zeros(N)
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": f"d{i}", "text": f"{query} rare{i % 3}"} for i, query in enumerate(queries)])
        engine.commit()
        found = location(engine, arms(zero, fused, (zero, zero), queries))
    looked = [axis for axis in found.details["axes"].values() if axis["difference"] is not None]
    assert len(looked) >= 2  # by literal, and by a term rare in the corpus: the number
    assert found.details["difference_level"] == pytest.approx(1 - 0.05 / len(looked))
    # The normal interval of a difference of two means, at the corrected level.
    gains = 100 * fused
    odd = np.arange(N) % 2 == 1
    error = math.sqrt(gains[odd].var() / odd.sum() + gains[~odd].var() / (~odd).sum())
    half = NormalDist().inv_cdf(0.5 + found.details["difference_level"] / 2) * error
    difference = found.details["axes"]["literal"]["difference"]
    assert difference["high"] - difference["low"] == pytest.approx(2 * half, rel=0.05)
    assert any("surely below it" in limit.meaning for limit in found.thresholds)
