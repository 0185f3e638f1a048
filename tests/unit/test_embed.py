"""`OnnxEmbedder` over tiny models whose vectors can be worked out with numpy."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

from onnx_folders import INT32, WORDS, Tiny, make_table, token_ids

from pyengine import OnnxEmbedder
from pyengine.embed import EmbedStats
from pyengine.errors import BackendError, InvalidInputError, NotFoundError
from pyengine.types import Embedder

TEXTS = ["alpha", "beta gamma delta", "", "alpha " * 20, "unheard of", "delta beta", "beta gamma delta"]


def unit(vectors: Any) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float64)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def looked_up(text: str, table: np.ndarray | None = None) -> np.ndarray:
    return (make_table() if table is None else table).astype(np.float64)[token_ids(text)]


def test_is_an_embedder(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path))
    assert isinstance(embedder, Embedder)
    assert embedder.dim == 5
    assert embedder.embed([]).shape == (0, 5)
    assert embedder.embed(["alpha"]).dtype == np.float32


@pytest.mark.parametrize("batch_tokens", [1, 8, 24, 1000])
def test_mean_over_the_tokens_of_each_text_and_nothing_else(tmp_path: Path, batch_tokens: int) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), batch_tokens=batch_tokens)
    expected = unit([looked_up(text).mean(axis=0) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)


POOLINGS = {
    "pooling_mode_cls_token": lambda t: t[0],
    "pooling_mode_max_tokens": lambda t: t.max(axis=0),
    "pooling_mode_mean_tokens": lambda t: t.mean(axis=0),
    "pooling_mode_mean_sqrt_len_tokens": lambda t: t.sum(axis=0) / len(t) ** 0.5,
    "pooling_mode_weightedmean_tokens": lambda t: np.average(t, axis=0, weights=range(1, len(t) + 1)),
    "pooling_mode_lasttoken": lambda t: t[-1],
}


@pytest.mark.parametrize("key", POOLINGS)
def test_pooling_of_the_folder(tmp_path: Path, key: str) -> None:
    config = {name: name == key for name in POOLINGS}
    embedder = OnnxEmbedder(Tiny(pooling=config).write(tmp_path), normalize=False)
    expected = [POOLINGS[key](looked_up(text)) for text in TEXTS]
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)


def test_two_poolings_are_joined_in_the_order_of_sentence_transformers(tmp_path: Path) -> None:
    config = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
    embedder = OnnxEmbedder(Tiny(pooling=config).write(tmp_path))
    assert embedder.dim == 10
    joined = [np.concatenate([looked_up(t)[0], looked_up(t).mean(axis=0)]) for t in TEXTS]
    np.testing.assert_allclose(embedder.embed(TEXTS), unit(joined), atol=1e-6)


def test_arguments_override_the_folder(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query : ", "document": "delta "}}
    configs = {
        "config_sentence_transformers.json": prompts,
        "sentence_bert_config.json": {"max_seq_length": 8},
    }
    folder = Tiny(configs=configs).write(tmp_path)
    plain = OnnxEmbedder(folder)
    assert plain.settings["query_prefix"] == "query : "
    np.testing.assert_allclose(
        plain.embed(["alpha"], kind="query"), unit([looked_up("query : alpha").mean(axis=0)]), atol=1e-6
    )
    np.testing.assert_allclose(
        plain.embed(["alpha"]), unit([looked_up("delta alpha").mean(axis=0)]), atol=1e-6
    )
    other = OnnxEmbedder(
        folder, query_prefix="", passage_prefix="gamma ", pooling="cls", normalize=False, max_length=4
    )
    np.testing.assert_allclose(
        other.embed(["alpha"] * 2, kind="query"), [looked_up("alpha")[0]] * 2, atol=1e-6
    )
    other.embed(["alpha beta gamma"])
    assert other.stats.truncated == 1


@pytest.mark.parametrize(
    ("prompts", "query", "passage"),
    [
        ({"query": "q ", "passage": "p "}, "q ", "p "),
        ({"query": "q ", "document": "d ", "passage": "p "}, "q ", "d "),
        ({"corpus": "c "}, "", "c "),
        ({}, "", ""),
        ({"sts": "s "}, "s ", "s "),
    ],
)
def test_prompts_are_found_by_their_names(
    tmp_path: Path, prompts: dict[str, str], query: str, passage: str
) -> None:
    config = {"prompts": prompts, "default_prompt_name": "sts"}
    configs = {
        "config_sentence_transformers.json": config,
        "sentence_bert_config.json": {"max_seq_length": 8},
    }
    settings = OnnxEmbedder(Tiny(configs=configs).write(tmp_path)).settings
    assert (settings["query_prefix"], settings["passage_prefix"]) == (query, passage)


def test_text_vectors_of_the_model_are_used_as_they_are(tmp_path: Path) -> None:
    folder = Tiny(pooled=True, output="sentence_embedding", pooling=None).write(tmp_path)
    embedder = OnnxEmbedder(folder, batch_tokens=1)
    expected = unit([looked_up(text).max(axis=0) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)
    assert embedder.settings["pooling"] == "model"
    with pytest.raises(InvalidInputError, match="expected one with token vectors"):
        OnnxEmbedder(folder, pooling="mean")


def test_float16_models_are_pooled_in_float32(tmp_path: Path) -> None:
    half = make_table().astype(np.float16)
    embedder = OnnxEmbedder(Tiny(table=half).write(tmp_path))
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    expected = unit([looked_up(text, half).mean(axis=0) for text in TEXTS])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


@pytest.mark.parametrize(
    "inputs",
    [
        ("input_ids",),
        ("input_ids", "attention_mask"),
        ("attention_mask", "input_ids", "token_type_ids", "position_ids"),
    ],
)
def test_the_model_gets_the_inputs_it_declares(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    embedder = OnnxEmbedder(Tiny(inputs=inputs, input_type=INT32).write(tmp_path))
    expected = unit([looked_up(text).mean(axis=0) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)


def test_a_model_of_fixed_shape_gets_it(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny(shape=(1, 6)).write(tmp_path))
    assert embedder.settings["max_length"] == 6
    assert embedder.batch_tokens == 0
    expected = unit([make_table()[token_ids(text, limit=6)].mean(axis=0) for text in TEXTS])
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-6)
    with pytest.raises(InvalidInputError, match="batches of exactly 3 texts"):
        OnnxEmbedder(Tiny(shape=(3, "tokens")).write(tmp_path))
    with pytest.raises(InvalidInputError, match="max_length: the model reads at most 6 tokens, got 7"):
        OnnxEmbedder(Tiny(shape=(1, 6)).write(tmp_path), max_length=7)


def test_a_text_of_a_dynamically_quantised_model_keeps_its_vector_among_others(tmp_path: Path) -> None:
    """With one scale for a whole batch, neighbours would move it: such models run text by text."""
    table = make_table()
    table[WORDS.index("gamma")] *= 50
    embedder = OnnxEmbedder(Tiny(table=table, quantised=True).write(tmp_path), batch_tokens=1000)
    assert embedder.batch_tokens == 0
    together = embedder.embed(["alpha", "beta", "gamma", "alpha delta"])
    alone = [embedder.embed([text])[0] for text in ["alpha", "beta", "gamma", "alpha delta"]]
    assert np.array_equal(together, alone)
    assert embedder.stats.batches == 8


def test_a_tokenizer_without_special_tokens_makes_padding_of_an_empty_text(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny(special=False).write(tmp_path))
    np.testing.assert_allclose(embedder.embed([""]), unit(make_table()[[0]]), atol=1e-6)


def test_lower_casing_where_the_folder_asks_for_it(tmp_path: Path) -> None:
    config = {"max_seq_length": 8, "do_lower_case": True}
    folder = Tiny(configs={"sentence_bert_config.json": config}).write(tmp_path)
    embedder = OnnxEmbedder(folder)
    assert np.array_equal(embedder.embed(["ALPHA Beta"]), embedder.embed(["alpha beta"]))


def test_truncation_is_counted_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), batch_tokens=24)
    with caplog.at_level(logging.WARNING):
        embedder.embed(["alpha " * 6, "alpha " * 7, "beta", "beta " * 5000])
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 4 texts are longer than 8 tokens; only their beginning was embedded"
    ]
    assert embedder.stats == EmbedStats(texts=4, tokens=27, padded_tokens=27, batches=2, truncated=2)


def test_queries_are_remembered_least_recently_used_first_out(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), cache_size=2)
    first = embedder.embed(["alpha", "beta"], kind="query")
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(embedder.embed(["beta", "alpha"], kind="query"), kept[::-1])
    assert (embedder.stats.cache_hits, embedder.stats.cache_misses) == (2, 2)
    again = embedder.embed(["beta"], kind="query")
    again[:] = 0
    embedder.embed(["gamma"], kind="query")  # alpha was used before beta: out it goes
    assert np.array_equal(embedder.embed(["beta"], kind="query"), kept[1:])
    assert (embedder.stats.cache_hits, embedder.stats.cache_misses) == (4, 3)
    embedder.embed(["alpha"], kind="query")
    assert (embedder.stats.cache_hits, embedder.stats.cache_misses) == (4, 4)
    embedder.embed(["alpha"])
    assert (embedder.stats.cache_hits, embedder.stats.cache_misses) == (4, 4)
    assert embedder.stats.texts == 5


def test_a_cache_of_none_remembers_nothing(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), cache_size=0)
    for _ in range(2):
        embedder.embed(["alpha"], kind="query")
    assert embedder.stats.cache_misses == 2


def test_progress_and_ctrl_c_between_batches(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), batch_tokens=8)
    seen: list[tuple[int, int | None]] = []
    embedder.embed(["alpha", "beta"], kind="query")
    embedder.embed(
        ["alpha", "gamma", "delta", "beta gamma delta alpha"],
        kind="query",
        progress=lambda *state: seen.append(state),
    )
    assert seen == [(2, 4), (4, 4)]

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedder.embed(TEXTS, progress=interrupt)
    assert np.isfinite(embedder.embed(TEXTS)).all()


def test_many_texts_go_through_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyengine.embed.embedder._WINDOW", 3)
    embedder = OnnxEmbedder(Tiny().write(tmp_path))
    seen: list[int] = []
    vectors = embedder.embed(TEXTS, progress=lambda done, total: seen.append(done))
    np.testing.assert_allclose(vectors, unit([looked_up(t).mean(axis=0) for t in TEXTS]), atol=1e-6)
    assert seen[-1] == len(TEXTS)
    assert seen == sorted(seen)


def test_one_log_line_says_where_it_runs_and_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        OnnxEmbedder(Tiny().write(tmp_path), providers=["CPUExecutionProvider"])
    assert [r.getMessage() for r in caplog.records] == [f"{tmp_path} runs on CPU: asked for"]


def test_fingerprint_names_the_space_not_the_place(tmp_path: Path) -> None:
    one = OnnxEmbedder(Tiny().write(tmp_path / "one"))
    assert len(one.fingerprint) == 64
    shutil.copytree(tmp_path / "one", tmp_path / "renamed")
    same = OnnxEmbedder(tmp_path / "renamed", batch_tokens=9, cache_size=0, n_threads=2)
    assert same.fingerprint == one.fingerprint
    different = [
        OnnxEmbedder(tmp_path / "one", **{name: value}).fingerprint
        for name, value in {
            "pooling": "cls",
            "normalize": False,
            "max_length": 7,
            "query_prefix": "a",
            "passage_prefix": "a",
        }.items()
    ]
    table = make_table()
    table[4, 0] += 1e-3
    different.append(OnnxEmbedder(Tiny(table=table).write(tmp_path / "weights")).fingerprint)
    different.append(OnnxEmbedder(Tiny(special=False).write(tmp_path / "tokenizer")).fingerprint)
    different.append(
        OnnxEmbedder(Tiny(table=make_table().astype(np.float16)).write(tmp_path / "half")).fingerprint
    )
    assert len({one.fingerprint, *different}) == len(different) + 1


def test_weights_kept_apart_count_in_the_fingerprint(tmp_path: Path) -> None:
    folder = Tiny(external="weights.bin").write(tmp_path)
    before = OnnxEmbedder(folder)
    np.testing.assert_allclose(before.embed(["alpha"]), unit([looked_up("alpha").mean(axis=0)]), atol=1e-6)
    (folder / "unrelated").write_bytes(b"x")
    assert OnnxEmbedder(folder).fingerprint == before.fingerprint
    Tiny(table=make_table() + np.float32(1), external="weights.bin").write(tmp_path)
    assert OnnxEmbedder(folder).fingerprint != before.fingerprint
    (folder / "weights.bin").unlink()
    with pytest.raises(BackendError, match="onnxruntime cannot load it"):
        OnnxEmbedder(folder)


@pytest.mark.parametrize("where", ["model.onnx", "onnx/model.onnx"])
def test_the_model_is_found_in_both_places_and_by_its_own_path(tmp_path: Path, where: str) -> None:
    folder = Tiny().write(tmp_path, model_file=where)
    assert OnnxEmbedder(folder).fingerprint == OnnxEmbedder(folder / where).fingerprint


def test_a_named_model_file(tmp_path: Path) -> None:
    Tiny().write(tmp_path)
    Tiny(table=make_table() * 2).write(tmp_path, model_file="onnx/model_quantized.onnx")
    other = OnnxEmbedder(tmp_path, model_file="onnx/model_quantized.onnx")
    assert other.fingerprint != OnnxEmbedder(tmp_path).fingerprint
    with pytest.raises(NotFoundError, match=r"model_O4\.onnx: not in the model folder"):
        OnnxEmbedder(tmp_path, model_file="model_O4.onnx")
    with pytest.raises(InvalidInputError, match="is a file already"):
        OnnxEmbedder(tmp_path / "model.onnx", model_file="model.onnx")


def test_equal_calls_give_equal_bits_for_every_thread_count(tmp_path: Path) -> None:
    folder = Tiny(table=make_table(64)).write(tmp_path)
    vectors = OnnxEmbedder(folder).embed(TEXTS)
    assert np.array_equal(OnnxEmbedder(folder, n_threads=3).embed(TEXTS), vectors)


def test_config_makes_an_equal_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Tiny().write(tmp_path / "a" / "model")
    Tiny(table=make_table() * 2).write(tmp_path / "a" / "model", model_file="onnx/other.onnx")
    monkeypatch.chdir(tmp_path / "a")
    for embedder in (
        OnnxEmbedder("model", pooling="cls", query_prefix="query : ", max_length=5),
        OnnxEmbedder("model/onnx/other.onnx"),
        OnnxEmbedder("model", model_file="onnx/other.onnx", normalize=False),
    ):
        config = json.loads(json.dumps(embedder.config()))
        monkeypatch.chdir(tmp_path)
        again = OnnxEmbedder.from_config(config, cache_size=0)
        assert again.fingerprint == embedder.fingerprint
        assert np.array_equal(again.embed(TEXTS), embedder.embed(TEXTS))
        monkeypatch.chdir(tmp_path / "a")
    with pytest.raises(InvalidInputError, match="config: expected what"):
        OnnxEmbedder.from_config({"folder": "model"})
