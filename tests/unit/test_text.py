"""Analyzer: presets, options, offsets, configuration and the errors of bad input."""

import json
import pickle

import pytest

from pyengine import Analyzer, Token
from pyengine.errors import InvalidInputError
from pyengine.text import ENGLISH_STOPWORDS

PRESETS = ["domain", "words", "whitespace"]


def test_words_by_hand() -> None:
    text = "The Größe, naïve café; can't 3.14 1,000 日本 ﬁne!"
    assert Analyzer("words").terms(text) == [
        "the", "grösse", "naïve", "café", "can't", "3.14", "1,000", "日", "本", "fine",
    ]  # fmt: skip


def test_whitespace_takes_text_as_it_is() -> None:
    text = "The\u00a0Größe,\t(B3),\u3000x\u2028y "
    assert Analyzer("whitespace").tokens(text) == [
        Token("The", 0, 3, "word", False),
        Token("Größe,", 4, 10, "word", False),
        Token("(B3),", 11, 16, "word", False),
        Token("x", 17, 18, "word", False),
        Token("y", 19, 20, "word", False),
    ]


def test_offsets_count_code_points() -> None:
    text = "😀 Ärger 👍🏽 naïve"
    tokens = Analyzer("words").tokens(text)
    assert [(t.term, text[t.start : t.end]) for t in tokens] == [("ärger", "Ärger"), ("naïve", "naïve")]


def test_invisible_code_points_do_not_tell_terms_apart() -> None:
    words = Analyzer("words")
    assert words.terms("co\u00adoperate \u200ecooperate") == ["cooperate", "cooperate"]
    assert words.terms("\u3164") == []


def test_a_word_needs_a_letter_or_a_number() -> None:
    assert Analyzer("words").terms("___ -- !? 😀 … _a_ ½") == ["_a_", "1⁄2"]


@pytest.mark.parametrize("preset", PRESETS)
def test_empty_text_has_no_terms(preset: str) -> None:
    assert Analyzer(preset).tokens("") == []
    assert Analyzer(preset).terms(" \t\n\u2003") == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_lone_surrogate_ends_a_token(preset: str) -> None:
    tokens = Analyzer(preset).tokens("ab\ud800cd")
    assert [(t.term, t.start, t.end) for t in tokens] == [("ab", 0, 2), ("cd", 3, 5)]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_token_of_a_megabyte_is_one_term(preset: str) -> None:
    long = "a" * 1_000_000
    assert Analyzer(preset).terms(long) == [long]


def test_stop_words() -> None:
    assert len(ENGLISH_STOPWORDS) == 33
    assert Analyzer("words", stopwords="english").terms("The cat AND a dog") == ["cat", "dog"]
    assert Analyzer("words", stopwords=["CAT"]).terms("The cat") == ["the"]
    assert Analyzer("whitespace", stopwords=["CAT"]).terms("cat CAT") == ["cat"]


def test_stop_words_are_compared_before_stemming() -> None:
    assert Analyzer("words", stemmer="english", stopwords=["run"]).terms("running run") == ["run"]


def test_stemming_leaves_what_is_not_letters_alone() -> None:
    analyzer = Analyzer("words", stemmer="english")
    assert analyzer.terms("connections connected conn3ctions") == ["connect", "connect", "conn3ctions"]
    assert analyzer._stem(["msft's", "3's", "flies"]) == ["msft", "3's", "fli"]
    assert Analyzer("words")._stem(["flies"]) == ["flies"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stemmer": "english"},
        {"stopwords": "english"},
        {"stemmer": "german", "stopwords": ["und", "der"]},
    ],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_configuration_goes_through_json_and_pickle(preset: str, options: dict[str, object]) -> None:
    analyzer = Analyzer(preset, **options)
    again = Analyzer.from_config(json.loads(json.dumps(analyzer.config())))
    assert again == analyzer
    assert hash(again) == hash(analyzer)
    assert again.fingerprint == analyzer.fingerprint
    assert pickle.loads(pickle.dumps(analyzer)) == analyzer
    assert eval(repr(analyzer), {"Analyzer": Analyzer}) == analyzer


def test_fingerprints_are_equal_exactly_for_equal_behaviour() -> None:
    same = [
        Analyzer("words", stopwords="english"),
        Analyzer("words", stopwords=sorted(ENGLISH_STOPWORDS, reverse=True)),
        Analyzer("words", stopwords=[w.upper() for w in ENGLISH_STOPWORDS] * 2),
    ]
    assert len({a.fingerprint for a in same}) == 1
    assert Analyzer("words", stopwords=[]).fingerprint == Analyzer("words").fingerprint
    different = [
        *[Analyzer(preset) for preset in PRESETS],
        same[0],
        Analyzer("words", stopwords=["the"]),
        Analyzer("words", stemmer="english"),
        Analyzer("words", stemmer="porter"),
    ]
    assert len({a.fingerprint for a in different}) == len(different)
    assert all(len(a.fingerprint) == 64 and int(a.fingerprint, 16) for a in different)


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a", "list"]])
def test_text_that_is_no_str_is_refused(text: object) -> None:
    analyzer = Analyzer()
    for method in (analyzer.tokens, analyzer.terms):
        with pytest.raises(InvalidInputError, match=f"text: expected str, got {type(text).__name__}"):
            method(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "word"}, r"preset: expected one of domain, words, whitespace, got 'word'"),
        ({"preset": ["words"]}, r"preset: expected one of"),
        ({"stemmer": "klingon"}, r"stemmer: expected None or one of .*english.*, got 'klingon'"),
        ({"stopwords": "german"}, r"stopwords: expected None, \"english\" or an iterable of str"),
        ({"stopwords": 3}, r"stopwords: expected None"),
        ({"stopwords": ["a", 1]}, r"stopwords: expected every entry to be str, got 1"),
        ({"stopwords": ["\ud800"]}, r"stopwords: expected well-formed text, got '.ud800'"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Analyzer(**options)


@pytest.mark.parametrize("config", [{}, {"preset": "words"}, {**Analyzer().config(), "max_length": 40}])
def test_an_unknown_configuration_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="config: expected the keys"):
        Analyzer.from_config(config)


def test_an_analyzer_is_immutable() -> None:
    analyzer = Analyzer()
    with pytest.raises(AttributeError):
        analyzer.preset = "words"
    with pytest.raises(AttributeError):
        analyzer.extra = 1
