"""Engine directories of every format version stay what they were: they open, answer, and can be worked on."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder
from golden.engines.make import CHUNKS, DIM, documents, left
from oracles.analyzer import analyze
from oracles.bm25 import SlowBm25
from oracles.chunking import spans
from oracles.dense import slow_search
from oracles.phrases import phrase_in

import pyengine as pe
from pyengine.errors import IncompatibleIndexError
from pyengine.store.manifest import FORMAT_VERSION

ENGINES = Path(__file__).parent / "engines"
VERSIONS = sorted(path.name for path in ENGINES.iterdir() if path.is_dir() and path.name.startswith("v"))
QUERIES = ["cat", "the mat dog", "F33.1", "28 USC 1331", "größe", "nine", "absent", "", "cat cat dog"]


def indexed(document: dict[str, Any]) -> str:
    return "\n".join(part for part in (document["title"], document["text"]) if part)


def embedder_of(kind: str) -> FakeEmbedder | None:
    return FakeEmbedder(DIM) if kind == "vectors" else None


@pytest.fixture(params=[f"{version}-{kind}" for version in VERSIONS for kind in ("lexical", "vectors")])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A copy of one directory, and its kind."""
    version, kind = request.param.split("-")
    shutil.copytree(ENGINES / version / kind, tmp_path / "idx")
    return tmp_path / "idx", kind


def assert_whole(engine: pe.Engine, wanted: list[dict[str, Any]]) -> None:
    assert [engine.corpus.id(row) for row in range(len(engine))] == [d["id"] for d in wanted]
    for row, document in enumerate(wanted):
        assert engine.corpus.title(row) == document["title"]
        assert engine.corpus.text(row) == document["text"]
        assert engine.corpus.metadata(row) == {"n": document["n"]}
    assert engine.verify() == []


def assert_answers(engine: pe.Engine, wanted: list[dict[str, Any]]) -> None:
    """Ids and scores of both branches are those of the oracles, bit for bit."""
    slow = SlowBm25([[token.term for token in analyze(indexed(d))] for d in wanted])
    for query in QUERIES:
        expected = slow.search([token.term for token in analyze(query)], 10)
        hits = engine.search(query, 10, mode="lexical").hits
        assert [(hit.id, np.float32(hit.score)) for hit in hits] == [
            (wanted[row]["id"], score) for row, score in expected
        ]
    if engine.dense is not None:
        embedder = engine.embedder
        assert embedder is not None
        stored = embedder.embed([indexed(d) for d in wanted]).astype(np.float16)
        found = engine.search_batch(QUERIES[:7], 10, mode="dense")
        assert found.equals(slow_search(embedder.embed(QUERIES[:7]), stored, 10))


def test_the_version_written_has_a_directory() -> None:
    """Whoever raises the format version adds a directory; the old ones stay."""
    assert [f"v{n}" for n in range(1, FORMAT_VERSION + 1)] == VERSIONS
    for version in VERSIONS:
        for kind in ("lexical", "vectors"):
            manifest = json.loads((ENGINES / version / kind / "manifest.json").read_bytes())
            assert f"v{manifest['format_version']}" == version


def test_it_opens_and_answers(place: tuple[Path, str]) -> None:
    path, kind = place
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with pe.Engine.open(path, embedder=embedder_of(kind)) as engine:
        assert_whole(engine, left())
        assert_answers(engine, left())
        hits = engine.search("cat", 10, filter="n >= 8", mode="lexical").hits
        assert {hit.id for hit in hits} == {"d8/ü", "d11/ü", "d4/ü"}
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_next_commit_goes_on_from_it(place: tuple[Path, str]) -> None:
    path, kind = place
    more = {"id": "new", "title": "", "text": "a new cat", "n": 50}
    with pe.Engine.open(path, embedder=embedder_of(kind), auto_compact=False) as engine:
        generation = engine.generation
        engine.add([more])
        engine.delete(["d0/ü"])
        engine.update([{**documents(6)[0], "text": "other words"}])
        assert engine.commit() == generation + 1
        wanted = [d for d in left() if d["id"] not in {"d0/ü", "d6/ü"}]
        wanted += [more, {**documents(6)[0], "text": "other words"}]
        assert_whole(engine, wanted)
        assert_answers(engine, wanted)
        with pytest.raises(pe.errors.InvalidInputError, match="is committed already"):
            engine.add(documents(8))
        engine.rollback()
        assert engine.compact() == generation + 2
        assert len(engine.info()["segments"]) == 1
        assert_whole(engine, wanted)
        assert_answers(engine, wanted)
    manifest = json.loads((path / "manifest.json").read_bytes())
    assert manifest["format_version"] == FORMAT_VERSION


def test_new_vectors_on_top_of_it(place: tuple[Path, str]) -> None:
    path, kind = place
    with pe.Engine.open(path, embedder=embedder_of(kind)) as engine:
        engine.reembed(FakeEmbedder(5))
        assert_whole(engine, left())
        assert_answers(engine, left())
    with pe.Engine.open(path, embedder=FakeEmbedder(5)) as engine:
        assert_answers(engine, left())
        engine.delete(["d0/ü"])
        engine.compact() if engine.commit() and len(engine.info()["segments"]) > 1 else None
        assert_answers(engine, left()[1:])


def test_a_newer_format_is_refused(place: tuple[Path, str]) -> None:
    path, _ = place
    file = path / "manifest.json"
    values = json.loads(file.read_bytes())
    newer = FORMAT_VERSION + 1
    file.write_text(json.dumps({**values, "format_version": newer}))
    with pytest.raises(
        IncompatibleIndexError, match=rf"manifest\.json: format_version {newer} is newer than .*; upgrade"
    ):
        pe.Engine.open(path)
    before = sorted(path.rglob("*"))
    with pytest.raises(IncompatibleIndexError):
        pe.Engine.create(path)
    assert sorted(path.rglob("*")) == before


def test_a_directory_keeps_what_stands_between_title_and_text(tmp_path: Path) -> None:
    """One line feed where the directory does not say: a literal may be read across it, as ever."""
    path = shutil.copytree(ENGINES / "v2" / "lexical", tmp_path / "idx")
    crossing = {"id": "c", "title": "Art", "text": "28 USC § 1331", "n": 1}
    wanted = [*left(), crossing]
    for compacted in (False, True):
        with pe.Engine.open(path, auto_compact=False) as engine:
            engine.compact() if compacted else engine.add([crossing])
            engine.commit()
            assert_answers(engine, wanted)
            assert engine.search("Art. 28", literal="require", mode="lexical").notes == ()
            assert engine.info()["settings"]["seam"] == "\n"
    with pe.Engine.open(path) as engine:
        engine.delete(["c"])
        engine.commit()
        assert_whole(engine, left())
        assert_answers(engine, left())


PHRASES = [
    "the cat", "cat sat on", "the mat of the cat", "of the mat", "cat the", "28 U.S.C. § 1331",
    "§ 1331 gives", "1331 gives", "F33.1 is a", "F33.1, F33.2", "severe one", "größe und straße",
    "a renewed text", "5 mg/day", "raises LinAlgError on v1.26.4", "LinAlgError on", "Title of", "nine the",
    "dog", "dog dog", "a new cat",
]  # fmt: skip


def assert_phrases(engine: pe.Engine, wanted: list[dict[str, Any]]) -> None:
    """Documents found by phrases, in any field and in one, are those of the slow twin."""
    for phrase in PHRASES:
        for prefix, fields in (("", ("title", "text")), ("title:", ("title",)), ("text:", ("text",))):
            expected = {
                d["id"]
                for d in wanted
                if any(phrase_in(engine.analyzer, phrase, d[field]) for field in fields)
            }
            found = engine.search(f'{prefix}"{phrase}"', 20, syntax="query", strict=True).hits
            assert {hit.id for hit in found} == expected, (prefix, phrase)


def test_a_directory_with_all_pairs_of_words_opens_and_answers(tmp_path: Path) -> None:
    """Phrases were looked up in pairs once; what is written now has positions, and they work together."""
    path = shutil.copytree(ENGINES / "v2" / "phrases", tmp_path / "idx")
    more = {"id": "new", "title": "the cat", "text": "a new cat under 28 U.S.C. § 1331 gives", "n": 50}
    wanted = [*left(), more]
    with pe.Engine.open(path, auto_compact=False) as engine:
        assert_whole(engine, left())
        assert_answers(engine, left())
        assert_phrases(engine, left())
        assert "positions.seg" not in engine.info()["files"]
        engine.add([more])
        engine.commit()
        assert_whole(engine, wanted)
        assert_phrases(engine, wanted)
        engine.compact()
        assert engine.info()["files"]["positions.seg"] > 0
        assert_whole(engine, wanted)
        assert_answers(engine, wanted)
        assert_phrases(engine, wanted)


def test_an_only_segment_without_positions_gets_them_when_it_is_compacted(tmp_path: Path) -> None:
    path = shutil.copytree(ENGINES / "v2" / "phrases", tmp_path / "idx")
    with pe.Engine.open(path, auto_compact=False) as engine:
        *others, last = left()
        engine.delete([d["id"] for d in others])
        generation = engine.commit()
        assert [segment.entry.deleted for segment in engine._snapshot.segments] == [0]
        assert_phrases(engine, [last])
        assert engine.compact() == generation + 1
        assert engine.info()["files"]["positions.seg"] > 0
        assert_phrases(engine, [last])
        assert engine.compact() == generation + 1


def test_a_chunked_directory_opens_and_answers(tmp_path: Path) -> None:
    path = shutil.copytree(ENGINES / "v2" / "chunked", tmp_path / "idx")
    for deleted in (set(), {"d2/ü"}):
        rows = [
            {**d, "text": d["text"][start:end]}
            for d in left()
            if d["id"] not in deleted
            for start, end in spans(d["text"], *CHUNKS, True) or [(0, 0)]
        ]
        slow = SlowBm25([[token.term for token in analyze(indexed(row))] for row in rows])
        with pe.Engine.open(path) as engine:
            engine.delete(deleted)
            engine.commit()
            assert engine.verify() == []
            assert list(engine.ids) == [row["id"] for row in rows]
            assert [engine.corpus.text(i) for i in range(len(rows))] == [row["text"] for row in rows]
            for query in QUERIES:
                expected = slow.search([token.term for token in analyze(query)], 10)
                hits = engine.search_batch([query], 10, collapse=False)
                assert list(zip(*hits.query(0), strict=True)) == expected
                documents_found = list(
                    dict.fromkeys(
                        rows[row]["id"]
                        for row, _ in slow.search([token.term for token in analyze(query)], len(rows))
                    )
                )
                assert [hit.id for hit in engine.search(query, 10).hits] == documents_found[:10]
            engine.compact()
            assert engine.verify() == []
            assert list(engine.ids) == [row["id"] for row in rows]
