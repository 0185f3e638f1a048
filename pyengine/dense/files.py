"""What an index leaves in a folder, and how it is checked before anyone trusts it.

``dense.json``
    Format, version, dim, count, config, and for each file its size and checksums.
``dense.usearch``
    The graph, as usearch writes it; absent while the index is small enough to be scanned. In float16 and
    float32 the vectors lie in it as one block, which is used where it lies.
``dense.vectors``
    The vectors, slot after slot, where there is no such block: without a graph, and in int8.
``dense.rows``
    The row of each slot, as 32-bit numbers.

usearch trusts what it reads: a wrong byte can end the process. So nothing is handed to it before size,
head and tail are as they were written, and files up to 8 MiB are checked as a whole. `verify` checks every
byte of the rest.
"""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import CorruptIndexError, IncompatibleIndexError, NotFoundError, StorageError

__all__ = [
    "GRAPH",
    "META",
    "ROWS",
    "VECTORS",
    "check_file",
    "describe_file",
    "map_file",
    "read_meta",
    "replacing",
    "vectors_offset",
    "verify_file",
    "write_meta",
]

META: Final = "dense.json"
GRAPH: Final = "dense.usearch"
VECTORS: Final = "dense.vectors"
ROWS: Final = "dense.rows"

_FORMAT: Final = "pyengine.dense"
_VERSION: Final = 1
_EDGE: Final = 65_536
_WHOLE: Final = 8 << 20
_CHUNK: Final = 1 << 20
# usearch puts the number of vectors and the bytes of one before the vectors, as two 32-bit numbers.
_BLOCK_HEAD: Final = 8

Description = dict[str, Any]


@contextmanager
def replacing(folder: Path) -> Iterator[Callable[[str], Path]]:
    """Yield a function that gives a path to write a named file to; at the end all get their names at once.

    Nothing that was there is touched before every new file is complete, and then it is replaced, not
    written over: it may be the very file this index is mapped from.
    """
    staged: dict[str, Path] = {}

    def stage(name: str) -> Path:
        staged[name] = folder / f".{name}.{os.getpid()}.tmp"
        return staged[name]

    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield stage
        for name, path in staged.items():
            path.replace(folder / name)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error}") from error
    finally:
        for path in staged.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def describe_file(path: Path) -> Description:
    """Return size and checksums of a file as written."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = zlib.crc32(file.read(_EDGE))
        file.seek(max(0, size - _EDGE))
        tail = zlib.crc32(file.read(_EDGE))
    return {"bytes": size, "head_crc32": head, "tail_crc32": tail, "crc32": _checksum(path)}


def check_file(path: Path, described: Description) -> None:
    """Raise `CorruptIndexError` unless size, head and tail (small files: everything) are as described."""
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise CorruptIndexError(
            f"{path}: missing; restore the index from a backup or build it again"
        ) from error
    if size != described["bytes"]:
        raise CorruptIndexError(
            f"{path}: expected {described['bytes']} bytes, got {size}; "
            "restore the index from a backup or build it again"
        )
    if size <= _WHOLE:
        verify_file(path, described)
        return
    now = {"head_crc32": 0, "tail_crc32": 0}
    with path.open("rb") as file:
        now["head_crc32"] = zlib.crc32(file.read(_EDGE))
        file.seek(size - _EDGE)
        now["tail_crc32"] = zlib.crc32(file.read(_EDGE))
    for key, value in now.items():
        if value != described[key]:
            raise _damaged(path, key.removesuffix("_crc32"))


def verify_file(path: Path, described: Description) -> None:
    """Raise `CorruptIndexError` unless every byte is as described."""
    try:
        found = _checksum(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    if found != described["crc32"]:
        raise _damaged(path, "content")


def _damaged(path: Path, what: str) -> CorruptIndexError:
    return CorruptIndexError(
        f"{path}: its {what} differs from what was written (checksum); "
        "restore the index from a backup or build it again"
    )


def _checksum(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc


def map_file(path: Path) -> npt.NDArray[np.uint8]:
    """Return the bytes of a file, mapped read-only; an empty file gives no bytes."""
    if path.stat().st_size == 0:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r")


def vectors_offset(graph: Path, blocks: list[npt.NDArray[Any]]) -> int | None:
    """Return where in the graph's file ``blocks`` lie, slot after slot, or None if they do not.

    Compared byte for byte, so that a usearch that arranges its file otherwise costs space, never answers.
    """
    written = map_file(graph)
    at = _BLOCK_HEAD
    for block in blocks:
        wanted = block.reshape(-1).view(np.uint8)
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            if not np.array_equal(written[at : at + len(part)], part):
                return None
            at += len(part)
    return _BLOCK_HEAD


def write_meta(path: Path, fields: dict[str, Any]) -> None:
    """Write what `read_meta` reads."""
    body = {"format": _FORMAT, "version": _VERSION, **fields}
    text = json.dumps({**body, "crc32": _body_checksum(body)}, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def read_meta(folder: Path, parse: Callable[[dict[str, Any]], Any]) -> Any:
    """Return ``parse`` of the fields in ``dense.json`` once they are known to be as written."""
    path = folder / META
    try:
        body = json.loads(path.read_bytes())
        crc = body.pop("crc32")
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file; expected a folder that DenseIndex.save wrote") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(path, "content") from error
    if crc != _body_checksum(body):
        raise _damaged(path, "content")
    if body.get("format") != _FORMAT or body.get("version") != _VERSION:
        raise IncompatibleIndexError(
            f"{path}: expected format {_FORMAT} version {_VERSION}, got {body.get('format')} "
            f"version {body.get('version')}; open it with the version of pyengine that wrote it"
        )
    try:
        return parse(body)
    except CorruptIndexError:
        raise
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptIndexError(f"{path}: a field does not fit: {error!r}; build the index again") from error


def _body_checksum(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
