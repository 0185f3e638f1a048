"""Files of every format version stay readable, and the file is what docs/lexical.md says."""

import shutil
import struct
from collections import Counter
from pathlib import Path

import pytest
from oracles.segment_file import SegmentFile

from pyengine import Bm25Index

FORMATS = Path(__file__).parent / "formats"
VERSIONS = sorted(path.name for path in FORMATS.iterdir())
DOCS = [
    ["alpha", "beta", "beta", "gamma"],
    [],
    ["alpha", "§ 1331", "größe", ""],
    ["beta"] * 300 + ["alpha"] * 70_000,
]
QUERIES = [["alpha"], ["beta", "größe"], [""], ["absent"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_file_opens_and_answers_as_ever(tmp_path: Path, version: str) -> None:
    index = Bm25Index.load(shutil.copytree(FORMATS / version, tmp_path / version))
    index.verify()
    assert len(index) == 4
    assert index.config.k1 == 1.2
    assert index.search(QUERIES).equals(Bm25Index.build(DOCS, k1=1.2, b=0.5).search(QUERIES))
    assert index.search(QUERIES).counts.tolist() == [3, 3, 1, 0]


def test_the_version_written_has_its_folder_and_its_bytes(tmp_path: Path) -> None:
    """Whoever changes the format raises the version and adds a folder; the old ones stay."""
    Bm25Index.build(DOCS, k1=1.2, b=0.5).save(tmp_path)
    written = (tmp_path / "lexical.seg").read_bytes()
    version = struct.unpack_from("<I", written, 8)[0]
    assert f"v{version}" in VERSIONS
    assert (FORMATS / f"v{version}" / "lexical.seg").read_bytes() == written


def test_a_reader_written_from_the_description_finds_everything(tmp_path: Path) -> None:
    docs = [*DOCS, *([f"t{i % 90}", f"u{i}", "x" * i] for i in range(200))]
    Bm25Index.build(docs).save(tmp_path)
    file = SegmentFile.read(tmp_path / "lexical.seg")
    assert (file.documents, file.tokens, file.k1, file.b) == (len(docs), sum(map(len, docs)), 1.5, 0.75)
    assert file.numbers(11, "I") == tuple(map(len, docs))
    assert file.sections[2] == b""
    counts = [Counter(doc) for doc in docs]
    terms = list(dict.fromkeys(term for doc in docs for term in doc))
    assert [file.find(term) for term in terms] == list(range(len(terms)))
    for term in terms[:150]:
        assert file.postings(term) == [(row, n[term]) for row, n in enumerate(counts) if n[term]]
    assert file.find("absent") is None
