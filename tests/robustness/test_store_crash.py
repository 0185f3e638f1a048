"""Real processes: killed while they commit, stopped by a file size limit, holding the lock."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from pyengine.errors import LockedError
from pyengine.store import Store

COMMIT_FOR_EVER = """
import sys
from pyengine.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
while True:
    with store.writer() as writer:
        staging = writer.begin()
        generation = store.generation + 1
        for name in ("one", "two"):
            (staging / name).write_bytes(str(generation).encode() * 50_000)
        writer.publish(counts={"documents": generation})
"""

HOLD_THE_LOCK = """
import sys, time
from pyengine.store import Store
with Store.open(sys.argv[1]).writer() as writer:
    (writer.begin() / "one").write_bytes(b"never published")
    print("ready", flush=True)
    time.sleep(60)
"""

WRITE_TOO_MUCH = """
import resource, sys
from pyengine import Corpus
from pyengine.corpus import write_ipc
from pyengine.errors import StorageError
from pyengine.store import Store
store = Store.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with store.writer() as writer:
        (writer.begin() / "one").write_bytes(bytes(1_000_000))
except StorageError as error:
    print(error)
rows = [{"id": str(i), "text": "x" * 1000} for i in range(1000)]
try:
    with store.writer() as writer:
        write_ipc(Corpus.from_rows(rows), writer.begin() / "corpus.arrow")
except StorageError as error:
    print(error)
"""


def start(code: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def test_killed_while_committing(tmp_path: Path) -> None:
    random = Random(20)
    Store.create(tmp_path).close()
    last = 0
    for _ in range(6):
        process = start(COMMIT_FOR_EVER, tmp_path)
        time.sleep(random.uniform(0.01, 0.15))
        kill(process)
        with Store.open(tmp_path) as store:
            assert store.generation >= last
            last = store.generation
            assert store.verify() == []
            for name in ("one", "two") if last else ():
                assert store.file(name).read_bytes() == str(last).encode() * 50_000
    with Store.open(tmp_path) as store, store.writer():
        pass
    assert last > 1
    assert os.listdir(tmp_path / "segments") == [f"{last:06d}"]
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", "segments", "write.lock"]


def test_the_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    Store.create(tmp_path).close()
    process = start(HOLD_THE_LOCK, tmp_path)
    try:
        with Store.open(tmp_path) as store:
            message = rf"process {process.pid} on host \S+\); wait"
            with pytest.raises(LockedError, match=message), store.writer():
                pass
            kill(process)
            with store.writer():
                assert os.listdir(tmp_path / "segments") == []
    finally:
        kill(process)


def test_a_file_size_limit(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    with store.writer() as writer:
        (writer.begin() / "one").write_bytes(b"1")
        writer.publish()
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "(File too large); generation 1 is in force and intact; raise the file size limit" in first
    assert "corpus.arrow: cannot write it" in second
    assert os.listdir(tmp_path / "segments") == ["000001"]
    assert Store.open(tmp_path).verify() == []
