"""The manifest is checked field by field; whatever is wrong is named."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyengine.errors import CorruptIndexError, IncompatibleIndexError
from pyengine.store import FORMAT_VERSION, Store
from pyengine.store.manifest import Manifest


def checksum(values: dict[str, Any]) -> str:
    """SHA-256 of the other fields as JSON with sorted keys and no spaces, as docs/storage.md says."""
    rest = {name: value for name, value in values.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    with Store.create(tmp_path / "index") as store, store.writer() as writer:
        (writer.begin() / "one").write_bytes(b"1")
        writer.publish(fingerprints={"analyzer": "é"}, config={"k1": 1.5, "list": [1, None]}, counts={"n": 3})
    return tmp_path / "index"


@pytest.fixture
def reopened(index: Path) -> Callable[[dict[str, Any]], Store]:
    def write_and_open(values: dict[str, Any]) -> Store:
        (index / "manifest.json").write_text(json.dumps(values))
        return Store.open(index)

    return write_and_open


def values_of(index: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((index / "manifest.json").read_text())
    return values


def test_the_checksum_is_what_the_documentation_says(index: Path) -> None:
    values = values_of(index)
    assert values["checksum"] == checksum(values)
    assert values["format_version"] == FORMAT_VERSION == 2


def entry(**changes: Any) -> list[dict[str, Any]]:
    return [{"path": "segments/000001/one", "bytes": 1, "sha256": "6b" * 32} | changes]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"format": "other"}, "format: expected 'pyengine-index', got 'other'"),
    ({"format_version": 0}, "format_version: expected a whole number of 1 or more, got 0"),
    ({"format_version": "1"}, "format_version: expected a whole number of 1 or more, got '1'"),
    ({"format_version": True}, "format_version: expected a whole number of 1 or more, got True"),
    ({"generation": -1}, "generation: expected a whole number of 0 or more, got -1"),
    ({"generation": 1.0}, "generation: expected a whole number of 0 or more, got 1.0"),
    ({"created_at": 3}, "created_at: expected a string, got 3"),
    ({"created_at": "today"}, "created_at: expected an ISO 8601 time, got 'today'"),
    ({"pyengine_version": None}, "pyengine_version: expected a string, got None"),
    ({"fingerprints": []}, "fingerprints: expected an object, got []"),
    ({"fingerprints": {"a": 1}}, "fingerprints.a: expected a string, got 1"),
    ({"config": None}, "config: expected an object, got None"),
    ({"counts": {"n": -3}}, "counts.n: expected a whole number of 0 or more, got -3"),
    ({"counts": {"n": None}}, "counts.n: expected a whole number of 0 or more, got None"),
    ({"files": {}}, "files: expected a list, got {}"),
    ({"files": ["x"]}, "files[0]: expected an object, got 'x'"),
    ({"files": [{"path": "x"}]}, "files[0]: expected the fields path, bytes, sha256, got 'no bytes'"),
    ({"files": entry(more=1)}, "files[0]: expected only the fields path, bytes, sha256, got 'more'"),
    ({"files": entry(path=1)}, "files[0].path: expected a string, got 1"),
    ({"files": entry(bytes=-1)}, "files[0].bytes: expected a whole number of 0 or more, got -1"),
    ({"files": entry(sha256="6b")}, "files[0].sha256: expected 64 hexadecimal digits, got '6b'"),
    ({"files": entry(sha256="6B" * 32)}, "files[0].sha256: expected 64 hexadecimal digits"),
    ({"files": entry() + entry()}, "files[1].path: expected a path that is listed once"),
    ({"surprise": 1}, "the file: expected only the fields format, format_version"),
    *(
        ({"files": entry(path=path)}, "files[0].path: expected a plain relative path below segments/")
        for path in (
            "/etc/passwd",
            "../outside",
            "segments/../../outside",
            "segments/000001/../../../outside",
            "segments/000001/./one",
            "segments//000001/one",
            "segments/one",
            "manifest.json",
            "segments/000001/",
            "segments\\000001\\one",
            "segments/000001/o\0ne",
            "",
        )
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_field(
    changes: dict[str, Any], message: str, index: Path, reopened: Callable[[dict[str, Any]], Store]
) -> None:
    values = values_of(index) | changes
    values["checksum"] = checksum(values)
    with pytest.raises(CorruptIndexError) as caught:
        reopened(values)
    assert str(caught.value).startswith(f"{index / 'manifest.json'}: {message}")
    assert str(caught.value).endswith("; restore the directory from a copy, or build the index again")


def test_a_missing_field(index: Path, reopened: Callable[[dict[str, Any]], Store]) -> None:
    whole = values_of(index)
    for name in whole:
        values = copy.deepcopy(whole)
        del values[name]
        if name != "checksum":
            values["checksum"] = checksum(values)
        with pytest.raises(CorruptIndexError, match=rf"manifest\.json: .*{name}"):
            reopened(values)


def test_a_changed_value_without_its_checksum(
    index: Path, reopened: Callable[[dict[str, Any]], Store]
) -> None:
    values = values_of(index)
    values["config"]["k1"] = 1.2
    with pytest.raises(CorruptIndexError, match="checksum: expected the checksum of the other fields, got"):
        reopened(values)


def test_a_newer_format(index: Path, reopened: Callable[[dict[str, Any]], Store]) -> None:
    values = values_of(index) | {"format_version": 3, "a_field_of_the_future": 1}
    with pytest.raises(
        IncompatibleIndexError, match=r"format_version 3 is newer than 2, .*; upgrade pyengine"
    ):
        reopened(values)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_something_else_than_a_manifest(content: bytes, index: Path) -> None:
    (index / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptIndexError, match=r"manifest\.json: "):
        Store.open(index)


def test_cut_or_flipped_at_every_byte(index: Path) -> None:
    path = index / "manifest.json"
    whole = path.read_bytes()
    # The newline at the end is the one byte that says nothing.
    for length in range(len(whole) - 1):
        with pytest.raises(CorruptIndexError):
            Manifest.from_bytes(whole[:length], path)
    for i in range(len(whole) - 1):
        flipped = bytearray(whole)
        flipped[i] ^= 1 << (i % 8)
        with pytest.raises((CorruptIndexError, IncompatibleIndexError)):
            Manifest.from_bytes(bytes(flipped), path)


def test_a_missing_manifest_is_no_empty_index(index: Path) -> None:
    (index / "manifest.json").unlink()
    with pytest.raises(CorruptIndexError, match=r"manifest\.json: missing, though segments/ has generations"):
        Store.open(index)


def test_a_link_out_of_the_directory(index: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"1")
    file = index / "segments" / "000001" / "one"
    file.unlink()
    file.symlink_to(tmp_path / "outside")
    with pytest.raises(CorruptIndexError, match=r"one: expected a file inside .*, got a link to .*outside"):
        Store.open(index)
    file.unlink()
    file.mkdir()
    with pytest.raises(CorruptIndexError, match="one: expected a file, got something else"):
        Store.open(index)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(CorruptIndexError, match="one: expected a file, got links that lead in a circle"):
        Store.open(index)
