"""Every operation by which the store changes a file system, one function each.

Nothing else in the package renames, removes or forces to the device what a generation consists of, so a test
that replaces `Disk` can make the n-th operation fail, for every n, and look at what is left. The parts write
their own files into staging folders.
"""

import hashlib
import os
import shutil
from pathlib import Path

__all__ = ["Disk"]

_CHUNK = 1 << 20


class Disk:
    """The real file system. All methods raise `OSError` as the system gives it."""

    def make_folder(self, path: Path) -> None:
        """Create one folder (its parent exists)."""
        path.mkdir()

    def write_file(self, path: Path, data: bytes) -> None:
        """Create or truncate a file and write all of ``data``."""
        path.write_bytes(data)

    def sync_file(self, path: Path) -> None:
        """Force the bytes of a file to the device."""
        self._sync(path, os.O_RDONLY)

    def sync_folder(self, path: Path) -> None:
        """Force the entries of a folder (names, renames, removals) to the device."""
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def rename(self, source: Path, target: Path) -> None:
        """Give a folder its final name; the target does not exist."""
        os.rename(source, target)

    def replace(self, source: Path, target: Path) -> None:
        """Put a file in the place of another, atomically."""
        os.replace(source, target)

    def remove_file(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and all that is in it."""
        shutil.rmtree(path)

    def digest(self, path: Path) -> tuple[int, str]:
        """Return ``(bytes, sha256 in hex)`` of a file."""
        state = hashlib.sha256()
        size = 0
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
                size += len(chunk)
        return size, state.hexdigest()

    @staticmethod
    def _sync(path: Path, flags: int) -> None:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
