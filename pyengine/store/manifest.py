"""`Manifest`: what one generation consists of, and its JSON form, checked field by field."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError

__all__ = ["FORMAT", "FORMAT_VERSION", "MEND", "FileEntry", "Manifest"]

MEND: Final = "restore the directory from a copy, or build the index again"
FORMAT: Final = "pyengine-index"
FORMAT_VERSION: Final = 2
"""Version of the directory layout and of the manifest written here. Older ones keep opening."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = (
    "format",
    "format_version",
    "generation",
    "created_at",
    "pyengine_version",
    "fingerprints",
    "config",
    "counts",
    "files",
    "checksum",
)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a generation.

    Parameters
    ----------
    path : str
        Relative to the index directory, ``/`` between parts, below ``segments/``.
    bytes : int
        Length.
    sha256 : str
        SHA-256 of the content, 64 hexadecimal digits.
    """

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one committed generation is.

    Parameters
    ----------
    generation : int
        Counts the commits of the directory, from 1. 0 is the directory before its first commit.
    created_at : str
        When it was committed, ISO 8601 in UTC.
    pyengine_version : str
        Version of the package that committed it.
    fingerprints : mapping of str to str
        Names of what the files were made with (analyzer, embedder); compared by who opens the index.
    config : mapping
        JSON-able settings of the parts.
    counts : mapping of str to int
        Numbers of documents, vectors and the like; 0 or more.
    files : tuple of FileEntry
        Every file, in the order of its path.
    """

    generation: int
    created_at: str
    pyengine_version: str
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[FileEntry, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the file's content: indented JSON with a checksum over all other fields.

        Raises
        ------
        InvalidInputError
            ``config`` cannot be said in JSON.
        """
        values: dict[str, Any] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "generation": self.generation,
            "created_at": self.created_at,
            "pyengine_version": self.pyengine_version,
            "fingerprints": dict(self.fingerprints),
            "config": dict(self.config),
            "counts": dict(self.counts),
            "files": [{"path": f.path, "bytes": f.bytes, "sha256": f.sha256} for f in self.files],
        }
        try:
            values["checksum"] = _checksum(values)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"config: expected values that JSON can hold (no NaN, no objects), got {error}"
            ) from error
        return json.dumps(values, indent=2, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, path: Path, *, mend: str = MEND) -> "Manifest":
        """Read and check the content of a manifest file.

        Parameters
        ----------
        data : bytes
            Content of the file.
        path : Path
            Where it came from; used in messages only.
        mend : str
            What to do about a wrong field; used in messages only.

        Raises
        ------
        CorruptIndexError
            Not JSON, a field missing, unknown or of another form than documented, or a wrong checksum.
        IncompatibleIndexError
            Written by a newer format version.
        """
        check = _Checker(path, mend)
        try:
            values = json.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise CorruptIndexError(
                f"{path}: expected JSON, got {len(data)} bytes that are not ({error}); {mend}"
            ) from error
        check.that(isinstance(values, dict), "the file", "an object", values)
        check.that(values.get("format") == FORMAT, "format", repr(FORMAT), values.get("format"))
        version = check.whole(values, "format_version", at_least=1)
        if version > FORMAT_VERSION:
            raise IncompatibleIndexError(
                f"{path}: format_version {version} is newer than {FORMAT_VERSION}, the newest this pyengine "
                "reads; upgrade pyengine"
            )
        check.names(values, _FIELDS, "the file")
        checksum = check.text(values, "checksum")
        del values["checksum"]
        check.that(checksum == _checksum(values), "checksum", "the checksum of the other fields", checksum)
        created_at = check.text(values, "created_at")
        try:
            datetime.fromisoformat(created_at)
        except ValueError:
            check.that(False, "created_at", "an ISO 8601 time", created_at)
        return cls(
            generation=check.whole(values, "generation"),
            created_at=created_at,
            pyengine_version=check.text(values, "pyengine_version"),
            fingerprints=check.mapping(values, "fingerprints", str),
            config=check.mapping(values, "config", object),
            counts=check.mapping(values, "counts", int),
            files=check.files(values),
        )


def _checksum(values: Mapping[str, Any]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class _Checker:
    """Turns a field of another form than documented into an error that names file and field."""

    def __init__(self, path: Path, mend: str) -> None:
        self._path = path
        self._mend = mend

    def that(self, condition: bool, name: str, expected: str, got: object) -> None:
        if not condition:
            shown = repr(got)
            shown = shown if len(shown) <= 80 else shown[:77] + "..."
            raise CorruptIndexError(f"{self._path}: {name}: expected {expected}, got {shown}; {self._mend}")

    def names(self, values: Mapping[str, Any], expected: tuple[str, ...], where: str) -> None:
        missing = next((name for name in expected if name not in values), None)
        self.that(missing is None, where, f"the fields {', '.join(expected)}", f"no {missing}")
        unknown = sorted(set(values) - set(expected))
        self.that(not unknown, where, f"only the fields {', '.join(expected)}", ", ".join(unknown))

    def whole(self, values: Mapping[str, Any], name: str, *, at_least: int = 0, where: str = "") -> int:
        value = values.get(name)
        good = isinstance(value, int) and not isinstance(value, bool) and value >= at_least
        self.that(good, where + name, f"a whole number of {at_least} or more", value)
        return int(value or 0)

    def text(self, values: Mapping[str, Any], name: str, *, where: str = "") -> str:
        value = values.get(name)
        self.that(isinstance(value, str), where + name, "a string", value)
        return str(value)

    def mapping(self, values: Mapping[str, Any], name: str, kind: type) -> dict[str, Any]:
        value = values.get(name)
        if not isinstance(value, dict):
            self.that(False, name, "an object", value)
            return {}
        for key, item in value.items():
            if kind is int:
                self.whole(value, key, where=f"{name}.")
            else:
                self.that(isinstance(item, kind), f"{name}.{key}", "a string", item)
        return value

    def files(self, values: Mapping[str, Any]) -> tuple[FileEntry, ...]:
        listed = values.get("files")
        if not isinstance(listed, list):
            self.that(False, "files", "a list", listed)
            return ()
        entries: list[FileEntry] = []
        seen: set[str] = set()
        for i, item in enumerate(listed):
            where = f"files[{i}]"
            self.that(isinstance(item, dict), where, "an object", item)
            self.names(item, ("path", "bytes", "sha256"), where)
            path = self.text(item, "path", where=f"{where}.")
            self.that(_is_inside(path), f"{where}.path", "a plain relative path below segments/", path)
            self.that(path not in seen, f"{where}.path", "a path that is listed once", path)
            seen.add(path)
            sha256 = self.text(item, "sha256", where=f"{where}.")
            self.that(
                _SHA256.fullmatch(sha256) is not None, f"{where}.sha256", "64 hexadecimal digits", sha256
            )
            entries.append(FileEntry(path, self.whole(item, "bytes", where=f"{where}."), sha256))
        return tuple(entries)


def _is_inside(path: str) -> bool:
    """Whether a listed path stays below ``segments/<generation>/`` and means one file only."""
    parts = path.split("/")
    return (
        len(parts) >= 3
        and parts[0] == "segments"
        and all(part not in ("", ".", "..") for part in parts)
        and "\0" not in path
        and "\\" not in path
    )
