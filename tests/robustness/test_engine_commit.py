"""A commit that fails or dies leaves the last generation whole, and what was staged can be retried."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.errors import StorageError
from pyengine.store.disk import Disk


def documents(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"id": f"d{i}", "text": f"cat number{i} " * 3} for i in range(start, stop)]


def index_of(path: Path, n: int) -> None:
    with pe.Engine.create(path) as engine:
        engine.add(documents(0, n))
        engine.commit()


@pytest.mark.parametrize(
    "operation", ["make_folder", "sync_file", "sync_folder", "rename", "replace", "write_file"]
)
def test_a_full_disk_at_any_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    index_of(tmp_path / "idx", 20)
    original = getattr(Disk, operation)
    left = 0

    def failing(self: Disk, *arguments: Any) -> Any:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left -= 1
        return original(self, *arguments)

    failures = 0
    for skip in range(8):
        with pe.Engine.open(tmp_path / "idx") as engine:
            before = len(engine)
            left = skip
            with monkeypatch.context() as patch:
                patch.setattr(Disk, operation, failing)
                try:
                    engine.add(documents(before, before + 5))
                    engine.commit()
                    failed = False
                except StorageError as error:
                    failed = True
                    failures += 1
                    message = str(error)
            assert not failed or "No space left" in message
            with pe.Engine.open(tmp_path / "idx") as reader:
                assert reader.verify() == []
                assert len(reader) in ((before, before + 5) if failed else (before + 5,))
                assert len(reader.search(f"number{before - 1}")) == 1
            if failed and len(engine) == before:
                # What was staged is still there, unless staging itself failed; try again with space free.
                engine.commit()
            assert len(engine) in (before, before + 5)
    assert failures > 0


def test_a_file_size_limit_of_the_system(tmp_path: Path) -> None:
    index_of(tmp_path / "idx", 50)
    script = textwrap.dedent(
        """
        import resource, signal, sys
        import pyengine as pe
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        engine = pe.Engine.open(sys.argv[1])
        engine.add([{"id": f"n{i}", "text": "x" * 50} for i in range(50)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            engine.commit()
        except pe.errors.StorageError as error:
            print("refused:", error)
        print("still", len(engine))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "idx")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "refused:" in done.stdout
    assert "intact" in done.stdout
    assert "still 50" in done.stdout
    with pe.Engine.open(tmp_path / "idx") as engine:
        assert len(engine) == 50
        assert engine.verify() == []
        engine.add(documents(50, 60))
        engine.commit()
        assert len(engine) == 60
        named = {entry["path"][:6] for entry in engine.info()["segments"]}
    assert {folder.name for folder in (tmp_path / "idx" / "segments").iterdir()} == named


def test_killed_while_committing(tmp_path: Path) -> None:
    index_of(tmp_path / "idx", 10)
    script = textwrap.dedent(
        """
        import sys
        import pyengine as pe
        engine = pe.Engine.open(sys.argv[1])
        print("ready", flush=True)
        while True:
            n = len(engine)
            engine.add([{"id": f"d{i}", "text": f"cat number{i}"} for i in range(n, n + 10)])
            engine.commit()
        """
    )
    for round_ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "idx")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(0.02 + 0.037 * round_)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        with pe.Engine.open(tmp_path / "idx") as engine:
            n = len(engine)
            assert n % 10 == 0
            assert n >= 10
            assert engine.verify() == []
            assert engine.search(f"number{n - 1}")[0].id == f"d{n - 1}"


@pytest.mark.parametrize("operation", ["make_folder", "sync_file", "sync_folder", "rename", "replace"])
@pytest.mark.parametrize("vectors", [False, True])
def test_changes_fail_as_a_whole_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, vectors: bool
) -> None:
    """An update and a deletion together, the system refusing an operation of the commit, then no more."""
    embedder = FakeEmbedder() if vectors else None
    original = getattr(Disk, operation)
    failures = 0
    for skip in range(6):
        path = tmp_path / f"idx{skip}"
        with pe.Engine.create(path, embedder=embedder) as engine:
            engine.add(documents(0, 20))
            engine.commit()
            engine.update([{"id": "d3", "text": "renewed"}])
            engine.delete(["d5", "d6"])
            left = skip

            def failing(self: Disk, *arguments: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return original(self, *arguments)

            old = [f"d{i}" for i in range(20)]
            new = [id_ for id_ in old if id_ not in {"d3", "d5", "d6"}] + ["d3"]
            with monkeypatch.context() as patch:
                patch.setattr(Disk, operation, failing)
                try:
                    engine.commit()
                    failed = False
                except StorageError:
                    failed = True
                    failures += 1
            with pe.Engine.open(path, embedder=embedder) as reader:
                assert reader.verify() == []
                assert list(reader.ids) in ((old, new) if failed else (new,))
                published = list(reader.ids) == new
            if failed and not published:
                engine.commit()
            else:
                # Only the last sync failed: the new generation is in force, and a reader moves on to it.
                engine.rollback()
                engine.refresh()
            assert list(engine.ids) == new
            assert engine.verify() == []
    assert failures > 0
