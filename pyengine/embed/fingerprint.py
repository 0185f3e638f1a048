"""What names a vector space: the content of weights and tokenizer, and the settings."""

import hashlib
import json
import mmap
import re
from pathlib import Path
from typing import Any, Final

from pyengine.errors import StorageError

__all__ = ["fingerprint_of"]

_VERSION: Final = 1
# onnx.proto: TensorProto.external_data is StringStringEntryProto(key=1: "location", value=2: file name);
# the group is the length of the name.
_LOCATION: Final = re.compile(rb"\x0a\x08location\x12(.)", re.DOTALL)


def fingerprint_of(model: Path, tokenizer: Path, settings: dict[str, Any]) -> str:
    """Return SHA-256, in hexadecimal, over the content of the files and the JSON-able ``settings``."""
    try:
        state = {
            "version": _VERSION,
            "weights": [_digest(path) for path in (model, *_external_data(model))],
            "tokenizer": _digest(tokenizer),
            **settings,
        }
    except OSError as error:
        raise StorageError(f"fingerprint: {error}; the model folder has to stay where it is") from error
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _external_data(model: Path) -> list[Path]:
    """Return the files beside ``model`` that hold weights of it: ONNX keeps what exceeds 2 GB apart."""
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        names = {
            data[match.end() : match.end() + match[1][0]].decode("utf-8", "replace")
            for match in _LOCATION.finditer(data)
        }
    return [model.parent / name for name in sorted(names) if (model.parent / name).is_file()]
