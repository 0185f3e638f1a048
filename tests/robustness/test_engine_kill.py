"""A process that changes an index is killed at random moments, again and again: nothing committed is lost."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from fakes import FakeEmbedder
from histories import document, opened
from killed import digest_of

import pyengine as pe

TESTS = Path(__file__).parents[1]


def after_the_kill(path: Path, journal: Path, round_: int) -> str:
    """Check the index against the journal, let the next writer work; say which state was found."""
    lines = [line.split() for line in journal.read_text().splitlines()]
    committed = next(digest for what, digest in reversed(lines) if what == "done")
    begun = lines[-1][1]
    with opened(path) as engine:
        found = digest_of(engine)
        assert engine.verify() == []
        assert found in (committed, begun), f"lost: generation {engine.generation} was never committed"
        engine.update([document(1000 + round_ % 5, round_)])
        engine.commit()
        # What the manifest does not name was removed, but for vectors that a re-embedding goes on with.
        named = {Path(entry.path).parts[1] for entry in engine._store.manifest.files}
        there = os.listdir(path / "segments")
        assert {name for name in there if not name.startswith("reembed-")} == named
        journal.write_text(f"done {digest_of(engine)}\n")
    with opened(path) as engine:
        assert engine.verify() == []
    if begun == committed:
        return "between commits"
    return "the last commit" if found == committed else "the commit under way"


def kill_again_and_again(folder: Path, rounds: int, seed: int) -> str:
    path, journal = folder / "idx", folder / "journal"
    whitespace = pe.Analyzer("whitespace")
    with pe.Engine.create(path, embedder=FakeEmbedder(8), analyzer=whitespace, phrases=True) as engine:
        journal.write_text(f"done {digest_of(engine)}\n")
    random = Random(seed)
    found: Counter[str] = Counter()
    command = [sys.executable, str(TESTS / "killed.py"), str(path), str(journal)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for round_ in range(rounds):
            process.stdin.write(f"{random.randrange(1 << 30)}\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            time.sleep(random.uniform(0, 0.5))
            os.kill(child, signal.SIGKILL)
            # Killed, and not ended by an error of its own before.
            assert process.stdout.readline() == "gone -9\n", round_
            found[after_the_kill(path, journal, round_)] += 1
        process.stdin.close()
    says = ", ".join(f"{n} {where}" for where, n in found.most_common())
    return f"{rounds} rounds killed, lost 0; found: {says}"


def test_killed_at_random_moments(tmp_path: Path, say: Callable[[str], None]) -> None:
    say(kill_again_and_again(tmp_path, rounds=5, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_five_hundred_random_moments(tmp_path: Path, say: Callable[[str], None]) -> None:
    say(kill_again_and_again(tmp_path, rounds=500, seed=2))
