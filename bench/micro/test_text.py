"""How long analysis takes, in milliseconds for 2,000 texts of 100 words (about 1.1 MB).

Corpus model: Zipf words with 5 % literals, seed 0. One thread. ``words`` is the yardstick: the default
preset, ``domain``, may cost half as much again.
"""

from typing import Any

import pytest

import pyengine as pe
from bench.micro.text import documents


@pytest.mark.parametrize("preset", ["whitespace", "words", "domain"])
def test_terms(benchmark: Any, preset: str) -> None:
    texts = documents(2_000, words=100)
    analyzer = pe.Analyzer(preset)
    terms = benchmark(lambda: [analyzer.terms(text) for text in texts])
    assert len(terms) == len(texts)
    if preset == "whitespace":
        assert terms[0] == texts[0].split()
