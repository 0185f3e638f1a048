"""Which fusion an index searches by, and what "auto" knows of it: recorded, refreshed, measured when due."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from collections_made import WordEmbedder, made, texts
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.engine.settings import Settings

QUERIES = ["kader lolin mimon", "nusat petor", "rader"]


def test_calibration_is_published_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    with made(path, texts(80), WordEmbedder()) as engine:
        before = engine.search_batch(QUERIES, 10, fusion="auto")
        generation = engine.generation
        known = engine.calibrate_fusion()
        assert engine.generation == generation + 1
        assert engine.set_fusion("auto") == generation + 2
        assert engine.search_batch(QUERIES, 10).equals(before)
        assert engine.verify() == []
    with pe.Engine.open(path, embedder=WordEmbedder()) as engine:
        assert engine.info()["settings"]["calibration"] == known.to_json()
        assert engine.info()["settings"]["fusion"]["method"] == "auto"
        assert engine.search_batch(QUERIES, 10).equals(before)
        engine.add([{"id": "new", "text": "kader"}])
        engine.commit()
        assert engine.info()["settings"]["calibration"] == known.to_json()


def test_fusion_of_one_process_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    made(path, texts(20), WordEmbedder()).close()
    own = pe.FusionConfig(method="convex", lexical_weight=0.1, dense_weight=0.9)
    with pe.Engine.open(path, embedder=WordEmbedder(), fusion=own) as engine:
        engine.add([{"id": "new", "text": "kader"}])
        engine.commit()
        engine.calibrate_fusion()
        assert engine.fusion == own
        assert engine.info()["settings"]["fusion"]["method"] == "rrf"
    with pe.Engine.open(path, embedder=WordEmbedder()) as engine:
        assert engine.fusion == pe.FusionConfig()


def test_a_reader_searches_by_the_fusion_that_was_recorded_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    own = pe.FusionConfig(window=7)
    with (
        made(path, texts(20), WordEmbedder()) as writer,
        pe.Engine.open(path, embedder=WordEmbedder()) as reader,
        pe.Engine.open(path, embedder=WordEmbedder(), fusion=own) as stubborn,
    ):
        writer.set_fusion("auto")
        for engine in (reader, stubborn):
            engine.refresh()
        assert reader.fusion.method == "auto"
        assert stubborn.fusion == own


# Where an index searches by "auto", writing it measures what that needs.


def calibrations(engine: pe.Engine) -> Any:
    return engine.info()["settings"]["calibration"]


def test_an_index_of_auto_is_measured_by_its_first_commit(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(80), WordEmbedder(), fusion="auto")
    known = calibrations(engine)
    assert known["documents"] == 80
    assert known["queries"] == 80
    asked = WordEmbedder()
    with pe.Engine.open(tmp_path / "idx", embedder=asked) as reader:
        hit = reader.search("kader", explain=True, timeout_s=30)[0]
        assert hit.explanation is not None
        assert "of 80 documents" in hit.explanation.why
    generation = engine.generation
    engine.add([{"id": "new", "text": "kader"}])
    assert engine.commit() == generation + 1
    assert calibrations(engine) == known
    engine.add([{"id": f"n{i}", "text": text} for i, text in enumerate(texts(100, seed=9))])
    assert engine.commit() == generation + 3
    assert calibrations(engine)["documents"] == 181


def test_new_vectors_are_measured_anew(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(40), FakeEmbedder(8), fusion="auto")
    before = calibrations(engine)
    engine.reembed(FakeEmbedder(6))
    after = calibrations(engine)
    assert after["embedder"] != before["embedder"]
    assert after["embedder"] == engine.info()["settings"]["embedder"]["fingerprint"]
    generation = engine.generation
    assert engine.reembed(FakeEmbedder(6)) == generation


def test_an_index_of_another_fusion_is_not_measured(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(20), WordEmbedder())
    assert calibrations(engine) is None
    engine.set_fusion("convex")
    assert calibrations(engine) is None
    engine.set_fusion("auto")
    assert calibrations(engine)["documents"] == 20
    lexical = made(tmp_path / "lexical", texts(20), None, fusion="auto")
    assert calibrations(lexical) is None
    empty = pe.Engine.create(tmp_path / "empty", embedder=WordEmbedder(), fusion="auto")
    assert empty.commit() == empty.generation
    assert calibrations(empty) is None


def test_documents_are_published_though_the_embedder_cannot_measure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(WordEmbedder):
        def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> npt.NDArray[np.float32]:
            vectors = super().embed(texts, kind=kind)
            return vectors if kind == "passage" else vectors[:, :1]

    engine = made(tmp_path / "idx", texts(20), Fails(), fusion="auto")
    assert len(engine) == 20
    assert calibrations(engine) is None
    assert "fusion auto was not measured" in caplog.text


def test_a_calibration_of_another_size_is_measured_again(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(40), WordEmbedder())
    engine.calibrate_fusion()
    engine.add([{"id": f"n{i}", "text": text} for i, text in enumerate(texts(100, seed=9))])
    engine.commit()
    hit = engine.search("kader", fusion="auto", explain=True)[0]
    assert hit.explanation is not None
    assert "of 140 documents" in hit.explanation.why


def test_settings_of_an_older_version_still_open(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(20), FakeEmbedder())
    config = json.loads(json.dumps(engine.info()["settings"]))
    for name in ("method", "normalisation", "complete"):
        del config["fusion"][name]
    del config["calibration"]
    read = Settings.from_json(config, "here")
    assert read.fusion == pe.FusionConfig()
    assert read.calibration is None
