"""`Writer`: stage files, publish them as one generation, clean up what nobody needs."""

import errno
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pyengine.errors import CorruptIndexError, InvalidInputError, PyEngineError, StorageError
from pyengine.store.disk import Disk
from pyengine.store.lock import WriteLock, claim_unused
from pyengine.store.manifest import FileEntry, Manifest

__all__ = [
    "LOCK",
    "MANIFEST",
    "SEGMENTS",
    "TEMPORARY",
    "Writer",
    "generation_folder",
    "refused",
    "write_manifest",
]

MANIFEST: Final = "manifest.json"
SEGMENTS: Final = "segments"
LOCK: Final = "write.lock"
TEMPORARY: Final = ".tmp"

_GENERATION = re.compile(r"\d{6,}(\.tmp-[0-9a-f]+)?")
# The errors a device gives of itself; another OSError inside ``with store.writer()`` is the caller's own.
_DEVICE_ERRORS: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS))

_NO_LOCKS: Final = "; the file system locks no files: keep the index on one that does, such as a local disk"

_logger = logging.getLogger(__name__)


def generation_folder(root: Path, generation: int) -> Path:
    """Return the folder of one generation."""
    return root / SEGMENTS / f"{generation:06d}"


def refused(error: OSError, path: Path, doing: str, intact: str) -> StorageError:
    """Return a `StorageError` that says what the system refused and what is still whole.

    Parameters
    ----------
    error : OSError
        As the system gave it.
    path : Path
        What it was about.
    doing : str
        The verb of the refused operation.
    intact : str
        What is whole, as a clause.
    """
    reason = error.strerror or str(error)
    mend = {
        errno.ENOSPC: "; free some space and try again",
        errno.EDQUOT: "; free some space within the quota and try again",
        errno.EFBIG: "; raise the file size limit and try again",
        errno.EACCES: "; check the permissions of the directory and its files",
        errno.EPERM: "; check the permissions of the directory and its files",
        errno.EROFS: "; the file system is read-only",
        errno.ENOLCK: _NO_LOCKS,
        errno.EOPNOTSUPP: _NO_LOCKS,
    }.get(error.errno or 0, "")
    result = StorageError(f"{path}: cannot {doing} it ({reason}); {intact}{mend}")
    result.errno = error.errno
    return result


def write_manifest(root: Path, disk: Disk, **fields: Any) -> Manifest:
    """Put a manifest in place atomically; the caller syncs the folder afterwards.

    Parameters
    ----------
    root : Path
        The index directory.
    disk : Disk
        The file operations.
    **fields
        Fields of `Manifest` but for the time and the version.
    """
    manifest = Manifest(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"), pyengine_version=_version(), **fields
    )
    data = manifest.to_bytes()
    try:
        # What is written must open again: values are checked by the rules of the reader.
        Manifest.from_bytes(data, root / MANIFEST, mend="publish a value of that form")
    except CorruptIndexError as error:
        raise InvalidInputError(f"publish: {error}") from error
    temporary = root / (MANIFEST + TEMPORARY)
    disk.write_file(temporary, data)
    disk.sync_file(temporary)
    disk.replace(temporary, root / MANIFEST)
    return manifest


class Writer:
    """The one writer of an index directory; made by `Store.writer`, used with ``with``.

    Entering takes the lock, moves the store to the newest generation and removes what dead writers left.
    Leaving without `publish` (or by an exception) removes the staging folder and releases the lock; the last
    generation stays as it was.

    Threads: belongs to one thread at a time.

    Parameters
    ----------
    root : Path
        The index directory.
    disk : Disk
        The file operations.
    reload : callable
        Moves the owning store to the newest generation.
    """

    def __init__(self, root: Path, disk: Disk, reload: Callable[[], None]) -> None:
        self._root = root
        self._disk = disk
        self._reload = reload
        self._lock: WriteLock | None = None
        self._staging: Path | None = None
        self._scratch: list[Path] = []
        self._current = 0

    def __enter__(self) -> Self:
        """Take the lock and clean up.

        Raises
        ------
        LockedError
            Another writer holds the directory.
        CorruptIndexError, IncompatibleIndexError, NotFoundError
            As `Store.open`.
        StorageError
            The system refused.
        """
        try:
            self._lock = WriteLock(self._root / LOCK)
        except StorageError:
            raise
        except OSError as error:
            raise refused(error, self._root / LOCK, "lock", "nothing was changed") from error
        try:
            self._reload()
            self._current = self._read_current().generation
            self._clean()
        except BaseException:
            self._lock.release()
            self._lock = None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove an unpublished staging folder and release the lock.

        Raises
        ------
        StorageError
            In place of an error of the device (full, I/O) that the body ran into while it wrote.
        """
        staging = self._staging
        try:
            self.abort()
            for folder in self._scratch:
                self._remove(folder)
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
        if (
            isinstance(error, OSError)
            and not isinstance(error, StorageError)
            and staging is not None
            and error.errno in _DEVICE_ERRORS
        ):
            raise refused(error, staging, "write", self._intact()) from error

    @property
    def next_generation(self) -> int:
        """Number that the next `publish` gives."""
        return self._current + 1

    def begin(self) -> Path:
        """Return a new, empty staging folder to write the files of the next generation into.

        Raises
        ------
        InvalidInputError
            A staging folder is open already, or the writer was not entered.
        StorageError
            The system refused.
        """
        if self._lock is None:
            raise InvalidInputError("begin: enter the writer first: with store.writer() as writer")
        if self._staging is not None:
            raise InvalidInputError("begin: a staging folder is open; publish or abort it first")
        self._staging = self._make_temporary()
        return self._staging

    def scratch(self) -> Path:
        """Return a new, empty folder for working files, which is removed when the writer is left.

        It lies beside the staging folder, on the same device, and no generation ever names it.

        Raises
        ------
        InvalidInputError
            The writer was not entered.
        StorageError
            The system refused.
        """
        if self._lock is None:
            raise InvalidInputError("scratch: enter the writer first: with store.writer() as writer")
        folder = self._make_temporary()
        self._scratch.append(folder)
        return folder

    def publish(
        self,
        *,
        fingerprints: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        counts: Mapping[str, int] | None = None,
        carried: Iterable[str] = (),
    ) -> Manifest:
        """Make the staged files the new generation: all of them or, on any failure, none.

        Every file and folder is forced to the device before the manifest names it, and the manifest is
        replaced by one rename.

        Parameters
        ----------
        fingerprints : mapping of str to str, optional
            What the files were made with.
        config : mapping, optional
            JSON-able settings.
        counts : mapping of str to int, optional
            Numbers of documents and the like.
        carried : iterable of str
            Files of the last generation that are part of the new one too, as its manifest names them.

        Returns
        -------
        Manifest
            The new generation, which the store has moved to.

        Raises
        ------
        InvalidInputError
            Nothing was begun, the staging folder holds something that is not a plain file, a carried file is
            not of the last generation, or a value cannot be said in JSON.
        StorageError
            The system refused. The message says which generation is in force: the previous one, or, where
            only the very last step failed, the new one.
        """
        if self._staging is None:
            raise InvalidInputError("publish: nothing to publish; call begin and write files first")
        final = generation_folder(self._root, self._current + 1)
        staging = self._staging
        kept = self._carried(carried)
        try:
            entries = sorted((*kept, *self._seal(staging, final)), key=lambda entry: entry.path)
            self._disk.rename(staging, final)
            self._disk.sync_folder(final.parent)
            manifest = write_manifest(
                self._root,
                self._disk,
                generation=self._current + 1,
                fingerprints=dict(fingerprints or {}),
                config=dict(config or {}),
                counts=dict(counts or {}),
                files=tuple(entries),
            )
        except OSError as error:
            self.abort()
            raise refused(error, staging, "publish", self._intact()) from error
        except BaseException:
            self.abort()
            raise
        self._staging = None
        self._current = manifest.generation
        try:
            self._disk.sync_folder(self._root)
        except OSError as error:
            self._reload()
            raise refused(
                error,
                self._root,
                "sync",
                f"generation {manifest.generation} is in place, but a power cut may bring back the last one",
            ) from error
        self._reload()
        self._clean()
        return manifest

    def abort(self) -> None:
        """Remove the staging folder, if there is one; the last generation stays as it was."""
        staging, self._staging = self._staging, None
        if staging is None:
            return
        self._remove(staging)
        final = generation_folder(self._root, self._current + 1)
        if not final.exists():
            return
        # It got its final name. Whether it is in force, only the manifest on the disk can say: an interrupt
        # or a reported error may have come after the replacing rename.
        try:
            self._current = self._read_current().generation
        except (OSError, PyEngineError):
            return
        if generation_folder(self._root, self._current) == final:
            self._reload()
        else:
            self._remove(final)

    def _carried(self, paths: Iterable[str]) -> list[FileEntry]:
        known = {entry.path: entry for entry in self._read_current().files}
        wanted = sorted(set(paths))
        strange = [path for path in wanted if path not in known]
        if strange:
            raise InvalidInputError(
                f"carried: expected files of generation {self._current}, got {strange[0]!r}"
            )
        return [known[path] for path in wanted]

    def _make_temporary(self) -> Path:
        final = generation_folder(self._root, self._current + 1)
        folder = final.with_name(f"{final.name}{TEMPORARY}-{secrets.token_hex(4)}")
        try:
            self._disk.make_folder(folder)
        except OSError as error:
            self._remove(folder)
            raise refused(error, folder, "create", self._intact()) from error
        return folder

    def _seal(self, staging: Path, final: Path) -> list[FileEntry]:
        """Force the staged files to the device and return them as entries under their final names."""
        entries = []
        folders = [staging]
        for folder, names, files in os.walk(staging):
            folders += [Path(folder) / name for name in names]
            for path in (Path(folder) / name for name in (*names, *files)):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise InvalidInputError(
                        f"{path}: expected a plain file or folder to publish, got another kind"
                    )
            for path in (Path(folder) / name for name in files):
                self._disk.sync_file(path)
                size, sha256 = self._disk.digest(path)
                relative = (final / path.relative_to(staging)).relative_to(self._root)
                entries.append(FileEntry(relative.as_posix(), size, sha256))
        for path in reversed(folders):
            self._disk.sync_folder(path)
        return entries

    def _intact(self) -> str:
        if self._current == 0:
            return "nothing was committed before, and nothing is now"
        return f"generation {self._current} is in force and intact"

    def _clean(self) -> None:
        """Remove what the manifest does not name: staging folders, superseded generations, temporary files.

        Safe for readers: a generation that a reader holds is left for a later writer, and POSIX keeps the
        bytes of files that are mapped or open. A failure here costs space only, so it is logged and passed
        over.
        """
        try:
            kept = {entry.path.split("/")[1] for entry in self._read_current().files}
            kept.add(generation_folder(self._root, self._current).name)
            names = sorted(os.listdir(self._root / SEGMENTS))
            temporary = self._root / (MANIFEST + TEMPORARY)
            if temporary.exists():
                self._disk.remove_file(temporary)
        except (OSError, PyEngineError) as error:
            _logger.warning("%s: left-over files could not be removed: %s", self._root, error)
            return
        for name in names:
            folder = self._root / SEGMENTS / name
            if name not in kept and folder not in self._scratch and _GENERATION.fullmatch(name):
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        try:
            claim = claim_unused(folder)
            if claim is None:
                return
            try:
                self._disk.remove_tree(folder)
            finally:
                os.close(claim)
        except FileNotFoundError:
            return
        except OSError as error:
            _logger.warning("%s: could not be removed and will be tried again: %s", folder, error)

    def _read_current(self) -> Manifest:
        path = self._root / MANIFEST
        try:
            return Manifest.from_bytes(path.read_bytes(), path)
        except OSError as error:
            raise refused(error, path, "read", "nothing was changed") from error


@cache
def _version() -> str:
    # Imported here: it costs as much as the rest of the package together. Asked once: the answer holds.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pyengine")
    except PackageNotFoundError:
        return "unknown"
