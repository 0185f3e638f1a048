"""The ``.ids`` file: where each batch starts, and hashes of all ids in order, with their rows.

Little-endian. Header of 64 bytes: magic ``PYENGIDS``, version u32, CRC-32 of the batch starts u32, rows u64,
batches u64, bytes of the Arrow file u64, documents u64, zeros. Then the batch starts u64 (batches + 1), the
first hash of the id of every document u64 in ascending order, equal ones by row, and the rows u32 in that
order. Version 1: every row is a document, and documents is 0. Version 2: a chunked corpus, where a document
may have several rows and its first stands for it.
"""

import mmap
import os
import struct
import zlib
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    NotFoundError,
    PyEngineError,
    StorageError,
)

__all__ = ["MEND", "IdFile", "refused"]

MEND: Final = "restore the index from a copy, or build it again"
_MAGIC: Final = b"PYENGIDS"
_VERSION: Final = 1
_CHUNKED_VERSION: Final = 2
_HEADER: Final = struct.Struct("<8sIIQQQQ16x")


class IdFile:
    """A mapped ``.ids`` file.

    Parameters
    ----------
    path : Path
        For messages.
    starts : uint64, shape (batches + 1,)
        First row of every batch, and the number of rows.
    hashes : uint64, shape (documents,)
        Ascending.
    rows : uint32, shape (documents,)
        The row of each hash: the first of the document.
    """

    def __init__(
        self,
        path: Path,
        starts: npt.NDArray[np.uint64],
        hashes: npt.NDArray[np.uint64],
        rows: npt.NDArray[np.uint32],
    ) -> None:
        self.path = path
        self.starts = starts
        self.hashes = hashes
        self.rows = rows

    @classmethod
    def write(
        cls,
        path: Path,
        starts: list[int],
        hashes: list[npt.NDArray[np.uint64]],
        arrow_bytes: int,
        first_rows: npt.NDArray[np.uint32] | None = None,
    ) -> None:
        """Sort the hashes of all batches and write the file.

        Parameters
        ----------
        path : Path
            The file to write.
        starts : list of int
            First row of every batch, and the number of rows.
        hashes : list of uint64 arrays
            Of the ids of the documents of each batch; emptied, to halve the memory the sorting takes.
        arrow_bytes : int
            Length of the Arrow file it belongs to.
        first_rows : uint32, shape (documents,), optional
            First row of every document of a chunked corpus; by default every row is a document.

        Raises
        ------
        OSError
            As the system gives it.
        """
        bounds = np.array(starts, dtype="<u8")
        unsorted = np.concatenate(hashes) if hashes else np.zeros(0, dtype=np.uint64)
        hashes.clear()
        order = np.argsort(unsorted, kind="stable").astype("<u4")
        header = _HEADER.pack(
            _MAGIC,
            _VERSION if first_rows is None else _CHUNKED_VERSION,
            zlib.crc32(bounds.data),
            starts[-1],
            len(bounds) - 1,
            arrow_bytes,
            0 if first_rows is None else len(first_rows),
        )
        with path.open("wb") as file:
            file.write(header)
            file.write(bounds.data)
            file.write(unsorted[order].astype("<u8", copy=False).data)
            file.write((order if first_rows is None else first_rows[order].astype("<u4", copy=False)).data)

    @classmethod
    def open(cls, path: Path, arrow_bytes: int) -> Self:
        """Map the file after checking its header, length and batch starts.

        Parameters
        ----------
        path : Path
            The file.
        arrow_bytes : int
            Length of the Arrow file it has to belong to.

        Raises
        ------
        NotFoundError
            There is no such file.
        CorruptIndexError
            The file contradicts itself or belongs to another Arrow file.
        IncompatibleIndexError
            Written by a newer pyengine.
        StorageError
            The system refused to read it.
        """
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < _HEADER.size:
                    raise CorruptIndexError(
                        f"{path}: expected at least {_HEADER.size} bytes, got {size}; {MEND}"
                    )
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise refused(path, error) from error
        magic, version, checksum, rows, batches, expected, documents = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise CorruptIndexError(f"{path}: expected an id file, got another kind of file; {MEND}")
        if version not in (_VERSION, _CHUNKED_VERSION):
            raise IncompatibleIndexError(
                f"{path}: version {version} of the id file is not {_VERSION} or {_CHUNKED_VERSION}, those "
                "this pyengine reads; use the pyengine that wrote it, or build the index again"
            )
        documents = rows if version == _VERSION else documents
        if size != _HEADER.size + 8 * (batches + 1) + 12 * documents:
            raise CorruptIndexError(
                f"{path}: expected the length for {documents} documents in {batches} batches, got {size} "
                f"bytes; {MEND}"
            )
        starts = np.frombuffer(data, dtype="<u8", count=batches + 1, offset=_HEADER.size)
        ascending = bool((starts[1:] > starts[:-1]).all()) and starts[0] == 0 and starts[-1] == rows
        if zlib.crc32(starts.data) != checksum or not ascending:
            raise CorruptIndexError(f"{path}: the batch starts do not have their checksum; {MEND}")
        if expected != arrow_bytes:
            raise CorruptIndexError(
                f"{path}: belongs to an Arrow file of {expected} bytes, but the one beside it has "
                f"{arrow_bytes}; "
                f"{MEND}"
            )
        at = _HEADER.size + starts.nbytes
        hashes = np.frombuffer(data, dtype="<u8", count=documents, offset=at)
        first_rows = np.frombuffer(data, dtype="<u4", count=documents, offset=at + 8 * documents)
        return cls(path, starts, hashes, first_rows)

    def first_candidates(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return where in `hashes` each value stands first, -1 where it does not."""
        at = np.searchsorted(self.hashes, values)
        there = at < len(self.hashes)
        there[there] = self.hashes[at[there]] == values[there]
        places: npt.NDArray[np.int64] = np.where(there, at, -1)
        return places

    def candidates(self, start: int) -> npt.NDArray[np.uint32]:
        """Return the rows whose id has the hash at ``start``: hardly ever more than one."""
        end = start + 1
        while end < len(self.hashes) and self.hashes[end] == self.hashes[start]:
            end += 1
        return self.rows[start:end]

    def verify(self, hashes: npt.NDArray[np.uint64], first_rows: npt.NDArray[np.integer[Any]]) -> None:
        """Check that the file finds every document by its id.

        Parameters
        ----------
        hashes : uint64, shape (documents,)
            Of the ids of all documents, in order.
        first_rows : int array, shape (documents,)
            The first row of each.

        Raises
        ------
        CorruptIndexError
            It is not the file that `write` makes of these ids.
        """
        order = np.argsort(hashes, kind="stable")
        if not (np.array_equal(self.rows, first_rows[order]) and np.array_equal(self.hashes, hashes[order])):
            raise CorruptIndexError(f"{self.path}: it does not find the rows of the corpus's ids; {MEND}")


def refused(path: Path, error: OSError) -> PyEngineError:
    """Return the error of the tree for a file that cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{path}: no such file; check the path")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return InvalidInputError(f"{path}: expected a file, got a folder or a path through a file")
    result = StorageError(
        f"{path}: cannot read it ({error.strerror or error}); check its permissions and disk"
    )
    result.errno = error.errno
    return result
