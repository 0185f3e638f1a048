"""The query language and the modes of literals from a shell."""

import json
import re
from pathlib import Path

from e2e.cli import Runner


def ids(printed: dict[str, list[dict[str, str]]]) -> list[str]:
    return [hit["id"] for hit in printed["hits"]]


def test_search_in_the_query_language(run: Runner, index: Path) -> None:
    plain = run.ok("search", index, "moderate -path", "--json").json
    assert set(ids(plain)) == {"d2", "d3", "d4"}  # without the option the sign means nothing
    for query, expected in {
        "moderate -path": ["d2"],
        '"question about"': ["d4"],
        "+F33.1 moderate": ["d2"],
        "title:jurisdiction federal": ["d1"],
        "juris*": ["d1"],
    }.items():
        assert ids(run.ok("search", index, query, "--syntax", "query", "--json").json) == expected, query
    kept = run.ok("search", index, "+moderate x", "--syntax", "query", "--filter", "year < 2000", "--json")
    assert ids(kept.json) == []
    assert kept.json["notes"] == ["no document that the filter admits fulfils the query's conditions"]


def test_literals_required(run: Runner, index: Path) -> None:
    assert ids(run.ok("search", index, "F33.1 question", "--literal", "require", "--json").json) == ["d2"]
    boosted = run.ok("search", index, "F33.1 question", "--literal", "boost", "--explain", "--json").json
    weights = {term["term"]: term["weight"] for term in boosted["hits"][0]["explanation"]["terms"]}
    assert (weights["f33.1"], weights["question"]) == (2, 1)


def test_a_query_that_is_not_well_formed(run: Runner, index: Path) -> None:
    broken = 'moderate "path'
    plain = run.ok("search", index, broken, "--json").json
    assert ids(run.ok("search", index, broken, "--syntax", "query", "--json").json) == ids(plain)
    refused = run("search", index, broken, "--syntax", "query", "--strict")
    assert (refused.code, refused.out) == (1, "")
    assert 'query: at character 10: expected a word or a closed "phrase"' in refused.err


def test_a_profile_is_of_plain_words(run: Runner, index: Path) -> None:
    for options in (("--syntax", "query"), ("--literal", "boost")):
        refused = run("search", index, "moderate", "--profile", *options)
        assert refused.code == 2
        assert "--profile: expected neither --syntax query nor --literal beside it" in refused.err


def test_batch_in_the_query_language(run: Runner, index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    asked = {"a": "moderate -path", "b": "moderate", "c": '"federal question"', "d": '"open', "e": "-path"}
    queries.write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in asked.items()),
        encoding="utf-8",
    )
    printed = run.ok("batch", index, "--queries", queries, "--syntax", "query", "--format", "jsonl").out
    found = {line["query"]: ids(line) for line in map(json.loads, printed.splitlines())}
    assert found["a"] == ["d2"]
    assert set(found["b"]) == {"d2", "d4"}
    assert found["c"] == ["d1"]
    assert found["d"] == found["e"] == []  # no document has "open"; and what only excludes finds nothing


def test_phrases_say_what_they_cost(run: Runner, beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "with-phrases"
    printed = run.ok("index", out, "--corpus", beir, "--phrases").out
    assert re.search(r"phrases take [\d.,]+ \w+ beside the [\d.,]+ \w+ of the lexical index", printed)
    written = sum(
        path.stat().st_size
        for path in out.rglob("*")
        if path.name == "positions.seg" or path.match("pairs/lexical.seg")
    )
    facts = run.ok("index", tmp_path / "again", "--corpus", beir, "--phrases", "--json").json
    assert facts["phrases_bytes"] == written > 0
    assert "phrases_bytes" not in run.ok("index", tmp_path / "plain", "--corpus", beir, "--json").json
