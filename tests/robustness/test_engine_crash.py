"""Whatever fails, at whatever operation of whatever change: one of the committed generations, whole.

A workload of an engine's life is played once, and the directory kept before every change. Then each change
is played again from there, once for every operation it makes on the disk and every kind of fault.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from random import Random
from traceback import extract_tb
from typing import Any

import pytest
from fakes import FakeEmbedder
from histories import State, document, found_in, goes_on_from, opened
from oracles.disk import FaultyDisk, PowerCut, PowerDisk, QuickDisk

import pyengine as pe
from pyengine.engine import building, writer
from pyengine.errors import CorruptIndexError, NotFoundError, StorageError
from pyengine.store import directory

NEVER = 10**9
TIERS = pe.TieredMerge(factor=2, smallest=1, max_deleted=0.4)
ERRORS = [(how, code) for how in ("refuse", "half", "dead") for code in (errno.ENOSPC, errno.EIO)]
CUTS = [("lost", None), ("torn", 1), ("torn", 2), ("renamed", 3), ("mixed", 4), ("mixed", 5)]


@dataclass(frozen=True)
class Change:
    """One change of an engine: what a caller does, and what is committed by it."""

    name: str
    do: Callable[[pe.Engine], object]
    before: State
    after: State
    policy: Any = False


def committed(*calls: Callable[[pe.Engine], object]) -> Callable[[pe.Engine], object]:
    def do(engine: pe.Engine) -> None:
        for call in calls:
            call(engine)
        engine.commit()

    return do


def workload() -> Iterator[Change]:
    def docs(*numbers: int, version: int = 0) -> list[dict[str, Any]]:
        return [document(n, version) for n in numbers]

    def change(name: str, do: Callable[[pe.Engine], object], after: State, policy: Any = False) -> Change:
        nonlocal state
        made = Change(name, do, state, after, policy)
        state = after
        return made

    state = State(dim=8)
    yield change("add", committed(lambda e: e.add(docs(*range(7)))), state.with_documents(*docs(*range(7))))
    yield change(
        "update, delete and add",
        committed(
            lambda e: e.update(docs(2, version=1)),
            lambda e: e.delete(["d4"]),
            lambda e: e.add(docs(7, 8)),
        ),
        state.with_documents(*docs(2, version=1)).without("d4").with_documents(*docs(7, 8)),
    )
    yield change("delete by id", committed(lambda e: e.delete(["d0"])), state.without("d0"))
    yield change(
        "delete by filter", committed(lambda e: e.delete(filter="n in (1, 7)")), state.without("d1", "d7")
    )
    yield change("roll back", lambda e: (e.add(docs(20)), e.delete(["d2"]), e.rollback()), state)
    yield change("merge", committed(lambda e: e.add(docs(9, 10))), state.with_documents(*docs(9, 10)), TIERS)
    yield change("add again", committed(lambda e: e.add(docs(11))), state.with_documents(*docs(11)))
    yield change("compact", lambda e: e.compact(), state)
    yield change("add to the whole", committed(lambda e: e.add(docs(12))), state.with_documents(*docs(12)))
    yield change("re-embed", lambda e: e.reembed(FakeEmbedder(6)), State(state.documents, dim=6))
    yield change(
        "update after it",
        committed(lambda e: e.update(docs(12, version=2))),
        state.with_documents(*docs(12, version=2)),
    )
    yield change("delete all", committed(lambda e: e.delete(filter="n >= 0")), State(dim=6))


# What writes files past the disk; each call is an operation that can fail, too.
PARTS = [
    (building, "write_ipc"),
    (writer, "write_ipc"),
    (pe.Bm25Index, "save"),
    (pe.Bm25Index, "save_deletions"),
    (pe.DenseIndex, "save"),
]


@contextmanager
def on(disk: QuickDisk) -> Iterator[None]:
    """Let engines that are opened here write through ``disk``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directory, "Disk", lambda: disk)
        if isinstance(disk, PowerDisk):
            patch.setattr(os, "fsync", disk.kept_by_fsync)
        if isinstance(disk, FaultyDisk):
            for owner, name in PARTS:
                patch.setattr(owner, name, counted(disk, name, getattr(owner, name)))
        yield


def counted(disk: FaultyDisk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        disk.step(name)
        return real(*arguments, **options)

    return call


def play(folder: Path) -> list[tuple[Change, Path, int]]:
    """Return each change with the directory before it and how many operations it makes."""
    path = folder / "idx"
    played = []
    with on(QuickDisk()):
        create(path)
    for number, change in enumerate(workload()):
        before = shutil.copytree(path, folder / f"before-{number}")
        disk = FaultyDisk(NEVER, "refuse", 0)
        with on(disk), opened(path, auto_compact=change.policy) as engine:
            change.do(engine)
        assert found_in(path, [change.after]) is change.after
        played.append((change, before, len(disk.operations)))
    return played


def fail(change: Change, path: Path, step: int, how: str, code: int) -> None:
    """The system refuses an operation: the caller is told, what is in force is whole, and it goes on."""
    told = number = None
    committing = False
    with on(FaultyDisk(step, how, code)), opened(path, auto_compact=change.policy) as engine:
        try:
            change.do(engine)
        except StorageError as error:
            told, number = str(error), error.errno
            committing = any(frame.name == "commit" for frame in extract_tb(error.__traceback__))
        assert number in (None, code), told
        # Told of an error, the engine stays where it was, even where the new generation is in place.
        assert (change.before if told else change.after).differs(engine) is None, told
        landed = told is None or f"generation {engine.generation + 1} is in" in told
        with on(QuickDisk()):
            state = found_in(path, [change.after if landed else change.before])
        # A new embedder that is in place already has to be given to a new engine, below.
        if told is not None and how != "dead" and (change.before.dim == change.after.dim or not landed):
            repeat(change, engine, committing)
            state = change.after
    with on(QuickDisk()):
        assert found_in(path, [state]) is state, told
        if state is not change.after:
            with opened(path, auto_compact=change.policy) as engine:
                change.do(engine)
        goes_on_from(path, change.after)


def repeat(change: Change, engine: pe.Engine, committing: bool) -> None:
    """Do what a caller does who was told of an error: commit again, or begin again."""
    if committing:
        engine.commit()
    if change.after.differs(engine) is not None:
        engine.rollback()
        engine.refresh()
    if change.after.differs(engine) is not None:
        change.do(engine)
    assert change.after.differs(engine) is None


def cut(change: Change, path: Path, step: int, kinds: list[tuple[str, int | None]]) -> None:
    """The power goes at an operation: what the device was not told to keep may be lost, in several ways."""
    disk = PowerDisk(path, step)
    possible = [change.before, change.after]
    with suppress(PowerCut), on(disk), opened(path, auto_compact=change.policy) as engine:
        change.do(engine)
        # It has returned: from here on what it did must not be lost.
        possible = [change.after]
    for kind, seed in kinds:
        after = path.with_name(f"{path.name}-{kind}-{seed}")
        disk.after_the_cut(after, None if seed is None else Random(seed), kind)
        with on(QuickDisk()):
            state = found_in(after, possible)
            if state is not change.after:
                with opened(after, auto_compact=change.policy) as engine:
                    change.do(engine)
            goes_on_from(after, change.after)
        shutil.rmtree(after)


def survive(folder: Path, part: int) -> str:
    """Play everything, of the faults every ``part``-th at each operation; return the summary."""
    operations = runs = 0
    turn = count()
    for change, before, steps in play(folder):
        operations += steps
        path = shutil.copytree(before, folder / "run")
        cut(change, path, NEVER, CUTS)
        shutil.rmtree(path)
        for step in range(steps):
            for how, code in ERRORS:
                if next(turn) % part == 0:
                    path = shutil.copytree(before, folder / "run")
                    fail(change, path, step, how, code)
                    shutil.rmtree(path)
                    runs += 1
            kinds = [kind for kind in CUTS if next(turn) % part == 0]
            if kinds:
                path = shutil.copytree(before, folder / "run")
                cut(change, path, step, kinds)
                shutil.rmtree(path)
                runs += len(kinds)
    kinds_of_fault = len(ERRORS) + len(CUTS)
    return f"{operations} operations x {kinds_of_fault} kinds of fault: {runs} runs, lost 0"


def test_a_part_of_the_faults_at_every_operation(shared_memory: Path, say: Callable[[str], None]) -> None:
    say(survive(shared_memory, part=37))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_faults_at_every_operation(shared_memory: Path, say: Callable[[str], None]) -> None:
    summary = survive(shared_memory, part=1)
    say(summary)
    operations, kinds, runs = map(int, re.findall(r"\d+", summary)[:3])
    assert runs == operations * kinds


def create(path: Path) -> None:
    whitespace = pe.Analyzer("whitespace")
    pe.Engine.create(path, embedder=FakeEmbedder(8), analyzer=whitespace, phrases=True).close()


@pytest.mark.parametrize("part", [5, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_faults_at_every_operation_of_creating(shared_memory: Path, part: int) -> None:
    """There is an empty index, or none and it can be made: nothing in between is in the way."""
    counted = FaultyDisk(NEVER, "refuse", 0)
    with on(counted):
        create(shared_memory / "counted")
    empty = State(dim=8)
    made = 0
    faults = list(product(range(len(counted.operations)), [*ERRORS, *CUTS]))
    for step, (how, code) in faults[::part]:
        path = shared_memory / "run"
        path.mkdir()
        disk = PowerDisk(path, step) if how in dict(CUTS) else FaultyDisk(step, how, code)
        with suppress(PowerCut, StorageError), on(disk):
            create(path)
        if isinstance(disk, PowerDisk):
            disk.after_the_cut(shared_memory / "after", None if code is None else Random(code), how)
            path = path.rename(shared_memory / "before")
            shutil.rmtree(path)
            path = (shared_memory / "after").rename(shared_memory / "run")
        with on(QuickDisk()):
            try:
                found_in(path, [empty])
            except NotFoundError:
                create(path)
                made += 1
            goes_on_from(path, empty)
        shutil.rmtree(path)
    assert 0 < made < len(faults[::part])


def test_the_faults_would_be_noticed(shared_memory: Path) -> None:
    """An engine that syncs nothing does lose what it has committed: the model is not blind."""

    class Careless(PowerDisk):
        def sync_file(self, path: Path) -> None:
            QuickDisk.sync_file(self, path)

        def kept_by_fsync(self, descriptor: int) -> None:
            pass

    change, before, _ = play(shared_memory)[0]
    path = shutil.copytree(before, shared_memory / "run")
    disk = Careless(path, NEVER)
    with on(disk), opened(path) as engine:
        change.do(engine)
    disk.after_the_cut(shared_memory / "after", None)
    with pytest.raises(CorruptIndexError):
        found_in(shared_memory / "after", [change.before, change.after])
