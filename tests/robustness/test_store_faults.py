"""Whatever fails, at whatever step: the old generation or the new one, whole; the next writer tidies up."""

import errno
import itertools
import os
from pathlib import Path
from random import Random

import pytest
from oracles.disk import FaultyDisk, PowerCut, PowerDisk, QuickDisk

from pyengine.errors import CorruptIndexError, NotFoundError, StorageError
from pyengine.store import Store
from pyengine.store.disk import Disk

NEVER = 10**9


def fill(folder: Path, generation: int) -> None:
    (folder / "sub").mkdir()
    for name in ("one", "sub/two"):
        (folder / name).write_bytes(f"{name} of {generation}".encode() * 100)


def commit(store: Store, generation: int) -> None:
    with store.writer() as writer:
        (writer.scratch() / "working file").write_bytes(b"never published")
        fill(writer.begin(), generation)
        writer.publish(counts={"documents": generation})


def first_generation(path: Path) -> None:
    store = Store._create(path, exist_ok=False, disk=QuickDisk())
    commit(store, 1)
    store.close()


def whole_generation(path: Path) -> int:
    """Return the generation a reader finds, after checking all of it."""
    with Store.open(path) as store:
        assert store.manifest is not None
        assert store.verify() == []
        assert store.manifest.counts == {"documents": store.generation}
        for name in ("one", "sub/two"):
            assert store.file(name).read_bytes() == f"{name} of {store.generation}".encode() * 100
        return store.generation


def tidy_after_the_next_commit(path: Path) -> None:
    generation = whole_generation(path) + 1
    with Store._open(path, disk=QuickDisk()) as store:
        commit(store, generation)
        assert whole_generation(path) == generation
    assert sorted(os.listdir(path)) == ["manifest.json", "segments", "write.lock"]
    assert os.listdir(path / "segments") == [f"{generation:06d}"]


def operations_of_a_commit(path: Path) -> list[str]:
    first_generation(path)
    disk = FaultyDisk(NEVER, "refuse", 0)
    commit(Store._open(path, disk=disk), 2)
    return disk.operations


def test_the_order_of_a_commit(tmp_path: Path) -> None:
    operations = [name.split()[0] for name in operations_of_a_commit(tmp_path / "index")]
    runs = [(name, len(list(group))) for name, group in itertools.groupby(operations)]
    assert runs == [
        ("make_folder", 2),
        ("sync_file", 1),
        ("digest", 1),
        ("sync_file", 1),
        ("digest", 1),
        ("sync_folder", 2),
        ("rename", 1),
        ("sync_folder", 1),
        ("write_file", 1),
        ("sync_file", 1),
        ("replace", 1),
        ("sync_folder", 1),
        ("remove_tree", 2),
    ]


@pytest.mark.parametrize("how", ["refuse", "half", "dead"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
def test_an_error_at_every_step(how: str, code: int, tmp_path: Path) -> None:
    steps = operations_of_a_commit(tmp_path / "counted")
    replaced = next(i for i, name in enumerate(steps) if name.startswith("replace"))
    for step, name in enumerate(steps):
        path = tmp_path / f"{step}"
        first_generation(path)
        store = Store._open(path, disk=FaultyDisk(step, how, code))
        # An error of the clean-up after the commit costs space only.
        if name.startswith("remove_tree"):
            commit(store, 2)
        else:
            with pytest.raises(StorageError) as caught:
                commit(store, 2)
            assert caught.value.errno == code
            message = str(caught.value)
            assert str(path) in message
            landed = step > replaced or (step == replaced and how == "half")
            assert f"generation {2 if landed else 1} is in" in message, (name, message)
            assert whole_generation(path) == (2 if landed else 1)
            # The writer's own store is on the generation that is in force.
            assert store.generation == (2 if landed else 1)
            if how != "dead" and not landed:
                assert os.listdir(path / "segments") == ["000001"], name
        store.close()
        tidy_after_the_next_commit(path)


def test_a_writer_goes_on_after_an_error(tmp_path: Path) -> None:
    first_generation(tmp_path / "index")
    disk = FaultyDisk(1, "refuse", errno.ENOSPC)
    store = Store._open(tmp_path / "index", disk=disk)
    with store.writer() as writer:
        fill(writer.begin(), 2)
        with pytest.raises(StorageError, match="free some space and try again"):
            writer.publish()
        fill(writer.begin(), 2)
        writer.publish(counts={"documents": 2})
    assert whole_generation(tmp_path / "index") == 2


def test_a_power_cut_at_every_step(tmp_path: Path) -> None:
    steps = operations_of_a_commit(tmp_path / "counted")
    found = set()
    for step in range(len(steps) + 1):
        for seed in (None, 1, 2, 3, 4, 5):
            path = tmp_path / f"{step}-{seed}"
            first_generation(path)
            disk = PowerDisk(path, step)
            store = Store._open(path, disk=disk)
            if step < len(steps):
                with pytest.raises(PowerCut):
                    commit(store, 2)
            else:
                commit(store, 2)
            store.close()
            after = tmp_path / f"{step}-{seed}-after"
            disk.after_the_cut(after, None if seed is None else Random(seed))
            generation = whole_generation(after)
            found.add((step, generation))
            tidy_after_the_next_commit(after)
    replaced = next(i for i, name in enumerate(steps) if name.startswith("replace"))
    # Before the manifest is replaced nothing is new; once its folder is synced nothing is old.
    assert {generation for step, generation in found if step <= replaced} == {1}
    assert {generation for step, generation in found if step > replaced + 1} == {2}


def test_the_power_cut_would_be_noticed(tmp_path: Path) -> None:
    """Without the syncs, the same cuts do lose data: the model is not blind."""

    class Careless(PowerDisk):
        def sync_file(self, path: Path) -> None:
            pass

    path = tmp_path / "index"
    first_generation(path)
    disk = Careless(path, NEVER)
    store = Store._open(path, disk=disk)
    commit(store, 2)
    disk.after_the_cut(tmp_path / "after", None)
    with pytest.raises(CorruptIndexError):
        whole_generation(tmp_path / "after")


def test_an_error_at_every_step_of_creating(tmp_path: Path) -> None:
    counted = FaultyDisk(NEVER, "refuse", 0)
    Store._create(tmp_path / "counted", exist_ok=False, disk=counted)
    for step, how in itertools.product(range(len(counted.operations)), ("refuse", "half", "cut")):
        path = tmp_path / f"{step}-{how}"
        with pytest.raises((StorageError, PowerCut)):
            Store._create(path, exist_ok=False, disk=FaultyDisk(step, how, errno.ENOSPC))
        try:
            Store.open(path)
        except NotFoundError:
            Store.create(path)
        store = Store.open(path)
        assert store.manifest is None
        commit(store, 1)
        assert whole_generation(path) == 1


def test_an_interrupt_right_after_the_commit_keeps_it(tmp_path: Path) -> None:
    class Interrupted(Disk):
        def replace(self, source: Path, target: Path) -> None:
            super().replace(source, target)
            raise KeyboardInterrupt

    first_generation(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        commit(Store._open(tmp_path, disk=Interrupted()), 2)
    assert whole_generation(tmp_path) == 2


def test_what_the_caller_could_not_write(tmp_path: Path) -> None:
    first_generation(tmp_path)
    store = Store.open(tmp_path)
    message = r"cannot write it .* generation 1 is in force and intact; free"
    with pytest.raises(StorageError, match=message), store.writer() as w:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(w.begin() / "one"))
    # An error that is none of the device passes as it is.
    with pytest.raises(FileNotFoundError), store.writer() as w:
        (w.begin() / "missing").read_bytes()
    assert os.listdir(tmp_path / "segments") == ["000001"]


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_generation(tmp_path)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        with pytest.raises(StorageError, match=r"manifest\.json: cannot read it .*; check the permissions"):
            Store.open(tmp_path)
    store = Store.open(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        message = r"write\.lock: cannot lock it .*; check the permissions"
        with pytest.raises(StorageError, match=message), store.writer():
            pass
    with monkeypatch.context() as patch:
        patch.setattr(Disk, "digest", refused)
        with pytest.raises(StorageError, match="cannot read it"):
            store.verify()
