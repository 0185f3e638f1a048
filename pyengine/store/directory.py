"""`Store`: open, create and check an index directory."""

import contextlib
import errno
import os
import stat
import weakref
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pyengine.errors import (
    CorruptIndexError,
    InvalidInputError,
    NotFoundError,
    StorageError,
)
from pyengine.store.disk import Disk
from pyengine.store.lock import hold_shared
from pyengine.store.manifest import FileEntry, Manifest
from pyengine.store.writer import (
    LOCK,
    MANIFEST,
    SEGMENTS,
    TEMPORARY,
    Writer,
    generation_folder,
    refused,
    write_manifest,
)

__all__ = ["Store"]

# A reader that meets a commit between reading the manifest and holding its files starts over. Each round
# needs another whole commit in that instant, so this many rounds mean that something else is wrong.
_OPEN_ATTEMPTS: Final = 100


class Store:
    """One snapshot of an index directory.

    Made by `create` and `open`. Until `close`, the files of the snapshot's generation stay on disk even when
    a writer, in this process or another, publishes newer generations; files already mapped or open stay
    readable after `close` too, because POSIX keeps unlinked files until their last user is gone.

    Threads: reading attributes is safe from any thread; `refresh`, `close` and a writer belong to one thread
    at a time. The hashing of `verify` releases the GIL.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._committed: Manifest | None = None
        self._pins: list[int] = []
        self._finalizer: weakref.finalize[..., Store] | None = None

    @classmethod
    def create(cls, path: str | os.PathLike[str], *, exist_ok: bool = False) -> Self:
        """Make a directory for an index, without a generation yet.

        Parameters
        ----------
        path : path-like
            The directory; made with its parents when missing. An empty directory is taken as it is.
        exist_ok : bool
            Open an index that is already there. False by default, so that nothing is overwritten by mistake.

        Raises
        ------
        InvalidInputError
            ``path`` is a file, not UTF-8, holds something else, or holds an index and ``exist_ok`` is False.
        StorageError
            The system refused to make it.
        """
        return cls._create(Path(path), exist_ok=exist_ok, disk=Disk())

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open the newest generation of an index directory for reading.

        Reads the manifest and checks that every file it names is there with its size: milliseconds, however
        large the index. `verify` compares checksums too.

        Parameters
        ----------
        path : path-like
            The directory.

        Raises
        ------
        NotFoundError
            There is no such directory, or no index in it.
        CorruptIndexError
            The manifest is damaged, or a file is missing or has another size; the message says which.
        IncompatibleIndexError
            Written by a newer pyengine.
        StorageError
            The system refused to read it (permissions, I/O error).
        """
        return cls._open(Path(path), disk=Disk())

    @property
    def path(self) -> Path:
        """The directory."""
        return self._path

    @property
    def manifest(self) -> Manifest | None:
        """What the snapshot's generation is; None before the first commit."""
        return self._committed

    @property
    def generation(self) -> int:
        """Number of the snapshot's generation; 0 before the first commit."""
        return self._committed.generation if self._committed else 0

    @property
    def folder(self) -> Path:
        """Folder with the files of the snapshot's generation.

        Raises
        ------
        NotFoundError
            Nothing was committed yet.
        """
        if self._committed is None:
            raise NotFoundError(f"{self._path}: nothing was committed yet; add documents and commit")
        return generation_folder(self._path, self._committed.generation)

    def file(self, name: str) -> Path:
        """Return the path of a file of the generation by its name in `folder`.

        Parameters
        ----------
        name : str
            Relative to `folder`, as it was written into the staging folder.

        Raises
        ------
        NotFoundError
            The generation has no such file, or nothing was committed yet.
        """
        path = self.folder / name
        relative = path.relative_to(self._path).as_posix()
        if self._committed is None or all(entry.path != relative for entry in self._committed.files):
            raise NotFoundError(f"{self._path}: generation {self.generation} has no file {name!r}")
        return path

    def refresh(self) -> bool:
        """Move to the newest generation; return whether it is another one.

        Raises
        ------
        CorruptIndexError, IncompatibleIndexError, StorageError
            As `open`; the snapshot stays what it was.
        """
        before = self.generation
        self._load()
        return self.generation != before

    def writer(self) -> Writer:
        """Return a writer, to be entered with ``with``; this store follows what it publishes.

        Raises
        ------
        LockedError
            On entering: another writer holds the directory.
        StorageError
            On entering: the system refused.
        """
        return Writer(self._path, self._disk, self._load)

    def verify(self, *, deep: bool = True) -> list[str]:
        """Check the files of the snapshot against the manifest.

        Parameters
        ----------
        deep : bool
            Read every file and compare its SHA-256 (about a second per gigabyte). False compares sizes only.

        Returns
        -------
        list of str
            One sentence per damaged file, naming it; empty when all is well.

        Raises
        ------
        StorageError
            The system refused to read a file.
        """
        problems = []
        for entry in self._committed.files if self._committed else ():
            problem = self._check(entry, os.path.realpath(self._path))
            if problem is None and deep:
                try:
                    size, sha256 = self._disk.digest(self._path / entry.path)
                except OSError as error:
                    raise refused(error, self._path / entry.path, "read", _NO_CHANGE) from error
                if (size, sha256) != (entry.bytes, entry.sha256):
                    problem = f"{self._path / entry.path}: expected SHA-256 {entry.sha256}, got {sha256}"
            if problem is not None:
                problems.append(problem)
        return problems

    def close(self) -> None:
        """Let go of the generation's files; a second call does nothing."""
        if self._finalizer is not None:
            self._finalizer()
        self._pins, self._finalizer = [], None

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    @classmethod
    def _create(cls, path: Path, *, exist_ok: bool, disk: Disk) -> Self:
        _check_name(path)
        try:
            _make_folders(path, disk)
            names = set(os.listdir(path))
            if MANIFEST in names:
                if exist_ok:
                    return cls._open(path, disk=disk)
                raise InvalidInputError(
                    f"path: expected a directory without an index, but {path} holds one; open it "
                    "(exist_ok=True, or open), or choose another directory"
                )
            # What a creation that was killed leaves behind is taken over.
            foreign = sorted(names - {SEGMENTS, LOCK, MANIFEST + TEMPORARY})
            if foreign or (SEGMENTS in names and os.listdir(path / SEGMENTS)):
                raise InvalidInputError(
                    f"path: expected an empty directory, but {path} holds "
                    f"{', '.join(foreign[:3]) or SEGMENTS}; choose another directory, or "
                    "empty this one if nothing in it is needed"
                )
            if SEGMENTS not in names:
                disk.make_folder(path / SEGMENTS)
            write_manifest(path, disk, generation=0)
            disk.sync_folder(path)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInputError(f"path: expected a directory, got a file: {path}") from error
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise refused(error, path, "create an index in", "nothing was there before") from error
        return cls._open(path, disk=disk)

    @classmethod
    def _open(cls, path: Path, *, disk: Disk) -> Self:
        _check_name(path)
        store = cls(path, disk)
        store._load()
        return store

    def _load(self) -> None:
        """Read the manifest, hold its folders, check its files, then become that snapshot."""
        for _ in range(_OPEN_ATTEMPTS):
            manifest = self._read_manifest()
            pins: list[int] = []
            try:
                problem = self._hold(manifest, pins)
                if problem is None:
                    self._become(manifest, pins)
                    return
            except BaseException:
                _close_all(pins)
                raise
            _close_all(pins)
            if self._read_manifest().generation == manifest.generation:
                raise CorruptIndexError(
                    f"{problem}; restore the directory from a copy, or build the index again"
                )
        raise StorageError(f"{self._path}: the index is replaced faster than it can be opened; try again")

    def _hold(self, manifest: Manifest, pins: list[int]) -> str | None:
        """Hold the folders of a generation and return what is wrong with its files, if anything."""
        for name in sorted({entry.path.split("/")[1] for entry in manifest.files}):
            folder = self._path / SEGMENTS / name
            try:
                pins.append(hold_shared(folder))
            except (FileNotFoundError, NotADirectoryError, BlockingIOError):
                return f"{folder}: expected a folder with files of generation {manifest.generation}, got none"
            except OSError as error:
                raise refused(error, folder, "open", _NO_CHANGE) from error
        root = os.path.realpath(self._path)
        return next((problem for entry in manifest.files if (problem := self._check(entry, root))), None)

    def _become(self, manifest: Manifest, pins: list[int]) -> None:
        self.close()
        self._committed = manifest if manifest.generation > 0 else None
        self._pins = pins
        self._finalizer = weakref.finalize(self, _close_all, pins)

    def _read_manifest(self) -> Manifest:
        path = self._path / MANIFEST
        try:
            return Manifest.from_bytes(path.read_bytes(), path)
        except FileNotFoundError as error:
            if not self._path.is_dir():
                raise NotFoundError(
                    f"{self._path}: no such directory; create an index there first"
                ) from error
            if self._has_generations():
                raise CorruptIndexError(
                    f"{path}: missing, though {SEGMENTS}/ has generations; restore it from a "
                    "copy, or build the index again in another directory"
                ) from error
            raise NotFoundError(
                f"{self._path}: expected an index, found no {MANIFEST}; check the path, or create an "
                "index there"
            ) from error
        except NotADirectoryError as error:
            raise NotFoundError(f"{self._path}: expected a directory with an index, got a file") from error
        except OSError as error:
            raise refused(error, path, "read", _NO_CHANGE) from error

    def _has_generations(self) -> bool:
        with contextlib.suppress(OSError):
            return any(TEMPORARY not in name for name in os.listdir(self._path / SEGMENTS))
        return False

    def _check(self, entry: FileEntry, root: str) -> str | None:
        path = self._path / entry.path
        try:
            resolved = os.path.realpath(path, strict=True)
            state = os.stat(resolved)
        except (FileNotFoundError, NotADirectoryError):
            return f"{path}: missing"
        except OSError as error:
            if error.errno == errno.ELOOP:
                return f"{path}: expected a file, got links that lead in a circle"
            raise refused(error, path, "look at", _NO_CHANGE) from error
        if os.path.commonpath((root, resolved)) != root:
            return f"{path}: expected a file inside {self._path}, got a link to {resolved}"
        if not stat.S_ISREG(state.st_mode):
            return f"{path}: expected a file, got something else"
        if state.st_size != entry.bytes:
            return f"{path}: expected {entry.bytes} bytes, got {state.st_size}"
        return None


_NO_CHANGE: Final = "nothing was changed"


def _check_name(path: Path) -> None:
    """Refuse a name that the parts could not be told: they take paths as UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"path: expected a name in UTF-8, got {str(path)!r}; rename the directory"
        ) from error


def _make_folders(path: Path, disk: Disk) -> None:
    """Make a folder with those above it, and force the name of each to the device."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):  # someone else was faster
            disk.make_folder(folder)
        disk.sync_folder(folder.parent)


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
