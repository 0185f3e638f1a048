"""Repeated ids in a stream: told apart by the second hash, kept in few sorted runs."""

import numpy as np
import pyarrow as pa
import pytest

from pyengine.corpus import ids
from pyengine.corpus.ids import SeenIds, hash_ids


def test_equal_first_hashes_are_no_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    def colliding(array: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
        first, second = hash_ids(array)
        return first % np.uint64(3), second

    monkeypatch.setattr(ids, "hash_ids", colliding)
    seen = SeenIds()
    for start in range(0, 500, 50):
        names = pa.array([str(number) for number in range(start, start + 50)])
        assert seen.add(names, np.arange(start, start + 50)) == []
    again = pa.array(["499", "new", "0", "250"])
    assert seen.add(again, np.arange(500, 504)) == [(0, 499), (2, 0), (3, 250)]


def test_runs_stay_few() -> None:
    seen = SeenIds()
    for start in range(0, 64_000, 64):
        seen.add(pa.array([str(number) for number in range(start, start + 64)]), np.arange(start, start + 64))
    assert len(seen._runs) <= 12
    assert sum(len(run.first) for run in seen._runs) == 64_000


def test_no_two_of_a_million_numbers_share_a_hash() -> None:
    first, second = hash_ids(pa.array(np.arange(1_000_000)).cast(pa.string()))
    assert len(np.unique(first)) == len(np.unique(second)) == 1_000_000
    # Each bit of the hash is set in half of them: eight standard deviations leave room for nothing but a
    # fault.
    for values in (first, second, first ^ second):
        bits = np.unpackbits(values.view(np.uint8)).reshape(-1, 64).mean(axis=0)
        assert np.abs(bits - 0.5).max() < 8 * 0.5 / 1000
