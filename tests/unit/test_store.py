"""The index directory: create, open, publish, lock, verify."""

import json
import os
from pathlib import Path

import pytest

from pyengine.errors import CorruptIndexError, InvalidInputError, LockedError, NotFoundError
from pyengine.store import Store


def publish(store: Store, **files: bytes) -> None:
    with store.writer() as writer:
        staging = writer.begin()
        for name, data in files.items():
            (staging / name).write_bytes(data)
        writer.publish(fingerprints={"analyzer": "abc"}, config={"k1": 1.5}, counts={"documents": len(files)})


def test_publish_and_open(tmp_path: Path) -> None:
    path = tmp_path / "a" / "index"
    store = Store.create(path)
    assert store.manifest is None
    assert store.generation == 0
    with pytest.raises(NotFoundError, match="nothing was committed"):
        store.folder  # noqa: B018  (the property itself raises)
    publish(store, one=b"1", two=b"22")
    for opened in (store, Store.open(path)):
        manifest = opened.manifest
        assert manifest is not None
        assert manifest.generation == opened.generation == 1
        assert (manifest.fingerprints, manifest.config) == ({"analyzer": "abc"}, {"k1": 1.5})
        assert manifest.counts == {"documents": 2}
        assert [(entry.path, entry.bytes) for entry in manifest.files] == [
            ("segments/000001/one", 1),
            ("segments/000001/two", 2),
        ]
        # sha256sum of the byte "1", from coreutils.
        assert manifest.files[0].sha256 == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
        assert opened.file("two").read_bytes() == b"22"
        assert opened.verify() == []
    with pytest.raises(NotFoundError, match="'three'"):
        store.file("three")


def test_only_the_newest_generation_stays(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store, one=b"1")
    publish(store, one=b"2")
    assert os.listdir(tmp_path / "segments") == ["000002"]
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", "segments", "write.lock"]
    assert store.file("one").read_bytes() == b"2"


def test_a_reader_keeps_its_generation(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store, one=b"1")
    reader = Store.open(tmp_path)
    publish(store, one=b"2")
    assert reader.generation == 1
    assert reader.file("one").read_bytes() == b"1"
    assert reader.verify() == []
    assert reader.refresh()
    assert not reader.refresh()
    assert reader.file("one").read_bytes() == b"2"
    publish(store, one=b"3")
    reader.close()
    publish(store, one=b"4")
    assert os.listdir(tmp_path / "segments") == ["000004"]


def test_one_writer(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    with (
        store.writer(),
        pytest.raises(LockedError, match=f"process {os.getpid()} on host"),
        Store.open(tmp_path).writer(),
    ):
        pass
    with Store.open(tmp_path).writer():
        pass


def test_leaving_without_publishing_changes_nothing(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store, one=b"1")
    with store.writer() as writer:
        (writer.begin() / "one").write_bytes(b"2")
    with pytest.raises(ZeroDivisionError), store.writer() as writer:
        (writer.begin() / "one").write_bytes(bytes([1 // 0]))
    assert os.listdir(tmp_path / "segments") == ["000001"]
    assert Store.open(tmp_path).file("one").read_bytes() == b"1"


def test_the_open_errors(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such directory"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match=r"found no manifest\.json"):
        Store.open(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotFoundError, match="got a file"):
        Store.open(tmp_path / "file")
    with pytest.raises(InvalidInputError, match="got a file"):
        Store.create(tmp_path / "file")
    with pytest.raises(InvalidInputError, match="holds file"):
        Store.create(tmp_path)


def test_create_over_an_index(tmp_path: Path) -> None:
    publish(Store.create(tmp_path), one=b"1")
    with pytest.raises(InvalidInputError, match="holds one; open it"):
        Store.create(tmp_path)
    assert Store.create(tmp_path, exist_ok=True).generation == 1


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish(store, one=b"1", two=b"22")
    file = store.file("two")
    file.write_bytes(b"2x")
    assert Store.open(tmp_path).verify(deep=False) == []
    (problem,) = Store.open(tmp_path).verify()
    assert problem.startswith(f"{file}: expected SHA-256 ")
    file.write_bytes(b"2")
    with pytest.raises(CorruptIndexError, match="two: expected 2 bytes, got 1; restore"):
        Store.open(tmp_path)
    file.unlink()
    with pytest.raises(CorruptIndexError, match="two: missing; restore"):
        Store.open(tmp_path)


def test_publish_refuses_what_would_not_open_again(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    with store.writer() as writer:
        for values, message in (
            (
                {"counts": {"documents": -1}},
                r"counts\.documents: expected a whole number of 0 or more",
            ),
            ({"fingerprints": {"analyzer": 3}}, r"fingerprints\.analyzer: expected a string, got 3"),
            ({"config": {"k1": float("nan")}}, "config: expected values that JSON can hold"),
            ({"config": {"k1": object()}}, "config: expected values that JSON can hold"),
        ):
            writer.begin()
            with pytest.raises(InvalidInputError, match=message):
                writer.publish(**values)  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(InvalidInputError, match="call begin"):
            writer.publish()
        writer.begin()
        with pytest.raises(InvalidInputError, match="staging folder is open"):
            writer.begin()
        assert writer.publish().generation == 1
    with pytest.raises(InvalidInputError, match="enter the writer first"):
        store.writer().begin()


def test_links_are_not_published(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "index")
    (tmp_path / "outside").write_bytes(b"1")
    with store.writer() as writer:
        (writer.begin() / "link").symlink_to(tmp_path / "outside")
        with pytest.raises(InvalidInputError, match="expected a plain file"):
            writer.publish()


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    publish(Store.create(tmp_path), one=b"1")
    values = json.loads((tmp_path / "manifest.json").read_text())
    assert values["format"] == "pyengine-index"
    assert values["format_version"] == 2
    assert values["generation"] == 1


def test_working_files_outlive_a_publish_and_are_never_in_it(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "index")
    with store.writer() as writer:
        scratch = writer.scratch()
        (scratch / "staged").write_bytes(b"work")
        (writer.begin() / "one").write_bytes(b"1")
        manifest = writer.publish()
        assert (scratch / "staged").read_bytes() == b"work"
        assert [entry.path for entry in manifest.files] == ["segments/000001/one"]
    assert not scratch.exists()
    with pytest.raises(InvalidInputError, match="enter the writer first"):
        store.writer().scratch()


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9")
    for door in (Store.create, Store.open):
        with pytest.raises(InvalidInputError, match="in UTF-8"):
            door(path)
    assert not path.exists()
