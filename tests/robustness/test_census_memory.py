"""A Parquet file larger than the memory there is goes through the commands that read a corpus as a stream."""

import resource
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from e2e.cli import PYTHON, environment

SIZE = 512 << 20
ADDRESSES = 1000 << 20
"""Python, numpy and Arrow take 600 MB of addresses before they read anything."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return half a gigabyte of text, as large on disk as decoded."""
    path = tmp_path_factory.mktemp("large") / "corpus.parquet"
    words = np.array([f"F{i % 90 + 10}.{i % 10}" if i % 50 == 0 else f"wort{i:04d}" for i in range(5000)])
    drawn = np.random.default_rng(0).choice(words, (200, 400))
    texts = [" ".join(row) for row in drawn] * 40
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    written = 0
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        while written * len(texts) * len(texts[0]) < SIZE:
            ids = [f"{written}-{i}" for i in range(len(texts))]
            writer.write_table(pa.table({"id": ids, "text": texts}, schema=schema))
            written += 1
    assert path.stat().st_size > SIZE
    return path


@pytest.mark.parametrize(
    "arguments", [("census", "--sample", "0.1"), ("reference", "build", "-o", "r.parquet")]
)
def test_memory_is_a_fraction_of_the_file(large: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    # VmHWM is of the process alone: what resource says counts its parent's memory too.
    run = (
        "import sys; from pathlib import Path; from pyengine.cli import main; code = main(sys.argv[1:]); "
        "lines = Path('/proc/self/status').read_text().splitlines(); "
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM'))); sys.exit(code)"
    )
    done = subprocess.run(
        [*PYTHON, "-c", run, *arguments, str(large)],
        cwd=tmp_path,
        env=environment(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert 1024 * int(done.stdout.split()[-1]) < 0.6 * large.stat().st_size
