"""What an index meets in the field: read-only folders, files that go, other writers, odd clocks, odd ids."""

import datetime
import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Self

import pytest
from fakes import FakeEmbedder
from histories import State, document, found_in

import pyengine as pe
from pyengine.errors import InvalidInputError, LockedError, StorageError
from pyengine.store import writer

DOCUMENTS = [document(n) for n in range(12)]
STATE = State(tuple(DOCUMENTS), dim=8)


@pytest.fixture
def path(shared_memory: Path) -> Path:
    """Two segments with vectors."""
    path = shared_memory / "idx"
    whitespace = pe.Analyzer("whitespace")
    with pe.Engine.create(path, embedder=FakeEmbedder(8), analyzer=whitespace, auto_compact=False) as engine:
        engine.add(DOCUMENTS[:8])
        engine.commit()
        engine.add(DOCUMENTS[8:])
        engine.commit()
    return path


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    tests = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **tests}, timeout=120
    )


READ_ONLY = """
    import os, sys
    from pathlib import Path
    from fakes import FakeEmbedder
    import pyengine as pe
    path, own = Path(sys.argv[1]), Path(sys.argv[2])

    def read(path):
        with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
            assert engine.verify() == []
            return len(engine.search("a b", mode="hybrid")), len(engine)

    # Once before the rights are gone: what is imported late lies where another user may not read.
    with pe.Engine.create(own, embedder=FakeEmbedder(8)) as engine:
        engine.add([{"id": "x", "text": "a b", "n": 1}])
        engine.commit()
    read(own)
    if os.geteuid() == 0:  # for whom permissions are nothing
        os.setgid(65534)
        os.setuid(65534)
    print(*read(path))
    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        for change in (
            lambda: engine.add([{"id": "y", "text": "z", "n": 1}]),
            lambda: engine.delete(["d1"]),
            engine.compact,
            lambda: engine.reembed(FakeEmbedder(4)),
        ):
            try:
                change()
            except pe.errors.StorageError as error:
                print(error)
    try:
        pe.Engine.create(path / "new")
    except pe.errors.StorageError as error:
        print(error)
"""


def test_a_folder_that_may_only_be_read(path: Path, tmp_path: Path) -> None:
    path.parent.chmod(0o755)
    for place in (path, *path.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    before = sorted((place, place.stat().st_mtime_ns) for place in path.rglob("*"))
    done = run(READ_ONLY, path, tmp_path / "own")
    assert done.returncode == 0, done.stderr
    hits, *refusals = done.stdout.splitlines()
    assert hits == "10 12"
    assert len(refusals) == 5
    for refusal in refusals:
        assert "Permission denied" in refusal
        assert "check the permissions" in refusal
    assert before == sorted((place, place.stat().st_mtime_ns) for place in path.rglob("*"))
    for place in (path, *path.rglob("*")):
        place.chmod(0o755)


def test_a_file_system_that_is_read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def read_only(file: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))
        return real(file, flags, *arguments, **options)

    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        monkeypatch.setattr(os, "open", read_only)
        with pytest.raises(StorageError, match=r"write\.lock: .*nothing was changed; the file system is"):
            engine.delete(["d1"])
        assert STATE.differs(engine) is None


def test_an_index_that_is_deleted_under_a_reader(path: Path) -> None:
    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        shutil.rmtree(path)
        assert STATE.differs(engine) is None
        assert all(problem.endswith(": missing") for problem in engine.verify())
        with pytest.raises(pe.errors.NotFoundError, match="no such directory"):
            engine.refresh()
        with pytest.raises(StorageError, match=r"write\.lock: cannot lock it \(No such file or directory\)"):
            engine.delete(["d1"])
        assert STATE.differs(engine) is None


@pytest.mark.parametrize(
    "before", ["", "import faulthandler; faulthandler.enable()"], ids=["plain", "traced"]
)
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("lexical.seg", 'engine.search("a", mode="lexical")'),
        ("corpus.arrow", "engine.corpus.text(0)"),
        ("corpus.ids", "engine.corpus.rows_of(['d1'])"),
        ("dense.vectors", "engine.dense.vectors([0])"),
    ],
)
def test_a_file_that_is_cut_under_a_reader_ends_the_process(
    path: Path, name: str, asked: str, before: str
) -> None:
    """The one thing that is not survived, as docs/storage.md says: the system sends SIGBUS. It says why."""
    code = f"""
        import os, sys
        {before}
        from pathlib import Path
        import pyengine as pe
        engine = pe.Engine.open(sys.argv[1])
        for file in Path(sys.argv[1]).rglob({name!r}):
            os.truncate(file, 0)
        print({asked})
    """
    ended = run(code, path)
    assert ended.returncode == -signal.SIGBUS
    said = [line for line in ended.stderr.splitlines() if line.startswith("pyengine: ")]
    assert len(said) == 1
    assert re.search(
        rf"/{re.escape(name)}: this file was cut, or its disk failed, while it was in use", said[0]
    )
    assert ("Fatal Python error: Bus error" in ended.stderr) == bool(before)
    with pytest.raises(pe.errors.CorruptIndexError, match=rf"{re.escape(name)}: expected \d+ bytes, got 0"):
        pe.Engine.open(path)


def test_a_bus_error_that_is_sent_names_no_file(path: Path) -> None:
    code = """
        import os, signal, sys
        import pyengine as pe
        engine = pe.Engine.open(sys.argv[1])
        os.kill(os.getpid(), signal.SIGBUS)
    """
    ended = run(code, path)
    assert (ended.returncode, ended.stderr) == (-signal.SIGBUS, "")


def test_two_writers(path: Path) -> None:
    embedder = FakeEmbedder(8)
    first, second = (pe.Engine.open(path, embedder=embedder, auto_compact=False) for _ in range(2))
    first.add([document(20)])
    for change in (lambda: second.delete(["d1"]), second.compact, lambda: second.reembed(FakeEmbedder(4))):
        with pytest.raises(LockedError, match=rf"another writer holds this index \(process {os.getpid()} on"):
            change()
    first.commit()
    with pytest.raises(InvalidInputError, match=r"another writer committed generation 4 .*refresh\(\) it"):
        second.delete(["d1"])
    second.refresh()
    second.delete(["d1"])
    second.commit()
    first.refresh()
    state = STATE.with_documents(document(20)).without("d1")
    assert state.differs(first) is None
    assert state.differs(second) is None
    first.close()
    second.close()


def test_the_lock_of_a_dead_writer(path: Path) -> None:
    code = """
        import os, signal, sys
        from fakes import FakeEmbedder
        import pyengine as pe
        engine = pe.Engine.open(sys.argv[1], embedder=FakeEmbedder(8))
        engine.delete(["d1"])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(code, path).returncode == -signal.SIGKILL
    assert b"pid" in (path / "write.lock").read_bytes()
    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        engine.delete(["d2"])
        engine.commit()
    assert found_in(path, [STATE.without("d2")])
    assert not list((path / "segments").glob("*.tmp-*"))


def test_a_clock_that_goes_backwards(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)]

    class Backwards(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Self:
            now[0] -= datetime.timedelta(days=400)
            return cls.fromisoformat(now[0].isoformat())

    monkeypatch.setattr(writer, "datetime", Backwards)
    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        reader = pe.Engine.open(path, embedder=FakeEmbedder(8))
        times, generations = [], []
        for n in range(4):
            engine.delete([f"d{n}"])
            engine.commit()
            times.append(engine.info()["created_at"])
            generations.append(reader.refresh())
        assert times == sorted(times, reverse=True)
        assert generations == [4, 5, 6, 7]
        assert STATE.without("d0", "d1", "d2", "d3").differs(reader) is None
        reader.close()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP], ids=["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refused(descriptor: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pe.Engine.open(path, embedder=FakeEmbedder(8)) as engine:
        assert STATE.differs(engine) is None
        with pytest.raises(StorageError, match=r"write\.lock: cannot lock it .* locks no files: keep"):
            engine.delete(["d1"])
        assert STATE.differs(engine) is None
    monkeypatch.undo()
    assert found_in(path, [STATE])


ODD_IDS = [
    " ", "a\nb", "a\0b", "a\tb", "../../etc/passwd", "<script>alert(1)</script>", "'; drop table", "%s{}",
    "\u00e9", "e\u0301", "\u202eabc", "\ufeffid", "日本語", "👍🏽", "a" * 10_000, "é" * 5_000 + "1",
    "é" * 5_000 + "2", "\U0010ffff", "-1", "NaN", "null",
]  # fmt: skip


def test_ids_of_all_kinds(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", auto_compact=False) as engine:
        engine.add([{"id": id_, "text": f"word{n} all"} for n, id_ in enumerate(ODD_IDS)])
        engine.commit()
        assert list(engine.ids) == ODD_IDS
        for n, id_ in enumerate(ODD_IDS):
            assert [hit.id for hit in engine.search(f"word{n}").hits] == [id_]
        engine.update([{"id": id_, "text": f"other{n} all"} for n, id_ in enumerate(ODD_IDS) if n % 2])
        engine.delete(ODD_IDS[2::4])
        engine.commit()
        engine.compact()
        left = [id_ for n, id_ in enumerate(ODD_IDS) if n % 4 == 0] + ODD_IDS[1::2]
        assert list(engine.ids) == left
        assert engine.corpus.rows_of(left).tolist() == list(range(len(left)))
        assert engine.verify() == []
