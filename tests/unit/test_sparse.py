"""`Bm25Index`: worked examples, every input it takes, and every refusal."""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pyengine import NO_ROW, Analyzer, Bm25Index
from pyengine.errors import InvalidInputError, NotFoundError, StorageError

TEXTS = ["the cat sat", "the dog sat on the mat", "", "cats and dogs", "the the the"]
QUERIES = ["cat", "the dog", "the the", "", "unicorn"]


@pytest.fixture(scope="module")
def index() -> Bm25Index:
    return Bm25Index.build(TEXTS, analyzer=Analyzer("whitespace"))


def test_a_score_worked_by_hand() -> None:
    # Two documents of two tokens each, so norm = k1 = 1.5 for both. "b" is in one of them:
    # idf = ln(1 + (2 - 1 + 0.5) / (1 + 0.5)) = ln 2; tf = 2: 2 * 2.5 / (2 + 1.5) = 10 / 7.
    hits = Bm25Index.build([["a", "c"], ["b", "b"]]).search([["b"]])
    assert hits.counts.tolist() == [1]
    assert hits.rows[0, 0] == 1
    assert hits.scores[0, 0] == np.float32(np.log(2) * 10 / 7)


def test_only_matching_rows_are_hits_and_the_rest_is_filled(index: Bm25Index) -> None:
    hits = index.search(["dog", "", "unicorn"], k=4)
    assert hits.counts.tolist() == [1, 0, 0]
    assert hits.rows.tolist() == [[1] + [NO_ROW] * 3, [NO_ROW] * 4, [NO_ROW] * 4]
    assert np.isneginf(hits.scores[0, 1:]).all()
    assert np.isneginf(hits.scores[1:]).all()


def test_k_above_the_corpus_gives_a_short_answer(index: Bm25Index) -> None:
    hits = index.search(["the"], k=100)
    assert hits.rows.shape == (1, 100)
    assert hits.counts.tolist() == [3]


def test_ties_go_by_row_also_at_the_cut() -> None:
    index = Bm25Index.build([["a"], ["b"], ["a"], ["a"], ["a", "c"]])
    assert index.search([["a"]], k=2).rows.tolist() == [[0, 2]]
    assert index.search([["a"]], k=4).rows.tolist() == [[0, 2, 3, 4]]


def test_a_repeated_query_term_counts_as_often_as_it_occurs(index: Bm25Index) -> None:
    once, twice = index.search(["dog", "dog dog"], k=1).scores[:, 0]
    assert twice == np.float32(2 * float(index.explain("dog", 1)[0].contribution))
    assert twice > once


def test_exact_gives_the_same_answer(index: Bm25Index) -> None:
    assert index.search(QUERIES, k=3, exact=True).equals(index.search(QUERIES, k=3))


@pytest.mark.parametrize(("k1", "b"), [(0.0, 0.75), (1.5, 0.0), (1.2, 1.0), (0.0, 0.0)])
def test_parameters_at_their_ends(k1: float, b: float) -> None:
    index = Bm25Index.build([["a"], ["a", "a", "b"]], k1=k1, b=b)
    assert (index.config.k1, index.config.b) == (k1, b)
    scores = dict(zip(*(x.tolist() for x in index.search([["a"]]).query(0)), strict=True))
    idf = np.log1p(0.5 / 2.5)
    for row, tf, length in ((0, 1, 1), (1, 2, 3)):
        expected = idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / 2))
        assert scores[row] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "docs", [[], [""], ["", ""], [[], []], iter(()), pa.array([]), pa.array([], pa.string())]
)
def test_a_corpus_without_a_token_is_legal(docs: Any) -> None:
    index = Bm25Index.build(docs)
    assert index.stats.average_length == 1.0
    hits = index.search([["a"]], k=2)
    assert hits.counts.tolist() == [0]
    assert hits.rows.shape == (1, 2)


def test_no_queries_is_legal(index: Bm25Index) -> None:
    assert index.search([], k=3).rows.shape == (0, 3)
    assert index.search(pa.array([], pa.string()), k=3).rows.shape == (0, 3)


# -- inputs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        iter,
        lambda texts: (text for text in texts),
        np.array,
        pa.array,
        lambda texts: pa.array(texts, pa.large_string()),
        lambda texts: pa.array(["x", *texts, "y"]).slice(1, len(texts)),
        lambda texts: pa.chunked_array([texts[:2], [], texts[2:]], pa.string()),
        lambda texts: pa.chunked_array([["x"], texts, ["y"]], pa.large_string()).slice(1, len(texts)),
    ],
    ids=[
        "list",
        "tuple",
        "iter",
        "generator",
        "numpy",
        "arrow",
        "large",
        "slice",
        "chunked",
        "chunked-slice",
    ],
)
def test_every_kind_of_texts_gives_the_same_index(index: Bm25Index, make: Callable[[list[str]], Any]) -> None:
    other = Bm25Index.build(make(TEXTS), analyzer=Analyzer("whitespace"))
    assert len(other) == len(TEXTS)
    assert other.stats == index.stats
    assert other.search(QUERIES).equals(index.search(QUERIES))


def test_queries_may_be_arrow_strings(index: Bm25Index) -> None:
    expected = index.search(QUERIES)
    assert index.search(pa.array(QUERIES)).equals(expected)
    assert index.search(pa.chunked_array([QUERIES[:1], QUERIES[1:]])).equals(expected)
    assert index.search(tuple(QUERIES)).equals(expected)


def test_text_outside_ascii() -> None:
    texts = ["naïve café", "東京 大阪", "🦊 fox"]
    index = Bm25Index.build(texts, analyzer=Analyzer("whitespace"))
    assert index.search(["café", "大阪", "🦊"], k=1).rows.tolist() == [[0], [1], [2]]
    arrow = Bm25Index.build(pa.array(texts), analyzer=Analyzer("whitespace"))
    assert arrow.stats == index.stats


def test_tokens_are_taken_as_they_are() -> None:
    index = Bm25Index.build([["New York", ""], ["new york", "\x00"]])
    assert index.analyzer is None
    assert index.search([["New York"], ["\x00"], [""]]).rows[:, 0].tolist() == [0, 1, 0]


def test_token_queries_against_texts_skip_analysis(index: Bm25Index) -> None:
    assert index.search([["the", "dog"]]).equals(index.search(["the dog"]))
    assert index.search([["the dog"]]).counts.tolist() == [0]


def test_the_default_analyzer_is_domain() -> None:
    analyzer = Bm25Index.build(["a text"]).analyzer
    assert analyzer is not None
    assert analyzer.config() == Analyzer("domain").config()


def test_stemming_is_applied_to_documents_and_queries() -> None:
    index = Bm25Index.build(
        ["run running runs", "walked", "walks walk"], analyzer=Analyzer("whitespace", stemmer="english")
    )
    hits = index.search(["runs", "walking walked", ["walk"]][:2])
    assert hits.counts.tolist() == [1, 2]
    assert index.search([["walk"]]).counts.tolist() == [2]
    assert index.stats.terms == 2
    # Three forms of one stem in row 0 are one posting of frequency 3; two forms in the query weigh 2.
    assert index.explain("running", 0)[0].tf == 3
    assert [(t.term, t.weight) for t in index.explain("walking walked", 1)] == [("walk", 2.0)]
    reference = Bm25Index.build([["run"] * 3, ["walk"], ["walk"] * 2])
    expected = reference.search([["run"], ["walk", "walk"]])
    assert hits.equals(expected)


def test_stemming_merges_large_frequencies() -> None:
    texts = ["run " * 200 + "runs " * 200, "runs"]
    index = Bm25Index.build(texts, analyzer=Analyzer("whitespace", stemmer="english"))
    assert [index.explain("running", row)[0].tf for row in (0, 1)] == [400, 1]
    index.verify()


@pytest.mark.parametrize("tf", [1, 254, 255, 256, 65_535, 65_536, 70_001])
def test_frequencies_of_any_size(tf: int) -> None:
    index = Bm25Index.build([["b"], ["a"] * tf + ["b"], ["a"]])
    index.verify()
    bytes_of = index.stats.section_bytes
    assert bytes_of["large_index"] + bytes_of["large_value"] == (12 if tf >= 255 else 0)
    assert index.explain(["a"], 1)[0].tf == tf
    assert index.explain(["a"], 2)[0].tf == 1


def test_a_builder_takes_documents_piece_by_piece(index: Bm25Index) -> None:
    builder = Bm25Index.builder(analyzer=Analyzer("whitespace"))
    builder.add(TEXTS[:1])
    builder.add([])
    builder.add(pa.array(TEXTS[1:3]))
    assert len(builder) == 3
    builder.add(iter(TEXTS[3:]))
    built = builder.finish()
    assert built.stats == index.stats
    assert built.search(QUERIES).equals(index.search(QUERIES))


def test_progress_counts_documents() -> None:
    seen: list[tuple[int, int | None]] = []
    texts = ["a b"] * 2500
    Bm25Index.build(texts, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1024, 2500), (2500, 2500)]
    seen.clear()
    Bm25Index.build(iter(texts[:10]), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, None)]
    seen.clear()
    Bm25Index.build(pa.array(texts), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2500, 2500)]


# -- explain, score, cost ------------------------------------------------------------------------------


def test_explanations_add_up_to_the_scores(index: Bm25Index) -> None:
    hits = index.search(QUERIES)
    for query, (rows, scores) in zip(QUERIES, hits, strict=True):
        for row, score in zip(rows.tolist(), scores, strict=True):
            total = 0.0
            for share in index.explain(query, row):
                total += share.contribution
            assert np.float32(total) == score


def test_an_explanation_names_terms_that_do_not_match(index: Bm25Index) -> None:
    shares = index.explain("unicorn dog the dog", 0)
    assert [(s.term, s.weight, s.tf, s.df) for s in shares] == [
        ("unicorn", 1.0, 0, 0),
        ("dog", 2.0, 0, 1),
        ("the", 1.0, 1, 3),
    ]
    assert [s.contribution > 0 for s in shares] == [False, False, True]


@pytest.mark.parametrize("row", [-1, 5, 2**32 - 1])
def test_explain_refuses_a_row_outside(index: Bm25Index, row: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"row: expected 0 to 4, got {row}"):
        index.explain("cat", row)


def test_scores_of_given_rows_equal_those_of_search(index: Bm25Index) -> None:
    hits = index.search(QUERIES, k=5)
    scores = index.score(QUERIES, hits.rows)
    assert np.array_equal(scores, hits.scores)
    everything = np.tile(np.arange(5), (len(QUERIES), 1))
    for i, (rows, found) in enumerate(hits):
        dense = index.score(QUERIES, everything)[i]
        assert np.array_equal(dense[rows], found)
        assert np.count_nonzero(dense) == len(rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[5]], "rows below 5, got 5"),
        ([[-1]], "row numbers from 0"),
        ([[0.5]], "integers"),
        ([0], "2 dimensions"),
        ([[0], [1, 2]], "lines of equal length"),
        ([[0], [1]], "one line for each of 1 queries, got 2"),
    ],
)
def test_score_refuses_wrong_rows(index: Bm25Index, rows: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        index.score(["cat"], rows)


def test_postings_count(index: Bm25Index) -> None:
    counts = index.postings_count(["the", "the dog", "unicorn", "dog dog"])
    assert counts.dtype == np.uint64
    assert counts.tolist() == [3, 4, 0, 1]


def test_stats(index: Bm25Index) -> None:
    stats = index.stats
    assert (stats.documents, stats.terms, stats.postings, stats.tokens) == (5, 9, 12, 15)
    assert stats.average_length == 3.0
    bytes_of = stats.section_bytes
    assert (bytes_of["tail_rows"], bytes_of["tail_frequencies"], bytes_of["lengths"]) == (4 * 12, 12, 4 * 5)
    assert (bytes_of["term_offsets"], bytes_of["term_entries"]) == (8 * (9 + 1), 16 * 9)
    assert stats.total_bytes == sum(stats.section_bytes.values())
    assert repr(index) == "Bm25Index(documents=5, terms=9, postings=12)"


# -- saving --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["texts", "stemmed", "tokens", "empty"])
def test_a_saved_index_answers_as_before(tmp_path: Path, kind: str) -> None:
    analyzer = Analyzer("whitespace", stemmer="english" if kind == "stemmed" else None)
    docs = {"tokens": [text.split() for text in TEXTS], "empty": []}.get(kind, TEXTS)
    index = Bm25Index.build(docs, analyzer=None if kind == "tokens" else analyzer, k1=1.1, b=0.3)
    index.save(tmp_path / "new" / "folder")
    loaded = Bm25Index.load(str(tmp_path / "new" / "folder"))
    loaded.verify()
    queries = [query.split() for query in QUERIES] if kind == "tokens" else QUERIES
    assert loaded.search(queries).equals(index.search(queries))
    assert loaded.stats == index.stats
    assert loaded.config == index.config
    assert (loaded.analyzer is None) == (kind == "tokens")
    loaded.save(tmp_path / "again")
    first, second = ((tmp_path / p / "lexical.seg").read_bytes() for p in ("new/folder", "again"))
    assert first == second


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    for name, step in (("a", 1), ("b", 3)):
        builder = Bm25Index.builder(analyzer=Analyzer("whitespace"))
        for start in range(0, len(TEXTS), step):
            builder.add(TEXTS[start : start + step])
        builder.finish().save(tmp_path / name)
    assert (tmp_path / "a/lexical.seg").read_bytes() == (tmp_path / "b/lexical.seg").read_bytes()


def test_saving_over_an_open_index_leaves_it_whole(tmp_path: Path) -> None:
    Bm25Index.build([["a"], ["b"]]).save(tmp_path)
    old = Bm25Index.load(tmp_path)
    Bm25Index.build([["c"]]).save(tmp_path)
    assert old.search([["b"]]).rows[0, 0] == 1
    assert Bm25Index.load(tmp_path).search([["b"]]).counts[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["lexical.seg"]


def test_a_full_disk_leaves_the_old_index(tmp_path: Path) -> None:
    Bm25Index.build([["a"]]).save(tmp_path)
    larger = Bm25Index.build([[f"t{i}" for i in range(1000)]])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(StorageError, match="cannot write"):
            larger.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["lexical.seg"]
    Bm25Index.load(tmp_path).verify()


def test_loading_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"lexical\.seg"):
        Bm25Index.load(tmp_path)


def test_saving_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        Bm25Index.build([["a"]]).save(tmp_path / "file")
    (tmp_path / "taken" / "lexical.seg").mkdir(parents=True)
    with pytest.raises(StorageError, match="rename"):
        Bm25Index.build([["a"]]).save(tmp_path / "taken")
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["lexical.seg"]


def test_queries_of_a_million_terms() -> None:
    """Distinct, repeated, and mostly unknown: each gives what the few terms that matter would."""
    docs = [[f"t{i}", "all"] + ["x"] * (i % 7) for i in range(3000)]
    index = Bm25Index.build(docs)
    unknown = [f"u{i}" for i in range(1_000_000)]
    assert index.search([[*unknown, "t7", "x"]], k=5).equals(index.search([["t7", "x"]], k=5))
    known = [f"t{i % 3000}" for i in range(999_000)]
    scores = index.search([known], k=10).scores[0] / index.search([known[:3000]], k=10).scores[0]
    np.testing.assert_allclose(scores, 333, rtol=1e-6)
    assert index.search([known], k=10).equals(index.search([known], k=10, exact=True))
    assert index.search([["x"] * 1_000_000], k=10).rows.tolist() == index.search([["x"]], k=10).rows.tolist()


def test_a_query_text_of_a_million_words_and_one_of_a_megabyte() -> None:
    index = Bm25Index.build(["alpha beta", "beta gamma"], analyzer=Analyzer("words"))
    hits = index.search(["delta " * 999_999 + "gamma", "z" * 1_000_000 + " alpha"], k=2)
    assert [hits.query(i)[0].tolist() for i in range(2)] == [[1], [0]]
