"""Phrases: the core against its slow twin, by whichever way an engine finds them, and the law of quotes."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles.phrases import phrase_in

import pyengine as pe
from pyengine import _core

WORDS = (
    "section 28 USC § 1331 grants F33.1 F33.1.2 5 mm v2.0 AB-12/X art. HTTP 404 getUserById a the , ( "
    "/usr/bin $5 10-K e.g."
)
PIECES = st.sampled_from(WORDS.split())
SPACES = st.sampled_from([" ", " ", " ", "  ", "\n", "\u00a0", "", "."])
TEXTS = st.lists(st.tuples(PIECES, SPACES), max_size=9).map(lambda parts: "".join(p + s for p, s in parts))
ANALYZERS = st.sampled_from([pe.Analyzer("domain"), pe.Analyzer("words"), pe.Analyzer("whitespace")])


@given(analyzer=ANALYZERS, phrase=TEXTS, text=TEXTS, inside=st.booleans())
@settings(max_examples=500)
@example(analyzer=pe.Analyzer(), phrase="28 USC § 1331", text="section 28 USC § 1331 grants", inside=False)
@example(analyzer=pe.Analyzer(), phrase="code F33.1", text="code F33.1.2", inside=False)
def test_the_core_against_its_slow_twin(
    *, analyzer: pe.Analyzer, phrase: str, text: str, inside: bool
) -> None:
    text = f"{text} {phrase} {text}" if inside else text
    found = _core.phrase_in(analyzer._core, phrase, pa.array([text]))
    assert found.tolist() == [phrase_in(analyzer, phrase, text)]


def test_phrases_that_repeat_themselves_take_linear_time() -> None:
    analyzer = pe.Analyzer("words")
    text, phrase = "a " * 200_000, "a " * 20_000 + "b"
    assert not _core.phrase_in(analyzer._core, phrase, pa.array([text]))[0]
    assert _core.phrase_in(analyzer._core, "a " * 20_000, pa.array([text]))[0]


@given(
    documents=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5),
    phrase=TEXTS,
    pairs=st.booleans(),
    commits=st.sets(st.integers(0, 3)),
    deleted=st.sets(st.integers(0, 4), max_size=2),
    merged=st.booleans(),
)
@settings(max_examples=150)
def test_an_engine_misses_no_document(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    documents: list[tuple[str, str]],
    phrase: str,
    pairs: bool,
    commits: set[int],
    deleted: set[int],
    merged: bool,
) -> None:
    """Whatever its segments are, and what was deleted from them."""
    analyzer = pe.Analyzer("domain")
    if not analyzer.terms(phrase):
        return
    folder = tmp_path_factory.mktemp("p") / "i"
    with pe.Engine.create(folder, phrases=pairs, auto_compact=False) as engine:
        for i, (title, text) in enumerate(documents):
            engine.add([{"id": str(i), "title": title, "text": text}])
            if i in commits:
                engine.commit()
        engine.commit()
        engine.delete([str(i) for i in sorted(deleted)], missing_ok=True)
        engine.commit()
        if merged:
            engine.compact()
        assert engine.verify() == []
        for prefix, chosen in (("", [0, 1]), ("title:", [0]), ("text:", [1])):
            expected = {
                str(i)
                for i, fields in enumerate(documents)
                if i not in deleted and any(phrase_in(analyzer, phrase, fields[f]) for f in chosen)
            }
            found = engine.search(f'{prefix}"{phrase}"', 10, syntax="query")
            assert {hit.id for hit in found.hits} == expected


@pytest.mark.parametrize("pairs", [False, True])
def test_what_is_quoted_word_for_word_is_found(tmp_path: Path, *, pairs: bool) -> None:
    texts = [
        "Section 28 USC § 1331 grants jurisdiction.",
        "Grants under 28 U.S.C. § 1331 end.",
        "set out in Sections 227 of FSMR if we agree",
        "and cThK (2.08 vs 2.78 mm), from 0.07 to 0.18",
    ]
    with pe.Engine.create(tmp_path / "i", phrases=pairs) as engine:
        engine.add([{"id": str(i), "text": text} for i, text in enumerate(texts)])
        engine.commit()
        for phrase, expected in {
            "28 USC § 1331": {0, 1},
            "section 28 USC § 1331 grants": {0},
            "1331 grants": {0},
            "set out in Sections": {2},
            "227 of FSMR if": {2},
            "vs 2.78": {3},
            "28 USC § 13": set(),
        }.items():
            found = engine.search(f'"{phrase}"', syntax="query", strict=True)
            assert {hit.row for hit in found.hits} == expected, phrase


@pytest.mark.parametrize("pairs", [False, True])
def test_spans_of_real_documents(collection: Callable[[str], Path], tmp_path: Path, *, pairs: bool) -> None:
    """Every run of words of a document finds that document, whatever literals are around it."""
    with (collection("obliqa") / "corpus.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"].replace('"', " ") for line in islice(lines, 1500)]
    with pe.Engine.create(tmp_path / "i", phrases=pairs) as engine:
        engine.add([{"id": str(i), "text": text} for i, text in enumerate(texts)])
        engine.commit()
        asked = 0
        for row, text in enumerate(texts):
            words = text.split()
            at, n = row * 7919 % max(1, len(words) - 2), 2 + row % 3
            phrase = " ".join(words[at : at + n])
            if not engine.analyzer.terms(phrase):
                continue
            asked += 1
            hits = engine.search_batch([f'"{phrase}"'], len(texts), syntax="query", strict=True)
            assert row in hits.query(0)[0], phrase
        assert asked > 1000
