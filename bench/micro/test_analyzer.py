"""Bytes a second of the analyzer, by preset, and so the ratio that the domain preset is held to.

Text: 400 documents of some 2,000 characters, drawn from a list of English words by a Zipf-like law (seed
0), with punctuation. ``plain`` has no literal, in ``prose`` one word in two hundred is one, in ``code`` one
in four. The unit is one pass over all documents; `count` makes no Python object per token, so the figure
is the core's. The answer is checked: as many tokens as `Analyzer.tokens` gives, and one per word where there
is no literal.
"""

from typing import Any

import numpy as np
import pytest

from pyengine import Analyzer

DOCUMENTS, WORDS = 400, 500
ENGLISH = """
the of and to in a is that for it was on are with as his they at be this from have or by one had not but what
all were when we there can an your which their said if do will each about how up out them then she many some
so these would other into has more her two like him see time could no make than first been its who now people
my made over did down only way find use may water long little very after words called just where most know
government measurement temperature concentration distribution significantly approximately observed increased
"""
VOCABULARY = ENGLISH.split()
LITERALS = [
    "28 U.S.C. § 1331",
    "F33.1",
    "v2.0.1",
    "SKU-88421-A",
    "snake_case",
    "getUserById",
    "src/main.cpp",
    "3.5 mg",
]


def documents(literal_every: int) -> list[str]:
    random = np.random.default_rng(0)
    share = 1.0 / np.arange(2, len(VOCABULARY) + 2)
    out = []
    for _ in range(DOCUMENTS):
        words = [VOCABULARY[i] for i in random.choice(len(VOCABULARY), WORDS, p=share / share.sum())]
        for at in range(0, WORDS, 12):
            words[at] = words[at].capitalize()
            words[at - 1] += "." if at % 24 else ","
        if literal_every:
            for at in range(5, WORDS, literal_every):
                words[at] = LITERALS[at % len(LITERALS)]
        out.append(" ".join(words))
    return out


TEXTS = {"plain": documents(0), "prose": documents(200), "code": documents(4)}


@pytest.mark.parametrize("preset", ["words", "domain", "whitespace"])
@pytest.mark.parametrize("kind", TEXTS)
def test_analyze(benchmark: Any, kind: str, preset: str) -> None:
    count = Analyzer(preset)._core.count
    texts = TEXTS[kind]
    tokens = benchmark(lambda: sum(count(text) for text in texts))
    benchmark.extra_info["bytes"] = sum(len(text.encode()) for text in texts)
    assert tokens == sum(len(Analyzer(preset).tokens(text)) for text in texts)
    if kind == "plain":
        assert tokens == DOCUMENTS * WORDS
