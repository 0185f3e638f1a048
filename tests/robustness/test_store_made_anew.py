"""A new index has a name that a power cut leaves it, and refusals while a manifest is read are ours."""

import errno
import os
from pathlib import Path

import pytest
from oracles.disk import PowerDisk

import pyengine as pe
from pyengine.errors import StorageError
from pyengine.store import Store
from pyengine.store.disk import Disk


@pytest.mark.parametrize("there", [0, 1, 2])
def test_the_folders_of_a_new_index_survive_a_power_cut(tmp_path: Path, there: int) -> None:
    """However many folders had to be made for it."""
    root = tmp_path / "root"
    path = root.joinpath("a", "b", "idx")
    root.joinpath(*("a", "b")[:there]).mkdir(parents=True)
    disk = PowerDisk(root, 10**9)
    with Store._create(path, exist_ok=False, disk=disk) as store, store.writer() as writer:
        (writer.begin() / "one").write_bytes(b"1")
        writer.publish()
    disk.after_the_cut(tmp_path / "after", None)
    with Store.open(tmp_path / "after" / "a" / "b" / "idx") as found:
        assert found.generation == 1
        assert found.verify() == []


@pytest.mark.parametrize("at", range(6))
def test_an_error_while_the_manifest_is_read_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    with pe.Engine.create(tmp_path / "idx") as engine:
        engine.add([{"id": "a", "text": "x"}])
        engine.commit()
        left, real = at, Path.read_bytes

        def failing(self: Path) -> bytes:
            nonlocal left
            if self.name == "manifest.json":
                left -= 1
                if left == -1:
                    raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
            return real(self)

        monkeypatch.setattr(Path, "read_bytes", failing)
        try:
            engine.add([{"id": "b", "text": "x"}])
            engine.commit()
        except StorageError as error:
            assert "manifest.json" in str(error)  # noqa: PT017 - some reads may fail without harm
        monkeypatch.undo()
    with pe.Engine.open(tmp_path / "idx") as reader:
        assert reader.verify() == []
        assert len(reader) in (1, 2)


def test_a_folder_whose_parent_cannot_be_synced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Disk, path: Path) -> None:
        if path == tmp_path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Disk, "sync_folder", failing)
    with pytest.raises(StorageError, match="cannot create an index in it"):
        Store.create(tmp_path / "idx")
