"""Conditions: what they cost, what history and chunks do to them, and queries that share them."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.engine.query_syntax import Clause, parse_query
from pyengine.errors import InvalidInputError


def ids(result: pe.SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


def test_deleted_documents_have_no_terms() -> None:
    index = pe.Bm25Index.build([["ab", "x"], ["ac"], ["ab"]])
    left = index.without([0])
    assert left.rows_with("ab").tolist() == [False, False, True]
    assert left.rows_with(["ab", "ac", "nowhere"]).tolist() == [False, True, True]
    assert index.without([1]).terms_with_prefix("a") == (["ab"], False)
    assert index.without([1]).terms_with_prefix("a", 1) == (["ab"], False)
    assert index.terms_with_prefix("a", 1) == (["ab"], True)
    with pytest.raises(InvalidInputError, match="terms: expected str, got int"):
        index.rows_with(["ab", 3])  # type: ignore[list-item] - on purpose


def test_history_does_not_show_in_prefixes(tmp_path: Path) -> None:
    """Terms of deleted documents neither fill the first 128, which score, nor the first 1024."""
    with pe.Engine.create(tmp_path / "i", auto_compact=False) as engine:
        engine.add([{"id": "old", "text": " ".join(f"ab{i:04d}" for i in range(1500))}])
        engine.commit()
        engine.add([{"id": "new", "text": "abz"}])
        engine.commit()
        assert "more than 1024 terms" in engine.search("ab*", syntax="query").notes[0]
        engine.delete(["old"])
        engine.commit()
        found = engine.search("ab*", syntax="query", explain=True)
        assert (ids(found), found.notes) == (["new"], ())
        assert [term.term for term in found.hits[0].explanation.terms] == ["abz"]


def test_what_is_excluded_has_no_limit(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": str(i), "text": f"pump ab{i:04d}"} for i in range(1100)])
        engine.add([{"id": "other", "text": "pump"}])
        engine.commit()
        found = engine.search("pump -ab*", 2000, syntax="query")
        assert (ids(found), found.notes) == (["other"], ())


def test_texts_are_read_after_everything_that_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": str(i), "text": f"red pump number n{i}", "n": i} for i in range(20)])
        engine.commit()
        read: list[list[int]] = []
        take = type(engine.corpus).take
        monkeypatch.setattr(
            type(engine.corpus), "take", lambda self, rows: read.append(list(rows)) or take(self, rows)
        )
        assert ids(engine.search('"red pump" +n7', syntax="query")) == ["7"]
        assert read == [[7]]
        assert ids(engine.search('"red pump" text:number', syntax="query", filter="n == 3")) == ["3"]
        assert read == [[7], [3], [3]]
        assert ids(engine.search('-"pump red" +n2', syntax="query")) == ["2"]
        assert read[3:] == [[2]]


def test_queries_with_the_same_conditions_are_answered_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pe.Engine.create(tmp_path / "i", embedder=FakeEmbedder()) as engine:
        engine.add(
            [{"id": str(i), "text": f"red pump n{i % 3} {'blue' if i % 2 else ''}"} for i in range(12)]
        )
        engine.commit()
        queries = ["+n1 red -blue", "red", "-blue +n1 pump", "pump red", "", '"red pump" +n1', "-red"]
        one_by_one = [engine.search_batch([query], 5, syntax="query") for query in queries]
        calls = []
        search = pe.Bm25Index.search
        monkeypatch.setattr(
            pe.Bm25Index,
            "search",
            lambda self, asked, *args, **kw: calls.append(len(asked)) or search(self, asked, *args, **kw),
        )
        together = engine.search_batch(queries, 5, syntax="query")
        assert calls == [2, 2, 1]
        for i, alone in enumerate(one_by_one):
            assert np.array_equal(together.rows[i], alone.rows[0])
            assert np.array_equal(together.scores[i], alone.scores[0])
        assert together.counts.tolist()[4] == together.counts.tolist()[6] == 0


def test_a_document_is_excluded_with_all_of_its_chunks(tmp_path: Path) -> None:
    documents = [
        {"id": "a", "title": "guide", "text": "Pumps are red. They hum. Bipolar end."},
        {"id": "b", "title": "note", "text": "Pumps are blue. They hum. Nothing else."},
    ]
    with pe.Engine.create(tmp_path / "i", chunker=pe.Chunker(3), embedder=FakeEmbedder()) as engine:
        engine.add(documents)
        engine.commit()
        assert len(engine) > 2
        for query in ("pumps -bipolar", 'pumps -"bipolar end"', "pumps -bip*", "pumps -title:guide"):
            for mode in ("lexical", "hybrid", "dense"):
                assert ids(engine.search(query, syntax="query", mode=mode)) == ["b"], query
        # Where chunks are asked for, chunks are excluded.
        chunks = engine.search("pumps -bipolar", syntax="query", mode="lexical", collapse=False)
        assert set(ids(chunks)) == {"a", "b"}
        # What a hit must have stands in the chunk that is shown.
        (hit,) = engine.search('"they hum" -bipolar', syntax="query", mode="lexical").hits
        assert (hit.id, hit.text.strip()) == ("b", "They hum.")


def test_long_queries_take_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": str(i), "text": "word"} for i in range(20_000)])
        engine.commit()
        query = " ".join(f"+w{i}" for i in range(1000)) + ' "' + " ".join(f"v{i}" for i in range(5000)) + '"'
        engine.search(query, syntax="query", strict=True)
        tracemalloc.start()
        try:
            engine.search_batch([query + f" x{i}" for i in range(20)], 10, syntax="query", strict=True)
            assert tracemalloc.get_traced_memory()[1] < 64 << 20  # one mask a condition would be 400 MB
        finally:
            tracemalloc.stop()


def test_a_query_that_is_not_well_formed_is_the_plain_query(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": "a", "text": "28 USC § 1331 red"}, {"id": "b", "text": "red 1331 x28"}])
        engine.commit()
        for query in ('28\u00a0USC  § 1331 "', '+red -"1331', "title: red", "red a*", 'red ""', "x +"):
            plainly = engine.search_batch([query], 5)
            assert engine.search_batch([query], 5, syntax="query").equals(plainly), query
            with pytest.raises(InvalidInputError, match="query: at character"):
                engine.search(query, syntax="query", strict=True)


def test_what_names_no_field_is_searched() -> None:
    assert parse_query('+kind:"a b" x') == [
        Clause("kind", "word", "", None),
        Clause("a b", "phrase", "+", None),
        Clause("x", "word", "", None),
    ]
    assert parse_query('-kind:"a b"') == [Clause("a b", "phrase", "-", None)]
    for query, place in (("a title:", 3), ("+text: b", 2)):
        with pytest.raises(InvalidInputError, match=f"at character {place}: expected something after"):
            parse_query(query, strict=True)
    with pytest.raises(InvalidInputError, match="at character 129: expected at most 32 prefixes"):
        parse_query("ab* " * 33, strict=True)


def test_a_literal_that_no_document_has_is_named(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": "a", "text": "code F33.1"}])
        engine.commit()
        result: Any = engine.search("code F99.9", literal="require")
        assert (ids(result), result.notes) == (["a"], ("no document has 'F99.9': it is not required",))
        assert engine.search("code F33.1", literal="require").notes == ()
        assert engine.search("code F99.9", literal="boost").notes == ()


@pytest.mark.parametrize("boost", [1, 2])
@pytest.mark.parametrize("phrases", [False, True])
def test_no_literal_is_read_from_the_title_into_the_text(tmp_path: Path, boost: int, phrases: bool) -> None:
    with pe.Engine.create(tmp_path / "i", title_boost=boost, phrases=phrases) as engine:
        engine.add(
            [
                {"id": "a", "title": "Art", "text": "28 USC § 1331 grants"},
                {"id": "b", "title": "take 5", "text": "mg of it"},
                {"id": "c", "title": "", "text": "wrapped as 28 USC\n§ 1331 is"},
            ]
        )
        engine.commit()
        assert set(ids(engine.search("28 USC § 1331", literal="require"))) == {"a", "c"}
        assert set(ids(engine.search('"28 USC § 1331"', syntax="query"))) == {"a", "c"}
        assert ids(engine.search("+Art. title:Art", syntax="query")) == ["a"]
        for crossing in ("Art. 28", "5 mg"):
            assert engine.search(crossing, literal="require").notes == (
                f"no document has {crossing!r}: it is not required",
            )
            assert ids(engine.search(f'"{crossing}"', syntax="query")) == []


@pytest.mark.parametrize("phrases", [False, True])
def test_long_phrases_that_repeat_themselves(tmp_path: Path, phrases: bool) -> None:
    """Each of 30,000 words has 300,000 places: looked up one after the other they would take hours."""
    phrase = "a " * 30_000
    with pe.Engine.create(tmp_path / "i", phrases=phrases) as engine:
        engine.add(
            [
                {"id": "long", "text": "a " * 300_000},
                {"id": "torn", "text": ("a " * 20_000 + "b ") * 10},
                {"id": "code", "text": "a a F33.1 " + phrase},
            ]
        )
        engine.commit()
        started = time.perf_counter()
        assert set(ids(engine.search(f'"{phrase}"', syntax="query"))) == {"long", "code"}
        assert ids(engine.search(f'"{phrase} b"', syntax="query")) == []
        assert set(ids(engine.search('"' + "a " * 20_000 + '"', syntax="query"))) == {"long", "torn", "code"}
        assert set(ids(engine.search('"' + "a " * 20_000 + 'b"', syntax="query"))) == {"torn"}
        assert time.perf_counter() - started < 30


@pytest.mark.parametrize("phrases", [False, True])
def test_a_prefix_is_compared_as_the_terms_are(tmp_path: Path, phrases: bool) -> None:
    """The whitespace preset keeps case, so a prefix does; the others fold both."""
    for preset, expected in {
        "whitespace": {"Ab*": ["upper"], "ab*": ["lower"], "-Ab* text": ["lower"], "text:Ab*": ["upper"]},
        "words": {"AB*": ["upper", "lower"], "ＡＢ*": ["upper", "lower"], "-Ab* text": []},
    }.items():
        with pe.Engine.create(tmp_path / preset, analyzer=pe.Analyzer(preset), phrases=phrases) as engine:
            engine.add([{"id": "upper", "text": "Abc text"}, {"id": "lower", "text": "abc text"}])
            engine.commit()
            for query, found in expected.items():
                assert ids(engine.search(query, syntax="query")) == found, (preset, query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('red "pump', 'at character 5: expected a word or a closed "phrase", got \'"pump\''),
        ("red +", "at character 5: expected something after '+', got '+'"),
        ("red a*", "at character 5: expected 2 characters or more before '*', got 'a*'"),
        ("red title:", "at character 5: expected something after 'title:', got 'title:'"),
        ("red " * 20_000, "expected at most 65536 bytes, got more"),
        ("red " * 1025, "at character 4097: expected at most 1024 clauses, got 'red '"),
    ],
)
def test_a_malformed_query_says_how_it_was_searched(tmp_path: Path, query: str, said: str) -> None:
    note = f"the query is not well formed and was searched as plain words: {said}"
    with pe.Engine.create(tmp_path / "i") as engine:
        engine.add([{"id": "a", "text": "red pump"}])
        engine.commit()
        found = engine.search(query, syntax="query")
        assert (ids(found), found.notes) == (["a"], (note,))
        assert engine.search(query).notes == ()
        assert engine.search("", syntax="query").notes == ("the query is empty",)
        assert engine.search("red std::vector", syntax="query").notes == ()
        with pytest.raises(InvalidInputError, match=r"^query: "):
            engine.search(query, syntax="query", strict=True)
