"""The benchmark of phrases asks what it says, and compares the answers."""

import json
from pathlib import Path

import pytest

from bench import phrases


def test_both_engines_are_asked_and_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "qrels").mkdir()
    texts = ["a citation of 28 USC § 1331 and of F33.1 in one", 'one "quoted" text of two and three and four']
    with (tmp_path / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for i, text in enumerate(texts):
            lines.write(json.dumps({"_id": str(i), "title": "", "text": text}) + "\n")
    phrases.main([str(tmp_path), "-n", "5"])
    said = capsys.readouterr().out
    assert "positions.seg" in said
    assert [line.split(" | ")[0] for line in said.splitlines() if line.endswith("ms |")] == [
        "| phrase of 2 words",
        "| phrase of 3 words",
        "| phrase of 5 words",
        "| field:word",
    ]


def test_queries_are_words_of_the_documents(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        json.dumps({"_id": "x", "title": "", "text": "a b c d e f g"}) + "\n", encoding="utf-8"
    )
    asked = phrases.queries_of(phrases.pe.Corpus.from_beir(tmp_path), 4, 0)
    assert all(query.strip('"') in "a b c d e f g" for query in asked["phrase of 5 words"])
