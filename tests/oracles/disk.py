"""Disks that fail: one that refuses an operation, one that loses power and what was not synced."""

import os
from pathlib import Path
from random import Random
from typing import Any

from pyengine.store.disk import Disk


class PowerCut(BaseException):
    """The process is gone; no handler may do anything after this."""


class QuickDisk(Disk):
    """Does all but wait for the device: no test here pulls a real plug."""

    @staticmethod
    def _sync(path: Path, flags: int) -> None:
        assert path.is_dir() == bool(flags & os.O_DIRECTORY)


class FaultyDisk(QuickDisk):
    """Counts operations and fails at one of them.

    ``how``: "refuse" raises and does nothing, "half" does it (a write: the first half) and raises all the
    same, "dead" refuses this and every later one, "cut" is a `PowerCut` from here on.
    """

    def __init__(self, fail_at: int, how: str, errno_: int) -> None:
        self.operations: list[str] = []
        self.fail_at = fail_at
        self.how = how
        self.errno = errno_

    def run(self, name: str, *arguments: Any) -> Any:
        self.operations.append(f"{name} {Path(arguments[0]).name}")
        number = len(self.operations) - 1
        real = self.nothing if name == "other" else getattr(super(), name)
        if number < self.fail_at or (number > self.fail_at and self.how in ("refuse", "half")):
            return real(*arguments)
        if self.how == "cut":
            raise PowerCut
        if self.how == "half":
            if name == "write_file":
                arguments = (arguments[0], arguments[1][: len(arguments[1]) // 2])
            real(*arguments)
        raise OSError(self.errno, os.strerror(self.errno), str(arguments[0]))

    def step(self, name: str) -> None:
        """Count an operation that is not the disk's own, and fail at it as at the others."""
        self.run("other", Path(name))

    def nothing(self, path: Path) -> None:
        """Do what "other" does here: it is done by who asked."""

    def make_folder(self, path: Path) -> None:
        self.run("make_folder", path)

    def write_file(self, path: Path, data: bytes) -> None:
        self.run("write_file", path, data)

    def sync_file(self, path: Path) -> None:
        self.run("sync_file", path)

    def sync_folder(self, path: Path) -> None:
        self.run("sync_folder", path)

    def rename(self, source: Path, target: Path) -> None:
        self.run("rename", source, target)

    def replace(self, source: Path, target: Path) -> None:
        self.run("replace", source, target)

    def remove_file(self, path: Path) -> None:
        self.run("remove_file", path)

    def remove_tree(self, path: Path) -> None:
        self.run("remove_tree", path)

    def digest(self, path: Path) -> tuple[int, str]:
        result: tuple[int, str] = self.run("digest", path)
        return result


class PowerDisk(FaultyDisk):
    """A disk that knows what survives a power cut: synced contents, and names in synced folders."""

    def __init__(self, root: Path, fail_at: int) -> None:
        super().__init__(fail_at, "cut", 0)
        self.root = root
        self.contents: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.folders: set[int] = set()
        # What is there at the start has been there for long.
        for folder, _, files in os.walk(root):
            self.keep_names(Path(folder))
            for file in files:
                self.keep_contents(Path(folder) / file)

    def kept_by_fsync(self, descriptor: int) -> None:
        """In place of `os.fsync`, for what is synced past `Disk`."""
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        if path.is_dir():
            self.keep_names(path)
        else:
            self.keep_contents(path)

    def keep_contents(self, path: Path) -> None:
        self.contents[path.stat().st_ino] = path.read_bytes()

    def keep_names(self, folder: Path) -> None:
        self.names[folder.stat().st_ino] = {path.name: path.stat().st_ino for path in folder.iterdir()}
        self.folders |= {path.stat().st_ino for path in folder.iterdir() if path.is_dir()}

    def sync_file(self, path: Path) -> None:
        super().sync_file(path)
        self.keep_contents(path)

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.keep_names(path)

    def after_the_cut(self, target: Path, random: Random | None, kind: str = "mixed") -> None:
        """Build in ``target`` what the next start finds.

        Without ``random`` all that was not synced is lost; with it, by kind: "mixed" has each unsynced folder
        and file as it was last synced or as it is, by chance; "torn" has the names, but of each unsynced file
        a part, the rest cut off or zeros; "renamed" has the bytes, but the names as they were last synced.
        """
        now_names: dict[int, dict[str, int]] = {}
        now_contents: dict[int, bytes] = {}
        for folder, _, files in os.walk(self.root):
            here = Path(folder)
            now_names[here.stat().st_ino] = {path.name: path.stat().st_ino for path in here.iterdir()}
            now_contents |= {(here / file).stat().st_ino: (here / file).read_bytes() for file in files}

        def lost(new: Any) -> bool:
            return new is None or random is None or (kind == "mixed" and random.random() < 0.5)

        def names_of(inode: int) -> dict[str, int]:
            new = now_names.get(inode)
            return self.names.get(inode, {}) if lost(new) or kind == "renamed" else new

        def contents_of(inode: int) -> bytes:
            old, new = self.contents.get(inode), now_contents.get(inode)
            if lost(new):
                return b"" if old is None else old
            return torn(old, new, random) if kind == "torn" else new

        def build(inode: int, path: Path) -> None:
            if inode in self.names or inode in now_names or inode in self.folders:
                path.mkdir()
                for name, child in names_of(inode).items():
                    build(child, path / name)
            else:
                path.write_bytes(contents_of(inode))

        build(self.root.stat().st_ino, target)


def torn(old: bytes | None, new: bytes, random: Random) -> bytes:
    """Return ``new`` as it may lie there when its last bytes were never synced; the same if they were."""
    if old == new:
        return new
    at = random.randrange(len(new) + 1)
    return new[:at] if random.random() < 0.5 else new[:at] + bytes(len(new) - at)
