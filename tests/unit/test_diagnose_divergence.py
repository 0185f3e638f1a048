"""The divergence: a null that reads zero, words as the reference counts them, languages, intervals."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.corpus import indexed_text
from pyengine.diagnose import Reference
from pyengine.diagnose.divergence import SPECIALISED, divergence, divergence_of_playbook, excess
from pyengine.diagnose.language import language_of
from pyengine.diagnose.reference import word_counts
from pyengine.diagnose.words import WordCounts, count_words, folded
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError, NotFoundError

wordfreq = pytest.importorskip("wordfreq", reason="the reference of web text is not installed")


@pytest.fixture(scope="module")
def web() -> Reference:
    return Reference.web()


@pytest.mark.parametrize("n", [10**3, 10**4, 10**5, 10**6, 10**7])
def test_text_drawn_from_the_reference_is_healthy_at_every_size(web: Reference, n: int) -> None:
    words = list(web.words)
    for seed in range(3):
        # One place more than the table has: words that text of this kind has and the table lacks.
        shares = np.append(web.shares * (1 - web.unknown), web.unknown)
        drawn = np.random.default_rng(seed + n).multinomial(n, shares)
        counts = {words[i]: int(drawn[i]) for i in np.flatnonzero(drawn[:-1])}
        counts["(unlisted)"] = int(drawn[-1])
        found = divergence(counts, web)
        assert found.verdict == "healthy"
        assert found.estimate is not None
        assert abs(found.estimate.value) < 0.1
        assert found.details["null_spread"] < 0.1
    if n == 10**3:
        # The playbook's arithmetic calls small samples of ordinary text suspect.
        small = divergence_of_playbook(counts, web)
        assert small.verdict != "healthy"


def test_other_vocabulary_is_seen_and_named(web: Reference) -> None:
    drawn = np.random.default_rng(1).multinomial(50_000, web.shares)
    counts = {word: int(n) for word, n in zip(web.words, drawn, strict=True) if n}
    counts["shibboleth"] = 30_000
    found = divergence(counts, web)
    assert found.verdict == "suspect"
    assert found.details["drivers"][0]["word"] == "shibboleth"
    assert "too narrow" in " ".join(found.notes)


def test_kl_against_the_formula(web: Reference) -> None:
    """Eight tokens over a table of two words and UNK, by hand; the null and the draws play no part in it."""
    table = Reference("two", {"a": 0, "b": 1}, np.array([0.75, 0.25]), "", 0.2)
    q = np.array([0.6, 0.2, 0.2])
    p = (np.array([4.0, 0.0, 4.0]) + q) / 9
    found = excess(np.array([4.0, 0.0, 4.0]), table)
    assert found["kl"] == pytest.approx(np.sum(p * np.log(p / q)))
    middle = (p + q) / 2
    assert found["jensen_shannon"] == pytest.approx(
        (np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2
    )
    assert found["unknown_share"] == 0.5
    assert [d["word"] for d in found["drivers"]] == ["(words the reference lacks)", "b", "a"]
    assert sum(d["nats"] for d in found["drivers"]) == pytest.approx(found["kl"])


def test_documents_that_repeat_a_word_widen_the_interval(web: Reference) -> None:
    """Fifty times the same word is one thing seen, not fifty: the error is that of documents."""
    random = np.random.default_rng(5)
    words = np.array([w for w in list(web.words)[:3000] if w.isalpha()])
    texts = [" ".join([word] * 50) for word in random.choice(words, 640)]
    by_document = divergence(count_words([texts]), web).estimate
    by_token = divergence(word_counts([texts]), web).estimate
    assert by_document is not None
    assert by_token is not None
    assert by_document.value == by_token.value
    wider = (by_document.high - by_document.low) / (by_token.high - by_token.low)
    assert wider == pytest.approx(50**0.5, rel=0.3)


def test_the_interval_holds_the_value_of_the_whole(collection: Callable[[str], Path], web: Reference) -> None:
    texts = [
        t
        for b in pe.Corpus.from_beir(collection("nl2bash")).batches()
        for t in indexed_text(b.column("title"), b.column("text")).to_pylist()
    ]
    whole = divergence(count_words([texts]), web, sample=10_000).estimate
    assert whole is not None
    random, held = np.random.default_rng(0), 0
    for seed in range(12):
        part = [texts[i] for i in random.choice(len(texts), 3000, replace=False)]
        found = divergence(count_words([part]), web, sample=10_000, seed=seed).estimate
        assert found is not None
        held += found.low <= whole.value <= found.high
    assert held >= 10


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("scifact", "healthy"), ("cranfield", "healthy"), ("obliqa", "healthy"), ("nl2bash", "suspect")],
)
def test_prose_and_program_text_are_told_apart(
    collection: Callable[[str], Path], web: Reference, name: str, verdict: str
) -> None:
    batches = pe.Corpus.from_beir(collection(name)).batches()
    found = divergence(count_words(indexed_text(b.column("title"), b.column("text")) for b in batches), web)
    assert found.verdict == verdict
    assert found.details["language"] == "en"


def test_words_are_cut_and_folded_as_in_the_reference(
    collection: Callable[[str], Path],
) -> None:
    from wordfreq import lossy_tokenize
    from wordfreq.numbers import smash_numbers

    texts = [
        t
        for b in pe.Corpus.from_beir(collection("medquad-liveqa")).batches()
        for t in b.column("text").to_pylist()
    ][:300]
    theirs = Counter(smash_numbers(word) for text in texts for word in lossy_tokenize(text, "en"))
    assert word_counts([texts]) == theirs


@given(st.text(st.sampled_from("019.,ab'x"), min_size=1, max_size=12))
def test_numbers_are_folded_as_wordfreq_folds_them(term: str) -> None:
    from wordfreq.numbers import smash_numbers

    assert folded(term) == smash_numbers(term.strip("'"))


@pytest.mark.parametrize("code", ["de", "fr", "es", "nl", "ru", "zh", "id", "tr"])
def test_another_language_is_said_and_not_scored(web: Reference, code: str) -> None:
    from wordfreq import get_frequency_dict

    table = get_frequency_dict(code, "best")
    shares = np.array(list(table.values()))
    drawn = np.random.default_rng(0).multinomial(5000, shares / shares.sum())
    counts = {word: int(n) for word, n in zip(table, drawn, strict=True) if n}
    found = divergence(counts, web)
    assert (found.verdict, found.estimate) == ("not run", None)
    assert f"fits {code!r} best" in found.reason
    assert "not in 'en'" in divergence_of_playbook(counts, web).reason
    # A reference of one's own has no language to be wrong.
    own = Reference("own", web.words, web.shares, "", web.unknown)
    assert divergence(counts, own).verdict == "suspect"


def test_program_text_is_english_enough() -> None:
    import json.decoder

    source = Path(json.decoder.__file__).read_text(encoding="utf-8")
    assert not language_of(word_counts([[source]]), "en").foreign


def test_too_little_is_no_number(web: Reference) -> None:
    few = divergence({"the": 10}, web)
    assert (few.verdict, few.estimate) == ("not run", None)
    assert "the corpus has 10 words" in few.reason
    one = divergence(count_words([["the house of the old man by the sea " * 200]]), web)
    assert (one.verdict, one.estimate) == ("not run", None)
    assert "one document" in one.reason
    assert divergence({}, web).verdict == "not run"
    with pytest.raises(InvalidInputError, match="sample: expected 1000 words or more, got 5"):
        divergence({"the": 5000}, web, sample=5)


def test_blocks_add_up_and_the_fingerprint_knows_no_order() -> None:
    counted = count_words([["a b a", "b c"], pa.array(["a"])])
    assert isinstance(counted, WordCounts)
    assert counted.counts == {"a": 3, "b": 2, "c": 1}
    assert counted.blocks.sum() == counted.total == 6
    assert (counted.documents, counted.left_out) == (3, 0)
    assert counted.fingerprint == count_words([["c b", "a", "a a b"]]).fingerprint
    assert counted.fingerprint != count_words([["a b a", "b c"]]).fingerprint


def test_the_threshold_lies_between_prose_and_program_text() -> None:
    # docs/diagnostics.md has the readings: prose up to 1.6, program text and code lists from 2.3.
    assert 1.6 < SPECIALISED < 2.3


def test_digits_are_folded_as_in_the_reference() -> None:
    assert word_counts([["In 1999 and 2024, 7 of 12"]]) == {
        "in": 1,
        "0000": 2,
        "and": 1,
        "7": 1,
        "of": 1,
        "00": 1,
    }


def test_a_reference_of_ones_own(tmp_path: Path) -> None:
    made = Reference.build("tickets", [["printer on fire", "printer jam"]])
    made.save(tmp_path / "r.parquet")
    again = Reference.load(tmp_path / "r.parquet")
    assert (again.name, again.words, again.fingerprint) == ("tickets", made.words, made.fingerprint)
    # Three words once of five tokens; one token added on either side.
    assert made.unknown == again.unknown == pytest.approx(4 / 7)
    table = pq.read_table(tmp_path / "r.parquet")
    for key, value, message in (
        (b"analyzer", b"0" * 64, "made by analyzer 000000000000"),
        (b"format", b"pyengine-reference-1", "format pyengine-reference-1"),
    ):
        pq.write_table(
            table.replace_schema_metadata({**table.schema.metadata, key: value}), tmp_path / "o.parquet"
        )
        with pytest.raises(IncompatibleIndexError, match=message):
            Reference.load(tmp_path / "o.parquet")
    with pytest.raises(NotFoundError, match="no such file"):
        Reference.load(tmp_path / "none")
    (tmp_path / "x").write_bytes(b"no")
    with pytest.raises(CorruptIndexError, match="expected a reference in Parquet"):
        Reference.load(tmp_path / "x")
    with pytest.raises(InvalidInputError, match="none with a word"):
        Reference.build("empty", [["..."]])
