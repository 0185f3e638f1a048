"""``pyengine diagnose`` from the command line."""

import json
from pathlib import Path

import pytest

from e2e.cli import HAS_MODEL, Runner
from pyengine.diagnose.monitor import History, Reading


def test_without_vectors_it_says_what_it_needs(run: Runner, index: Path, beir: Path, tmp_path: Path) -> None:
    said = run.ok("diagnose", index, "--queries", beir, "--all").out
    assert said.startswith("INCONCLUSIVE")
    assert "the index has no vectors" in said
    printed = run.ok("diagnose", index, "--queries", beir, "--json").json
    assert printed["findings"]["census"]["details"]["queries"]["queries"] == 3
    out = tmp_path / "out.json"
    run.ok("diagnose", index, "--queries", beir, "--json", out)
    assert json.loads(out.read_text())["verdict"] == "inconclusive"
    alone = tmp_path / "queries.txt"
    alone.write_text("F33.1\nwords\n")
    asked = run.ok("diagnose", index, "--queries", alone, "--tests", "census", "--json").json
    assert asked["findings"]["census"]["details"]["queries"]["with_literal"] == 1
    assert "tests: expected some of census" in run.fails("diagnose", index, "--tests", "x")
    assert "expected 1 numbers" in run("diagnose", index, "--leaderboard", "1,2").err
    told = run.ok("diagnose", index, "--tests", "census", "--observed", "score_shift=0.3", "--json").json
    assert [rule["holds"] for rule in told["rules"] if "threshold" in rule["name"]] == [True]
    assert "expected NAME=NUMBER" in run("diagnose", index, "--observed", "score_shift").err
    assert "observed: expected some of answers_right" in run.fails("diagnose", index, "--observed", "x=1")
    assert "no such file" in run.fails("diagnose", index, "--reference", tmp_path / "none")


def reading(time: str, excess: float) -> Reading:
    return Reading(
        time=time,
        documents=5,
        words=5000,
        excess=excess,
        low=excess - 0.01,
        high=excess + 0.01,
        jensen_shannon=0.2,
        unknown_share=0.01,
        literal_share=0.01,
        mixed_share=0.01,
        reference="r",
        sampled=5000,
    )


def test_a_history_is_told_and_a_sample_is_said(run: Runner, index: Path, beir: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    assert "no such history" in run.fails("diagnose", index, "--history", history)
    History(history, []).append(reading("2024-01-01T00:00:00+00:00", 1.5))
    told = run.ok(
        "diagnose", index, "--tests", "census", "--history", history, "--sample", "0.5", "--json"
    ).json
    assert [entry["excess"] for entry in told["history"]["runs"]] == [1.5]
    assert told["history"]["trend"]["reason"] == "1 runs; a trend needs 5"
    census = told["findings"]["census"]
    assert census["details"]["documents"] < 5
    assert any(note.endswith("documents, a sample of 0.5 of them") for note in census["notes"])
    assert "sample: expected a share of the documents" in run.fails("diagnose", index, "--sample", "2")


@pytest.mark.skipif(not HAS_MODEL, reason="the packaged model is not installed")
def test_a_report(run: Runner, beir: Path, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="the report's template library is not installed")
    pytest.importorskip("matplotlib", reason="the report's drawing library is not installed")
    page, history = tmp_path / "report.html", tmp_path / "history.parquet"
    for month in range(1, 7):
        History.open(history, missing_ok=True).append(
            reading(f"2024-0{month}-01T00:00:00+00:00", 1 + 0.1 * month)
        )
    said = run.ok(
        "diagnose", "--corpus", beir, "--embedder", "minilm", "--all", "--report", page, "--history", history
    )
    assert f"report: {page}" in said.out
    html = page.read_text(encoding="utf-8")
    verdict = said.out.split(":")[0].lower()
    assert f'data-verdict="{verdict}"' in html
    assert "\x1b" not in html
    assert "Numbers that matter" in html
    assert "the first 192 of 384 dimensions" in html
    over_time = html[html.index('<section id="history">') :].split("</section>")[0]
    assert "Alert: excess KL rises over 6 runs" in over_time
    assert "6 runs from 2024-01-01 to 2024-06-01" in over_time
    assert "<svg" in over_time
