"""Building: the postings of the slow twin, and the same file for any threads, budget and batches."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from oracles.segment_file import SegmentFile

from pyengine import Analyzer, Bm25Index
from pyengine.errors import InvalidInputError, StorageError
from pyengine.sparse import FILE_NAME, builder

THREADS = [1, 2, 3, 8]


def texts(n: int, seed: int) -> list[str]:
    """Documents of 0 to 60 words, some many times over; stems that meet; not only ASCII."""
    draw = random.Random(seed)
    stems = ["walk", "talk", "jump", "straße", "naïv", *(f"w{i}" for i in range(300))]
    words = [stem + end for stem in stems for end in ("", "s", "ed", "ing")]
    weights = [1 / (i + 1) for i in range(len(words))]
    docs = []
    for _ in range(n):
        chosen = draw.choices(words, weights, k=draw.randrange(60))
        if draw.random() < 0.02:
            chosen += [draw.choice(words)] * draw.choice([254, 255, 256, 700])
        docs.append(" ".join(chosen))
    return docs


def saved(index: Bm25Index, folder: Path) -> bytes:
    index.verify()
    index.save(folder)
    return (folder / FILE_NAME).read_bytes()


def expected(docs: Sequence[Sequence[str]]) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """Terms in order of first occurrence, and their postings."""
    postings: dict[str, list[tuple[int, int]]] = {}
    for row, doc in enumerate(docs):
        for term, frequency in Counter(doc).items():
            postings.setdefault(term, []).append((row, frequency))
    return list(postings), postings


def check(folder: Path, docs: Sequence[Sequence[str]]) -> None:
    file = SegmentFile.read(folder / FILE_NAME)
    terms, postings = expected(docs)
    assert [file.term(i).decode() for i in range(len(terms))] == terms
    for term in terms:
        assert file.postings(term) == postings[term]


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a budget of ``memory_mb=n`` one of n times 100 bytes."""
    monkeypatch.setattr(builder, "_BYTES_PER_MB", 100)


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("stemmer", [None, "english"])
@pytest.mark.parametrize("seed", range(2))
def test_threads_budget_and_batches_do_not_change_a_byte(
    tmp_path: Path, stemmer: str | None, seed: int
) -> None:
    docs = texts(1500, seed)
    analyzer = Analyzer("words", stemmer=stemmer)
    check_tokens = [analyzer.terms(doc) for doc in docs]
    reference = saved(Bm25Index.build(docs, analyzer=analyzer), tmp_path / "reference")
    check(tmp_path / "reference", check_tokens)
    for n_threads in THREADS:
        for memory_mb in (None, 64, 700):
            made = Bm25Index.builder(analyzer=analyzer, n_threads=n_threads, memory_mb=memory_mb)
            cut = random.Random(seed).randrange(1500)
            for part in (docs[:7], docs[7:cut], docs[max(cut, 7) :]):
                for start in range(0, len(part), 100):
                    made.add(part[start : start + 100])
            assert (made._core.spills > 3) == (memory_mb is not None)
            assert saved(made.finish(), tmp_path / "made") == reference, (n_threads, memory_mb)


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("memory_mb", [None, 64])
def test_token_lists_and_arrow_make_the_same_file(tmp_path: Path, memory_mb: int | None) -> None:
    docs = texts(600, seed=9)
    lists = [doc.split() for doc in docs]
    options: dict[str, Any] = {"n_threads": 2, "memory_mb": memory_mb}
    reference = saved(Bm25Index.build(lists), tmp_path / "lists")
    check(tmp_path / "lists", lists)
    assert saved(Bm25Index.build(lists, **options), tmp_path / "a") == reference
    analyzer = Analyzer("whitespace")
    whole = saved(Bm25Index.build(docs, analyzer=analyzer), tmp_path / "b")
    chunks = pa.chunked_array([docs[:100], [], docs[100:]])
    for source in (iter(docs), pa.array(docs), pa.array(docs, pa.large_string()), chunks):
        assert saved(Bm25Index.build(source, analyzer=analyzer, **options), tmp_path / "c") == whole


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("memory_mb", [None, 64])
@pytest.mark.parametrize("docs", [[], [""], ["", "", ""], ["a"], ["", "a", ""]])
def test_nothing_and_almost_nothing(tmp_path: Path, docs: list[str], memory_mb: int | None) -> None:
    for n_threads in THREADS:
        made = Bm25Index.builder(n_threads=n_threads, memory_mb=memory_mb)
        made.add(docs)
        made._core.spill()
        index = made.finish()
        index.verify()
        assert len(index) == len(docs)
        assert index.search(["a"], k=3).counts.tolist() == [1 if "a" in docs else 0]


def test_a_long_term_and_a_long_document(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    often = ["a"] * 70_000 + ["b"] * 65_535 + ["c"] * 65_536
    docs = [[long], often, ["a", long, "b"]]
    for n_threads in (1, 2):
        index = Bm25Index.build(docs, n_threads=n_threads)
        saved(index, tmp_path)
        check(tmp_path, docs)
        assert index.search([[long]], k=3).rows[0, :2].tolist() == [0, 2]


def test_ten_million_tokens_in_a_document() -> None:
    text = "alpha beta " * 5_000_000
    index = Bm25Index.build([text, "alpha"], analyzer=Analyzer("whitespace"))
    assert [share.tf for share in index.explain("alpha beta", 0)] == [5_000_000, 5_000_000]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_threads": 0}, "n_threads: expected 1 to"),
        ({"n_threads": "2"}, "n_threads: expected an integer"),
        ({"memory_mb": 63}, "memory_mb: expected at least 64, got 63"),
        ({"memory_mb": -1}, "memory_mb: expected 1 to"),
        ({"memory_mb": 1.5}, "memory_mb: expected an integer, got float"),
    ],
)
def test_refused_resources(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Bm25Index.build(["a"], **options)


@pytest.mark.parametrize("n_threads", THREADS)
def test_the_first_bad_document_is_named(n_threads: int) -> None:
    docs: list[Any] = texts(1000, seed=1)
    docs[700] = None
    docs[900] = 7
    with pytest.raises(InvalidInputError, match=r"^docs\[700\]: expected str, got NoneType"):
        Bm25Index.build(docs, n_threads=n_threads)
    docs[700] = "\ud800"
    with pytest.raises(InvalidInputError, match=r"^docs\[700\]: .* lone surrogate"):
        Bm25Index.build(docs, n_threads=n_threads)


@pytest.mark.usefixtures("small_memory")
def test_the_scratch_folder_stays_empty(tmp_path: Path) -> None:
    made = Bm25Index.builder(memory_mb=64, scratch=tmp_path)
    made.add(texts(3000, seed=2))
    assert made._core.spills > 0
    assert list(tmp_path.iterdir()) == []
    assert len(made.finish()) == 3000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_memory")
def test_a_scratch_folder_that_is_not_there(tmp_path: Path) -> None:
    made = Bm25Index.builder(memory_mb=64, scratch=tmp_path / "no")
    with pytest.raises(StorageError, match=r"scratch .*no: cannot create the temporary file"):
        made.add(texts(3000, seed=2))
    with pytest.raises(InvalidInputError, match="has failed"):
        made.finish()
