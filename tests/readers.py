"""What a reading process does while another writes: refresh, search, and note what it was told."""

from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

from histories import opened

EVERYTHING = 1000


def answer_of(engine: Any) -> tuple[tuple[str, str], ...]:
    """Return ids and texts of all that an engine finds, from one search."""
    hits = engine.search("all", EVERYTHING, mode="lexical").hits
    return tuple(sorted((hit.id, hit.text) for hit in hits))


def read(path: Path, ready: Barrier, stop: Event, out: Any) -> None:
    """Search the newest generation again and again; report each (generation, answers) that was seen."""
    seen: dict[tuple[int, tuple[tuple[str, str], ...], int], int] = {}
    with opened(path) as engine:
        ready.wait()
        last = 0
        while True:
            done = stop.is_set()
            generation = engine.refresh()
            assert generation >= last
            last = generation
            rows = engine.search_batch(["all"], EVERYTHING, mode="dense").counts
            key = (generation, answer_of(engine), int(rows[0]))
            seen[key] = seen.get(key, 0) + 1
            if done:
                break
    out.put(seen)
