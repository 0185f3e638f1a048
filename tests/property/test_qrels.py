"""Judgements and runs come back from their files as they went in."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe

# Any text but what trec_eval takes for white space; no-break space and line separators included.
IDS = st.text(
    st.characters(blacklist_characters=" \t\r\f\v\n", blacklist_categories=("Cs",)), min_size=1, max_size=6
).filter(lambda text: not text.startswith("\ufeff") and text.strip())
GRADES = st.integers(-(2**31) + 1, 2**31 - 1)
SCORES = st.floats(allow_nan=False)


@given(st.dictionaries(IDS, st.dictionaries(IDS, GRADES, min_size=1, max_size=4), max_size=4))
def test_judgements(judged: dict[str, dict[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "qrels"
        pe.Qrels.from_dict(judged).to_trec(path)
        again = pe.Qrels.from_trec(path)
    assert again == judged
    assert list(again) == list(judged)


@given(st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=4), max_size=4))
def test_runs(answers: dict[str, dict[str, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        pe.Run.from_dict(answers).to_trec(path)
        again = pe.Run.from_trec(path)
    assert again == answers
    assert [list(again[q]) for q in again] == [list(answers[q]) for q in answers]
