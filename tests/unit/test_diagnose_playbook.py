"""The playbook's arithmetic gives what its code gives, and the verdict closes the gaps its table leaves."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.diagnose import Reference, diagnose, playbook
from pyengine.diagnose.playbook_arms import Bm25, merge
from pyengine.diagnose.verdict import classify

# Of the fixture's words those in the stop list of the vectoriser the playbook uses.
STOP = {"how", "do", "the", "for", "an", "by", "on", "with", "and", "via", "per", "to", "of", "in", "from"}

# The playbook's stand-in for web text.
WEB = """the of and to in a is that for on with as by this from at it be or system data model user query
result return value function method request response service api version error log time"""


def tfidf(texts: list[str], fitted: list[str]) -> np.ndarray:
    """TF-IDF with smoothed idf and unit length, the playbook's stand-in for a dense model."""
    words = [[w for w in re.findall(r"\b\w\w+\b", t.lower()) if w not in STOP] for t in fitted]
    vocabulary = {w: i for i, w in enumerate(sorted({w for found in words for w in found}))}
    frequency = Counter(w for found in words for w in set(found))
    vectors = np.zeros((len(texts), len(vocabulary)))
    for row, text in enumerate(texts):
        for word in re.findall(r"\b\w\w+\b", text.lower()):
            if word in vocabulary:
                idf = math.log((1 + len(fitted)) / (1 + frequency[word])) + 1
                vectors[row, vocabulary[word]] += idf
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def bm25(documents: list[list[str]], query: list[str]) -> np.ndarray:
    n, average = len(documents), float(np.mean([len(d) for d in documents]))
    frequency = Counter(t for d in documents for t in set(d))
    scores = np.zeros(n)
    for i, document in enumerate(documents):
        for term in query:
            if term in frequency:
                idf = np.log((n - frequency[term] + 0.5) / (frequency[term] + 0.5) + 1)
                tf = document.count(term)
                norm = 1 - 0.75 + 0.75 * len(document) / average
                scores[i] += idf * (tf * (1.5 + 1)) / (tf + 1.5 * norm)
    return scores


def test_the_fixture_reads_as_the_playbooks_code_reads_it(collection: Callable[[str], Path]) -> None:
    folder = collection("playbook-fixture")
    expected = json.loads((folder / "expected.json").read_text())
    texts = [json.loads(line)["text"] for line in (folder / "corpus.jsonl").read_text().splitlines()]
    queries = [json.loads(line)["text"] for line in (folder / "queries.jsonl").read_text().splitlines()]
    targets = [0, 2, 4, 6, 8]
    vectors, asked = tfidf(texts, texts + queries), tfidf(queries, texts + queries)
    tokens = [playbook.tokens(text) for text in texts]
    dense = [np.argsort(-(vectors @ q), kind="stable").tolist() for q in asked]
    lexical = [np.argsort(-bm25(tokens, playbook.tokens(q)), kind="stable").tolist() for q in queries]
    as_hits = [
        pe.Hits.from_lists([[(row, 10.0 - i) for i, row in enumerate(ranking)] for ranking in arm])
        for arm in (dense, lexical)
    ]
    fused = [rows.tolist() for rows, _ in pe.rrf(as_hits, variant="playbook")]
    for arm, rankings in (("dense", dense), ("bm25", lexical), ("fused", fused)):
        assert playbook.mean_rank(rankings, targets) == pytest.approx(expected["test2_mean_rank"][arm])
    rare, limit = playbook.rare_terms(tokens)
    assert limit == expected["test3"]["threshold_df"]
    assert len(rare) == expected["test3"]["rare_tokens"]
    assert sum(playbook.is_rare(query, rare) for query in queries) == expected["test3"]["rare"]["n"]
    gains = [playbook.ndcg_of_rank(ranking.index(t) + 1) for ranking, t in zip(fused, targets, strict=True)]
    assert np.mean(gains) == pytest.approx(expected["test3"]["rare"]["fused_ndcg10"])
    counts = Counter(t for found in tokens for t in found)
    for epsilon, value in expected["test4_kl_by_eps"].items():
        assert playbook.divergence(counts, Counter(WEB.split() * 50), float(epsilon)) == pytest.approx(value)


class TfIdf:
    """The playbook's dense branch on its fixture, fitted on documents and queries."""

    def __init__(self, fitted: list[str]) -> None:
        self.fitted = fitted
        self.dim = tfidf(fitted[:1], fitted).shape[1]
        self.fingerprint = "tfidf"

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> Any:
        return tfidf(list(texts), self.fitted).astype(np.float32)


def test_the_playbooks_mode_prints_what_its_code_prints(
    collection: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = collection("playbook-fixture")
    expected = json.loads((folder / "expected.json").read_text())
    texts = [
        json.loads(line)["text"]
        for name in ("corpus.jsonl", "queries.jsonl")
        for line in (folder / name).read_text().splitlines()
    ]
    with pe.Engine.create(tmp_path / "i", embedder=TfIdf(texts)) as engine:
        engine.add(pe.Corpus.from_beir(folder))
        engine.commit()
        web = Reference.build("playbook", [[WEB] * 50])
        found = diagnose(engine, pe.EvalSet.from_beir(folder), mode="playbook", all=True, reference=web)
    values = {test: finding.estimate.value for test, finding in found.findings.items() if finding.estimate}
    assert round(100 * values["census"], 1) == expected["test1_mixed_alnum_share_percent"]
    details = found.findings["lift"].details
    by_arm = {"dense": "dense", "bm25": "lexical", "fused": "fused"}
    for name, arm in by_arm.items():
        assert details["ranks"]["mean"][arm] == pytest.approx(expected["test2_mean_rank"][name])
        ranks = [row["rank"][arm] for row in details["queries"]]
        assert ranks == expected["test2_rank_of_relevant"][name]
    location = found.findings["location"].details
    test3 = expected["test3"]
    assert (location["threshold"], location["rare_terms"], location["terms"]) == (
        test3["threshold_df"],
        test3["rare_tokens"],
        test3["vocabulary"],
    )
    assert location["buckets"]["common"] == {"n": test3["common"]["n"], "lift": None}
    assert location["buckets"]["rare"]["n"] == test3["rare"]["n"]
    assert values["location"] == pytest.approx(test3["rare"]["fused_ndcg10"] - test3["rare"]["dense_ndcg10"])
    assert values["divergence"] == pytest.approx(expected["test4_kl_eps_1e-6"])


TOKENS = st.lists(st.lists(st.sampled_from("abcde"), max_size=8), min_size=1, max_size=12)


@given(TOKENS, st.lists(st.sampled_from("abcdez"), max_size=6))
def test_its_bm25_is_scored_bit_for_bit(documents: list[list[str]], query: list[str]) -> None:
    if not any(documents):
        documents = [*documents, ["a"]]
    index = Bm25(documents)
    assert index.scores(query).tolist() == bm25(documents, query).tolist()
    assert index.frequency == Counter(t for d in documents for t in set(d))


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_its_fusion_counts_from_0_and_ties_keep_the_first_order(first: list[int], second: list[int]) -> None:
    fused: dict[int, float] = {}
    for order in (first, second):
        for rank, row in enumerate(order):
            fused[row] = fused.get(row, 0.0) + 1.0 / (60 + rank)
    assert merge([np.array(first), np.array(second)]).tolist() == sorted(fused, key=lambda row: -fused[row])


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        (
            "mixed-alphanumeric share",
            {0: "healthy", 0.0199: "healthy", 0.02: "suspect", 0.08: "suspect", 0.081: "confirmed"},
        ),
        (
            "hybrid lift over dense",
            {
                -7.7: "healthy",
                0.99: "healthy",
                1: "inconclusive",
                2.9: "inconclusive",
                3: "suspect",
                5: "suspect",
                5.1: "confirmed",
                13: "confirmed",
            },
        ),
        (
            "lift of the rare bucket",
            {
                -0.1: "healthy",
                0.04: "healthy",
                0.05: "inconclusive",
                0.09: "inconclusive",
                0.10: "suspect",
                0.25: "suspect",
                0.3: "confirmed",
            },
        ),
        ("KL(corpus || web)", {0.5: "healthy", 1: "suspect", 2.5: "suspect", 14.2: "confirmed"}),
        (
            "leaderboard gap",
            {
                -3: "healthy",
                0: "healthy",
                1: "healthy",
                2: "inconclusive",
                3: "suspect",
                5: "suspect",
                6: "confirmed",
                40: "confirmed",
            },
        ),
    ],
)
def test_every_gap_of_the_playbooks_table_is_closed(name: str, readings: dict[float, str]) -> None:
    assert {value: classify(name, value) for value in readings} == readings
    assert classify(name, None) == "not run"
