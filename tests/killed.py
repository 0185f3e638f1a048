"""A process that plays random changes of an engine until it is killed: ``killed.py INDEX JOURNAL``.

For every seed on its input it forks a child that works, says the child's number, and "gone" once it is. The
child writes to the journal what a commit would make of the index before it commits, and again afterwards.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from fakes import FakeEmbedder
from histories import document, opened

import pyengine as pe

MOST = 40
TIERS = pe.TieredMerge(factor=2, smallest=2, max_deleted=0.4)


def digest(documents: Iterable[tuple[str, str]], dim: int | None) -> str:
    """Return a digest of ids and texts in order of rows, and the length of the vectors."""
    return hashlib.sha256(repr((list(documents), dim)).encode()).hexdigest()[:16]


def digest_of(engine: pe.Engine) -> str:
    """Return the digest of what an engine holds."""
    corpus, rows = engine.corpus, range(len(engine))
    return digest(((corpus.id(row), corpus.text(row)) for row in rows), dim_of(engine))


def dim_of(engine: pe.Engine) -> int | None:
    """Return the length of its vectors, also where it has no documents."""
    return None if engine.dense is None else engine.dense.dim


class Workload:
    """Random changes of one engine, beside a dict that says what they should come to."""

    def __init__(self, path: Path, journal: Path, seed: int) -> None:
        self.random = Random(seed)
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND)
        self.engine = opened(path, auto_compact=self.random.choice([True, False, TIERS]))
        self.dim = dim_of(self.engine)
        self.committed = {
            self.engine.corpus.id(row): self.engine.corpus.text(row) for row in range(len(self.engine))
        }
        self.staged = dict(self.committed)

    def step(self) -> None:
        self.random.choice(
            [self.add, self.add, self.update, self.delete, self.delete_matching]
            + [self.commit] * 4
            + [self.roll_back, self.compact, self.reembed]
        )()

    def documents(self) -> list[dict[str, Any]]:
        numbers = self.random.sample(range(MOST), self.random.randint(1, 6))
        return [document(n, self.random.randrange(1000)) for n in numbers]

    def add(self) -> None:
        new = [d for d in self.documents() if d["id"] not in self.staged]
        self.engine.add(new)
        self.staged |= {d["id"]: d["text"] for d in new}

    def update(self) -> None:
        new = self.documents()
        self.engine.update(new)
        for d in new:
            self.staged.pop(d["id"], None)
            self.staged[d["id"]] = d["text"]

    def delete(self) -> None:
        ids = self.random.sample(sorted(self.staged), min(3, len(self.staged)))
        self.engine.delete(ids)
        for id_ in ids:
            del self.staged[id_]

    def delete_matching(self) -> None:
        if self.staged:
            n = self.random.randrange(MOST)
            self.engine.delete(filter=f"n == {n}")
            self.staged.pop(f"d{n}", None)

    def roll_back(self) -> None:
        self.engine.rollback()
        self.staged = dict(self.committed)

    def commit(self) -> None:
        self.say("try", self.staged)
        self.engine.commit()
        self.say("done", self.staged)
        self.committed = dict(self.staged)

    def compact(self) -> None:
        self.commit()
        self.engine.compact()

    def reembed(self) -> None:
        self.commit()
        self.dim = self.random.choice([4, 6, 8])
        self.say("try", self.staged)
        self.engine.reembed(FakeEmbedder(self.dim))
        self.say("done", self.staged)

    def say(self, what: str, documents: dict[str, str]) -> None:
        os.write(self.journal, f"{what} {digest(documents.items(), self.dim)}\n".encode())


def work(path: Path, journal: Path, seed: int) -> None:
    workload = Workload(path, journal, seed)
    while True:
        workload.step()


def main() -> None:
    path, journal = Path(sys.argv[1]), Path(sys.argv[2])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(path, journal, int(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        status = os.waitpid(child, 0)[1]
        sys.stdout.write(f"gone {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
