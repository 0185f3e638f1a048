"""`WriteLock`: one writer per directory, across processes, freed by the system when its holder dies."""

import contextlib
import fcntl
import json
import logging
import os
import socket
from pathlib import Path
from typing import Final

from pyengine.errors import LockedError

__all__ = ["WriteLock", "claim_unused", "hold_shared"]

_logger = logging.getLogger(__name__)

_NOTE_LIMIT: Final = 4096


class WriteLock:
    """An exclusive ``flock`` on a file that also says who holds it.

    ``flock`` belongs to the open file, not to the process, so a second writer of the same process is refused
    like any other. The file stays when the lock is released: removing it would let two writers hold locks on
    two files of the same name.

    Parameters
    ----------
    path : Path
        The lock file; created when missing.

    Raises
    ------
    LockedError
        Another writer holds it; the message says its process and host.
    OSError
        The file cannot be opened or locked.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LockedError(
                    f"{path}: another writer holds this index ({_holder(descriptor)}); wait until it has "
                    "finished or end it, or open the index for reading"
                ) from error
            note = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
            # The note is a courtesy to the next writer; on a full disk the lock itself still holds.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, note, 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            # Unlocked by name as well as by closing: a forked child may still share the open file.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def hold_shared(folder: Path) -> int:
    """Return a descriptor that marks ``folder`` as read by someone until it is closed.

    Never waits, and needs no permission to write.

    Raises
    ------
    OSError
        The folder is gone, is being removed, or cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            # Some network file systems do not lock folders. Then nobody can prove the folder unused either,
            # and `claim_unused` leaves it alone.
            _logger.debug("%s: no shared lock on this file system (%s)", folder, error)
        # The folder may have been removed between opening and locking it.
        if not os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            raise FileNotFoundError(f"{folder} was replaced")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def claim_unused(folder: Path) -> int | None:
    """Return a descriptor that keeps new readers off ``folder``, or None while someone reads it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _holder(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_LIMIT, 0))
        return f"process {int(note['pid'])} on host {note['host']!s}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said which process it is"
