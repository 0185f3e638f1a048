"""The census: the playbook's pipeline byte for byte, and literals by family with intervals over documents."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.diagnose.census import Census, census, count_mixed, take_census
from pyengine.errors import InvalidInputError
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
@pytest.mark.parametrize("name", ["nl2bash", "scifact", "playbook-fixture"])
def test_the_pipeline_on_real_text(collection: Callable[[str], Path], name: str) -> None:
    texts = [
        text
        for batch in pe.Corpus.from_beir(collection(name)).batches()
        for text in batch.column("text").to_pylist()
    ]
    assert count_mixed(texts) == pipeline(texts)


@needs_awk
@pytest.mark.parametrize(
    "text",
    [
        "a1\r\nb2 c\r\n\r\nd4\r\n",
        "caf\u00e95 \uff11\uff12a x1\u00a0y2 \u65e5\u672c1 z9",
        "ab1 " * 20_000 + "x" * 1_000_000 + "1 " + "9" * 1_000_000,
        "",
        " \t\n ",
    ],
    ids=["crlf", "not-ascii", "long-lines", "empty", "blank"],
)
def test_the_pipeline_on_awkward_text(text: str) -> None:
    assert count_mixed([text]) == pipeline([text])


@needs_awk
def test_a_nul_is_a_byte_like_others_where_the_playbooks_grep_gives_up() -> None:
    assert count_mixed(["a1 b\x00c2 d3"]) == (2, 2)
    # grep takes its input for binary, unless told -a, and prints no token behind the NUL.
    strict = subprocess.run(
        ["grep", "-E", "^[a-z0-9]+$"],
        input=b"a1\nb\x00c2\nd3\n",
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    assert b"d3" not in strict.stdout


def test_the_playbooks_share_of_its_own_fixture(collection: Callable[[str], Path]) -> None:
    folder = collection("playbook-fixture")
    expected = json.loads((folder / "expected.json").read_text())
    taken = take_census(pe.Corpus.from_beir(folder).batches())
    found = census(taken, None, mode="playbook")
    assert taken.plain == expected["test1_tokens"]
    assert found.estimate is not None
    assert round(100 * found.estimate.value, 1) == expected["test1_mixed_alnum_share_percent"]
    assert found.verdict == "healthy"
    assert found.estimate.low <= found.estimate.value <= found.estimate.high


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


def test_intervals_resample_documents() -> None:
    """A share that a tenth of the documents hold whole is known far worse than its tokens suggest."""
    even, uneven = Census(), Census()
    even.add(["a1 b c d e f g h i j"] * 200)
    uneven.add(["a1 b2 c3 d4 e5 f6 g7 h8 i9 j0"] * 20 + ["a b c d e f g h i j"] * 180)
    assert even.mixed == uneven.mixed == 200
    assert even.plain == uneven.plain == 2000
    assert even.mixed_interval() == pytest.approx((0.1, 0.1))
    low, high = uneven.mixed_interval()
    # Twenty of 200 documents: the binomial interval of that, not of 2,000 tokens.
    assert low == pytest.approx(0.06, abs=0.01)
    assert high == pytest.approx(0.145, abs=0.01)
    one = Census()
    one.add(["a1 b"])
    assert one.mixed_interval() is None


def test_a_sample_of_documents() -> None:
    batches = list(
        pe.Corpus.from_rows([{"id": str(i), "text": f"word F{i % 90 + 10}.1"} for i in range(5000)]).batches()
    )
    half = take_census(batches, sample=0.5, seed=3)
    assert 2300 < half.documents < 2700
    assert take_census(batches, sample=0.5, seed=3).by_kind.tolist() == half.by_kind.tolist()
    assert take_census(batches, sample=1.0).documents == take_census(batches).documents == 5000
    for wrong in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(InvalidInputError, match="sample: expected a share"):
            take_census(batches, sample=wrong)


def test_binary_data_gets_no_share() -> None:
    taken = Census()
    taken.add([bytes(range(256)).decode("latin-1") * 4, "%PDF \ufffd\ufffd\x00\x01 endobj"])
    found = census(taken, ["F33.1"])
    assert found.verdict == "not run"
    assert found.estimate is None
    assert "binary data, not text" in found.reason
    plain = Census()
    plain.add(["tabs\tand\r\nline ends are text, and so is é 日本語"] * 10)
    assert (plain.junk, plain.bytes) == (
        0,
        10 * len("tabs\tand\r\nline ends are text, and so is é 日本語".encode()),
    )


def test_terms_beyond_the_limit_are_counted_together() -> None:
    counter = TermCounter(pe.Analyzer("words"), blocks=2, most_terms=2)
    counter.add(["a b a", "c a d"])
    counter.add(pa.array(["b c"]))
    terms, counts, _ = counter.result()
    assert dict(zip(terms, counts.tolist(), strict=True)) == {"a": 3, "b": 2}
    assert counter.block_counts().tolist() == [[2, 1], [2, 0]]
    assert counter.left_out == 3
    for name in ("blocks", "most_terms"):
        with pytest.raises(InvalidInputError, match=f"{name}: expected 1 or more"):
            TermCounter(pe.Analyzer("words"), **{name: 0})


def test_a_stream_takes_no_memory_that_grows_with_it() -> None:
    """The distinct terms and the blocks are all that stays: ten times the batches, the same state."""
    batch = pa.record_batch({"title": pa.array([""] * 100), "text": pa.array(["one two F33.1 three"] * 100)})

    def batches(n: int) -> Iterator[pa.RecordBatch]:
        for _ in range(n):
            yield batch

    small, large = take_census(batches(3)), take_census(batches(300))
    assert large.documents == 100 * small.documents
    assert small._blocks.nbytes == large._blocks.nbytes
    assert len(small._counter.result()[0]) == len(large._counter.result()[0]) == 4
