"""The parts of the command line that decide something: what is printed how, and what the numbers mean."""

import json
import re
from pathlib import Path

import pytest

from pyengine.cli.console import duration, one_line, print_json, readable, size
from pyengine.cli.demo_story import pick_examples, token_census
from pyengine.cli.measure import label, summary
from pyengine.cli.queries import read_queries
from pyengine.eval import compare_many, evaluate
from pyengine.text import Analyzer
from pyengine.types import Hits


def test_readable_keeps_layout_and_disarms_the_rest() -> None:
    assert readable("a\tb\nc\r\nd") == "a\tb\nc\nd"
    assert readable("\x1b[31m\x9b\x7f\u202e\ud800") == "\\x1b[31m\\x9b\\x7f\\u202e\\ud800"
    assert readable("naïve § 日本語 👩‍👩‍👧 עברית") == "naïve § 日本語 👩‍👩‍👧 עברית"
    assert one_line(" a\r\n\n b\tc\x00 ") == "a b c\\x00"


def test_json_is_safe_for_a_terminal_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "§ \x1b[31m \x9b \u2028 \ud800 \x7f", "number": 0.1}
    print_json(value)
    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    assert "§" in printed
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800]", printed)


def test_numbers_that_json_does_not_have_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5]}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0123, "12 ms"), (3.44, "3.4 s"), (59.94, "59.9 s"), (125, "2 min 5 s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("n", "text"), [(812, "812 B"), (1468006, "1.4 MiB"), (2**42, "4.0 TiB")])
def test_size(n: int, text: str) -> None:
    assert size(n) == text


def test_queries_by_line_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_bytes("\ufefffirst\r\n\r\nthird §\n".encode())
    assert read_queries(path) == (["1", "3"], ["first", "third §"])
    path = tmp_path / "q.jsonl"
    path.write_text('{"_id": "a", "text": ""}\n{"id": 7, "text": "x", "more": 1}\n', encoding="utf-8")
    assert read_queries(path) == (["a", "7"], ["", "x"])


def arm(hit_at: list[int | None]) -> Hits:
    """Answers of ten rows; the relevant row of query i, row i, stands where the list says."""
    lists = []
    for i, position in enumerate(hit_at):
        rows = [100 + j for j in range(10)]
        if position is not None:
            rows[position - 1] = i
        lists.append([(row, 1.0 - 0.01 * j) for j, row in enumerate(rows)])
    return Hits.from_lists(lists)


def sentence(**arms: Hits) -> str:
    n = len(next(iter(arms.values())))
    qrels = {i: {i: 1} for i in range(n)}
    evaluations = {name: evaluate(hits, qrels, ["ndcg@10"], n_boot=100) for name, hits in arms.items()}
    comparisons = compare_many(evaluations) if len(arms) > 1 else None
    return summary(evaluations, comparisons)


def test_summary_where_fusion_wins() -> None:
    text = sentence(lexical=arm([9] * 40), dense=arm([5] * 40), hybrid=arm([1] * 40))
    assert text == (
        "Hybrid search reads NDCG@10 1.000, the highest: it beats lexical (0.301, p < 0.001) and it beats "
        "dense (0.387, p < 0.001); each branch finds what the other misses, and fusing them pays."
    )


def test_summary_where_fusion_loses() -> None:
    text = sentence(lexical=arm([1] * 40), dense=arm([None] * 39 + [9]), hybrid=arm([4] * 40))
    assert text.startswith("Lexical search reads NDCG@10 1.000, the highest: it beats dense (")
    assert text.endswith("; fusing the branches costs on this collection.")


def test_summary_where_nothing_is_shown() -> None:
    text = sentence(lexical=arm([1, 2, 1]), dense=arm([2, 1, 2]), hybrid=arm([1, 1, 2]))
    assert text.count("these 3 queries cannot tell it from") == 2
    assert "beats" not in text
    assert "pays" not in text
    assert text.count(".") - len(re.findall(r"\d\.\d", text)) == 1


def test_summary_of_one_arm() -> None:
    text = sentence(lexical=arm([1, 2, 1]))
    assert re.fullmatch(
        r"Lexical search reads NDCG@10 0\.877 \(0\.\d{3} to 1\.000 with 95% confidence\) over 3 queries, "
        r"with no second arm to compare it to\.",
        text,
    )


@pytest.mark.parametrize(
    ("metric", "text"), [("ndcg@10", "NDCG@10"), ("mrr", "MRR"), ("recall@100", "Recall@100"), ("map", "MAP")]
)
def test_label(metric: str, text: str) -> None:
    assert label(metric) == text


def test_examples_show_each_branch_at_work() -> None:
    hits = {
        "lexical": arm([1, None, 1, 5, 1]),
        "dense": arm([1, 2, None, 6, 1]),
        "hybrid": arm([1, 3, 2, 1, 1]),
    }
    examples = pick_examples(hits, range(5))
    assert [e.query for e in examples] == [2, 1, 3]
    assert examples[0].ranks == {"lexical": 1, "dense": None, "hybrid": 2}
    assert "words" in examples[0].why
    assert "meaning" in examples[1].why
    assert "together" in examples[2].why


def test_examples_where_the_branches_agree_or_are_few() -> None:
    same = arm([1, 2, 3, None])
    agreeing = pick_examples({"lexical": same, "dense": same, "hybrid": same}, range(4))
    assert [(e.query, e.why) for e in agreeing] == [(i, "found near the top") for i in range(3)]
    alone = pick_examples({"lexical": same}, range(4))
    assert [(e.query, e.why) for e in alone] == [
        (0, "found at once"),
        (2, "found, below others"),
        (3, "missed"),
    ]
    assert [e.query for e in pick_examples({"lexical": arm([None])}, range(1))] == [0]


def test_census_counts_tokens_once_by_kind() -> None:
    texts = ["alpha beta alpha", "beta alpha"]
    (words,) = token_census(Analyzer("words"), texts)
    assert (words.tokens, words.distinct, words.examples) == (5, 2, ("alpha", "beta"))
    analyzer = Analyzer("domain")
    texts = ["snake_case_name and F33.1", "snake_case_name"]
    census = token_census(analyzer, texts)
    whole = [token for text in texts for token in analyzer.tokens(text) if not token.part]
    assert sum(kind.tokens for kind in census) == len(whole)
