"""Fusion from a shell: the option of search, and tune-fusion."""

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.cli.info import command as info
from pyengine.cli.search import command as search
from pyengine.cli.tune_fusion import command as tune_fusion


def test_search_takes_a_fusion() -> None:
    assert "[rrf|wrrf|convex|auto]" in CliRunner().invoke(search, ["--help"]).output


def test_tuning_on_the_test_split_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(tune_fusion, [str(tmp_path), "--queries", str(tmp_path), "--split", "test"])
    assert done.exit_code == 2
    assert "expected judgements that quality is not reported on, got 'test'" in done.output


def test_info_says_how_answers_are_fused(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder()) as engine:
        engine.add([{"id": "a", "text": "one two three four"}, {"id": "b", "text": "five six seven eight"}])
        engine.commit()
        engine.calibrate_fusion()
        engine.set_fusion("auto")
        assert np.isfinite(engine.search("one", fusion="convex")[0].score)
    printed = CliRunner().invoke(info, [str(tmp_path / "idx")]).output
    assert "auto, 100 hits of each branch" in printed
    recorded = json.loads(CliRunner().invoke(info, [str(tmp_path / "idx"), "--json"]).output)
    assert recorded["settings"]["calibration"]["queries"] == 2
