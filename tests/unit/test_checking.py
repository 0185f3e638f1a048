"""`Engine.verify` finds each kind of contradiction and says where it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.cli.verify import command
from pyengine.corpus import Corpus
from pyengine.dense.files import describe_file, write_meta
from pyengine.engine.writer import Transaction
from pyengine.errors import StorageError
from pyengine.store import Store
from pyengine.store.disk import Disk

GOLDEN = Path(__file__).parents[1] / "golden" / "engines" / "v2" / "vectors"
EMBEDDER = FakeEmbedder(8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return shutil.copytree(GOLDEN, tmp_path / "idx")


def flip(file: Path, at: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))


def swap_rows(file: Path) -> None:
    """Exchange the rows of the first two ids in an id file, which the file itself cannot notice."""
    data = bytearray(file.read_bytes())
    n = int.from_bytes(data[16:24], "little")
    rows = np.frombuffer(data, dtype="<u4", offset=len(data) - 4 * n)
    rows[[0, 1]] = rows[[1, 0]]
    file.write_bytes(bytes(data))


def spoil_text(file: Path) -> None:
    """Put a byte that is no UTF-8 where a text was."""
    data = file.read_bytes()
    file.write_bytes(data.replace(b"federal", b"feder\xff l"[:7]))


def repeat_row(file: Path) -> None:
    """Give two slots one row, with checksums that fit."""
    rows = np.fromfile(file, dtype="<u4")
    rows[0] = rows[1]
    rows.tofile(file)
    meta = file.with_name("dense.json")
    fields = json.loads(meta.read_bytes())
    fields["files"]["dense.rows"] = describe_file(file)
    write_meta(
        meta, {key: value for key, value in fields.items() if key not in ("format", "version", "crc32")}
    )


@pytest.mark.parametrize("name", ["corpus.arrow", "corpus.ids", "lexical.seg", "dense.rows", "dense.json"])
def test_a_byte_that_is_not_what_was_written(path: Path, name: str) -> None:
    with pe.Engine.open(path, embedder=EMBEDDER) as engine:
        files = [entry.path for entry in engine._store.manifest.files if entry.path.endswith(name)]
        assert len(files) == 3
        flip(path / files[1], 4)
        (problem,) = engine.verify()
        assert problem.startswith(f"{path / files[1]}: expected SHA-256 ")


@pytest.mark.parametrize(
    ("file", "spoil", "sentence"),
    [
        ("000002/0/corpus.ids", swap_rows, "corpus.ids: it does not find the rows of the corpus's ids"),
        ("000002/0/corpus.arrow", spoil_text, "corpus.arrow: batch 0: "),
        ("000003/1/lexical.seg", lambda file: flip(file, file.stat().st_size - 70), "lexical.seg, offset "),
        ("000005/1/vectors/dense.vectors", lambda file: flip(file, 9), "dense.vectors: its content differs"),
        ("000005/0/vectors/dense.rows", repeat_row, "dense.rows: expected each row from 0 to 5 once"),
    ],
)
def test_a_part_that_contradicts_itself_though_its_checksum_fits(
    path: Path, monkeypatch: pytest.MonkeyPatch, file: str, spoil: Callable[[Path], None], sentence: str
) -> None:
    with pe.Engine.open(path, embedder=EMBEDDER) as engine:
        assert engine.verify() == []
        spoil(path / "segments" / file)
        # As if the manifest had been made of the spoilt file.
        monkeypatch.setattr(Store, "verify", lambda self, *, deep: [])
        (problem,) = engine.verify()
        assert problem.startswith(str(path / "segments" / file))
        assert sentence in problem


def test_an_id_that_is_live_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pe.Engine.create(tmp_path, auto_compact=False) as engine:
        engine.add([{"id": "a", "text": "x"}, {"id": "b", "text": "x"}])
        engine.commit()
        engine.update([{"id": "b", "text": "y"}])
        engine.commit()
        assert engine.verify() == []
        monkeypatch.setattr(Transaction, "_new", lambda self, corpus: Corpus.batches(corpus))
        engine.add([{"id": "a", "text": "z"}])
        engine.commit()
        assert engine.verify() == [f"{tmp_path}: id 'a' is live in 2 documents; build the index again"]


def test_a_file_that_cannot_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Disk, path: Path) -> tuple[int, str]:
        raise OSError(5, "Input/output error", str(path))

    with pe.Engine.open(path, embedder=EMBEDDER) as engine:
        monkeypatch.setattr(Disk, "digest", refused)
        with pytest.raises(StorageError, match=r"cannot read it \(Input/output error\)"):
            engine.verify()
        engine.close()
        with pytest.raises(pe.errors.InvalidInputError, match="closed"):
            engine.verify()


def test_the_command_says_the_same(path: Path) -> None:
    whole = CliRunner().invoke(command, ["--deep", str(path)])
    assert (whole.exit_code, "whole, 9 documents" in whole.output) == (0, True)
    swap_rows(path / "segments" / "000002" / "0" / "corpus.ids")
    done = CliRunner().invoke(command, ["--deep", "--json", str(path)])
    assert done.exit_code == 1
    assert "corpus.ids: expected SHA-256" in json.loads(done.stdout)["problems"][0]


@pytest.mark.parametrize("name", ["pairs/lexical.seg", "positions.seg"])
def test_what_phrases_are_looked_up_in_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pe.Engine.create(tmp_path, phrases=True) as engine:
        engine.add([{"id": "a", "title": "on one", "text": "one two three 28 USC § 1331"}])
        engine.commit()
        assert engine.verify() == []
        file = next(tmp_path.glob(f"segments/*/0/{name}"))
        flip(file, file.stat().st_size - 70)
        monkeypatch.setattr(Store, "verify", lambda self, *, deep: [])
        (problem,) = engine.verify()
        assert problem.startswith(str(file))
        assert "section" in problem
        assert "offset" in problem
