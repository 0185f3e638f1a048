"""Filters over metadata: the language, its types, its three-valued logic, and what is refused."""

import datetime
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.corpus import filter_syntax as syntax
from pyengine.errors import InvalidInputError

TABLE = pa.table(
    {
        "id": [f"d{i}" for i in range(6)],
        "text": ["alpha beta", "beta", "alpha", "gamma alpha", "alpha alpha", ""],
        "year": pa.array([2019, 2020, None, 2021, -5, 2**53 + 1], pa.int64()),
        "price": pa.array([1.5, None, float("nan"), 2.0, -0.0, 3.25]),
        "lang": pa.array(["en", "de", None, "EN", "it's", "d\\e"]),
        "free": pa.array([True, False, None, True, False, True]),
        "day": pa.array([datetime.date(2020, 1, i + 1) for i in range(5)] + [None]),
        "at": pa.array(
            [datetime.datetime(2020, 1, i + 1, 12) for i in range(5)] + [None], pa.timestamp("us")
        ),
        "tags": pa.array([["a", "b"], [], None, ["b", None], ["c"], ["a"]], pa.list_(pa.string())),
        "codes": pa.array([[1, 2], [3], None, [], [2], [7]], pa.list_(pa.int32())),
        "odd name": pa.array([1, 2, 3, 4, 5, 6], pa.uint8()),
        "nothing": pa.nulls(6),
        "kind": pa.array(["x", "y", "x", None, "y", "x"]).dictionary_encode(),
    }
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> pe.Engine:
    made = pe.Engine.create(tmp_path_factory.mktemp("e") / "idx")
    made.add(TABLE)
    made.commit()
    return made


def admitted(engine: pe.Engine, given: Any) -> list[int]:
    made = engine._snapshot.filters.rows(given)
    return np.flatnonzero(made.admits(np.arange(len(engine)))).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("year >= 2020", [1, 3, 5]),
        ("year == 9007199254740993", [5]),
        ("year != 2019", [1, 3, 4, 5]),
        ("not year == 2019", [1, 3, 4, 5]),
        ("year < -4.5", [4]),
        ("year in (2019, 2021.0, 7)", [0, 3]),
        ("year not in [2019, 2021]", [1, 4, 5]),
        ("year is null", [2]),
        ("year IS NOT NULL and price > 1", [0, 3, 5]),
        ("price == 0", [4]),
        ("price > 1e0", [0, 3, 5]),
        ("lang == 'en'", [0]),
        ('lang == "it\'s"', [4]),
        ("lang == 'it\\'s' or lang == 'd\\\\e'", [4, 5]),
        ("lang contains 'e' and lang != 'en'", [1, 5]),
        ("lang not contains 'e'", [3, 4]),
        ("free == true", [0, 3, 5]),
        ("not free == TRUE", [1, 4]),
        ("day >= '2020-01-04'", [3, 4]),
        ("at < '2020-01-02T13:00:00'", [0, 1]),
        ("tags contains 'a'", [0, 5]),
        ("tags not contains 'a'", [1, 3, 4]),
        ("codes contains 2", [0, 4]),
        ("`odd name` > 4", [4, 5]),
        ("nothing == 'x'", []),
        ("year < 1e999", [0, 1, 3, 4, 5]),
        ("year <= 2019.5", [0, 4]),
        ("year > -5.5 and year < -4.5", [4]),
        ("year == 2019.5", []),
        ("not year == 2019.5", [0, 1, 3, 4, 5]),
        ("year in (2019.5, 1e30)", []),
        ("year > -99999999999999999999999", [0, 1, 3, 4, 5]),
        ("`odd name` != 300", [0, 1, 2, 3, 4, 5]),
        ("`odd name` >= -1", [0, 1, 2, 3, 4, 5]),
        ("`odd name` < -1", []),
        ("nothing is null", [0, 1, 2, 3, 4, 5]),
        ("kind == 'x'", [0, 2, 5]),
        ("id in ('d1', 'd4')", [1, 4]),
        ("text contains 'gamma'", [3]),
        ("year > 2019 or free == true and not lang == 'EN'", [0, 1, 3, 5]),
        ("(year > 2019 or free == true) and not lang == 'EN'", [0, 1, 5]),
        ("not not (year == 2019)", [0]),
        # Neither true nor false is not admitted, nor is its negation; but true or unknown is true.
        ("year == 1 or free == true", [0, 3, 5]),
        ("not (year == 1 and free == false)", [0, 1, 3, 4, 5]),
        ("  year\n>=\t2020  ", [1, 3, 5]),
    ],
)
def test_the_language(engine: pe.Engine, text: str, rows: list[int]) -> None:
    assert admitted(engine, text) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at character 1: expected the name of a column"),
        ("year", "at character 5: expected an operator"),
        ("year = 2020", "at character 6: expected a column, a value or an operator, got '= 2020'"),
        ("year >= ", "at character 9: expected a value"),
        ("year >= 2020 and", "at character 17: expected the name of a column"),
        ("year >= 2020 lang == 'en'", "at character 14: expected 'and', 'or' or the end"),
        ("(year >= 2020", r"at character 14: expected '\)', got the end"),
        ("year in ()", "at character 10: expected a value"),
        ("lang == 'en", 'at character 9: expected a column, a value or an operator, got "\'en"'),
        ("2020 <= year", "at character 1: expected the name of a column"),
        ("__import__('os')", "at character 11: expected an operator"),
        ("not " * 101 + "year == 1", "at most 100 levels"),
        ("year == 1 or " * 6000 + "year == 1", "at most 65536 bytes"),
        ("years == 2020", "no column 'years'; there are id, title, text, year"),
        ("year == 'x'", "column 'year' holds int64, which compares with a number, got a text: 'x'"),
        ("lang > 5", "column 'lang' holds string, which compares with a text in quotes, got a number"),
        ("free == 'yes'", "which compares with true or false"),
        ("day == 2020", "column 'day' holds date32"),
        ("day == 'Tuesday'", "column 'day' holds date32.*, got 'Tuesday'"),
        ("tags == 'a'", 'ask for an element of a list with "tags contains value"'),
        ("tags contains 1", "column 'tags' holds string"),
        ("year contains 1", "'contains' asks for an element of a list or a part of a text"),
        ("lang contains 1", "holds text, which contains text in quotes"),
    ],
)
def test_what_is_refused(engine: pe.Engine, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        engine.search("alpha", filter=text)


def test_a_filter_of_thousands_of_alternatives(engine: pe.Engine) -> None:
    text = " or ".join(f"year == {i}" for i in range(2017, 4000))
    assert admitted(engine, text) == [0, 1, 3]
    assert admitted(engine, f"id in ({','.join(repr(f'd{i}') for i in range(3, 4000))})") == [3, 4, 5]


def test_arrow_expressions_and_masks(engine: pe.Engine) -> None:
    assert admitted(engine, pc.field("year") >= 2020) == [1, 3, 5]
    assert admitted(engine, pc.field("lang").isin(["en", "de"])) == [0, 1]
    assert admitted(engine, pc.scalar(True)) == [0, 1, 2, 3, 4, 5]
    assert admitted(engine, [True, False, True, False, False, False]) == [0, 2]
    assert admitted(engine, np.array([5, 1, 1])) == [1, 5]
    for wrong, message in [
        (pc.field("nowhere") > 1, "Arrow cannot evaluate"),
        (pc.field("year"), "expected a condition, true or false, got int64"),
        ([True], "a bool for each of 6 rows"),
        ([6], "rows below 6"),
        (pe.RowFilter([0], 7), "made for an index of 7 rows"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            engine.search("alpha", filter=wrong)


def test_a_text_is_evaluated_once_a_generation(engine: pe.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine._snapshot.filters.rows("year > 0")
    monkeypatch.setattr(syntax, "parse", lambda text: pytest.fail("evaluated again"))
    assert engine._snapshot.filters.rows("year > 0") is first


def random_condition(draw: random.Random, depth: int) -> tuple[str, Callable[[dict[str, Any]], bool | None]]:
    """Return a filter, and a function that says of a row: true, false or unknown."""
    choice = draw.random()
    if depth and choice < 0.25:
        text, inner = random_condition(draw, depth - 1)
        return f"not ({text})", lambda row: None if (v := inner(row)) is None else not v
    if depth and choice < 0.75:
        (a, f), (b, g) = (random_condition(draw, depth - 1) for _ in range(2))
        both = draw.random() < 0.5
        dominant = not both  # false decides "and", true decides "or"

        def combined(row: dict[str, Any]) -> bool | None:
            values = (f(row), g(row))
            if dominant in values:
                return dominant
            return None if None in values else not dominant

        return f"({a}) {'and' if both else 'or'} ({b})", combined
    limit = draw.randrange(6)
    kind = draw.randrange(4)
    if kind == 0:
        return f"n >= {limit}", lambda row: None if row["n"] is None else row["n"] >= limit
    if kind == 1:
        return f"w == 'w{limit}'", lambda row: None if row["w"] is None else row["w"] == f"w{limit}"
    if kind == 2:
        return f"t contains {limit}", lambda row: None if row["t"] is None else limit in row["t"]
    return f"n is {'not ' * (limit % 2)}null", lambda row: (row["n"] is None) != bool(limit % 2)


@pytest.mark.parametrize("seed", range(25))
def test_filters_against_a_slow_twin(seed: int, tmp_path: Path) -> None:
    """Both branches, alone and fused: never a document that is not admitted, never fewer than there are."""
    draw = random.Random(seed)
    documents = [
        {
            "id": str(i),
            "text": " ".join(draw.choice("abcdefg") for _ in range(draw.randrange(6))),
            "n": draw.choice([None, *range(6)]),
            "w": draw.choice([None, *(f"w{j}" for j in range(6))]),
            "t": draw.choice([None, [], [draw.randrange(6)], [1, 2, 3]]),
        }
        for i in range(draw.choice([1, 20, 150]))
    ]
    schema = {"n": pa.int64(), "w": pa.string(), "t": pa.list_(pa.int64())}
    corpus = pe.Corpus.from_rows(documents, metadata=schema)
    dense = pe.DenseConfig(exact_below=draw.choice([1, 10**6]))
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder(), dense=dense) as engine:
        engine.add(corpus)
        engine.commit()
        for _ in range(8):
            text, truth = random_condition(draw, 3)
            expected = np.array([truth(document) is True for document in documents])
            assert admitted(engine, text) == np.flatnonzero(expected).tolist(), text
            everything = engine.search_batch(["a b", "c"], len(documents), mode="lexical")
            for k in (1, 5, 200):
                for mode in ("lexical", "dense", "hybrid"):
                    hits = engine.search_batch(["a b", "c"], k, mode=mode, filter=text)
                    for i in range(2):
                        rows = hits.query(i)[0]
                        assert expected[rows].all()
                        matching = int(expected[everything.query(i)[0]].sum())
                        there = matching if mode == "lexical" else int(expected.sum())
                        assert len(rows) == min(k, there)
                single = engine.search("a b", k, filter=text)
                assert [hit.row for hit in single] == hits.query(0)[0].tolist()


def test_notes(engine: pe.Engine) -> None:
    assert engine.search("alpha", filter="year == 1").notes == ("the filter admits no document",)
    found = engine.search("gamma", filter="year == 2019")
    assert found.notes == ("no term of the query occurs in any document that the filter admits",)
