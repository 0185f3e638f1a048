"""The demo: builds once, opens after, measures honestly, and touches no folder that is not its own."""

import functools
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from e2e.cli import Runner, needs_model, start
from pyengine.cli import demo, stdlib_collection


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a corner of the library: all of it takes seconds."""
    root = Path(json.__file__).parents[1] / "email"
    build = functools.partial(stdlib_collection.build_stdlib_collection, root=root)
    monkeypatch.setattr(demo, "build_stdlib_collection", build)


@pytest.mark.usefixtures("short")
def test_lexical_demo_builds_once_and_opens_after(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    command = ("demo", "--embedder", "none", "--size", "60", "--dir", folder)
    first = run.ok(*command)
    assert "60 of " in first.out
    assert "queries left out" in first.out
    assert "built by an earlier run" not in first.out
    assert first.out.count(", explained:") == 3
    assert re.search(r"lexical +\d\.\d{3} \[", first.out)
    assert re.search(r"Lexical search reads NDCG@10 \d\.\d{3} \(", first.out)
    second = run.ok(*command)
    assert "opened" in second.out
    assert "built by an earlier run: 60 documents" in second.out
    story = "Three queries"
    assert second.out[second.out.index(story) :] == first.out[first.out.index(story) :]
    assert "built by an earlier run" not in run.ok(*command, "--rebuild").out


@pytest.mark.usefixtures("short")
def test_demo_of_other_settings_is_built_anew(run: Runner, tmp_path: Path) -> None:
    first = run.ok("demo", "--embedder", "none", "--size", "60", "--dir", tmp_path, "--json").json
    assert first["built"]
    assert first["collection"]["documents"] == 60
    assert first["arms"]["lexical"]["n"] == first["collection"]["queries"] == 18
    assert len(first["examples"]) == 3
    assert first["examples"][0]["hit"]["explanation"]["terms"]
    other = run.ok("demo", "--embedder", "none", "--size", "61", "--dir", tmp_path, "--json").json
    assert other["built"]
    assert other["collection"]["documents"] == 61
    again = run.ok("demo", "--embedder", "none", "--size", "61", "--dir", tmp_path, "--json").json
    assert not again.pop("built")
    assert again == {key: value for key, value in other.items() if key != "built"}


@pytest.mark.usefixtures("short")
def test_interrupted_demo_is_built_anew_and_a_foreign_folder_is_left_alone(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("demo", "--embedder", "none", "--size", "20", "--dir", tmp_path / "demo")

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pyengine.cli.demo_index.read_corpus", interrupted)
        outcome = run(*command)
        assert (outcome.code, outcome.err) == (130, "pyengine: interrupted\n")
    assert run.ok(*command, "--json").json["built"]

    foreign = tmp_path / "foreign"
    (foreign / "index").mkdir(parents=True)
    (foreign / "index" / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert "no demo wrote it" in run.fails("demo", "--embedder", "none", "--dir", foreign)
    assert (foreign / "index" / "thesis.txt").read_text("utf-8") == "years of work"


@pytest.mark.usefixtures("short")
def test_damaged_demo_is_built_anew_and_says_so(run: Runner, tmp_path: Path) -> None:
    command = ("demo", "--embedder", "none", "--size", "20", "--dir", tmp_path)
    run.ok(*command)
    (tmp_path / "index" / "manifest.json").write_text("{", encoding="utf-8")
    outcome = run.ok(*command)
    assert "cannot be opened and is built anew" in outcome.out
    assert "manifest.json" in outcome.out
    assert "built by an earlier run" in run.ok(*command).out


@pytest.mark.usefixtures("short")
def test_missing_model_is_said_before_anything_is_done(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert "model" in run.fails("demo", "--embedder", tmp_path / "model", "--dir", folder)
    assert not folder.exists()


@needs_model
def test_demo_as_a_user_runs_it(tmp_path: Path) -> None:
    """The whole library, the real model, a small sample; then the three commands it ends with, as printed."""
    with start(
        "demo", "--size", "40", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    out = printed.decode()
    assert "\x1b" not in out
    for arm in ("lexical", "dense", "hybrid"):
        assert re.search(rf"^  {arm} +\d\.\d{{3}} \[", out, re.MULTILINE)
    assert out.count("fused 0.") == 3
    assert re.search(r"search reads NDCG@10 \d\.\d{3}, the highest: .*(beats|cannot tell it from)", out)
    commands = [line.strip() for line in out.splitlines() if line.startswith("  pyengine ")]
    assert len(commands) == 3
    for line in commands:
        arguments = shlex.split(line)[1:]
        with start(*arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            printed, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert printed
