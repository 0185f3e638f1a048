"""What `OnnxEmbedder` refuses: files missing or not what they promise, arguments out of range."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

from onnx_folders import Tiny, make_table

from pyengine import OnnxEmbedder
from pyengine.errors import BackendError, InvalidInputError, NotFoundError


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("model.onnx", r"model\.onnx or onnx/model\.onnx: not in the model folder"),
        ("tokenizer.json", r"tokenizer\.json: not in the model folder"),
        ("1_Pooling/config.json", r"1_Pooling/config\.json: not in the model folder .*pass pooling="),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, missing: str, message: str) -> None:
    folder = Tiny().write(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(NotFoundError, match=message) as caught:
        OnnxEmbedder(folder)
    assert str(folder) in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no such folder; expected .* or a packaged name \(minilm\)"):
        OnnxEmbedder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "config.json: not valid JSON"),
        ("config.json", "[]", "expected a JSON dict, got list"),
        ("modules.json", "{}", "expected a JSON list, got dict"),
        ("modules.json", '[{"path": "x"}]', "expected a list of modules with a type each"),
        (
            "config.json",
            '{"max_position_embeddings": "9"}',
            "max_position_embeddings: expected a whole number",
        ),
        ("1_Pooling/config.json", '{"x": 1}', "no pooling mode is on"),
        ("1_Pooling/config.json", '{"pooling_mode": "best"}', "expected cls, max, mean.*got 'best'"),
        (
            "config_sentence_transformers.json",
            '{"prompts": {"query": 1}}',
            "prompts: expected names with texts",
        ),
        ("tokenizer.json", "{}", "not a tokenizer the tokenizers library can read"),
        ("sentence_bert_config.json", "{}", "max_length: no file in"),
    ],
)
def test_a_file_that_is_not_what_it_promises(tmp_path: Path, name: str, content: str, message: str) -> None:
    folder = Tiny().write(tmp_path)
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        OnnxEmbedder(folder)


def test_modules_the_onnx_file_does_not_contain(tmp_path: Path) -> None:
    folder = Tiny().write(tmp_path)
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": ""} for kind in kinds]
    modules[1]["path"] = "1_Pooling"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"modules\.json lists Dense after the pooling"):
        OnnxEmbedder(folder)


def test_pooling_without_the_prefix_is_refused_where_there_is_one(tmp_path: Path) -> None:
    folder = Tiny(pooling={"pooling_mode_mean_tokens": True, "include_prompt": False}).write(tmp_path)
    OnnxEmbedder(folder)
    with pytest.raises(InvalidInputError, match="include_prompt is false"):
        OnnxEmbedder(folder, query_prefix="query : ")


def test_a_model_that_wants_something_else(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="inputs input_ids, pixels: expected input_ids"):
        OnnxEmbedder(Tiny(inputs=("input_ids", "pixels")).write(tmp_path))


def test_a_damaged_model_file(tmp_path: Path) -> None:
    folder = Tiny().write(tmp_path)
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(BackendError, match=r"model\.onnx: onnxruntime cannot load it"):
        OnnxEmbedder(folder)


@pytest.mark.parametrize(("text", "message"), [("nan", "NaN or infinity"), ("nil", "a vector of zeros")])
def test_vectors_that_are_none_are_not_handed_out(tmp_path: Path, text: str, message: str) -> None:
    table = make_table()
    table[2:4] = 0
    embedder = OnnxEmbedder(Tiny(table=table).write(tmp_path))
    with pytest.raises(BackendError, match=message):
        embedder.embed(["alpha", text])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("alpha", r"got a single one; pass \[text\]"),
        (["alpha", None], r"texts\[1\]: expected str, got NoneType"),
        (["alpha", b"beta"], r"texts\[1\]: expected str, got bytes"),
        (["alpha", "x\ud800"], r"texts\[1\]: holds half a surrogate pair"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(tmp_path: Path, texts: Any, message: str) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path))
    with pytest.raises(InvalidInputError, match=message):
        embedder.embed(texts)


def test_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="kind: expected 'query' or 'passage', got 'document'"):
        OnnxEmbedder(Tiny().write(tmp_path)).embed(["a"], kind="document")  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_threads", 0),
        ("cache_size", -1),
        ("batch_tokens", 0),
        ("max_length", 2),
        ("n_threads", True),
        ("pooling", "best"),
        ("providers", []),
        ("providers", "CPUExecutionProvider"),
        ("providers", ["NoSuchProvider"]),
    ],
)
def test_arguments_outside_their_range(tmp_path: Path, name: str, value: Any) -> None:
    folder = Tiny().write(tmp_path)
    with pytest.raises(InvalidInputError, match=f"{name}: expected"):
        OnnxEmbedder(folder, **{name: value})
