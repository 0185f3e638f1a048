"""The benchmark against peers: its oracle is right, its workloads are what they say, its tables read."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.peers.lexical import workloads
from bench.peers.lexical.oracle import Oracle, one_byte_lengths
from bench.peers.lexical.tables import render
from bench.peers.lexical.workloads import Workload
from pyengine import Bm25Index


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    folder = tmp_path_factory.mktemp("w")
    workloads.generate(folder, 600, mean=20.0, types=3000, terms=(2, 5), seed=3)
    return Workload.read(folder)


def test_a_generated_workload_is_one_and_the_same(workload: Workload, tmp_path: Path) -> None:
    workloads.generate(tmp_path, 600, mean=20.0, types=3000, terms=(2, 5), seed=3)
    for name in ("docs.txt", "queries.json", "tokens.npy", "offsets.npy"):
        assert (tmp_path / name).read_bytes() == (workload.folder / name).read_bytes()
    lines = (tmp_path / "docs.txt").read_text().splitlines()
    assert [len(line.split()) for line in lines] == np.diff(workload.offsets).tolist()
    assert lines[7].split() == [f"t{t}" for t in workload.tokens[workload.offsets[7] : workload.offsets[8]]]
    assert all(2 <= len(set(query)) == len(query) <= 5 for query in workload.queries["mixed"])
    assert all(8 <= len(query) <= 12 for query in workload.queries["long"])


def test_the_oracle_accepts_the_right_answer_and_no_other(workload: Workload) -> None:
    docs = [line.split() for line in (workload.folder / "docs.txt").read_text().splitlines()]
    index = Bm25Index.build(docs, k1=1.2, b=0.75)
    oracle = Oracle(workload, 1.2, 0.75, "lucene", "exact")
    noticed = 0
    for query in workload.queries["mixed"][:50]:
        rows = index.search([query], k=10).query(0)[0].tolist()
        assert oracle.mistake(query, rows, 10) is None
        assert oracle.mistake(query, rows[:-1], 10) is not None
        assert oracle.mistake(query, [*rows[:-1], rows[0]], 10) is not None
        noticed += oracle.mistake(query, [*rows[1:], (rows[-1] + 1) % 600], 10) is not None
    assert noticed > 40


def test_lengths_in_one_byte() -> None:
    """Values of Lucene's SmallFloat.byte4ToInt are kept; what lies between is rounded down."""
    kept = [*range(40), 40, 42, 44, 46, 48, 50, 52, 54, 56, 60, 64, 68, 72, 76, 80, 84, 88, 96, 104]
    assert one_byte_lengths(np.array(kept)).tolist() == kept
    assert one_byte_lengths(np.array([41, 43, 57, 59, 63, 95, 103])).tolist() == [40, 42, 56, 56, 60, 88, 96]


def test_texts_become_words(tmp_path: Path) -> None:
    workloads.from_texts(tmp_path, ["A red Fox!", "", "fox, fox & hen 2"] * 30, terms=(1, 2), seed=1)
    made = Workload.read(tmp_path)
    assert made.documents == 90
    assert (tmp_path / "docs.txt").read_text().splitlines()[2] == "fox fox hen 2"
    assert made.number("fox") == 2
    assert made.number("unheard") == -1


def test_tables(workload: Workload) -> None:
    times = {"mean": 10.0, "p50": 9.0, "p95": 20.0, "p99": 30.0}
    slow = {name: 4 * value for name, value in times.items()}
    facts = {"idf": "lucene", "lengths": "exact", "open": {"seconds": 0.01, "rss_mb": 1, "bytes": 1000}}
    result = {
        "workload": "w",
        "documents": 600,
        "postings": 500,
        "build": {"pyengine_index": {"seconds": 2.0, "peak_mb": 5}},
        "latency": {"mixed k=10": {"pyengine_index": times, "other": slow}},
        "batch": {"pyengine_index": {"1": 1e5}},
        "peers": {
            "pyengine_index": facts | {"checks": {"10": {"queries": 5, "wrong": 0, "first": None}}},
            "other": facts | {"checks": {"10": {"queries": 5, "wrong": 2, "first": "rank 1"}}},
        },
    }
    text = render(json.loads(json.dumps(result)))
    assert "| pyengine_index | 10 | 9 | 20 | 30 | 1.0x | 1.0x | exact |" in text
    assert "| other | 40 | 36 | 80 | 120 | 4.0x | 4.0x | 2 of 5 differ |" in text
    assert "| pyengine_index | 300 | 5 | 2.00 | 10.0 | 1 | 100,000 |  |" in text
