"""The quality benchmark itself: its files, its verdicts, its tables, and a run over a tiny collection."""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest

from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.types import Hits

ROOT = Path(__file__).parents[2]


def _package(name: str, folder: Path) -> ModuleType:
    """Import a package from a folder that need not be on the path: it is not part of what is installed."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


_package("bench", ROOT / "bench")
_package("bench.quality", ROOT / "bench" / "quality")

from bench.quality import __main__ as command  # noqa: E402  # needs the packages made above
from bench.quality import check, peers, spec, tables  # noqa: E402  # as above
from bench.quality.vectors import CachedEmbedder  # noqa: E402  # as above

SETTINGS = spec.load_settings()
COLLECTIONS = spec.load_collections()


class FakeEmbedder:
    """Random directions by word: texts that share words are close. Counts what it was asked."""

    dim = 16
    fingerprint = "fake-16"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"] = "passage", progress: Any = None
    ) -> np.ndarray:
        self.asked += texts
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
                out[i] += np.random.default_rng(seed).standard_normal(self.dim).astype(np.float32)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return (out / np.where(norms == 0, 1, norms)).astype(np.float32)


# ---- the files ---------------------------------------------------------------------------------------


def test_every_group_has_a_tolerance_and_every_law_a_bound() -> None:
    for collection in COLLECTIONS:
        assert set(collection.expected) <= set(SETTINGS.tolerances), collection.name
    assert all(SETTINGS.tolerances[group] == 0 for group in ("files", "counts", "statistics"))
    assert SETTINGS.tolerances["lexical"] <= 1e-6
    assert SETTINGS.requirements["bm25s top-10 agreement"] == {"expected": 1.0, "tolerance": 0}


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda c: c.name)
def test_every_collection_expects_its_lexical_figures(collection: spec.Collection) -> None:
    for queries in collection.query_sets:
        for analyzer in SETTINGS.analyzers:
            figures = collection.expected["lexical"][queries][analyzer]
            assert sorted(figures) == sorted(SETTINGS.metrics)
            assert all(0 <= value <= 1 for value in figures.values())
    assert collection.measured_with


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "expected a mapping"),
        ("name: tiny\n", "'about' is missing"),
        ("name: tiny\nabout: 3\nlicence: x\nsplit: test\nquery_sets: {test: q}\n", "'about': expected str"),
        ("name: other\nabout: a\nlicence: x\nsplit: test\nquery_sets: {test: q}\n", "expected 'tiny'"),
        ("name: tiny\nabout: a\nlicence: x\nsplit: test\nquery_sets: {}\n", "at least one"),
        ("name: tiny\nabuot: a\n", "'abuot' is not known"),
        ("name: [\n", "expected YAML"),
    ],
)
def test_a_malformed_file_is_refused_by_name_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=message) as error:
        spec.load_collection(path)
    assert str(path) in str(error.value)


def test_settings_refuse_an_unknown_headline_and_a_negative_tolerance(tmp_path: Path) -> None:
    good = (spec.HERE / "settings.yaml").read_text()
    path = tmp_path / "settings.yaml"
    for old, new, message in (
        ("headline: domain\n", "headline: nothing\n", "not among the analyzers"),
        ("statistics: 0\n", "statistics: -1\n", r"tolerances\.statistics"),
        ("k1: 1.5\n", "", "'k1' is missing"),
    ):
        assert old in good
        path.write_text(good.replace(old, new))
        with pytest.raises(InvalidInputError, match=message):
            spec.load_settings(path)


def test_writing_keeps_the_hand_written_part_and_reads_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    hand = "name: tiny # kept\nabout: a\nlicence: x\nsplit: test\nquery_sets: { test: queries.jsonl }\n"
    path.write_text(hand)
    figures = {
        "files": {"corpus.jsonl": "0123"},
        "counts": {"documents": 3},
        "lexical": {
            "test": {"words": {"ndcg@10": 0.123456784, "mrr@10": 1.0, "tiny": 1e-06, "less": -1e-07}}
        },
    }
    spec.write_expected(path, figures, {"processor": "8: of them", "numpy": "2.4"})
    first = path.read_bytes()
    assert first.decode().startswith(hand)
    read = spec.load_collection(path)
    assert read.expected["files"]["corpus.jsonl"] == "0123"
    assert read.measured_with == {"processor": "8: of them", "numpy": "2.4"}
    for name, value in check.flatten(figures):
        assert dict(check.flatten(read.expected))[name] == (
            pytest.approx(value, abs=5e-9) if isinstance(value, float) else value
        )
    spec.write_expected(path, read.expected, read.measured_with)
    assert path.read_bytes() == first


# ---- verdicts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance", "ok"),
    [
        (0.5, 0.5, 0, True),
        (0.5, 0.5000009, 1e-6, True),
        (0.5, 0.5000011, 1e-6, False),
        (0.5, 0.4999989, 1e-6, False),
        (10, 11, 0, False),
        (0.5, float("nan"), 1.0, False),
        ("ab", "ab", 0, True),
        ("ab", "ac", 1.0, False),
        (None, 0.5, 1.0, False),
        (0.5, None, 1.0, False),
        (None, None, 1.0, False),
    ],
)
def test_a_line_is_ok_within_its_tolerance_only(
    expected: Any, actual: Any, tolerance: float, ok: bool
) -> None:
    line = check.Line("a/b", expected, actual, tolerance)
    assert line.ok is ok
    assert str(line).startswith("OK" if ok else "FAIL")


def test_check_reports_what_is_new_what_is_gone_and_what_a_law_forbids() -> None:
    expected = {"counts": {"documents": 3}, "lexical": {"gone": 0.5}, "dense": {"test": 0.1}}
    actual = {"counts": {"documents": 3}, "lexical": {"new": 0.5}}
    laws = {"lexical/test/words/bm25s top-10 agreement": 0.99}
    lines = check.check(expected, actual, laws, SETTINGS, skipped=frozenset({"dense"}))
    verdicts = {line.name: line.ok for line in lines}
    assert verdicts == {
        "counts/documents": True,
        "lexical/new": False,
        "lexical/gone": False,
        "lexical/test/words/bm25s top-10 agreement": False,
    }
    assert "dense/test" in {line.name for line in check.check(expected, actual, {}, SETTINGS)}


# ---- peers -------------------------------------------------------------------------------------------


def test_agreement_with_bm25s_allows_ties_and_nothing_else() -> None:
    # Rows 0 and 1 are the same text, so they tie; row 2 is worse; row 3 does not match.
    documents = [["a", "b"], ["a", "b"], ["a", "c", "c", "c"], ["d"]]
    peer = peers.Bm25sPeer(documents, k1=1.5, b=0.75)
    query = [["a", "b", "unknown"]]
    for rows, agreed in (
        ([0, 1, 2], 1.0),
        ([1, 0, 2], 1.0),
        ([0, 2, 1], 0.0),
        ([0, 1], 0.0),
        ([0, 1, 3], 0.0),
    ):
        ours = Hits.from_lists([[(row, 9.0 - i) for i, row in enumerate(rows)]], k=4)
        assert peers.top_agreement(ours, peer, query, 3)[0] == agreed, rows
    nothing = Hits.empty(1, 4)
    assert peers.top_agreement(nothing, peer, [["unknown"]], 3)[0] == 1.0


# ---- tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_pages_show_what_the_files_say(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert tables.render(page, text, COLLECTIONS, SETTINGS) == text, "run python -m bench.quality --tables"


def test_a_table_shows_the_best_in_bold_and_what_was_not_run() -> None:
    figures = {
        "counts": {"documents": 1234, "queries": {"test": 50}},
        "lexical": {"test": {"domain": {"ndcg@10": 0.25, "recall@100": 1.0}}},
        "hybrid": {"test": {"domain": {"ndcg@10": 0.5}}},
    }
    collection = spec.Collection(
        name="tiny",
        about="a",
        licence="x",
        split="test",
        query_sets={"test": "queries.jsonl"},
        path=Path("tiny.yaml"),
        expected=figures,
    )
    row = tables.headline([collection], SETTINGS).splitlines()[2]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:6] == ["tiny", "1,234", "50", "0.250", "not run", "**0.500**"]
    assert cells[-3:] == ["1.000", "not run", "not run"]


def test_a_page_without_its_marker_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="markers"):
        tables.render("README.md", "no markers here", COLLECTIONS, SETTINGS)


# ---- vectors -----------------------------------------------------------------------------------------


def test_a_text_is_embedded_once_and_a_torn_write_is_made_good(tmp_path: Path) -> None:
    texts = ["one two", "three", "one two", "four"]
    inner = FakeEmbedder()
    first = CachedEmbedder(inner, tmp_path, chunk=2).embed(texts)
    assert sorted(inner.asked) == ["four", "one two", "three"]
    np.testing.assert_array_equal(first, FakeEmbedder().embed(texts))

    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    whole = (folder / "vectors.f32").read_bytes()
    (folder / "vectors.f32").write_bytes(whole[:-5])
    inner.asked.clear()
    again = CachedEmbedder(inner, tmp_path, chunk=2)
    assert again.missing(texts) == 1
    np.testing.assert_array_equal(again.embed(texts), first)
    assert inner.asked == ["four"]
    again.embed(["three"], kind="query")
    assert inner.asked == ["four", "three"]


# ---- the command -------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a tiny collection, its YAML and a fake embedder; return the arguments that name them."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(60)]
    data = tmp_path / "data" / "tiny"
    (data / "qrels").mkdir(parents=True)
    documents = [" ".join(rng.choice(words, size=12)) for _ in range(40)]
    with (data / "corpus.jsonl").open("w") as out:
        for i, text in enumerate(documents):
            out.write(json.dumps({"_id": f"d{i}", "title": f"title{i}", "text": text}) + "\n")
    with (data / "queries.jsonl").open("w") as out, (data / "qrels" / "test.tsv").open("w") as qrels:
        qrels.write("query-id\tcorpus-id\tscore\n")
        for i in range(8):
            out.write(json.dumps({"_id": f"q{i}", "text": " ".join(documents[i].split()[:3])}) + "\n")
            qrels.write(f"q{i}\td{i}\t1\n")
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "settings.yaml").write_text((spec.HERE / "settings.yaml").read_text())
    (folder / "tiny.yaml").write_text(
        "name: tiny\nabout: a\nlicence: x\nsplit: test\nquery_sets: { test: queries.jsonl }\n"
    )
    embedder = CachedEmbedder(FakeEmbedder(), tmp_path / "cache")
    monkeypatch.setattr(command, "_embedder", lambda settings, options: (embedder, ""))
    return ["--spec", str(folder), "--data", str(tmp_path / "data")]


def test_a_run_fails_until_recorded_then_passes_then_catches_a_change(
    bench: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(bench) == 1
    assert "no expected value; --update records it" in capsys.readouterr().out
    assert command.main([*bench, "--update"]) == 0
    path = Path(bench[1]) / "tiny.yaml"
    recorded = path.read_bytes()
    assert command.main(bench) == 0
    out = capsys.readouterr().out
    assert "OK   tiny/lexical/test/domain/bm25s top-10 agreement" in out
    assert command.main([*bench, "--update"]) == 0
    assert path.read_bytes() == recorded

    collection = spec.load_collection(path)
    assert set(collection.expected) == set(SETTINGS.tolerances)
    tampered = collection.expected
    tampered["statistics"]["words"]["postings"] += 1
    spec.write_expected(path, tampered, {})
    assert command.main([*bench, "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "FAIL tiny/statistics/words/postings" in out
    assert "delta -1, tolerance 0" in out


def test_without_an_embedder_the_dense_figures_are_left_out_and_kept(
    bench: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.main([*bench, "--update"]) == 0
    dense = spec.load_collection(Path(bench[1]) / "tiny.yaml").expected["dense"]
    monkeypatch.setattr(command, "_embedder", lambda settings, options: (None, "no runtime"))
    assert command.main([*bench, "--update"]) == 0
    assert "no runtime" in capsys.readouterr().out
    assert spec.load_collection(Path(bench[1]) / "tiny.yaml").expected["dense"] == dense


def test_an_absent_collection_is_skipped_and_none_at_all_is_no_success(
    bench: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*bench[:2], "--data", str(tmp_path / "nowhere")]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("SKIP tiny: no ")
    assert "nothing measured" in captured.err
    assert command.main([*bench, "--only", "unknown"]) == 2
    assert "there are tiny" in capsys.readouterr().err


def test_a_broken_collection_fails_and_says_where(
    bench: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(bench[3]) / "tiny" / "queries.jsonl").write_text("{not json\n")
    assert command.main(bench) == 1
    assert "queries.jsonl:1" in capsys.readouterr().out


def test_choosing_an_unknown_collection_names_the_known() -> None:
    with pytest.raises(NotFoundError, match="cranfield"):
        command._choose(COLLECTIONS, ["crandfield"])
