"""A dense index on disk: cut, changed, swapped or half gone, it is refused by name and never crashes."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vectors import clustered

from pyengine import DenseIndex
from pyengine.config import DenseConfig
from pyengine.dense import files
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    NotFoundError,
    StorageError,
)

VECTORS = clustered(400, 16)
CONFIGS = {
    "scan": DenseConfig(),
    "graph": DenseConfig(exact_below=0),
    "i8": DenseConfig(exact_below=0, dtype="i8"),
}


@pytest.fixture(params=CONFIGS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    DenseIndex.build(VECTORS, config=CONFIGS[request.param]).save(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_files_of_each_kind(tmp_path: Path) -> None:
    expected = {
        "scan": ["dense.json", "dense.rows", "dense.vectors"],
        "graph": ["dense.json", "dense.rows", "dense.usearch"],
        "i8": ["dense.json", "dense.rows", "dense.usearch", "dense.vectors"],
    }
    for kind, config in CONFIGS.items():
        DenseIndex.build(VECTORS, config=config).save(tmp_path)
        # Saved over the last one: what the new index does not need is gone.
        assert names(tmp_path) == expected[kind]
        assert len(DenseIndex.load(tmp_path)) == 400


def test_cut_anywhere(folder: Path) -> None:
    for name in names(folder):
        whole = (folder / name).read_bytes()
        for size in [0, 1, 7, 8, 64, len(whole) // 3, len(whole) // 2, len(whole) - 1]:
            if name == "dense.json" and read(whole[:size]) == read(whole):
                continue  # only the line's end is gone
            (folder / name).write_bytes(whole[:size])
            with pytest.raises(CorruptIndexError, match=name):
                DenseIndex.load(folder)
        (folder / name).write_bytes(whole + b"\0")
        if name != "dense.json":
            with pytest.raises(CorruptIndexError, match=name):
                DenseIndex.load(folder)
        (folder / name).write_bytes(whole)
    assert len(DenseIndex.load(folder)) == 400


def test_one_changed_byte_anywhere(folder: Path) -> None:
    rng = np.random.default_rng(5)
    for name in names(folder):
        whole = bytearray((folder / name).read_bytes())
        places = {*range(0, min(len(whole), 60)), *rng.integers(0, len(whole), 50).tolist()}
        for place in places:
            changed = bytearray(whole)
            changed[place] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(changed)
            if name == "dense.json" and read(changed) == read(whole):
                continue  # a blank for another: the same JSON
            with pytest.raises((CorruptIndexError, IncompatibleIndexError), match=name):
                DenseIndex.load(folder)
        (folder / name).write_bytes(whole)


def read(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return content


def test_large_files_are_checked_at_the_edges_on_opening_and_everywhere_by_verify(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DenseIndex.load(folder).config
    monkeypatch.setattr(files, "_WHOLE", 100)
    monkeypatch.setattr(files, "_EDGE", 128)
    DenseIndex.build(VECTORS, config=config).save(folder)
    DenseIndex.load(folder).verify()
    for name in names(folder)[1:]:
        whole = (folder / name).read_bytes()
        for place, refused in ((100, True), (len(whole) - 100, True), (len(whole) // 2, False)):
            changed = bytearray(whole)
            changed[place] ^= 4
            (folder / name).write_bytes(changed)
            if refused:
                with pytest.raises(CorruptIndexError, match=f"{name}: its (head|tail) differs"):
                    DenseIndex.load(folder)
            else:
                index = DenseIndex.load(folder)
                with pytest.raises(CorruptIndexError, match=f"{name}: its content differs"):
                    index.verify()
        (folder / name).write_bytes(whole)


def test_a_missing_file_is_named(folder: Path) -> None:
    for name in names(folder):
        (folder / name).rename(folder / "away")
        with pytest.raises((NotFoundError, CorruptIndexError), match=name):
            DenseIndex.load(folder)
        (folder / "away").rename(folder / name)
    with pytest.raises(NotFoundError, match=r"dense\.json: no such file; expected a folder"):
        DenseIndex.load(folder / "nowhere")


def test_files_of_two_indexes_are_not_mixed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    DenseIndex.build(clustered(400, 16, seed=9), config=DenseIndex.load(folder).config).save(other)
    for name in names(folder)[1:]:
        mine = (folder / name).read_bytes()
        if (other / name).read_bytes() == mine:
            continue  # the order of insertion depends on the number of rows only
        (folder / name).write_bytes((other / name).read_bytes())
        with pytest.raises(CorruptIndexError, match=name):
            DenseIndex.load(folder)
        (folder / name).write_bytes(mine)


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    """Change ``dense.json`` and give it the checksum of what it now says."""
    body = json.loads((folder / "dense.json").read_text())
    del body["crc32"]
    change(body)
    body["crc32"] = zlib.crc32(json.dumps(body, sort_keys=True).encode())
    (folder / "dense.json").write_text(json.dumps(body))


def test_another_format_is_said_to_be_one(folder: Path) -> None:
    edit(folder, lambda body: body.update(version=2))
    with pytest.raises(IncompatibleIndexError, match=r"expected format pyengine\.dense version 1, got .* 2"):
        DenseIndex.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("count"),
        lambda body: body.update(count="many"),
        lambda body: body.update(count=401),
        lambda body: body.update(count=-1),
        lambda body: body.update(dim=17),
        lambda body: body["config"].update(dtype="f8"),
        lambda body: body["config"].update(surprise=1),
        lambda body: body["vectors"].update(file="elsewhere"),
        lambda body: body["vectors"].update(offset=10**9),
        lambda body: body["vectors"].update(offset=-1),
        lambda body: body.update(files=[]),
    ],
)
def test_a_description_that_does_not_fit_its_files(folder: Path, change: Callable[[dict], object]) -> None:
    edit(folder, change)
    with pytest.raises(CorruptIndexError, match=r"dense\."):
        DenseIndex.load(folder)


def test_an_open_index_outlives_its_files(folder: Path) -> None:
    index = DenseIndex.load(folder)
    before = index.search(VECTORS[:20], 5)
    for name in names(folder):
        (folder / name).unlink()
    assert index.search(VECTORS[:20], 5).equals(before)
    index.add(VECTORS[:1])
    assert index.search(VECTORS[:1], 2).rows.tolist() == [[0, 400]]


def test_saved_onto_the_files_it_is_mapped_from(folder: Path) -> None:
    index = DenseIndex.load(folder)
    before = index.search(VECTORS[:20], 5)
    index.save(folder)
    assert index.search(VECTORS[:20], 5).equals(before)
    index.add(VECTORS[:3])
    index.save(folder)
    assert DenseIndex.load(folder).search(VECTORS[:20], 5).equals(index.search(VECTORS[:20], 5))


def test_a_place_that_cannot_be_written(folder: Path) -> None:
    index = DenseIndex.load(folder)
    (folder / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        index.save(folder / "file")


@pytest.mark.parametrize("step", ["describe_file", "write_meta"])
def test_a_full_disk_keeps_the_last_index(folder: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = DenseIndex.build(clustered(500, 16, seed=3), config=DenseIndex.load(folder).config)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, step, full)
    with pytest.raises(StorageError, match="No space left"):
        index.save(folder)
    monkeypatch.undo()
    assert len(DenseIndex.load(folder)) == 400
    assert not [name for name in names(folder) if name.endswith(".tmp")]


def test_a_usearch_that_arranges_its_file_otherwise_costs_space_not_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = DenseIndex.build(VECTORS, config=CONFIGS["graph"])
    monkeypatch.setattr(files, "_BLOCK_HEAD", 9)
    index.save(tmp_path)
    assert names(tmp_path) == ["dense.json", "dense.rows", "dense.usearch", "dense.vectors"]
    assert DenseIndex.load(tmp_path).search(VECTORS, 5).equals(index.search(VECTORS, 5))


def test_verify_of_an_index_in_memory() -> None:
    with pytest.raises(InvalidInputError, match="verify: the index was built in memory"):
        DenseIndex.build(VECTORS).verify()
