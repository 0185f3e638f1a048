"""Searches in many threads while one thread adds and commits: each sees one generation."""

import threading
from pathlib import Path

from fakes import FakeEmbedder

import pyengine as pe


def test_searches_during_commits(tmp_path: Path) -> None:
    engine = pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder())
    engine.add([{"id": "0", "text": "cat 0"}])
    engine.commit()
    stop = threading.Event()
    problems: list[str] = []

    def search() -> None:
        seen = 0
        while not stop.is_set():
            hits = engine.search_batch(["cat"], k=100, mode="lexical")
            # Every document matches, so the count is the size of the generation the search saw.
            count = int(hits.counts[0])
            if count < seen:
                problems.append(f"went back from {seen} to {count} documents")
            seen = count
            result = engine.search("cat", k=3)
            if not len(result) or any(hit.text != f"cat {hit.id}" for hit in result):
                problems.append(f"mixed up: {result}")

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(1, 12):
        engine.add([{"id": str(i), "text": f"cat {i}"}])
        engine.commit()
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(engine) == 12
    engine.close()
