"""``pyengine diagnose`` from the command line."""

import json
from pathlib import Path

import pytest

from e2e.cli import HAS_MODEL, Runner


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


@pytest.mark.skipif(not HAS_MODEL, reason="the packaged model is not installed")
def test_a_report(run: Runner, beir: Path, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="the report's template library is not installed")
    pytest.importorskip("matplotlib", reason="the report's drawing library is not installed")
    page = tmp_path / "report.html"
    said = run.ok("diagnose", "--corpus", beir, "--embedder", "minilm", "--all", "--report", page)
    assert f"report: {page}" in said.out
    html = page.read_text(encoding="utf-8")
    verdict = said.out.split(":")[0].lower()
    assert f'data-verdict="{verdict}"' in html
    assert "\x1b" not in html
    assert "Numbers that matter" in html
    assert "the first 192 of 384 dimensions" in html
