"""The limits of docs/limits.md: what is beyond them is refused by name, before memory is taken for it."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.corpus import Corpus, writing
from pyengine.corpus.schema import MAX_ID_BYTES, MAX_TEXT_BYTES
from pyengine.errors import InvalidInputError

UNIT = np.eye(32, dtype=np.float32)[:1]


@pytest.fixture
def engine(tmp_path: Path) -> pe.Engine:
    engine = pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder())
    engine.add([{"id": f"d{i}", "text": f"a b w{i}", "n": i} for i in range(50)])
    engine.commit()
    return engine


@pytest.mark.parametrize("k", [0, -1, 2**31, 2**32, 2**64, 10**30])
def test_k(engine: pe.Engine, k: int) -> None:
    for mode in ("lexical", "dense", "hybrid"):
        with pytest.raises(InvalidInputError, match=r"^k: expected"):
            engine.search("a", k, mode=mode)
        with pytest.raises(InvalidInputError, match=r"^k: expected"):
            engine.search_batch(["a"], k, mode=mode)
    assert engine.dense is not None
    for search, queries in ((engine.lexical.search, ["a"]), (engine.dense.search, UNIT)):
        with pytest.raises(InvalidInputError, match=r"^k: expected"):
            search(queries, k)


def test_a_large_k_is_a_short_answer(engine: pe.Engine) -> None:
    """Room is made for as many hits as there are documents, not for as many as are asked for."""
    for mode in ("lexical", "dense", "hybrid"):
        assert len(engine.search("a", 2**31 - 1, mode=mode)) == 50
    hits = engine.search_batch(["a"], 1000)
    assert hits.k == 1000
    assert hits.counts.tolist() == [50]
    assert hits.truncate(50).equals(engine.search_batch(["a"], 50))


def test_slots_of_an_answer(engine: pe.Engine) -> None:
    assert engine.dense is not None
    for call in (
        lambda: engine.search_batch(["a"] * 1000, 10**9, mode="lexical"),
        lambda: engine.search_batch(["a"] * 1000, 10**9, mode="dense"),
        lambda: engine.search_batch(["a"] * 1000, 10**9),
        lambda: engine.lexical.search(["a"] * 1000, 10**9),
        lambda: engine.dense.search(np.repeat(UNIT, 5000, axis=0), 2**20),
    ):
        with pytest.raises(InvalidInputError, match=r"^k: expected at most 2(\*\*|\^)31 slots in one answer"):
            call()


def test_a_query_of_ten_megabytes(engine: pe.Engine) -> None:
    started = time.monotonic()
    assert len(engine.search("a b c " * 1_700_000, mode="lexical")) == 10
    assert len(engine.search("x" * 10_000_000, mode="lexical")) == 0
    assert time.monotonic() - started < 30


def test_a_query_of_a_million_terms(engine: pe.Engine) -> None:
    started = time.monotonic()
    result = engine.search(" ".join(f"w{i}" for i in range(1_000_000)), 50, mode="lexical")
    assert {hit.id for hit in result} == {f"d{i}" for i in range(50)}
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("field", "most"), [("id", MAX_ID_BYTES), ("title", MAX_TEXT_BYTES), ("text", MAX_TEXT_BYTES)]
)
def test_bytes_of_a_field(tmp_path: Path, field: str, most: int) -> None:
    with pe.Engine.create(tmp_path) as engine:
        for size in (most + 1, most // 2 + 1):
            value = "x" * size if size > most else "é" * size
            with pytest.raises(InvalidInputError, match=rf"field '{field}': expected at most {most} bytes"):
                engine.add([{"id": "a", "text": "t", field: value}])
    assert Corpus.from_rows([{"id": "x" * MAX_ID_BYTES, "text": ""}]).ids() == ["x" * MAX_ID_BYTES]


def test_rows_of_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are 32-bit numbers and the last one means none; here with a smaller last number."""
    monkeypatch.setattr(writing, "NO_ROW", 20)
    with pe.Engine.create(tmp_path) as engine:
        engine.add([{"id": f"d{i}", "text": "a"} for i in range(19)])
        engine.commit()
        with pytest.raises(InvalidInputError, match="expected fewer than 20 rows; split them"):
            engine.add([{"id": f"e{i}", "text": "a"} for i in range(20)])
        assert len(engine) == 19


def test_a_filter(engine: pe.Engine) -> None:
    with pytest.raises(InvalidInputError, match="filter: expected at most 65536 bytes"):
        engine.search("a", filter="id == '" + "x" * 70_000 + "'")
    with pytest.raises(InvalidInputError, match="expected at most 100 levels"):
        engine.search("a", filter="(" * 101 + "n == 1" + ")" * 101)
    assert len(engine.search("a", mode="lexical", filter="(" * 100 + "n == 1" + ")" * 100)) == 1
    with pytest.raises(InvalidInputError, match=r"filter: expected row numbers"):
        engine.search("a", filter=[2**40])


@pytest.mark.parametrize("n_threads", [0, -1, 2**31, 10**30])
def test_threads(engine: pe.Engine, n_threads: int) -> None:
    with pytest.raises(InvalidInputError, match=r"^n_threads: expected 1 to"):
        engine.search_batch(["a"], 5, n_threads=n_threads, mode="lexical")
    with pytest.raises(InvalidInputError, match=r"^n_threads: expected"):
        engine.search_batch(["a"], 5, n_threads=n_threads, mode="dense")
    engine.add([{"id": "new", "text": "a", "n": 1}])
    for many in (n_threads, 1025):
        with pytest.raises(InvalidInputError, match=r"^n_threads: expected 1 to 1024, got"):
            engine.commit(n_threads=many)
        with pytest.raises(InvalidInputError, match=r"^build_threads: expected 1 to 1024, got"):
            pe.DenseConfig(build_threads=many)
    engine.commit(n_threads=1024)
    assert len(engine) == 51


def test_a_search_with_more_threads_than_there_can_be(engine: pe.Engine) -> None:
    for mode in ("lexical", "dense"):
        hits = engine.search_batch(["a", "b"] * 10, 5, n_threads=2**31 - 1, mode=mode)
        assert hits.equals(engine.search_batch(["a", "b"] * 10, 5, mode=mode))


@pytest.mark.parametrize("memory_mb", [0, 63, 2**31, 2**70])
def test_memory_of_a_build(engine: pe.Engine, memory_mb: int) -> None:
    engine.add([{"id": "new", "text": "a", "n": 1}])
    with pytest.raises(InvalidInputError, match=r"^memory_mb: expected"):
        engine.commit(memory_mb=memory_mb)
    engine.commit(memory_mb=64)


def test_nothing_is_allocated_before_the_check(tmp_path: Path) -> None:
    """Each refusal again in a process of its own, whose peak of memory stays where it was."""
    code = """
        import sys
        from pathlib import Path
        import numpy as np
        from fakes import FakeEmbedder
        import pyengine as pe

        def peak():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

        engine = pe.Engine.create(sys.argv[1], embedder=FakeEmbedder())
        engine.add([{"id": f"d{i}", "text": "a b", "n": i} for i in range(50)])
        engine.commit()
        engine.search("a", filter="n == 1"), engine.search_batch(["a"], 5, n_threads=2)
        engine.add([{"id": "new", "text": "a", "n": 1}])
        unit = np.eye(32, dtype=np.float32)[:1]
        big = 2**31 - 1
        for name, call in {
            "k": lambda: engine.search_batch(["a"], 2**31),
            "dense k": lambda: engine.dense.search(unit, 2**31),
            "slots": lambda: engine.search_batch(["a"] * 10, big),
            "dense slots": lambda: engine.dense.search(np.repeat(unit, 10, axis=0), big),
            "short": lambda: engine.search("a", big),
            "short lexical": lambda: engine.search("a", big, mode="lexical"),
            "threads": lambda: engine.commit(n_threads=big),
            "search threads": lambda: engine.search_batch(["a"] * 5, 5, n_threads=big),
            "rows": lambda: engine.search("a", filter=[big]),
            "memory": lambda: engine.commit(memory_mb=2**40),
        }.items():
            before = peak()
            try:
                call()
            except pe.errors.PyEngineError:
                pass
            grown = (peak() - before) // 1024
            assert grown < 32, (name, grown)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "idx")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
