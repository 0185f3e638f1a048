"""`Bm25Index`: every input it refuses, and what it says."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pyengine import Analyzer, Bm25Index, _core
from pyengine.errors import InvalidInputError


@pytest.fixture(scope="module")
def index() -> Bm25Index:
    texts = ["the cat sat", "the dog sat on the mat", "", "cats and dogs", "the the the"]
    return Bm25Index.build(texts, analyzer=Analyzer("whitespace"))


@pytest.mark.parametrize(
    ("docs", "message"),
    [
        ("one text", "a single str; pass"),
        (b"bytes", "a single bytes; pass"),
        (7, "expected an iterable of texts or of token lists, got int"),
        ([b"bytes"], r"docs\[0\]: expected str, got bytes"),
        (["a", 1], r"docs\[1\]: expected str, got int"),
        (["a", None], r"docs\[1\]: expected str, got NoneType"),
        (["a", ["b"]], r"docs\[1\]: expected str, got list"),
        ([["a"], "b"], r"docs\[1\]: expected a list of tokens, got str"),
        ([["a"], ["b", 3]], r"docs\[1\]\[1\]: expected a token as str, got int"),
        (["ok", "\ud800"], r"docs\[1\]: .* lone surrogate"),
        ([["ok", "\ud800"]], r"docs\[0\]\[1\]: .* lone surrogate"),
        (pa.array(["a", None]), r"docs\[1\]: expected a string, got null"),
        (pa.array(["a", "b", None, "c"]).slice(1), r"docs\[1\]: expected a string, got null"),
        (pa.chunked_array([["a"], ["b", None]]), r"docs\[2\]: expected a string, got null"),
        (pa.array([1, 2]), "expected an Arrow array of string or large_string, got format"),
        (pa.array(["a"]).dictionary_encode(), "dictionary"),
        (pa.array([b"a"]), "cast it to string"),
    ],
)
def test_build_refuses(docs: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Bm25Index.build(docs)


def test_the_document_number_of_an_error_counts_all_documents() -> None:
    texts: list[Any] = ["a"] * 5000
    texts[4321] = 7
    with pytest.raises(InvalidInputError, match=r"docs\[4321\]"):
        Bm25Index.build(texts)


def test_a_text_of_a_gibibyte_is_named() -> None:
    # Zeros nobody has touched take no memory, and the length alone is refused.
    data = pa.py_buffer(np.zeros(1 << 30, np.uint8))
    offsets = pa.py_buffer(np.array([0, 0, 1 << 30], np.int64))
    texts = pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, data])
    with pytest.raises(InvalidInputError, match=r"docs\[1\]: text: expected"):
        Bm25Index.build(texts)
    with pytest.raises(InvalidInputError, match=r"queries\[1\]: text: expected"):
        Bm25Index.build(["a"]).search(texts)


def test_an_analyzer_is_not_for_token_lists() -> None:
    with pytest.raises(InvalidInputError, match="an analyzer was given"):
        Bm25Index.build([["a"]], analyzer=Analyzer("words"))
    builder = Bm25Index.builder()
    builder.add([["a"]])
    with pytest.raises(InvalidInputError, match="token lists were added before"):
        builder.add(["a"])


def test_a_builder_that_failed_or_finished_refuses_to_go_on() -> None:
    builder = Bm25Index.builder()
    with pytest.raises(InvalidInputError):
        builder.add(itertools.chain(["a"], [None]))  # type: ignore[list-item]  # the error is the test
    for call in (builder.finish, lambda: builder.add(["a"])):
        with pytest.raises(InvalidInputError, match="has failed"):
            call()
    builder = Bm25Index.builder()
    builder.finish()
    with pytest.raises(InvalidInputError, match="has finished"):
        builder.add(["a"])


def test_the_limit_of_documents_is_checked_before_anything_is_added() -> None:
    builder = _core.LexicalBuilder(1.5, 0.75, max_documents=3)
    builder.add_token_lists([["a"], ["b"]])
    with pytest.raises(InvalidInputError, match=r"at most 3 documents .* got 2 and 2 more"):
        builder.add_token_lists([["c"], ["d"]])
    assert builder.documents == 2
    builder.add_token_lists([["c"]])
    assert len(builder.finish("")) == 3


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ("one query", "a single str; pass"),
        ([None], r"queries\[0\]: expected str, got NoneType"),
        (["a", ["b"]], r"queries\[1\]: expected str, got list"),
        ([["a"], "b"], r"queries\[1\]: expected a list of tokens, got str"),
        ([["a", 1]], r"queries\[0\]\[1\]: expected a token"),
        (7, "expected a sequence of str or of token lists, got int"),
        (["\udfff"], "lone surrogate"),
        (pa.array([None], pa.string()), "got null"),
    ],
)
def test_search_refuses_queries(index: Bm25Index, queries: Any, message: str) -> None:
    for call in (index.search, index.postings_count, lambda q: index.score(q, [[0]])):
        with pytest.raises(InvalidInputError, match=message):
            call(queries)


@pytest.mark.parametrize("name", ["k", "n_threads"])
@pytest.mark.parametrize(
    ("value", "got"),
    [(0, "0"), (-1, "-1"), (2**31, "2147483648"), (1.5, "float"), ("3", "str"), (None, "NoneType")],
)
def test_search_refuses_numbers(index: Bm25Index, name: str, value: Any, got: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name}: expected .*, got {got}$"):
        index.search(["cat"], **{name: value})


def test_search_refuses_an_answer_of_absurd_size(index: Bm25Index) -> None:
    with pytest.raises(InvalidInputError, match=r"2\^31 slots"):
        index.search(["cat"] * 3, k=2**30)


def test_texts_for_an_index_of_tokens() -> None:
    index = Bm25Index.build([["a"]])
    with pytest.raises(InvalidInputError, match="has no analyzer"):
        index.search(["a"])
    with pytest.raises(InvalidInputError, match="has no analyzer"):
        index.explain("a", 0)


def test_an_analyzer_is_not_its_name() -> None:
    with pytest.raises(InvalidInputError, match=r"analyzer: expected pyengine\.Analyzer, got str"):
        Bm25Index.build(["a"], analyzer="words")  # type: ignore[arg-type]  # the error is the test


@pytest.mark.parametrize(("k1", "b"), [(-1, 0.75), (float("nan"), 0.75), (float("inf"), 0.75), (1.5, 1.5)])
def test_build_refuses_parameters(k1: float, b: float) -> None:
    with pytest.raises(InvalidInputError, match=r"^(k1|b): expected"):
        Bm25Index.build([["a"]], k1=k1, b=b)
