"""The history of a corpus: appended whole, a trend found at the stated rate, an alert by exit code."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from e2e.cli import Runner

import pyengine as pe
from pyengine.diagnose.monitor import ALPHA, History, Reading, kendall_p, measure, theil_sen
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError, NotFoundError

RUN = Reading(
    time="2026-01-01T00:00:00+00:00",
    documents=10,
    words=1000,
    excess=1.0,
    low=0.9,
    high=1.1,
    jensen_shannon=0.2,
    unknown_share=0.01,
    literal_share=0.02,
    mixed_share=0.0,
    reference="r",
)


def history(values: list[float], path: Path = Path("h")) -> History:
    return History(path, [replace(RUN, excess=value) for value in values])


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
def test_p_is_the_share_of_orders_that_rise_as_much(n: int) -> None:
    def rising(values: tuple[int, ...]) -> int:
        return sum(1 if b > a else -1 for a, b in itertools.combinations(values, 2))

    orders = list(itertools.permutations(range(n)))
    scores = np.array([rising(order) for order in orders])
    for order, score in list(zip(orders, scores, strict=True))[:: max(1, len(orders) // 50)]:
        assert kendall_p(np.array(order, dtype=float)) == pytest.approx(np.mean(scores >= score))


def test_false_alarms_come_at_the_rate_that_is_stated_and_drift_is_found() -> None:
    random = np.random.default_rng(0)
    for n in (6, 12, 36):
        still = np.mean([history(random.normal(2, 0.1, n).tolist()).check().fires for _ in range(4000)])
        # At most the rate; three standard errors of 4000 draws.
        assert still <= ALPHA + 3 * np.sqrt(ALPHA / 4000)
    drift = [
        history((np.arange(12) * 0.05 + random.normal(2, 0.1, 12)).tolist()).check().fires for _ in range(500)
    ]
    assert np.mean(drift) > 0.9
    falling = [
        history((-np.arange(12) * 0.05 + random.normal(2, 0.1, 12)).tolist()).check().fires
        for _ in range(500)
    ]
    assert not any(falling)
    assert kendall_p(np.ones(8)) == 1.0  # ties alone are no trend
    assert kendall_p(np.arange(100.0)) < 1e-6


def test_a_corpus_that_only_grows_gives_no_false_alarms() -> None:
    """Each reading holds what the one before held: errors go together, and the order rises too often."""
    random = np.random.default_rng(1)
    fired = order_alone = 0
    rounds = 1500
    for _ in range(rounds):
        # The excess of n months is the mean of n months of the same text; its error is 0.1 / sqrt(n).
        months = np.arange(1, 19)
        values = 2 + np.cumsum(random.normal(0, 0.1, 18)) / months
        half = 1.959964 * 0.1 / np.sqrt(months)
        runs = [
            replace(RUN, excess=v, low=v - h, high=v + h)
            for v, h in zip(values.tolist(), half.tolist(), strict=True)
        ]
        fired += History(Path("h"), runs).check().fires
        order_alone += kendall_p(values) < ALPHA
    assert fired / rounds <= ALPHA + 3 * np.sqrt(ALPHA / rounds)
    assert order_alone / rounds > 5 * ALPHA  # why the second test is there


def test_the_slope_is_the_median_of_all_slopes() -> None:
    values = np.array([1.0, 2.0, 9.0, 4.0])
    slopes = [(values[j] - values[i]) / (j - i) for i in range(4) for j in range(i + 1, 4)]
    assert theil_sen(values) == pytest.approx(np.median(slopes))
    assert theil_sen(np.array([3.0, 1.0])) == -2.0


def test_runs_keep_to_the_sample_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    assert History.open(path, missing_ok=True).sample is None
    History(path, []).append(replace(RUN, sampled=5000))
    assert History.open(path).sample == 5000
    with pytest.raises(IncompatibleIndexError, match="its runs looked at 5000 words, this one at 2000"):
        History.open(path).append(replace(RUN, sampled=2000))
    table = pq.read_table(path)
    pq.write_table(table.append_column("more", pa.array([1])), path)
    with pytest.raises(IncompatibleIndexError, match="its columns are not those of this version"):
        History.open(path)


def test_a_history_without_the_later_columns_opens(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    History(path, []).append(RUN)
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["kl", "sampled", "corpus"]), path)
    History.open(path).append(replace(RUN, sampled=5000, corpus="c"))
    assert [reading.corpus for reading in History.open(path).readings] == ["", "c"]


def test_a_limit_and_too_few_runs() -> None:
    assert history([1.0, 2.0]).check(above=1.5).fires
    few = history([1.0, 2.0, 3.0]).check()
    assert (few.fires, few.p) == (False, None)
    assert "a trend needs 5" in few.reason
    with pytest.raises(InvalidInputError, match="no run to check"):
        history([]).check()
    with pytest.raises(InvalidInputError, match="alpha: expected"):
        history([1.0]).check(alpha=0)


def test_runs_are_appended_by_many_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    threads = [
        threading.Thread(target=lambda i=i: History(path, []).append(replace(RUN, documents=i)))
        for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reading.documents for reading in History.open(path).readings) == list(range(12))
    with pytest.raises(IncompatibleIndexError, match="against reference r, this one is against s"):
        History.open(path).append(replace(RUN, reference="s"))
    with pytest.raises(NotFoundError, match="record a run first"):
        History.open(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"PAR1")
    with pytest.raises(CorruptIndexError, match="expected a history in Parquet"):
        History.open(tmp_path / "bad")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("wordfreq", reason="the reference of web text is not installed")
    pytest.importorskip("matplotlib", reason="the drawing library is not installed")
    pytest.importorskip("prometheus_client", reason="the metrics library is not installed")
    run = Runner(capsys)
    text = "the house of the old man and the sea is a story that people in the town have told for years " * 20
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": str(i), "text": text} for i in range(5)])
        engine.commit()
        reading = measure(engine)
        assert (reading.documents, reading.words, reading.sampled) == (5, 2100, 1000)
        assert len(reading.corpus) == 16
        assert measure(engine, sample=2000).excess > reading.excess  # so runs keep to one size
    path, prom = tmp_path / "h.parquet", tmp_path / "c.prom"
    for _ in range(2):
        run.ok("monitor", "record", tmp_path / "i", "--history", path, "--prometheus", prom)
    assert "pyengine_corpus_documents 5.0" in prom.read_text()
    shown = run.ok("monitor", "show", path, "--plot", tmp_path / "h.svg", "--json").json
    assert len(shown["runs"]) == 2
    assert "<svg" in (tmp_path / "h.svg").read_text()
    assert "excess KL" in run.ok("monitor", "show", path).out
    assert "a trend needs 5" in run.ok("monitor", "check", path).out
    alarmed = run("monitor", "check", path, "--above", "0.1")
    assert (alarmed.code, alarmed.out.startswith("ALERT")) == (1, True)
    assert "ends in .svg" in run.fails("monitor", "show", path, "--plot", tmp_path / "h.txt")
    with pe.Engine.create(tmp_path / "short") as engine:
        engine.add([{"id": "a", "text": "too few words"}])
        engine.commit()
    made = tmp_path / "ref.parquet"
    lines = tmp_path / "c.jsonl"
    lines.write_text('{"id": "a", "text": "the house and the sea"}\n')
    assert run.ok("reference", "build", lines, "--out", made, "--json").json["words"] == 4
    assert run.ok("reference", "show", made, "--json").json["name"] == "c.jsonl"
    assert "4 words" in run.ok("reference", "show", made).out
    other = tmp_path / "other.parquet"
    run.ok("monitor", "record", tmp_path / "i", "--history", other, "--reference", made)
    assert "they do not compare" in run.fails(
        "monitor", "record", tmp_path / "i", "--history", path, "--reference", made
    )
    assert "nothing to record" in run.fails("monitor", "record", tmp_path / "short", "--history", path)
