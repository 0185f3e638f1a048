"""The analyzer against its slow twin: the same terms, spans, kinds and marks, on made and on real text."""

import json
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given, settings
from oracles.analyzer import analyze
from oracles.texts import LITERALS, texts

from pyengine import Analyzer

PRESETS = {preset: Analyzer(preset) for preset in ("domain", "words", "whitespace")}
COLLECTIONS = [
    "cosqa", "cranfield", "icd10cm-xref", "medquad-liveqa", "nl2bash", "obliqa", "playbook-fixture",
    "scifact",
    "vaswani",
]  # fmt: skip
DOCUMENTS = 15
LONGEST = 1200


def check(text: str, preset: str) -> None:
    got = [astuple(token) for token in PRESETS[preset].tokens(text)]
    assert got == [tuple(token) for token in analyze(text, preset)]
    assert [token[0] for token in got] == PRESETS[preset].terms(text)


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=700, deadline=None, derandomize=True)
@given(text=texts)
def test_generated_text(preset: str, text: str) -> None:
    check(text, preset)


@pytest.mark.parametrize("preset", PRESETS)
def test_literals_side_by_side(preset: str) -> None:
    for joint in ("", " ", ",", "-", "/", "."):
        for left, right in zip(LITERALS, reversed(LITERALS), strict=True):
            check(left + joint + right, preset)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_real_text(name: str, collection: Callable[[str], Path]) -> None:
    lines = (collection(name) / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:: max(1, len(lines) // DOCUMENTS)]:
        document = json.loads(line)
        check(f"{document['title']}\n{document['text']}"[:LONGEST], "domain")
