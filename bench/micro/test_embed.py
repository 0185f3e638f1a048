"""How long embedding takes, in seconds for 128 passages of mixed length, and milliseconds for one query.

Corpus model: 2 to 120 Zipf words with 5 % literals, seed 0. The packaged model, one thread on CPU; on CUDA
where ``nox -s gpu`` finds a device. The vectors of both are compared with those of texts embedded alone.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe
from bench.micro.text import documents
from pyengine.embed import session
from pyengine.embed.batching import pad

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture(scope="module", params=[CPU, pytest.param(CUDA, marks=pytest.mark.gpu)])
def embedder(request: pytest.FixtureRequest) -> pe.OnnxEmbedder:
    if request.param == CUDA:
        usable, why = session.cuda_available(session.load_runtime())
        if not usable:
            pytest.skip(why)
    return pe.OnnxEmbedder("minilm", providers=[request.param], cache_size=0)


def passages() -> list[str]:
    lengths = np.random.default_rng(0).integers(2, 120, 128)
    return [" ".join(t.split()[:n]) for t, n in zip(documents(128, words=120), lengths.tolist(), strict=True)]


def test_passages(benchmark: Any, embedder: pe.OnnxEmbedder) -> None:
    texts = passages()
    vectors = benchmark.pedantic(embedder.embed, args=(texts,), rounds=3)
    np.testing.assert_allclose(vectors[:2], embedder.embed(texts[:2]), atol=1e-3)


def test_one_query(benchmark: Any, embedder: pe.OnnxEmbedder) -> None:
    vector = benchmark(embedder.embed, ["28 USC § 1331 jurisdiction"], kind="query")
    assert vector.shape == (1, embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(vector), 1.0, atol=1e-3)


def test_one_query_bare_session(benchmark: Any, embedder: pe.OnnxEmbedder) -> None:
    """ONNX Runtime alone on the same token ids: the rest of `test_one_query` is what we add."""
    ids, _ = embedder._tokenizer.ids(["28 USC § 1331 jurisdiction"])
    tokens, mask = pad(ids, 0)
    feeds = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    bare = embedder._session._session
    (hidden,) = benchmark(bare.run, ["last_hidden_state"], feeds)
    assert hidden.shape == (*tokens.shape, embedder.dim)
