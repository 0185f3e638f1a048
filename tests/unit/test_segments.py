"""Segments: what a commit writes, what it leaves alone, when segments merge, how vectors are made anew."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.engine import SegmentSize
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError
from pyengine.rows import Numbering
from pyengine.store import Store
from pyengine.store.manifest import Manifest


def documents(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"id": f"d{i}", "text": f"word{i % 5} common text{i}", "n": i} for i in range(start, stop)]


def index_of(path: Path, *commits: range, **options: Any) -> pe.Engine:
    engine = pe.Engine.create(path, **options)
    for numbers in commits:
        engine.add(documents(numbers.start, numbers.stop))
        engine.commit()
    return engine


def shape(engine: pe.Engine) -> list[tuple[int, int]]:
    return [(segment["documents"], segment["deleted"]) for segment in engine.info()["segments"]]


def test_a_commit_touches_no_older_segment(tmp_path: Path) -> None:
    with index_of(tmp_path, range(100), embedder=FakeEmbedder()) as engine:
        before = {path: path.stat() for path in tmp_path.glob("segments/*/*/**/*") if path.is_file()}
        engine.add(documents(100, 101))
        engine.delete(["d7"])
        engine.commit()
        assert shape(engine) == [(100, 1), (1, 0)]
        for path, state in before.items():
            assert (path.stat().st_ino, path.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
        written = [
            path for path in tmp_path.glob("segments/*/*/**/*") if path not in before and path.is_file()
        ]
        # One document and one deleted row, beside an index of a hundred: headers, mostly.
        assert sum(path.stat().st_size for path in written) < sum(s.st_size for s in before.values())


def test_a_newer_snapshot_keeps_open_what_did_not_change(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    with index_of(path, range(100), range(100, 150), auto_compact=False) as engine:
        before = Snapshot.of(Store.open(path))
        engine.delete(["d120"])
        engine.commit()
    after = before.next(Store.open(path))
    assert after.segments[0] is before.segments[0]
    assert after.segments[1] is not before.segments[1]
    assert (len(before.corpus), len(after.corpus)) == (150, 149)
    shutil.rmtree(path)
    index_of(path, range(200, 300)).close()  # of the same name and size, and another index
    anew = before.next(Store.open(path))
    assert anew.segments[0].entry == before.segments[0].entry
    assert anew.corpus.id(0) == "d200"


def test_a_segment_that_is_deleted_whole_goes(tmp_path: Path) -> None:
    with index_of(tmp_path, range(5), range(5, 9)) as engine:
        engine.delete([f"d{i}" for i in range(5)])
        engine.commit()
        assert shape(engine) == [(4, 0)]
        engine.delete(filter="n >= 0")
        engine.commit()
        assert shape(engine) == [(0, 0)]
        assert engine.search("common").hits == ()
        engine.add(documents(0, 2))
        engine.commit()
        assert shape(engine) == [(2, 0)]
    assert len(os.listdir(tmp_path / "segments")) == 1


def test_merges_happen_in_a_commit_unless_told_not_to(tmp_path: Path) -> None:
    commits = [range(i, i + 1) for i in range(20)]
    with index_of(tmp_path / "a", *commits) as engine:
        assert len(shape(engine)) <= 8
    with index_of(tmp_path / "b", *commits, auto_compact=False) as engine:
        assert shape(engine) == [(1, 0)] * 20
        before = engine.generation
        assert engine.compact() == before + 1
        assert shape(engine) == [(20, 0)]
        assert engine.compact() == before + 1
        assert list(engine.ids) == [f"d{i}" for i in range(20)]
    with index_of(tmp_path / "c", *commits, auto_compact=pe.TieredMerge(factor=2, smallest=1)) as engine:
        assert [n for n, _ in shape(engine)] == [16, 4]
    with pytest.raises(InvalidInputError, match="auto_compact: expected True, False or a merge policy"):
        pe.Engine.create(tmp_path / "d", auto_compact=3)
    with pytest.raises(InvalidInputError, match="TieredMerge: expected factor of 2 or more"):
        pe.TieredMerge(factor=1)


def test_a_worn_segment_is_written_anew(tmp_path: Path) -> None:
    with index_of(tmp_path, range(9), auto_compact=pe.TieredMerge(max_deleted=0.5)) as engine:
        engine.delete(["d1", "d2", "d3", "d4"])
        engine.commit()
        assert shape(engine) == [(9, 4)]
        engine.delete(["d5"])
        engine.commit()
        assert shape(engine) == [(4, 0)]


def test_a_policy_of_ones_own_is_checked(tmp_path: Path) -> None:
    class Wild:
        ranges: Sequence[range] = (range(1),)

        def merges(self, segments: Sequence[SegmentSize]) -> Sequence[range]:
            return self.ranges

    policy = Wild()
    with index_of(tmp_path, range(3), range(3, 5), auto_compact=policy) as engine:
        for wrong in ([range(3)], [range(1, 2), range(1)], [range(0, 2, 2)], [range(1, 1)]):
            policy.ranges = wrong
            engine.delete(["d0"])
            with pytest.raises(InvalidInputError, match="merge policy: expected ascending ranges"):
                engine.commit()
            engine.rollback()
        assert len(engine) == 5


@given(
    sizes=st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 50)), max_size=40),
    factor=st.integers(2, 5),
    smallest=st.integers(1, 30),
)
def test_tiers(sizes: list[tuple[int, int]], factor: int, smallest: int) -> None:
    """After the merges no tier has ``factor`` neighbours left, and what needed no merge was left alone."""
    policy = pe.TieredMerge(factor=factor, smallest=smallest, max_deleted=1)
    segments = [SegmentSize(*size) for size in sizes]
    ranges = policy.merges(segments)
    assert all(len(places) >= factor for places in ranges)
    assert [place for places in ranges for place in places] == sorted(
        {place for places in ranges for place in places}
    )
    starts = {places.start: places for places in ranges}
    merged, i = [], 0
    while i < len(segments):
        places = starts.get(i, range(i, i + 1))
        merged.append(SegmentSize(sum(segments[j].documents for j in places), 0))
        i = places.stop
    assert policy.merges(merged) == []


def test_repeated_small_commits_write_little(tmp_path: Path) -> None:
    """Each document is written about once a tier: 400 commits of one document, tiers of 4."""
    written = 0
    policy = pe.TieredMerge(factor=4, smallest=1)
    segments: list[SegmentSize] = []
    for _ in range(4**5):
        segments.append(SegmentSize(1, 0))
        written += 1
        for places in reversed(policy.merges(segments)):
            total = sum(segments[i].documents for i in places)
            written += total - (1 if places.stop == len(segments) else 0)
            segments[places.start : places.stop] = [SegmentSize(total, 0)]
        assert len(segments) <= 3 * 6
    assert written <= 6 * 4**5


@given(deleted=st.sets(st.integers(0, 299), max_size=300), tail=st.integers(0, 3), mask=st.randoms())
def test_numbering(deleted: set[int], tail: int, mask: Any) -> None:
    n = 300 + tail
    live = [row for row in range(n) if row not in deleted]
    numbering = Numbering(np.array(sorted(deleted), dtype=np.uint32), n)
    stored = np.array([*live, pe.NO_ROW], dtype=np.uint32)
    shown = np.array([*range(len(live)), pe.NO_ROW], dtype=np.uint32)
    assert np.array_equal(numbering.shown(stored), shown)
    assert np.array_equal(numbering.stored(shown), stored)
    wanted = np.array([mask.random() < 0.5 for _ in live], dtype=np.bool_)
    assert np.flatnonzero(numbering.spread(wanted)).tolist() == [
        row for row, bit in zip(live, wanted, strict=True) if bit
    ]


def test_columns_come_later(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path) as engine:
        engine.add([{"id": "a", "text": "x"}])
        engine.commit()
        engine.add([{"id": "b", "text": "x", "year": 7}])
        engine.commit()
        assert [engine.corpus.metadata(row) for row in range(2)] == [{"year": None}, {"year": 7}]
        assert [hit.id for hit in engine.search("x", filter="year == 7").hits] == ["b"]
        assert [hit.id for hit in engine.search("x", filter="year is null").hits] == ["a"]
        with pytest.raises(InvalidInputError, match="'year': expected int64"):
            engine.add([{"id": "c", "text": "x", "year": "old"}])


def damaged(path: Path, change: Any) -> None:
    """Rewrite the manifest with ``config.segments`` changed and a checksum that fits."""
    manifest = Manifest.from_bytes((path / "manifest.json").read_bytes(), path)
    config = json.loads(json.dumps(dict(manifest.config)))
    change(config["segments"])
    fields = {name: getattr(manifest, name) for name in Manifest.__slots__ if name != "config"}
    (path / "manifest.json").write_bytes(Manifest(config=config, **fields).to_bytes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda segments: segments.clear(), "config.segments: expected a list of segments"),
        (lambda segments: segments.append(3), r"config.segments\[1\]: expected a segment"),
        (lambda segments: segments[0].update(more=1), r"config.segments\[0\]: expected a segment"),
        (lambda segments: segments[0].update(path="000009/0"), "contradicts the rest of the manifest"),
        (lambda segments: segments[0].update(path="../x"), "contradicts the rest of the manifest"),
        (lambda segments: segments[0].update(deleted=0), "contradicts the rest of the manifest"),
        (
            lambda segments: segments[0].update(deleted=2),
            "expected 2 deleted rows, as the manifest says, got 1",
        ),
        (lambda segments: segments[0].update(documents=10), "the parts hold different numbers of documents"),
        (lambda segments: segments[0].update(documents=True), r"config.segments\[0\]: expected a segment"),
    ],
)
def test_a_manifest_that_contradicts_itself(tmp_path: Path, change: Any, message: str) -> None:
    with index_of(tmp_path, range(9)) as engine:
        engine.delete(["d1"])
        engine.commit()
    damaged(tmp_path, change)
    with pytest.raises(CorruptIndexError, match=message):
        pe.Engine.open(tmp_path)


def test_a_deletions_file_is_checked_whole(tmp_path: Path) -> None:
    index = pe.Bm25Index.build(["a b", "b c", "c d"])
    file = tmp_path / "deleted.bin"
    index.without([1], ["b c"]).save_deletions(file)
    good = file.read_bytes()
    assert index.with_deletions(file).deleted.tolist() == [1]
    for i in range(len(good)):
        file.write_bytes(good[:i] + bytes([good[i] ^ 0x40]) + good[i + 1 :])
        with pytest.raises((CorruptIndexError, IncompatibleIndexError), match=r"deleted\.bin"):
            index.with_deletions(file)
        file.write_bytes(good[:i])
        with pytest.raises(CorruptIndexError, match=r"deleted\.bin"):
            index.with_deletions(file)
    file.write_bytes(good)
    with pytest.raises(CorruptIndexError, match="it belongs to another segment"):
        pe.Bm25Index.build(["a b", "b c", "c d e"]).with_deletions(file)


def test_the_text_of_a_deleted_document_must_be_its_own() -> None:
    index = pe.Bm25Index.build(["a b", "b c"])
    with pytest.raises(CorruptIndexError, match="row 1: the index does not hold the term 'z'"):
        index.without([1], ["b z"])
    with pytest.raises(CorruptIndexError, match="does not hold the term 'a'"):
        index.without([0, 1], ["a b", "a b"])
    with pytest.raises(InvalidInputError, match="texts: expected one for each of 1 rows, got 2"):
        index.without([1], ["b c", "b c"])
    closed = pe.Bm25Index.union([index.without([0])], close_up=True)
    assert len(closed) == 1
    assert closed.search(["c"], 5).rows[0, 0] == 0
    for call in (lambda: closed.without([0]), lambda: pe.Bm25Index.union([closed])):
        with pytest.raises(InvalidInputError, match="closed"):
            call()
    with pytest.raises(InvalidInputError, match="rows: expected rows below 1, got 1"):
        closed.score(["c"], [[1]])


def test_vectors_of_another_model(tmp_path: Path) -> None:
    old, new = FakeEmbedder(32), FakeEmbedder(16)
    with index_of(tmp_path / "i", range(30), range(30, 40), embedder=old) as engine:
        engine.delete(["d3", "d33"])
        engine.commit()
        reader = pe.Engine.open(tmp_path / "i", embedder=old)
        before = reader.search_batch(["word1 text6"], 5, mode="dense")
        assert engine.reembed(new) == engine.generation == reader.generation + 1
        assert engine.reembed(new) == engine.generation  # nothing to do
        assert engine.embedder is new
        assert reader.search_batch(["word1 text6"], 5, mode="dense").equals(before)
        with pytest.raises(IncompatibleIndexError, match="fake-16"):
            reader.refresh()
        reader.close()
        left = [d for d in documents(0, 40) if d["id"] not in {"d3", "d33"}]
        with pe.Engine.create(tmp_path / "f", embedder=new) as fresh:
            fresh.add(left)
            fresh.commit()
            for mode in ("dense", "hybrid", "lexical"):
                queries = ["word1 text6", "common"]
                expected = fresh.search_batch(queries, 10, mode=mode)
                assert engine.search_batch(queries, 10, mode=mode).equals(expected)
        assert engine.verify() == []
        engine.add(documents(50, 52))
        engine.commit()
        engine.compact()
        assert engine.dense is not None
        assert engine.dense.dim == 16
        assert not list((tmp_path / "i" / "segments").glob("reembed-*"))
    with pe.Engine.open(tmp_path / "i", embedder=new) as again:
        assert again.search("word0 common text50", mode="dense").hits[0].id == "d50"


def test_a_lexical_index_gets_vectors(tmp_path: Path) -> None:
    with index_of(tmp_path, range(5)) as engine:
        with pytest.raises(InvalidInputError, match="embedder"):
            engine.search("x", mode="dense")
        engine.reembed(FakeEmbedder())
        assert engine.search("word3 common text3", mode="dense").hits[0].id == "d3"
        engine.add(documents(5, 6))
        with pytest.raises(InvalidInputError, match="reembed: changes are staged"):
            engine.reembed(FakeEmbedder(8))
        with pytest.raises(InvalidInputError, match="compact: changes are staged"):
            engine.compact()


class Counting(FakeEmbedder):
    """Counts the texts; fails from one of them on."""

    def __init__(self, fail_after: int) -> None:
        super().__init__(16)
        self.texts = 0
        self.fail_after = fail_after

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> Any:
        if self.texts + len(texts) > self.fail_after:
            raise RuntimeError("out of money")
        self.texts += len(texts)
        return super().embed(texts, kind=kind)


def test_an_interrupted_reembedding_goes_on(tmp_path: Path) -> None:
    with index_of(tmp_path, range(3000), range(3000, 3500), auto_compact=False) as engine:
        first = Counting(2100)
        with pytest.raises(RuntimeError, match="out of money"):
            engine.reembed(first)
        assert first.texts == 2048
        generation = engine.generation
        engine.delete(["d3100"])  # another generation comes in between
        engine.commit()
        seen: list[tuple[int, int | None]] = []
        second = Counting(10_000)
        assert engine.reembed(second, progress=lambda *step: seen.append(step)) == generation + 2
        assert second.texts == 3500 - 2048 - 1
        assert seen[0] == (2048, 3500)
        assert seen[-1] == (3500, 3500)
        assert engine.dense is not None
        wanted = FakeEmbedder(16).embed([d["text"] for d in documents(0, 3500) if d["id"] != "d3100"])
        assert np.allclose(engine.dense.vectors(np.arange(3499)), wanted, atol=1e-3)


def test_a_killed_reembedding_goes_on(tmp_path: Path) -> None:
    index_of(tmp_path, range(4000)).close()
    script = textwrap.dedent(
        """
        import os, signal, sys
        sys.path.insert(0, sys.argv[2])
        from fakes import FakeEmbedder
        import pyengine as pe
        def step(done, total):
            if done > 2000:
                os.kill(os.getpid(), signal.SIGKILL)
        pe.Engine.open(sys.argv[1]).reembed(FakeEmbedder(16), progress=step)
        """
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), tests], check=False)
    assert done.returncode == -9
    with pe.Engine.open(tmp_path) as engine:
        assert engine.dense is None
        assert engine.verify() == []
        embedder = Counting(10_000)
        engine.reembed(embedder)
        assert embedder.texts == 4000 - 2048
        assert engine.dense is not None
        wanted = FakeEmbedder(16).embed([d["text"] for d in documents(0, 4000)])
        assert np.allclose(engine.dense.vectors(np.arange(4000)), wanted, atol=1e-3)
