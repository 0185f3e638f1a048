"""Hashes of ids, and `SeenIds`: which ids a stream has had, in 24 bytes each."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SeenIds", "hash_id", "hash_ids", "string_parts"]

Words = npt.NDArray[np.uint64]

# Odd constants of the 64-bit finaliser of MurmurHash3 (Appleby, public domain) and of SplitMix64 (Vigna,
# public domain). The hash is stored in index files: changing a constant is a new version of the id file.
_M1: Final = np.uint64(0xFF51AFD7ED558CCD)
_M2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_S1: Final = np.uint64(0xBF58476D1CE4E5B9)
_S2: Final = np.uint64(0x94D049BB133111EB)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MASK: Final = (1 << 64) - 1
_TAIL_MASKS: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)


def string_parts(array: "pa.StringArray") -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Return ``(offsets, data)`` of an Arrow string array as views.

    Parameters
    ----------
    array : pyarrow.StringArray

    Returns
    -------
    offsets : int32, shape (len(array) + 1,)
        Where each string starts in ``data``, and where the last one ends.
    data : uint8
        The bytes.
    """
    _, offsets, data = array.buffers()
    if len(array) == 0 or offsets is None:
        return np.zeros(1, dtype=np.int32), np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(array) + 1, offset=4 * array.offset)
    return bounds, np.frombuffer(data if data is not None else b"", dtype=np.uint8)


def hash_ids(array: "pa.StringArray") -> tuple[Words, Words]:
    """Return two 64-bit hashes per string, independent of each other, the same on every machine.

    All ids advance together, eight bytes at a time, so there is no Python loop over rows.

    Parameters
    ----------
    array : pyarrow.StringArray
        Without nulls.

    Returns
    -------
    first, second : uint64, shape (len(array),)
    """
    offsets, data = string_parts(array)
    start, end = int(offsets[0]), int(offsets[-1])
    # Padding lets the last word of the last id be read whole.
    padded = np.zeros(end - start + 8, dtype=np.uint8)
    padded[: end - start] = data[start:end]
    words = np.ndarray((max(end - start, 1),), dtype="<u8", buffer=padded.data, strides=(1,))
    starts = offsets[:-1].astype(np.int64) - start
    lengths = np.diff(offsets).astype(np.int64)
    first = lengths.astype(np.uint64) * _GOLDEN + _M1
    second = lengths.astype(np.uint64) * _S1 + _S2
    active = np.flatnonzero(lengths > 0)
    for position in range(0, int(lengths.max(initial=0)), 8):
        if position:
            active = active[lengths[active] > position]
        left = np.minimum(lengths[active] - position, 8)
        word = words[starts[active] + position].astype(np.uint64) & _TAIL_MASKS[left]
        first[active] = _mix((first[active] ^ word) * _M1 + _GOLDEN, _M2)
        second[active] = _mix((second[active] + word) * _S1 ^ _GOLDEN, _S2)
    return _mix(first, _M1), _mix(second, _S1)


def hash_id(text: str) -> int:
    """Return the first hash of one id: what `hash_ids` gives, without its cost per call.

    Parameters
    ----------
    text : str
        Valid Unicode.
    """
    data = text.encode()
    value = (len(data) * int(_GOLDEN) + int(_M1)) & _MASK
    for position in range(0, len(data), 8):
        word = int.from_bytes(data[position : position + 8], "little")
        value = _mix_one(((value ^ word) * int(_M1) + int(_GOLDEN)) & _MASK, int(_M2))
    return _mix_one(value, int(_M1))


def _mix_one(value: int, multiplier: int) -> int:
    value = ((value ^ (value >> 29)) * multiplier) & _MASK
    return value ^ (value >> 32)


def _mix(values: Words, multiplier: np.uint64) -> Words:
    values = (values ^ (values >> np.uint64(29))) * multiplier
    mixed: Words = values ^ (values >> np.uint64(32))
    return mixed


class _Run(NamedTuple):
    """Ids seen, sorted by their first hash."""

    first: Words
    second: Words
    ordinals: npt.NDArray[np.int64]


class SeenIds:
    """Finds ids that come twice in a stream, without keeping the ids.

    Two 64-bit hashes and a place per id: 24 bytes each, up to twice that while runs are merged. Two
    different ids are taken for one with a probability of about n^2 / 2^129, that is never. Sorted runs of
    doubling length make adding n ids cost O(n log n).
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def add(self, ids: "pa.StringArray", ordinals: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """Remember ids and return those that were there before.

        Parameters
        ----------
        ids : pyarrow.StringArray
            Without nulls.
        ordinals : int64, shape (len(ids),)
            Their places, ascending.

        Returns
        -------
        list of (index, ordinal)
            Index in ``ids`` of every repeated id, and the place where it came first.
        """
        first, second = hash_ids(ids)
        order = np.lexsort((second, first))
        first, second, places = first[order], second[order], ordinals[order]
        repeats = np.zeros(len(order), dtype=bool)
        repeats[1:] = (first[1:] == first[:-1]) & (second[1:] == second[:-1])
        heads = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(order))))
        # lexsort is stable, so the head of a group is the one that came first.
        earliest = np.where(repeats, places[heads], -1)
        for run in self._runs:
            found = _find(run, first, second)
            earliest = np.where(found >= 0, found, earliest)
        fresh = earliest < 0
        if fresh.any():
            self._runs.append(_Run(first[fresh], second[fresh], places[fresh]))
            while len(self._runs) > 1 and len(self._runs[-2].first) <= 2 * len(self._runs[-1].first):
                self._runs.append(_merge(self._runs.pop(), self._runs.pop()))
        return sorted((int(order[i]), int(earliest[i])) for i in np.flatnonzero(~fresh))


def _find(run: _Run, first: Words, second: Words) -> npt.NDArray[np.int64]:
    """Return the place of each id in a run, -1 where it has none."""
    at = np.searchsorted(run.first, first)
    found = np.full(len(first), -1, dtype=np.int64)
    open_ = np.arange(len(first))
    while len(open_):
        inside = at[open_] < len(run.first)
        open_ = open_[inside]
        open_ = open_[run.first[at[open_]] == first[open_]]
        same = run.second[at[open_]] == second[open_]
        found[open_[same]] = run.ordinals[at[open_[same]]]
        # Equal in the first hash only: look at the next one.
        open_ = open_[~same]
        at[open_] += 1
    return found


def _merge(a: _Run, b: _Run) -> _Run:
    first = np.concatenate((a.first, b.first))
    # A stable sort finds the two sorted halves and merges them in linear time.
    order = np.argsort(first, kind="stable")
    return _Run(
        first[order],
        np.concatenate((a.second, b.second))[order],
        np.concatenate((a.ordinals, b.ordinals))[order],
    )
