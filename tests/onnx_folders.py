"""Tiny model folders, made by hand: an ONNX file is a protobuf message, and we need only a few fields of it.

The models look token vectors up in a table, so that what an embedder should make of them can be worked out
with numpy. Field numbers are those of ``onnx.proto``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "alpha", "beta", "gamma", "delta", "query", ":", "nan", "nil"]
FLOAT, INT32, INT64, FLOAT16 = 1, 6, 7, 10
TYPES = {"float32": FLOAT, "int32": INT32, "int64": INT64, "float16": FLOAT16}


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value)


def blob(tag: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(tag << 3 | 2) + varint(len(data)) + data


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **ints: int | Sequence[int]) -> bytes:
    body = b"".join(blob(1, name) for name in inputs) + b"".join(blob(2, name) for name in outputs)
    body += blob(4, op)
    for name, value in ints.items():
        if isinstance(value, int):
            attribute = blob(1, name) + number(3, value) + number(20, 2)
        else:
            attribute = blob(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)
        body += blob(5, attribute)
    return body


def tensor(name: str, array: np.ndarray, external: str | None = None) -> bytes:
    body = b"".join(number(1, n) for n in array.shape) + number(2, TYPES[array.dtype.name]) + blob(8, name)
    if external is None:
        return body + blob(9, array.tobytes())
    return body + blob(13, blob(1, "location") + blob(2, external)) + number(14, 1)


def value(name: str, kind: int, shape: Iterable[int | str]) -> bytes:
    dims = b"".join(blob(1, number(1, n) if isinstance(n, int) else blob(2, n)) for n in shape)
    return blob(1, name) + blob(2, blob(1, number(1, kind) + blob(2, dims)))


def model(nodes: list[bytes], tensors: list[bytes], inputs: list[bytes], outputs: list[bytes]) -> bytes:
    graph = b"".join(blob(1, n) for n in nodes) + blob(2, "tiny") + b"".join(blob(5, t) for t in tensors)
    graph += b"".join(blob(11, i) for i in inputs) + b"".join(blob(12, o) for o in outputs)
    return number(1, 8) + blob(7, graph) + blob(8, blob(1, "") + number(2, 13))


def make_table(width: int = 5) -> np.ndarray:
    """Return one vector per word; the word ``nan`` gives NaN and ``nil`` gives zeros."""
    table = np.random.default_rng(7).standard_normal((len(WORDS), width)).astype(np.float32)
    table[WORDS.index("nan")] = np.nan
    table[WORDS.index("nil")] = 0
    return table


@dataclass
class Tiny:
    """A model folder to be written; change what the test is about, then call `write`."""

    table: np.ndarray = field(default_factory=make_table)
    inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids")
    input_type: int = INT64
    shape: tuple[int | str, int | str] = ("rows", "tokens")
    output: str = "last_hidden_state"
    pooled: bool = False
    quantised: bool = False
    external: str | None = None
    special: bool = True
    pooling: dict[str, Any] | None = field(default_factory=lambda: {"pooling_mode_mean_tokens": True})
    configs: dict[str, Any] = field(
        default_factory=lambda: {"sentence_bert_config.json": {"max_seq_length": 8}}
    )

    def onnx(self) -> bytes:
        kind = TYPES[self.table.dtype.name]
        nodes = [node("Gather", ["table", "input_ids"], ["found"], axis=0)]
        last = "found"
        if self.quantised:
            # The range of the whole batch sets the scale: what a dynamically quantised model does.
            nodes.append(node("DynamicQuantizeLinear", [last], ["q", "scale", "zero"]))
            nodes.append(node("DequantizeLinear", ["q", "scale", "zero"], ["back"]))
            last = "back"
        if self.pooled:
            nodes.append(node("ReduceMax", [last], ["best"], axes=[1], keepdims=0))
            last = "best"
        nodes.append(node("Identity", [last], [self.output]))
        shape = [self.shape[0], self.table.shape[1]] if self.pooled else [*self.shape, self.table.shape[1]]
        return model(
            nodes,
            [tensor("table", self.table, self.external)],
            [value(name, self.input_type, self.shape) for name in self.inputs],
            [value(self.output, kind, shape)],
        )

    def write(self, folder: Path, model_file: str = "model.onnx") -> Path:
        path = folder / model_file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.onnx())
        if self.external is not None:
            (path.parent / self.external).write_bytes(self.table.tobytes())
        write_tokenizer(folder / "tokenizer.json", special=self.special)
        files = {"config.json": {"pad_token_id": 0}, **self.configs}
        if self.pooling is not None:
            files["1_Pooling/config.json"] = self.pooling
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
        return folder


def write_tokenizer(path: Path, *, special: bool) -> None:
    """Write a tokenizer of `WORDS` that, like the packaged ones, pads every text to 128 tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    ids = {word: i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=128)
    tokenizer.enable_truncation(128)
    tokenizer.save(str(path))


def token_ids(text: str, *, special: bool = True, limit: int = 8) -> list[int]:
    """Return what the tokenizer of `write_tokenizer` makes of words separated by spaces."""
    ids = [WORDS.index(word) if word in WORDS else 1 for word in text.split()]
    return [2, *ids[: limit - 2], 3] if special else ids[:limit] or [0]
