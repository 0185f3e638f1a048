"""The command line: what it prints where, how it ends, and that it does what it says."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.cli import PYTHON, Runner, environment, start
from pyengine import __version__
from pyengine.cli.app import COMMANDS


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = "import sys; from pyengine.cli import main; main(['--help']); print(sorted(sys.modules))"
    out = subprocess.run(
        [*PYTHON, "-c", code], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert all(re.search(rf"^  {name} +[A-Z]", out, re.MULTILINE) for name in COMMANDS)
    loaded = set(re.findall(r"'([\w.]+)'", out))
    assert "pyengine.cli.app" in loaded
    assert not loaded & {"pyarrow", "numba", "usearch", "onnxruntime", "tokenizers"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(run: Runner, name: str) -> None:
    assert "--json" in run.ok(name, "--help").out
    assert run.ok(name, "-h").out == run.ok(name, "--help").out


def test_version(run: Runner) -> None:
    assert run.ok("--version").out == f"pyengine, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["search", "only-an-index"],
        ["search", "--corpus", "x", "index", "query"],
        ["search", "idx", "query", "-k", "0"],
        ["search", "idx", "query", "--mode", "both"],
        ["index", "out"],
        ["index", "out", "--corpus", "x", "--k1", "-1"],
        ["batch", "idx"],
        ["batch", "idx", "--queries", "q.txt", "--json"],
        ["evaluate", "idx"],
        ["evaluate", "idx", "--queries", "q.jsonl"],
        ["evaluate", "--run", "a.trec"],
        ["evaluate", "idx", "--run", "a.trec", "--qrels", "q"],
        ["evaluate", "idx", "--queries", ".", "--modes", "all"],
        ["evaluate", "idx", "--queries", ".", "--metrics", ","],
        ["compare", "a.trec", "--qrels", "q"],
        ["tokens", "text", "--file", "x"],
        ["tokens", "--preset", "none", "text"],
        ["info"],
        ["demo", "--size", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_why(run: Runner, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_queries_without_anything_to_ask_them_of(run: Runner, beir: Path) -> None:
    outcome = run("batch", "--queries", beir)
    assert outcome.code == 2
    assert "INDEX or --corpus" in outcome.err


def test_search(run: Runner, index: Path) -> None:
    found = run.ok("search", index, "28 USC § 1331", "--json").json
    assert found["mode"] == "lexical"
    assert found["hits"][0]["id"] == "d1"
    assert found["hits"][0]["metadata"] == {"year": 1948}
    assert found["hits"][0]["ranks"] == {"lexical": 1}
    printed = run.ok("search", index, "28 USC § 1331").out
    assert printed.startswith(" 1. d1\n")
    assert "Federal question under 28 USC § 1331." in printed


def test_a_profile_says_what_a_query_cost(run: Runner, index: Path) -> None:
    cost = run.ok("search", index, "federal question", "--profile", "--json").json
    assert cost["algorithm"] == "maxscore"
    assert cost["postings"] >= cost["survivors"] > 0
    assert cost["microseconds"] > 0
    assert re.search(r"postings +\d", run.ok("search", index, "federal question", "--profile").out)


def test_explained_contributions_add_up(run: Runner, index: Path) -> None:
    query = ("search", index, "28 USC § 1331 federal unheard-of", "--explain", "-k", "1")
    hit = run.ok(*query, "--json").json["hits"][0]
    terms = hit["explanation"]["terms"]
    assert sum(t["contribution"] for t in terms) == pytest.approx(hit["score"], rel=1e-6)
    assert any(t["term"] == "1331" and t["tf"] == 1 and t["df"] == 1 for t in terms)
    assert re.search(rf"\(sum: BM25\) +{hit['score']:.3f}", run.ok(*query).out)


def test_corpus_in_place_of_an_index_answers_the_same(run: Runner, index: Path, beir: Path) -> None:
    from_index = run.ok("search", index, "moderate path", "--json")
    from_corpus = run.ok("search", "--corpus", beir, "moderate path", "--json")
    assert from_corpus.out == from_index.out
    assert from_corpus.err == f"pyengine: indexed 5 documents of {beir} for this call\n"


def test_corpus_file_formats(
    run: Runner, beir: Path, documents: list[dict[str, Any]], tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    rows = [{"id" if key == "_id" else key: value for key, value in row.items()} for row in documents]
    table = pa.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, tmp_path / "c.parquet")
    with pa.ipc.new_file(tmp_path / "c.arrow", table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(tmp_path / "stream.arrow", table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    files = [tmp_path / name for name in ("c.parquet", "c.arrow", "stream.arrow", "c.jsonl")]
    expected = run.ok("search", "--corpus", beir, "federal path", "--json").json["hits"]
    assert len(expected) == 3
    for path in (*files, beir / "corpus.jsonl"):
        assert run.ok("search", "--corpus", path, "federal path", "--json").json["hits"] == expected


def test_no_match_is_an_answer(run: Runner, index: Path) -> None:
    assert run.ok("search", index, "xylophone", "--json").json["hits"] == []
    assert "no document matches" in run.ok("search", index, "xylophone").out


def test_batch_writes_a_trec_run(run: Runner, index: Path, tmp_path: Path) -> None:
    out, queries = tmp_path / "run.trec", tmp_path / "q.tsv"
    queries.write_text("q1\tquestion\nq2\tmoderate path\n", encoding="utf-8")
    summary = run.ok("batch", index, "--queries", queries, "-k", "2", "--output", out, "--json").json
    assert summary["queries"] == 2
    lines = [line.split() for line in out.read_text("utf-8").splitlines()]
    assert len(lines) == summary["hits"] == 4
    assert [(line[0], line[1], line[3], line[5]) for line in lines] == [
        ("q1", "Q0", "1", "pyengine"),
        ("q1", "Q0", "2", "pyengine"),
        ("q2", "Q0", "1", "pyengine"),
        ("q2", "Q0", "2", "pyengine"),
    ]
    assert {lines[0][2], lines[1][2]} == {"d1", "d4"}
    hits = run.ok("search", index, "moderate path", "--json", "-k", "2").json["hits"]
    assert [line[2] for line in lines[2:]] == [hit["id"] for hit in hits]
    assert [float(line[4]) for line in lines[2:]] == pytest.approx([hit["score"] for hit in hits], rel=1e-6)
    assert run.ok("batch", index, "--queries", queries, "-k", "2").out == out.read_text("utf-8")


def test_batch_as_json_lines_carries_any_id(run: Runner, index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.txt"
    queries.write_text("hostile\n\nmoderate\n", encoding="utf-8")
    printed = run.ok("batch", index, "--queries", queries, "--format", "jsonl").out
    rows = [json.loads(line) for line in printed.splitlines()]
    assert [row["query"] for row in rows] == ["1", "3"]
    assert rows[0]["hits"][0]["id"] == "d\x1b[31m5"


def test_batch_refuses_ids_that_trec_cannot_carry_and_keeps_the_old_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "two words", "text": "alpha"}\n', encoding="utf-8")
    (tmp_path / "q.txt").write_text("alpha\n", encoding="utf-8")
    out = tmp_path / "run.trec"
    out.write_text("before", encoding="utf-8")
    reason = run.fails(
        "batch", "--corpus", tmp_path / "c.jsonl", "--queries", tmp_path / "q.txt", "--output", out
    )
    assert "'two words'" in reason
    assert "--format jsonl" in reason
    assert out.read_text("utf-8") == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.jsonl", "q.txt", "run.trec"]


def test_index_corpus_and_run_measure_the_same(run: Runner, index: Path, beir: Path, tmp_path: Path) -> None:
    by_index = run.ok("evaluate", index, "--queries", beir, "--json").json
    lexical = by_index["arms"]["lexical"]
    assert lexical["n"] == 3
    assert set(lexical["metrics"]) == {"ndcg@10", "recall@100", "mrr@10"}
    assert lexical["metrics"]["recall@100"]["mean"] == 1.0
    assert run.ok("evaluate", "--corpus", beir, "--json").json == by_index
    files = ["--queries", beir / "queries.jsonl", "--qrels", beir / "qrels" / "test.tsv"]
    assert run.ok("evaluate", index, *files, "--json").json == by_index
    out = tmp_path / "run.trec"
    queries = tmp_path / "judged.tsv"
    queries.write_text("q1\t28 USC § 1331 federal\nq2\tF33.1 moderate\nq3\textension of path\n", "utf-8")
    run.ok("batch", index, "--queries", queries, "--output", out)
    by_run = run.ok("evaluate", "--run", out, "--qrels", beir, "--json").json
    assert by_run["arms"]["run"]["metrics"] == lexical["metrics"]


def test_evaluation_as_a_table(run: Runner, index: Path, beir: Path) -> None:
    printed = run.ok("evaluate", index, "--queries", beir, "--metrics", "map,success@1").out
    assert re.search(r"MAP +Success@1\n +lexical +\d\.\d{3}", printed)
    assert "3 queries" in printed
    assert "no second arm" in printed


def test_compare_says_which_run_gains(run: Runner, beir: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.trec", tmp_path / "bad.trec"
    good.write_text("".join(f"q{i} Q0 d{i} 1 1.0 x\n" for i in (1, 2, 3)), encoding="utf-8")
    bad.write_text("q1 Q0 d1 1 1.0 x\n", encoding="utf-8")
    found = run.ok("compare", bad, good, "--qrels", beir, "--metric", "mrr@10", "--json").json
    assert found["difference"] == pytest.approx(2 / 3)
    assert (found["wins"], found["losses"], found["equal"]) == (2, 0, 1)
    printed = run.ok("compare", bad, good, "--qrels", beir, "--metric", "mrr@10").out
    assert "+0.6667" in printed
    assert "good better on 2" in printed
    assert "undecided" in printed


def test_tokens_of_arguments_file_and_standard_input(run: Runner, tmp_path: Path) -> None:
    found = run.ok("tokens", "--json", "Diagnosis F33.1").json
    token = next(t for t in found["tokens"] if t["term"] == "f33.1")
    assert (token["start"], token["end"], token["part"]) == (10, 15, False)
    (tmp_path / "t.txt").write_text("Diagnosis F33.1", encoding="utf-8")
    assert run.ok("tokens", "--json", "--file", tmp_path / "t.txt").json == found
    process = start("tokens", "--json", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert json.loads(process.communicate(b"Diagnosis F33.1", timeout=60)[0]) == found


def test_tokens_shows_what_options_do(run: Runner) -> None:
    def terms(*options: str) -> list[str]:
        return [t["term"] for t in run.ok("tokens", "the running cats", "--json", *options).json["tokens"]]

    assert terms() == ["the", "running", "cats"]
    assert terms("--stemmer", "english", "--stopwords", "english") == ["run", "cat"]
    assert "no tokens" in run.ok("tokens", "").out


def test_info(run: Runner, index: Path, beir: Path) -> None:
    found = run.ok("info", index, "--json").json
    assert found["documents"] == 5
    assert found["generation"] >= 1
    printed = run.ok("info", index).out
    assert re.search(r"documents +5", printed)
    assert "per posting" in printed
    assert "tail_rows" in printed
    assert "none, lexical only" in printed
    assert "no vectors to measure" in run.ok("info", index, "--recall").out
    of_corpus = run.ok("info", "--corpus", beir, "--json").json
    assert (of_corpus["lexical"], of_corpus["dense"]) == (found["lexical"], None)


def test_hybrid_search_explains_both_branches(run: Runner, hybrid: Path) -> None:
    found = run.ok("search", hybrid, "28 USC § 1331", "--explain", "--json").json
    assert found["mode"] == "hybrid"
    hit = found["hits"][0]
    assert hit["id"] == "d1"
    assert hit["ranks"]["lexical"] == 1
    assert sum(hit["explanation"]["fusion"].values()) == pytest.approx(hit["score"], rel=1e-6)
    printed = run.ok("search", hybrid, "28 USC § 1331", "--explain").out
    assert re.search(r"fused 0\.\d+ = 0\.\d+ \(lexical #1\) \+ 0\.\d+ \(dense #\d\)", printed)


def test_hybrid_is_measured_against_its_branches(run: Runner, hybrid: Path, beir: Path) -> None:
    measured = run.ok("evaluate", hybrid, "--queries", beir, "--json").json
    assert list(measured["arms"]) == ["lexical", "dense", "hybrid"]
    assert len(measured["comparisons"]) == 3
    assert re.search(r"cannot tell it from|it beats", measured["summary"])
    one = run.ok("evaluate", hybrid, "--queries", beir, "--modes", "dense", "--json").json
    assert one["arms"]["dense"] == measured["arms"]["dense"]


def test_info_of_a_hybrid_index(run: Runner, hybrid: Path) -> None:
    found = run.ok("info", hybrid, "--recall", "--json").json
    assert found["dense"] == {"vectors": 5, "graph": False}
    assert found["recall"] == {"k": 10, "recall": 1.0}
    printed = run.ok("info", hybrid, "--recall").out
    assert "embedder    minilm" in printed
    assert "recall@10 of the vector index against exact search: 1.0000" in printed


def test_long_documents_are_said_to_be_cut(run: Runner, tmp_path: Path, hybrid: Path) -> None:
    corpus = tmp_path / "c.jsonl"
    rows = [{"id": "short", "text": "a"}, {"id": "long", "text": "word " * 5000}]
    corpus.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    outcome = run.ok("index", tmp_path / "out", "--corpus", corpus, "--embedder", "minilm", "--json")
    assert outcome.json["truncated"] == 1
    assert outcome.err == (
        "pyengine: 1 of 2 documents are longer than the model reads; only their beginning was embedded\n"
    )


def test_an_empty_corpus_is_an_index(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text("", encoding="utf-8")
    index = tmp_path / "out"
    assert "0 documents" in run.ok("index", index, "--corpus", tmp_path / "c.jsonl").out
    assert run.ok("search", index, "anything", "--json").json["hits"] == []
    assert re.search(r"documents +0", run.ok("info", index).out)
