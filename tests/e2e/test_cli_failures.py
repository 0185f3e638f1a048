"""The command line on bad input, hostile text, closed pipes, signals and terminals."""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from e2e.cli import DANGEROUS, PYTHON, Runner, environment, start


def test_nothing_a_terminal_acts_on_gets_through(run: Runner, index: Path, hostile: str) -> None:
    arguments: list[list[object]] = [
        ["search", index, "hostile", "--explain"],
        ["search", index, "hostile", "--explain", "--json"],
        ["search", index, hostile, "--explain"],
        ["search", index, hostile, "--json"],
        ["tokens", hostile],
        ["tokens", hostile, "--json"],
        ["search", f"nowhere/{hostile}", "query"],
    ]
    for command in arguments:
        outcome = run(*command)
        assert not DANGEROUS & {*outcome.out, *outcome.err}, command
    hit = run.ok("search", index, "hostile", "--json").json["hits"][0]
    assert (hit["id"], hit["title"]) == ("d\x1b[31m5", hostile)
    assert "d\\x1b[31m5" in run.ok("search", index, "hostile").out


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder of files with something wrong each."""
    for name, content in {
        "bad.jsonl": b'{"id": "a", "text": "fine"}\n{"id": "b", "text": 7}\n',
        "latin.txt": b"caf\xe9\n",
        "twice.tsv": b"q1\ta\nq1\tb\n",
        "notab.tsv": b"q1\ta\nq2 b\n",
        "empty.txt": b"\n",
        "array.jsonl": b"[1]\n",
        "noid.jsonl": b'{"text": "x"}\n',
        "other.tsv": b"zz\td1\t1\n",
        "broken.trec": b"q1 Q0 d1\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("search {f}/none query", "none"),
        ("info {f}/none", "none"),
        ("info {beir}", "beir"),
        ("index {f}/out --corpus {f}/none", "does not exist"),
        ("index {f}/out --corpus {f}/latin.txt", "'.txt'"),
        ("index {f}/out --corpus {f}/bad.jsonl", "bad.jsonl"),
        ("index {f}/out --corpus {f}", "corpus.jsonl"),
        ("index {f}/out --corpus {beir} --embedder {f}/model", "model"),
        ("index {f}/out --corpus {beir} --stemmer klingon", "klingon"),
        ("search {index} query --mode dense", "vectors"),
        ("tokens --file {f}/latin.txt", "UTF-8"),
        ("tokens --file {f}/none", "not a file"),
        ("batch {index} --queries {f}/none.txt", "no such file"),
        ("batch {index} --queries {f}/latin.txt", "latin.txt, line 1: expected UTF-8"),
        ("batch {index} --queries {f}/twice.tsv", "twice.tsv, line 2: query id 'q1' is on line 1"),
        ("batch {index} --queries {f}/notab.tsv", "notab.tsv, line 2: expected an id, a tab"),
        ("batch {index} --queries {f}/empty.txt", "at least one query"),
        ("batch {index} --queries {f}/bad.jsonl", "bad.jsonl, line 2, field 'text'"),
        ("batch {index} --queries {f}/array.jsonl", "expected a JSON object, got list"),
        ("batch {index} --queries {f}/noid.jsonl", "field '_id'"),
        ("batch {index} --queries {beir} --output {f}/x/y", "No such file"),
        ("evaluate {index} --queries {beir} --metrics bleu", "'bleu'"),
        ("evaluate {index} --queries {beir} --split dev", "splits of this folder: test"),
        ("evaluate {index} --queries {beir} --qrels {f}/other.tsv", "none of its 4 queries is judged"),
        ("evaluate --run {f}/broken.trec --qrels {beir}", "broken.trec:1"),
        ("compare {f}/none.trec {f}/none.trec --qrels {beir}", "no such file"),
    ],
)
def test_failures_say_why_in_one_line(
    run: Runner, arguments: str, named: str, *, files: Path, index: Path, beir: Path
) -> None:
    words = [word.format(f=files, index=index, beir=beir) for word in arguments.split()]
    assert named in run.fails(*words)
    assert not (files / "out").exists()


def test_bad_rows_may_be_left_out_but_never_in_silence(run: Runner, tmp_path: Path) -> None:
    rows = [{"id": "good", "text": "alpha"}, *({"id": f"bad{i}", "text": i} for i in range(7))]
    corpus = tmp_path / "c.jsonl"
    corpus.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    outcome = run.ok("index", tmp_path / "out", "--corpus", corpus, "--on-error", "skip", "--json")
    assert outcome.json["documents"] == 1
    assert sum(outcome.json["skipped"].values()) == 7
    assert outcome.err.count("c.jsonl") == 5
    assert "left out 7 rows in all" in outcome.err


def test_an_index_is_not_written_over(run: Runner, index: Path, beir: Path) -> None:
    assert str(index) in run.fails("index", index, "--corpus", beir)
    assert run.ok("info", index, "--json").json["documents"] == 5


def test_bugs_are_one_line_and_a_traceback_on_request(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("boom\nsecond line")

    monkeypatch.setattr("pyengine.cli.tokens.make_analyzer", broken)
    monkeypatch.delenv("PYENGINE_DEBUG", raising=False)
    assert "internal error, ZeroDivisionError: boom second line" in run.fails("tokens", "x")
    monkeypatch.setenv("PYENGINE_DEBUG", "1")
    outcome = run("tokens", "x")
    assert outcome.code == 1
    assert "Traceback" in outcome.err


def test_closed_pipe_is_quiet(index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.txt"
    queries.write_text("federal moderate path\n" * 3000, encoding="utf-8")
    process = start(
        *("batch", index, "--queries", queries, "--format", "jsonl"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


def test_closed_pipe_is_quiet_under_text_for_people(index: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with start("search", index, "federal", stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 141


def in_a_shell(line: str) -> "subprocess.CompletedProcess[bytes]":
    shell = f"{shlex.join([*PYTHON, '-m', 'pyengine'])} {line}"
    return subprocess.run(["/bin/sh", "-c", shell], env=environment(), capture_output=True, check=False)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_do_no_harm(redirection: str) -> None:
    done = in_a_shell(f"tokens F33.1 {redirection}")
    assert (done.returncode, done.stderr) == (0, b"")


def test_no_input_at_all_is_wrong_usage() -> None:
    done = in_a_shell("tokens <&-")
    assert done.returncode == 2
    assert b"standard input" in done.stderr


def test_full_disk_is_one_line(index: Path) -> None:
    with open("/dev/full", "wb") as full:
        process = start("search", index, "federal", stdout=full, stderr=subprocess.PIPE)
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (1, b"pyengine: error: No space left on device\n")


def test_names_that_are_not_utf_8(run: Runner, beir: Path, tmp_path: Path) -> None:
    outcome = run("index", tmp_path / "new\udcff", "--corpus", beir)
    assert outcome.code == 2
    assert "expected a name in UTF-8" in outcome.err


def test_ctrl_c_ends_with_130_and_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text"
    os.mkfifo(text)
    # Opening the pipe waits for its reader: the command is then in its work, not in its start.
    with start("tokens", "--file", text, stderr=subprocess.PIPE) as process, text.open("w"):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"pyengine: interrupted\n")


def on_a_terminal(*arguments: object, env: dict[str, str]) -> tuple[int, str]:
    """Run with every stream on a terminal; return the exit code and what it showed."""
    parent, child = pty.openpty()
    with start(
        *arguments, stdin=child, stdout=child, stderr=child, env={"TERM": "xterm-256color", **env}
    ) as process:
        os.close(child)
        shown = b""
        while select.select([parent], [], [], 60)[0]:
            try:
                data = os.read(parent, 65536)
            except OSError:  # how Linux reports the end of a terminal
                break
            if not data:
                break
            shown += data
        os.close(parent)
        return process.wait(timeout=60), shown.decode("utf-8")


@pytest.mark.parametrize("columns", [80, 120])
def test_colours_and_width_on_a_terminal(index: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    code, shown = on_a_terminal(
        "search", index, "federal question path hostile", "--explain", env={"COLUMNS": str(columns)}
    )
    assert code == 0
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert not DANGEROUS & {*plain.replace("\r\n", "\n")}
    assert max(map(len, plain.splitlines())) <= columns


def test_no_colour_where_it_is_not_wanted(run: Runner, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, shown = on_a_terminal("search", index, "federal", env={"NO_COLOR": "1", "COLUMNS": "80"})
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in run.ok("search", index, "federal", "--explain").out


def test_bars_move_on_a_terminal_and_stay_off_pipes(
    run: Runner, tmp_path: Path, hybrid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    corpus = tmp_path / "c.jsonl"
    rows = [{"id": f"d{i}", "text": f"document number {i} " * 20} for i in range(120)]
    corpus.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    arguments = ["index", tmp_path / "seen", "--corpus", corpus, "--embedder", "minilm"]
    code, shown = on_a_terminal(*arguments, env={"COLUMNS": "80"})
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    moves = {int(done) for done in re.findall(r"embedding [^\r\n]*?(\d+)/120", plain)}
    assert any(0 < done < 120 for done in moves)
    arguments[1] = tmp_path / "piped"
    assert run.ok(*arguments).err == ""
