"""Readers open and read while a writer publishes: each sees one generation, whole."""

import mmap
import os
import threading
from pathlib import Path

from pyengine.store import Store

GENERATIONS = 20


def publish(store: Store) -> None:
    with store.writer() as writer:
        staging = writer.begin()
        for name in ("one", "two"):
            (staging / name).write_bytes(str(store.generation + 1).encode() * 1000)
        writer.publish()


def test_readers_never_see_a_mixture(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store)
    failures: list[BaseException] = []
    opened: set[int] = set()
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                with Store.open(tmp_path) as reader:
                    opened.add(reader.generation)
                    for name in ("one", "two"):
                        assert reader.file(name).read_bytes() == str(reader.generation).encode() * 1000
                    assert reader.verify() == []
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(GENERATIONS):
        publish(store)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(opened) > 1
    publish(store)
    assert os.listdir(tmp_path / "segments") == [f"{GENERATIONS + 2:06d}"]


def test_mapped_files_outlive_their_generation(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store)
    with Store.open(tmp_path) as reader, reader.file("one").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    publish(store)
    publish(store)
    assert os.listdir(tmp_path / "segments") == ["000003"]
    assert mapped[:] == b"1" * 1000
