"""What holds of every text, whatever it says."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from oracles.texts import LITERALS, texts

from pyengine import Analyzer, _core
from pyengine.corpus import SEAM

DOMAIN, WORDS, WHITESPACE = Analyzer("domain"), Analyzer("words"), Analyzer("whitespace")
ALL = (DOMAIN, WORDS, WHITESPACE)
examples = settings(max_examples=400, deadline=None, derandomize=True)


@examples
@given(text=texts)
def test_without_literals_domain_is_words(text: str) -> None:
    tokens = DOMAIN.tokens(text)
    if all(token.kind == "word" for token in tokens):
        assert tokens == WORDS.tokens(text)


@examples
@given(text=texts)
def test_order_and_spans(text: str) -> None:
    for analyzer in ALL:
        whole = None
        behind = 0
        for token in analyzer.tokens(text):
            assert 0 <= token.start < token.end <= len(text)
            assert token.term
            if not token.part:
                assert token.start >= behind
                whole, behind, last = token, token.end, (token.start, -token.end)
                seen = set()
                continue
            assert whole is not None
            assert token.kind == whole.kind != "word"
            assert whole.start <= token.start < token.end <= whole.end
            assert token.term != whole.term
            span = (token.start, -token.end)
            assert span not in seen
            assert span >= last
            seen.add(span)
            last = span


@examples
@given(text=texts)
def test_terms_are_normalised_already(text: str) -> None:
    for token in WORDS.tokens(text):
        assert _core.normalize(token.term) == token.term == token.term.strip()


@examples
@given(left=texts, right=texts)
def test_title_and_text_do_not_touch(left: str, right: str) -> None:
    assert_apart(left, right)


@pytest.mark.parametrize("white", ["", " ", "   ", "\n", "\n\n\n", "\u3000\u3000\u3000\u3000"])
def test_no_literal_is_read_across_the_seam(white: str) -> None:
    """Every literal of the golden file, torn at every place, with more white space about the seam."""
    for literal in LITERALS:
        for at in range(len(literal) + 1):
            assert_apart(literal[:at] + white, literal[at:])
            assert_apart(literal[:at], white + literal[at:])


def assert_apart(left: str, right: str) -> None:
    """The tokens of title and text as they are indexed are those of the title, then those of the text."""
    for analyzer in ALL:
        offset = len(left) + len(SEAM)
        shifted = [replace(t, start=t.start + offset, end=t.end + offset) for t in analyzer.tokens(right)]
        assert analyzer.tokens(left + SEAM + right) == analyzer.tokens(left) + shifted


@examples
@given(text=texts)
def test_every_letter_and_digit_is_in_a_token(text: str) -> None:
    """Nothing is dropped silently: each ASCII letter or digit lies in a token, a possessive s aside."""
    covered = [False] * len(text)
    for token in DOMAIN.tokens(text):
        covered[token.start : token.end] = [True] * (token.end - token.start)
    for at, char in enumerate(text):
        if char.isascii() and char.isalnum() and not covered[at]:
            assert char in "sS"
            assert text[at - 1] in "'’"
