"""Hostile texts: malformed bytes, and repetition that would make a careless scanner quadratic."""

import random
import time

import pytest
from oracles.texts import LITERALS

from pyengine import Analyzer, _core

PRESETS = ("domain", "words", "whitespace")
MALFORMED = [
    b"\x80", b"\xff", b"\xc0\xaf", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x91",
    b"\xf4\x90\x80\x80",
    b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80", b"\xc1\x81",
]  # fmt: skip


@pytest.mark.parametrize("bad", MALFORMED)
@pytest.mark.parametrize("preset", range(3))
def test_malformed_bytes_end_a_token(preset: int, bad: bytes) -> None:
    analyzer = _core.Analyzer(preset)
    tokens = [t[:3] for t in analyzer.tokens_utf8(b"abc" + bad + b"def " + bad + b" ghi" + bad)]
    second = 3 + len(bad)
    third = second + 3 + 1 + len(bad) + 1
    assert tokens == [("abc", 0, 3), ("def", second, second + 3), ("ghi", third, third + 3)]


@pytest.mark.parametrize("preset", range(3))
def test_no_token_holds_malformed_bytes(preset: int) -> None:
    analyzer, rng = _core.Analyzer(preset), random.Random(preset)
    for _ in range(3000):
        text = bytearray(" ".join(rng.choices(LITERALS, k=4)).encode())
        for _ in range(rng.randint(1, 6)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        for term, start, end, _, _ in analyzer.tokens_utf8(bytes(text)):
            assert "\ufffd" not in term
            assert bytes(text[start:end]).decode("utf-8")


UNITS = [
    "a", ".", "/", "_", "-", ":", "@", "§ ", "§", "1", "1.", "1,", "1-", "a-", "a.", "a/", "a:", "a_",
    "aB", "a@",
    "://", "a://", "http://a", "1 mg/", "28 USC ", "28 USC §", "(a)", "§1(a)", "Art. ", "section ", "/{a}",
    "{a}",
    "'", "'s", "$A", "C++", "--", "--a-", "0x", "\u0301", "a\u0301\u0323", ":\u0301", "\u1100\u1161", "🇩",
    "👍\u200d",
    "e.g.", "A1-", "IL-6/", "v1.", "#", "+", "~/", "\\", "\u2010", "é", "日", "\u00ad", '"', "א\"",
    "1 \u00a0", "\r\n",
]  # fmt: skip
SMALL, LARGE = 1 << 14, 1 << 19
# Thirty-two times the text may take thirty-two times the time, and cold memory and a busy machine some more;
# a quadratic scanner takes a thousand times.
MOST = 160.0
FLOOR_S = 0.003


def seconds(analyzer: Analyzer, text: str) -> float:
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        analyzer._core.count(text)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    for preset in PRESETS:
        analyzer = Analyzer(preset)
        for frame in ("{}", "x {}."):
            piece = frame.format(unit)
            small = seconds(analyzer, piece * (SMALL // len(piece)))
            large = seconds(analyzer, piece * (LARGE // len(piece)))
            assert large < MOST * max(small, FLOOR_S), (preset, piece)


def test_one_megabyte_of_one_literal_is_one_whole_term() -> None:
    analyzer = Analyzer("domain")
    long = "_".join(["part"] * 200_000)
    tokens = analyzer.tokens(long)
    assert tokens[0].term == long
    assert len(tokens) == 200_001
