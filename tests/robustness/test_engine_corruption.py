"""Any byte of any file changed, any file cut anywhere: an error or `verify` says so, and nothing crashes."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
from fakes import FakeEmbedder
from histories import QUERIES, document

import pyengine as pe
from pyengine.errors import PyEngineError

Damage = tuple[str, int]
"""What is done, "flip" or "cut", and at which byte."""


@pytest.fixture(params=[None, pe.Chunker(2, 0)], ids=["documents", "chunks-and-phrases"])
def index(shared_memory: Path, request: pytest.FixtureRequest) -> Path:
    """Two segments, deletions in the first, vectors of both kinds: with a graph and, after that, without."""
    path = shared_memory / "idx"
    config = pe.DenseConfig(exact_below=6 if request.param is None else 18, connectivity=4)
    options = {"dense": config, "chunker": request.param, "phrases": request.param is not None}
    with pe.Engine.create(path, embedder=FakeEmbedder(4), auto_compact=False, **options) as engine:
        engine.add([{**document(n), "title": f"title {n}"} for n in range(10)])
        engine.commit()
        engine.add([document(n) for n in range(10, 15)])
        engine.delete(["d2", "d5"])
        engine.commit()
    return path


def files_of(path: Path) -> list[Path]:
    """The files that belong to the generation in force; others are left over and never opened."""
    with pe.Engine.open(path) as engine:
        named = [path / entry.path for entry in engine._store.manifest.files]
    assert {file.name for file in named} >= {
        "corpus.arrow", "corpus.ids", "lexical.seg", "dense.json", "dense.rows", "dense.usearch",
        "dense.vectors", "deleted-000002-0.bin",
    }  # fmt: skip
    phrases = [file for file in named if file.name == "positions.seg" or file.parent.name == "pairs"]
    assert len(phrases) in (0, 4), "two segments, two files each, where phrases are indexed"
    return [*named, path / "manifest.json"]


def damaged(content: bytes, how: str, at: int) -> bytes:
    if how == "cut":
        return content[:at]
    return content[:at] + bytes([content[at] ^ (1 << (at * 5 + 3) % 8)]) + content[at + 1 :]


def put(file: Path, content: bytes) -> None:
    """Put a new file in the place of one that may still be mapped."""
    temporary = file.with_name("damaged")
    temporary.write_bytes(content)
    os.replace(temporary, file)


def use(path: Path) -> Iterator[str]:
    """Open, search and read like a user, and verify; yield what errors and problems say."""
    try:
        with pe.Engine.open(path, embedder=FakeEmbedder(4)) as engine:
            for call in (
                lambda: engine.search_batch(QUERIES, 5, mode="lexical"),
                lambda: engine.search("a b F33.1", 5, mode="hybrid", explain=True),
                lambda: engine.search("c", 5, mode="lexical", filter="n >= 7"),
                lambda: engine.search('"a b" -title:"title 3" text:b', 5, mode="lexical", syntax="query"),
                lambda: [engine.corpus.metadata(row) for row in range(len(engine))],
            ):
                try:
                    call()
                except PyEngineError as error:
                    yield str(error)
            yield from engine.verify()
    except PyEngineError as error:
        yield str(error)


def find_all(path: Path, cases: Callable[[Path, int], Iterable[Damage]]) -> str:
    found: Counter[str] = Counter()
    n_bytes = 0
    for file in files_of(path):
        whole = file.read_bytes()
        n_bytes += len(whole)
        for how, at in cases(file, len(whole)):
            put(file, damaged(whole, how, at))
            said = list(use(path))
            assert any(file.name in sentence for sentence in said), (file, how, at, said)
            found[how] += 1
        put(file, whole)
    assert list(use(path)) == []
    return f"{found['flip']} bytes flipped and {found['cut']} cuts of {n_bytes} bytes: all found"


def test_some_bytes_of_every_file(index: Path, say: Callable[[str], None]) -> None:
    random = Random(15)

    def some(file: Path, size: int) -> Iterator[Damage]:
        for at in random.sample(range(size), min(size, 90)):
            yield "flip", at
        for at in random.sample(range(size), min(size, 30)):
            # Without its last byte, a newline, the manifest says the same.
            if at < size - 1 or file.name != "manifest.json":
                yield "cut", at

    say(find_all(index, some))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_byte_of_every_file(index: Path, say: Callable[[str], None]) -> None:
    def every(file: Path, size: int) -> Iterator[Damage]:
        for at in range(size):
            yield "flip", at
            if at < size - 1 or file.name != "manifest.json":
                yield "cut", at

    say(find_all(index, every))
