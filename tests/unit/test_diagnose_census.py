"""Counting: the playbook's pipeline byte for byte, literals by family, and a null that reads zero."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.diagnose import Reference
from pyengine.diagnose.census import Census, census, count_mixed
from pyengine.diagnose.divergence import divergence
from pyengine.diagnose.reference import word_counts
from pyengine.errors import CorruptIndexError, InvalidInputError, NotFoundError
from pyengine.text import KINDS, TermCounter

TEXTS = st.lists(
    st.text(st.sampled_from(list("aZ09.-_ \t\n\r\x00é§ab12xyz ")), max_size=300), min_size=1, max_size=6
)


def pipeline(texts: list[str]) -> tuple[int, int]:
    """Run the playbook's three commands in the C locale."""
    script = (
        "awk '{ for(i=1;i<=NF;i++) print tolower($i) }' | grep -a -E '^[a-z0-9]+$' | "
        "awk '/[0-9]/ && /[a-z]/ { mixed++ } { total++ } END { print mixed+0, total+0 }'"
    )
    done = subprocess.run(
        ["bash", "-c", script],
        input="\n".join(texts).encode(),
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    mixed, total = done.stdout.split()
    return int(mixed), int(total)


needs_awk = pytest.mark.skipif(
    not all(map(shutil.which, ("awk", "grep", "bash"))), reason="awk, grep and bash are not all here"
)


@needs_awk
@given(TEXTS)
def test_mixed_tokens_are_counted_as_the_pipeline_counts_them(texts: list[str]) -> None:
    # awk implementations differ on NUL: some end the record there. It is left to the unit test below.
    clean = [text.replace("\x00", "?") for text in texts]
    assert count_mixed(clean) == pipeline(clean)


@needs_awk
def test_the_pipeline_on_real_text(collection: Callable[[str], Path]) -> None:
    texts = [
        text
        for batch in pe.Corpus.from_beir(collection("nl2bash")).batches()
        for text in batch.column("text").to_pylist()
    ]
    assert count_mixed(texts) == pipeline(texts)


def test_what_counts_as_mixed() -> None:
    assert count_mixed(["abc a1 1A 22 a-1 F33.1 é1 a1\tb2\nc3 x\x001 "]) == (5, 7)
    assert count_mixed([]) == (0, 0)
    assert count_mixed(pa.array(["zz", "a1 b2", "c3"]).slice(1)) == (3, 3)


@given(TEXTS)
def test_terms_and_kinds_are_those_of_the_analyzer(texts: list[str]) -> None:
    analyzer = pe.Analyzer("domain")
    counter = TermCounter(analyzer)
    kinds = counter.add(pa.array(texts, pa.string()))
    expected = Counter()
    for i, text in enumerate(texts):
        whole = [token for token in analyzer.tokens(text) if not token.part]
        expected.update(token.term for token in whole)
        assert kinds[i].tolist() == [sum(token.kind == kind for token in whole) for kind in KINDS]
    terms, counts, _ = counter.result()
    assert dict(zip(terms, counts.tolist(), strict=True)) == expected
    with pytest.raises(InvalidInputError, match="without a stemmer"):
        TermCounter(pe.Analyzer("domain", stemmer="english"))


def test_families_are_told_apart_and_queries_decide() -> None:
    taken = Census()
    taken.add(["Diagnosis F33.1 per 28 USC § 1331"] * 50 + ["plain words only here"] * 50)
    found = census(taken, ["what is F33.1"] * 40 + ["plain question"] * 60)
    assert set(found.details["families"]) == {"icd", "statute"}
    assert found.details["families"]["icd"]["examples"] == ["f33.1"]
    assert found.details["families"]["icd"]["tokens"] == 50
    share = found.details["families"]["icd"]
    assert share["low"] < share["share"] < share["high"]
    assert found.verdict == "suspect"
    assert found.estimate is not None
    assert found.estimate.value == 0.4
    assert census(taken, ["plain question"] * 300).verdict == "healthy"
    assert census(taken, None).verdict == "inconclusive"
    playbook = census(taken, None, mode="playbook")
    assert (playbook.verdict, playbook.details["mixed"]["mixed"]) == ("healthy", 0)
    empty = Census()
    empty.add(["", " "])
    with pytest.raises(InvalidInputError, match="without a single token"):
        census(empty, None)


wordfreq = pytest.importorskip("wordfreq", reason="the reference of web text is not installed")


@pytest.fixture(scope="module")
def web() -> Reference:
    return Reference.web()


@pytest.mark.parametrize("n", [10**3, 10**4, 10**5, 10**6, 10**7])
def test_text_drawn_from_the_reference_is_healthy_at_every_size(web: Reference, n: int) -> None:
    words = list(web.words)
    for seed in range(3):
        drawn = np.random.default_rng(seed + n).multinomial(n, web.shares)
        found = divergence({words[i]: int(drawn[i]) for i in np.flatnonzero(drawn)}, web)
        assert found.verdict == "healthy"
        assert found.estimate is not None
        assert abs(found.estimate.value) < 0.1
        # The playbook's arithmetic calls small samples of ordinary text suspect.
    if n == 10**3:
        small = divergence({words[i]: int(drawn[i]) for i in np.flatnonzero(drawn)}, web, mode="playbook")
        assert small.verdict != "healthy"


def test_other_vocabulary_is_seen_and_named(web: Reference) -> None:
    drawn = np.random.default_rng(1).multinomial(50_000, web.shares)
    counts = {word: int(n) for word, n in zip(web.words, drawn, strict=True) if n}
    counts["shibboleth"] = 30_000
    found = divergence(counts, web)
    assert found.verdict == "suspect"
    assert found.details["drivers"][0]["word"] == "shibboleth"
    german = divergence({"der": 900, "und": 800, "wetterbericht": 700, "gestern": 600}, web)
    assert german.verdict == "not run"
    assert "running text" in german.reason
    assert divergence({"the": 10}, web).verdict == "not run"


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
    with pytest.raises(NotFoundError, match="no such file"):
        Reference.load(tmp_path / "none")
    (tmp_path / "x").write_bytes(b"no")
    with pytest.raises(CorruptIndexError, match="expected a reference in Parquet"):
        Reference.load(tmp_path / "x")
    with pytest.raises(InvalidInputError, match="none with a word"):
        Reference.build("empty", [["..."]])
