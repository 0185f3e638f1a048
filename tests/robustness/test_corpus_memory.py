"""A corpus larger than the memory it may use goes through: read, checked, stored, in bounded space."""

import subprocess
import sys
from pathlib import Path

import pytest

# Address space is no measure (files are mapped), so the anonymous memory is: data and stack of the process.
STREAM = """
import json, os, resource, sys
from pathlib import Path
import pyarrow.parquet as pq
from pyengine import Corpus
from pyengine.corpus import StoredCorpus, write_ipc

folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
text = "word " * 1000
rows = megabytes * 200

def anonymous():
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))

with (folder / "c.jsonl").open("w") as file:
    for i in range(rows):
        file.write(json.dumps({"id": f"doc-{i}", "text": text, "n": i}) + "\\n")
Corpus.from_rows([{"id": "a", "text": "warm-up", "n": 1}]).ids()
before = anonymous()
peak = 0
writer = None
corpus = Corpus.from_jsonl(folder / "c.jsonl")

def watched(corpus):
    global peak
    for batch in corpus.batches(max_bytes=1 << 20):
        peak = max(peak, anonymous() - before)
        yield batch

def total(batches):
    return sum(batch.num_rows for batch in batches)

assert write_ipc(watched(corpus), folder / "c.arrow") == rows
stored = StoredCorpus.open(folder / "c.arrow")
with pq.ParquetWriter(folder / "c.parquet", stored.schema, compression="none") as writer:
    for batch in watched(stored):
        writer.write_batch(batch)
assert total(watched(Corpus.from_parquet(folder / "c.parquet"))) == rows
generated = ({"id": str(i), "text": text + str(i)} for i in range(rows))
assert total(watched(Corpus.from_rows(generated))) == rows
print(os.path.getsize(folder / "c.jsonl") // 2**20, peak // 2**10)
"""


def stream(folder: Path, megabytes: int) -> tuple[int, int]:
    """Return the size of the corpus and the most memory it took, in MiB."""
    folder.mkdir()
    command = [sys.executable, "-c", STREAM, str(folder), str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    size, peak = done.stdout.split()
    return int(size), int(peak)


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    _, small = stream(tmp_path / "small", 40)
    size, large = stream(tmp_path / "large", 200)
    assert size > 180
    # Batches of 16 MiB being joined and written, and 24 bytes per document.
    assert large < 140, f"{large} MiB for {size} MiB"
    assert large < small + 40, f"{small} MiB for a fifth, {large} MiB for the whole"


@pytest.mark.slow
def test_a_corpus_of_two_gigabytes(tmp_path: Path) -> None:
    size, peak = stream(tmp_path / "large", 2048)
    assert size > 1900
    assert peak < 160
