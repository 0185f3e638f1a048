"""Building within a bound of memory: that it holds, and what happens when the scratch folder fails."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pyengine import Analyzer, Bm25Index
from pyengine.errors import InvalidInputError, StorageError
from pyengine.sparse import Bm25Builder, builder

WORDS = " ".join(f"w{i}" for i in range(50))

MEASURE = """
import sys
from pathlib import Path
from pyengine import Analyzer, Bm25Index

def most():  # of this process alone: what resource says counts its parent's memory too
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

memory_mb = int(sys.argv[1]) or None
docs = (f"{sys.argv[3]} {i % 1000} " * 10 for i in range(60_000))
Bm25Index.build(["warm up"], analyzer=Analyzer("whitespace")).save(sys.argv[2])
before = most()
builder = Bm25Index.builder(analyzer=Analyzer("whitespace"), memory_mb=memory_mb, scratch=sys.argv[2])
builder.add(docs)
spills = builder._core.spills
builder.finish().save(sys.argv[2])
print(spills, (most() - before) // 1024)
"""


def measured(folder: Path, memory_mb: int, code: str = MEASURE) -> tuple[int, int, bytes]:
    """Spills, MiB at the peak, and the file, of 31 million tokens that make 3 million postings."""
    folder.mkdir()
    command = [sys.executable, "-c", code, str(memory_mb), str(folder), WORDS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    spills, peak = map(int, done.stdout.split())
    return spills, peak, (folder / "lexical.seg").read_bytes()


def test_the_bound_holds(tmp_path: Path) -> None:
    spills, peak, expected = measured(tmp_path / "all", 0)
    assert spills == 0
    assert peak > 200, "the corpus is too small to tell"
    spills, peak, found = measured(tmp_path / "bounded", 64)
    assert spills > 2
    assert peak < 64 + 60, "the bound, the batch at hand and the finished index"
    assert found == expected


MEASURE_POSITIONS = (
    MEASURE.split("docs = ", maxsplit=1)[0]
    + """
from pyengine.sparse import PositionsBuilder
folder = Path(sys.argv[2])
docs = [f"{sys.argv[3]} {i % 1000} " * 10 for i in range(1000)]
Bm25Index.build((doc for _ in range(60) for doc in docs), analyzer=Analyzer("whitespace")).save(folder)
index = Bm25Index.load(folder)
Path("/proc/self/clear_refs").write_text("5")  # forget what building the index took
before = most()
builder = PositionsBuilder(index, "", memory_mb=memory_mb, scratch=folder)
for _ in range(60):
    builder.add([""] * 1000, docs)
builder.save(folder / "lexical.seg")  # the name that is read back
print(0, (most() - before) // 1024)
"""
)


def test_the_bound_holds_for_positions(tmp_path: Path) -> None:
    _, peak, expected = measured(tmp_path / "all", 0, MEASURE_POSITIONS)
    assert peak > 170, "the corpus is too small to tell"
    _, peak, found = measured(tmp_path / "bounded", 64, MEASURE_POSITIONS)
    assert peak < 64 + 90, "the bound, the batch at hand and the finished places"
    assert found == expected


@pytest.fixture
def spilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bm25Builder:
    """A builder with runs in a scratch file in ``tmp_path``."""
    monkeypatch.setattr(builder, "_BYTES_PER_MB", 1000)
    made = Bm25Index.builder(analyzer=Analyzer("whitespace"), memory_mb=64, scratch=tmp_path)
    for start in range(0, 4000, 500):
        made.add([f"{WORDS} d{i}" for i in range(start, start + 500)])
    assert made._core.spills > 2
    return made


def scratch_file(folder: Path) -> Path:
    """The way to the builder's file, which has no name of its own any more."""
    for link in Path("/proc/self/fd").iterdir():
        try:
            if os.readlink(link).startswith(str(folder / "pyengine-build-")):
                return link
        except FileNotFoundError:
            continue
    raise AssertionError("there is no scratch file")


@pytest.mark.parametrize("offset", [0, 5, 8, 100, 70_000])
def test_a_changed_byte_is_noticed(spilled: Bm25Builder, tmp_path: Path, offset: int) -> None:
    with scratch_file(tmp_path).open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(StorageError, match=rf"scratch {tmp_path}: .* does not hold what was written"):
        spilled.finish()
    with pytest.raises(InvalidInputError, match="has finished"):
        spilled.finish()


@pytest.mark.parametrize("size", [0, 3, 70_000])
def test_a_shorter_file_is_noticed(spilled: Bm25Builder, tmp_path: Path, size: int) -> None:
    # What finish() appends after the cut leaves a hole of zeros.
    os.truncate(scratch_file(tmp_path), size)
    with pytest.raises(StorageError, match="does not hold what was written"):
        spilled.finish()


def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk's."""
    (tmp_path / "scratch").mkdir()
    code = textwrap.dedent(
        """
        import resource, sys
        from pyengine import Bm25Index
        from pyengine.errors import StorageError
        from pyengine.sparse import builder

        builder._BYTES_PER_MB = 1000
        scratch, words, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
        index = Bm25Index.build(["still here"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            Bm25Index.build((f"{words} d{i}" for i in range(20_000)), memory_mb=64, scratch=scratch)
        except StorageError as error:
            print(error)
        assert index.search(["here"]).counts.tolist() == [1]
        """
    )
    for limit in (0, 1000, 300_000):
        command = [sys.executable, "-c", code, str(tmp_path / "scratch"), WORDS, str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"scratch {tmp_path}/scratch: cannot write the temporary file: File too large" in done.stdout
        assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(tmp_path: Path, signal_number: signal.Signals) -> None:
    code = textwrap.dedent(
        """
        import itertools, sys
        from pyengine import Analyzer, Bm25Index
        from pyengine.sparse import builder

        builder._BYTES_PER_MB = 1000
        made = Bm25Index.builder(analyzer=Analyzer("words", stemmer="english"), memory_mb=64, n_threads=2,
                                 scratch=sys.argv[1])
        def say(done, total):
            if made._core.spills == 3:
                print("ready", flush=True)
        try:
            made.add((f"{sys.argv[2]} d{i}" for i in itertools.count()), progress=say)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    )
    command = [sys.executable, "-c", code, str(tmp_path), WORDS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            process.send_signal(signal_number)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert ("interrupted" in out) == (signal_number == signal.SIGINT)
    assert list(tmp_path.iterdir()) == []
