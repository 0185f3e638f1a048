"""Text a second that is cut into chunks: the core's spans alone, and the rows that an index is made of.

Text: the documents of ``bench/micro/test_analyzer.py`` of the kind ``prose``, joined to 20 of some 50,000
characters. The unit is one pass over all; bytes a second are the size of the text over the time. The answer
is checked: without overlap the chunks of a document are its text again.
"""

from typing import Any

import pyarrow as pa
import pytest

from bench.micro.test_analyzer import TEXTS
from pyengine import Chunker

DOCUMENTS = [" ".join(TEXTS["prose"][at::20]) for at in range(20)]
BATCH = pa.record_batch(
    {"id": [str(i) for i in range(20)], "title": [""] * 20, "text": DOCUMENTS, "n": list(range(20))}
)
BYTES = sum(len(text.encode()) for text in DOCUMENTS)


@pytest.mark.parametrize("sentences", [True, False])
@pytest.mark.parametrize("tokens", [32, 256])
def test_spans(benchmark: Any, tokens: int, sentences: bool) -> None:
    chunker = Chunker(tokens, 0, sentences=sentences)
    benchmark.extra_info["bytes"] = BYTES
    benchmark(chunker._core.spans, BATCH.column("text"))
    for text in DOCUMENTS:
        assert " ".join(text[start:end] for start, end in chunker.spans(text)) == text


@pytest.mark.parametrize("tokens", [32, 256])
def test_rows(benchmark: Any, tokens: int) -> None:
    chunker = Chunker(tokens)
    benchmark.extra_info["bytes"] = BYTES
    batches = benchmark(lambda: list(chunker.batches([BATCH])))
    assert sum(batch.num_rows for batch in batches) == sum(len(chunker.spans(text)) for text in DOCUMENTS)
