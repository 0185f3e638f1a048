"""The query language against a slow twin that reads every document, and the ways of literals."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.phrases import phrase_in

import pyengine as pe
from pyengine.engine.query_syntax import Clause, parse_query, plain
from pyengine.errors import InvalidInputError

WORDS = ["red", "redder", "blue", "F33.1", "F33.2", "AB-12/X", "the"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
DOCUMENTS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)
CLAUSES = st.tuples(
    st.sampled_from(["", "", "+", "-"]),
    st.sampled_from(["", "", "title:", "text:"]),
    st.one_of(
        st.sampled_from(WORDS),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda words: f'"{" ".join(words)}"'),
        st.sampled_from(["re*", "red*", "f33*", "zz*"]),
    ),
).map("".join)
QUERIES = st.lists(CLAUSES, min_size=1, max_size=4).map(" ".join)


def holds(analyzer: pe.Analyzer, clause: Clause, document: dict[str, Any]) -> bool:
    """Whether a document has what a clause names: by reading its tokens."""
    fields = [clause.field] if clause.field else ["title", "text"]
    every = [[t.term for t in analyzer.tokens(document[f])] for f in fields]
    if clause.kind == "prefix":
        return any(term.startswith(clause.text.casefold()) for found in every for term in found)
    wanted = [t.term for t in analyzer.tokens(clause.text) if not t.part]
    if clause.kind == "phrase":
        return any(phrase_in(analyzer, clause.text, document[f]) for f in fields)
    if clause.field:
        return all(term in every[0] for term in wanted)
    return all(any(term in found for found in every) for term in wanted)


@given(
    documents=DOCUMENTS,
    query=QUERIES,
    deleted=st.sets(st.integers(0, 7), max_size=4),
    split=st.integers(0, 8),
    phrases=st.booleans(),
)
@settings(max_examples=80)
def test_conditions_against_reading_every_document(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    documents: list[tuple[str, str]],
    query: str,
    deleted: set[int],
    split: int,
    phrases: bool,
) -> None:
    rows = [{"id": str(i), "title": title, "text": text} for i, (title, text) in enumerate(documents)]
    with pe.Engine.create(tmp_path_factory.mktemp("q") / "i", auto_compact=False, phrases=phrases) as engine:
        for part in (rows[:split], rows[split:]):
            engine.add(part)
            engine.commit()
        engine.delete([str(i) for i in deleted if i < len(rows)])
        engine.commit()
        live = [row for i, row in enumerate(rows) if i not in deleted]
        clauses = parse_query(query, strict=True)
        analyzer = engine.analyzer
        allowed = np.ones(len(live), dtype=np.bool_)
        for clause in clauses:
            if clause.sign == "" and clause.kind == "word" and clause.field is None:
                continue
            found = np.array([holds(analyzer, clause, row) for row in live], dtype=np.bool_)
            allowed &= ~found if clause.sign == "-" else found
        terms = analyzer.terms(" ".join(c.text for c in clauses if c.sign != "-" and c.kind != "prefix"))
        known = {term for row in live for f in ("title", "text") for term in analyzer.terms(row[f])}
        for clause in clauses:
            if clause.kind == "prefix" and clause.sign != "-":
                terms += sorted(
                    (t for t in known if t.startswith(clause.text.casefold())), key=lambda t: t.encode()
                )
        expected = engine.lexical.search([terms], 10, filter=allowed) if live else pe.Hits.empty(1, 10)
        assert engine.search_batch([query], 10, syntax="query").equals(expected)
        assert [hit.row for hit in engine.search(query, syntax="query").hits] == expected.query(0)[0].tolist()


@given(st.text(max_size=60))
def test_any_text_is_a_query(text: str) -> None:
    clauses = parse_query(text)
    assert all(clause.text for clause in clauses)
    assert isinstance(plain(clauses), str)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pe.Engine]:
    with pe.Engine.create(tmp_path_factory.mktemp("small") / "i", phrases=True) as made:
        made.add([{"id": "a", "title": "red", "text": "red blue F33.1"}])
        made.commit()
        yield made


# Any code point, lone surrogates too, and operators often.
ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=20)


@given(text=ANYTHING.map(lambda text: text.replace("0", '"').replace("a", "*").replace("b", "+")))
@settings(max_examples=200)
def test_no_text_breaks_a_search(small: pe.Engine, text: str) -> None:
    try:
        small.search(f"red {text}", syntax="query", literal="require")
    except InvalidInputError as error:
        assert "lone surrogate" in str(error)  # noqa: PT017 - the one thing that is refused


@pytest.mark.parametrize(
    ("query", "place", "expected"),
    [
        ('a "b', 3, "a word or a closed"),
        ('x ""', 4, "words between the quotes"),
        ("a +", 3, "something after '\\+'"),
        ("a* b", 1, "2 characters or more before"),
        ("year:7", 1, "a field, title or text"),
        ("w " * 1025, 2049, "at most 1024 clauses"),
    ],
)
def test_what_strict_refuses(query: str, place: int, expected: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"query: at character {place}: expected {expected}"):
        parse_query(query, strict=True)
    assert parse_query(query)  # and without it, words


def test_a_colon_that_names_no_field_is_part_of_the_word() -> None:
    assert parse_query("+std::vector http://a.b") == [
        Clause("std::vector", "word", "+", None),
        Clause("http://a.b", "word", "", None),
    ]
    with pytest.raises(InvalidInputError, match="at most 65536 bytes"):
        parse_query("a" * 65_537, strict=True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[pe.Engine]:
    documents = [
        {"id": "mild", "title": "F33.0", "text": "recurrent depressive disorder, mild"},
        {"id": "moderate", "title": "F33.1", "text": "recurrent depressive disorder, moderate"},
        {"id": "other", "title": "note", "text": "moderate recurrent pain, no disorder"},
    ]
    with pe.Engine.create(tmp_path / "i", embedder=FakeEmbedder()) as made:
        made.add(documents)
        made.commit()
        yield made


def ids(result: pe.SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


def test_both_branches_keep_to_the_conditions(engine: pe.Engine) -> None:
    for mode in ("lexical", "dense", "hybrid"):
        assert ids(engine.search('"depressive disorder" -mild', syntax="query", mode=mode)) == ["moderate"]
        assert set(ids(engine.search("recurrent -pain", syntax="query", mode=mode))) == {"mild", "moderate"}
        assert ids(
            engine.search("+moderate recurrent", syntax="query", mode=mode, filter="title == 'note'")
        ) == ["other"]
    plainly = engine.search("recurrent moderate", explain=True)
    asked = engine.search("recurrent moderate", explain=True, syntax="query")
    assert [(h.id, h.score, h.explanation) for h in asked.hits] == [
        (h.id, h.score, h.explanation) for h in plainly.hits
    ]


def test_literals(engine: pe.Engine) -> None:
    query = "F33.1 recurrent pain"
    assert set(ids(engine.search(query))) == {"mild", "moderate", "other"}
    for mode in ("lexical", "dense", "hybrid"):
        assert ids(engine.search(query, literal="require", mode=mode)) == ["moderate"]
    # A literal that no document has cannot be in a hit: it is no condition.
    assert len(engine.search("F99.9 recurrent", literal="require", mode="lexical").hits) == 3
    off, boosted = (
        engine.search(query, literal=way, mode="lexical", explain=True) for way in ("off", "boost")
    )
    weights = {term.term: term.weight for term in boosted.hits[0].explanation.terms}
    assert (weights["f33.1"], weights["recurrent"]) == (2, 1)
    by_id = [{hit.id: hit.score for hit in result.hits} for result in (off, boosted)]
    assert by_id[0]["moderate"] < by_id[1]["moderate"]
    assert by_id[0]["other"] == by_id[1]["other"]
    batch = engine.search_batch([query, "recurrent", query], 3, literal="require")
    assert batch.counts.tolist() == [1, 3, 1]


def test_what_the_answer_says(engine: pe.Engine) -> None:
    assert engine.search("-pain", syntax="query").notes == ("nothing in the query scores: it only excludes",)
    assert engine.search("+nowhere pain", syntax="query").notes == (
        "no document fulfils the query's conditions",
    )
    assert "has no term and is not a condition" in engine.search('pain "..."', syntax="query").notes[0]
    for wrong, message in (
        ({"syntax": "lucene"}, "syntax: expected"),
        ({"literal": "yes"}, "literal: expected"),
        ({"strict": True}, "strict: expected syntax='query' beside it"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            engine.search("x", **wrong)
        with pytest.raises(InvalidInputError, match=message):
            engine.search_batch(["x"], **wrong)
    with pytest.raises(InvalidInputError, match="at character 1"):
        engine.search('"x', syntax="query", strict=True)


@pytest.mark.parametrize("phrases", [False, True])
def test_stems_and_stop_words(tmp_path: Path, phrases: bool) -> None:
    analyzer = pe.Analyzer("domain", stemmer="english", stopwords="english")
    with pe.Engine.create(tmp_path / "i", analyzer=analyzer, phrases=phrases) as engine:
        engine.add([{"id": "a", "text": "searching the engines"}, {"id": "b", "text": "engine search"}])
        engine.commit()
        assert set(ids(engine.search("+engines searched", syntax="query"))) == {"a", "b"}
        # Phrases are exact: neither stemmed nor without their stop words.
        assert ids(engine.search('"searching the engines"', syntax="query")) == ["a"]
        assert ids(engine.search('"searching engines"', syntax="query")) == []
        assert ids(engine.search('"search engine"', syntax="query")) == []
        assert ids(engine.search('"engine search"', syntax="query")) == ["b"]


@pytest.mark.parametrize("boost", [1, 2, 5])
def test_a_title_that_counts_more_is_bm25f(tmp_path: Path, boost: int) -> None:
    """Robertson, Zaragoza and Taylor 2004: weights of fields go into tf and length, before the saturation."""
    documents = [
        {"id": "a", "title": "pump valve", "text": "motor motor pump"},
        {"id": "b", "title": "motor", "text": "valve valve valve pump"},
        {"id": "c", "title": "", "text": "pump motor hose hose"},
    ]
    queries = ["pump", "valve motor", "hose pump motor"]
    with pe.Engine.create(tmp_path / "i", title_boost=boost, analyzer=pe.Analyzer("words")) as engine:
        engine.add(documents[:2])
        engine.commit()
        engine.add([*documents[2:], {"id": "gone", "title": "pump", "text": "x y z"}])
        engine.commit()
        engine.delete(["gone"])
        engine.commit()
        scores = engine.lexical.score(queries, [[0, 1, 2]] * 3)
    fields = [
        ({"title": boost, "text": 1}[f], d[f].split(), i)
        for i, d in enumerate(documents)
        for f in ("title", "text")
    ]
    tf: list[Counter[str]] = [Counter(), Counter(), Counter()]
    for weight, words, i in fields:
        for word in words:
            tf[i][word] += weight
    lengths = [sum(counts.values()) for counts in tf]
    average = sum(lengths) / 3
    for q, query in enumerate(queries):
        for i in range(3):
            expected = 0.0
            for term in query.split():
                df = sum(term in counts for counts in tf)
                idf = math.log(1 + (3 - df + 0.5) / (df + 0.5))
                norm = 1.5 * (0.25 + 0.75 * lengths[i] / average)
                expected += idf * tf[i][term] * 2.5 / (tf[i][term] + norm)
            assert scores[q, i] == pytest.approx(expected, rel=1e-6)
    with pe.Engine.open(tmp_path / "i") as again:
        assert again.info()["settings"]["title_boost"] == boost
    for wrong in (0, 17, True, 1.5):
        with pytest.raises(InvalidInputError, match="title_boost: expected a whole number"):
            pe.Engine.create(tmp_path / "x", title_boost=wrong)


def test_positions_make_phrases_and_fields_a_look_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [
        {"id": "a", "title": "of searching", "text": "the engines per 28 USC § 1331 now"},
        {"id": "b", "title": "", "text": "the engine of search searching the"},
    ]
    with pe.Engine.create(tmp_path / "i", phrases=True) as engine:
        engine.add(documents)
        engine.commit(memory_mb=64)
        files = engine.info()["files"]
        assert files["positions.seg"] > 0
        assert files["pairs/lexical.seg"] > 0
        reads: list[object] = []
        take = type(engine.corpus).take
        monkeypatch.setattr(
            type(engine.corpus), "take", lambda self, rows: reads.append(rows) or take(self, rows)
        )
        for query, expected in {
            '"the engines"': ["a"],
            '"searching the"': ["b"],  # not from title into text
            '"per 28 USC § 1331 now"': ["a"],
            '"28 USC § 1331"': ["a"],
            '"engine of search"': ["b"],
            'title:"of searching"': ["a"],
            'text:"of searching"': [],
            "title:searching": ["a"],
            "text:sear*": ["b"],
            "-title:sear* the": ["b"],
        }.items():
            assert ids(engine.search(query, syntax="query")) == expected, query
        assert reads == []
        assert ids(engine.search('"§ 1331 now"', syntax="query")) == ["a"]
        assert len(reads) == 1  # within a literal: the pairs leave few documents to read
        engine.update([{"id": "a", "text": "the engines"}])
        engine.commit()
        engine.compact()
        assert ids(engine.search('"the engines"', syntax="query")) == ["a"]
        assert engine.verify() == []
        engine.delete(["a", "b"])
        engine.commit()
        assert ids(engine.search('"the engines"', syntax="query")) == []
    with pe.Engine.open(tmp_path / "i") as again:
        assert again.info()["settings"]["phrases"] is True


@pytest.mark.parametrize("phrases", [False, True])
def test_a_literal_spelled_like_a_stop_word_stands_between(tmp_path: Path, phrases: bool) -> None:
    analyzer = pe.Analyzer("domain", stopwords=["msft", "the"])
    with pe.Engine.create(tmp_path / "i", analyzer=analyzer, phrases=phrases) as engine:
        engine.add([{"id": "a", "text": "buy $MSFT shares"}, {"id": "b", "text": "buy the shares"}])
        engine.commit()
        assert ids(engine.search('"buy $MSFT shares"', syntax="query")) == ["a"]
        assert ids(engine.search('"buy the shares"', syntax="query")) == ["b"]
        assert ids(engine.search('"buy shares"', syntax="query")) == []


def test_a_prefix_of_too_many_terms(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": str(i), "text": f"word{i:05d}"} for i in range(1100)])
        engine.commit()
        found = engine.search("word*", 2000, syntax="query")
        assert "more than 1024 terms begin with 'word'" in found.notes[0]
        assert len(found.hits) == 128  # those whose terms score
        assert len(engine.search("word0009*", syntax="query").hits) == 10


def test_the_examples_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text(encoding="utf-8")
    block = page.split("```text")[2].split("```")[0]
    examples = [line.split("  ")[0].strip() for line in block.strip().splitlines()]
    assert len(examples) >= 6
    for example in examples:
        assert parse_query(example, strict=True), example
    assert re.search(r"1024 clauses", page)
