"""The fusion benchmark: queries made of literals, and the tables of the page."""

import json

import pyengine as pe
from bench.fusion.__main__ import RESULTS, ROOT
from bench.fusion.measure import literal_queries
from bench.fusion.tables import blocks
from bench.pages import renew


def test_literal_queries_hold_a_rare_literal_and_name_all_its_holders() -> None:
    common = [{"id": f"c{i}", "text": f"note F33.1 number {i}"} for i in range(9)]
    rare = [{"id": "a", "text": "see 28 USC § 1331 here"}, {"id": "b", "text": "also 28 USC § 1331 there"}]
    queries, relevant = literal_queries(pe.Corpus.from_rows([*common, *rare]), pe.Analyzer())
    assert len(queries) == 2
    assert all("28 USC § 1331" in query for query in queries)
    assert relevant == [["a", "b"], ["a", "b"]]


def test_a_literal_that_many_documents_write_as_a_word_is_not_rare() -> None:
    words = [{"id": f"w{i}", "text": f"the filename is number {i}"} for i in range(9)]
    literal = {"id": "l", "text": "open fileName now"}
    analyzer = pe.Analyzer()
    assert literal_queries(pe.Corpus.from_rows([literal]), analyzer)[1] == [["l"]]
    assert literal_queries(pe.Corpus.from_rows([literal, *words]), analyzer) == ([], [])
    # A document that has it as a word is relevant too, and no query is made from that one.
    queries, relevant = literal_queries(pe.Corpus.from_rows([literal, words[0]]), analyzer)
    assert relevant == [["l", "w0"]]
    assert "fileName" in queries[0]


def test_the_page_shows_the_recorded_results() -> None:
    page = (ROOT / "docs/fusion.md").read_text(encoding="utf-8")
    assert renew("docs/fusion.md", page, blocks(json.loads(RESULTS.read_text(encoding="utf-8")))) == page
