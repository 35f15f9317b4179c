"""The file layer: all that the journal asks of a file system, so that a test can stand in for it.

One ``Files`` is one flat folder. Its rules are those of POSIX, taken at their weakest:

- What ``write`` and ``truncate`` did is certain to survive a crash of the machine only after
  ``File.sync``; before it, any part of it may survive, in any order, page by page.
- That a name was made, renamed or removed is certain to survive only after ``sync_folder``;
  before it, any of these changes may survive. A rename itself is atomic.
- A failed ``sync`` may have thrown the unwritten pages away and marked them clean: reading then
  still shows them, and the next ``sync`` succeeds without writing them. (Rebello et al., "Can
  Applications Recover from fsync Failures?", USENIX ATC 2020, section 3, on ext4, XFS and Btrfs.)

Every operation raises OSError when it fails. ``RealFiles`` is the operating system;
``memory_files.py`` holds the same rules in memory, and loses all that they allow to be lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from pathlib import Path
from typing import Protocol


class File(Protocol):
    """An open file. Offsets and sizes are in bytes."""

    def write(self, offset: int, data: bytes) -> None:
        """Write all of ``data`` at ``offset``, or raise OSError with any part of it written."""

    def truncate(self, size: int) -> None:
        """Make the file ``size`` bytes long."""

    def sync(self) -> None:
        """Return when content and length are on the disk (fdatasync)."""

    def close(self) -> None:
        """Give the file back; syncs nothing."""


class Files(Protocol):
    """One folder and the files in it; a name has no slash."""

    def lock(self) -> bool:
        """Take the folder for this object, making it first if need be; False: it is taken."""

    def unlock(self) -> None:
        """Let the folder go."""

    def identity(self) -> bytes:
        """Eight bytes, different for every journal that is ever made."""

    def list(self) -> list[str]:
        """The names of the files, in any order."""

    def read(self, name: str) -> bytes:
        """A file's whole content."""

    def create(self, name: str) -> File:
        """A new empty file, open for writing; one of that name is emptied."""

    def open(self, name: str) -> File:
        """A file that exists, open for writing."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, atomically."""

    def remove(self, name: str) -> None:
        """Take a file's name away."""

    def sync_folder(self) -> None:
        """Return when all names made, renamed and removed so far are on the disk."""


LOCK = "lock"


class RealFiles:
    """A folder of the operating system; made, readable by its owner only, if it is not there."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)
        self._lock: int | None = None

    def lock(self) -> bool:
        make_folder(Path(self.folder))
        # flock goes with the open file, so the kernel lets go of it when the process dies.
        handle = os.open(self._path(LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except OSError:
            os.close(handle)
            raise
        self._lock = handle
        return True

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def identity(self) -> bytes:
        return os.urandom(8)

    def list(self) -> list[str]:
        return os.listdir(self.folder)

    def read(self, name: str) -> bytes:
        with open(self._path(name), "rb") as file:
            return file.read()

    def create(self, name: str) -> File:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        return RealFile(os.open(self._path(name), flags, 0o600))

    def open(self, name: str) -> File:
        return RealFile(os.open(self._path(name), os.O_RDWR))

    def rename(self, old: str, new: str) -> None:
        os.rename(self._path(old), self._path(new))

    def remove(self, name: str) -> None:
        os.remove(self._path(name))

    def sync_folder(self) -> None:
        sync_folder(self.folder)

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"


class RealFile:
    """A file descriptor."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def write(self, offset: int, data: bytes) -> None:
        # A full disk, a file limit or a signal can make one call write only a part.
        left = memoryview(data)
        while left:
            written = os.pwrite(self._handle, left, offset)
            offset += written
            left = left[written:]

    def truncate(self, size: int) -> None:
        os.ftruncate(self._handle, size)

    def sync(self) -> None:
        if sys.platform == "darwin":
            # fsync of macOS leaves the data in the disk's own cache.
            fcntl.fcntl(self._handle, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(self._handle)

    def close(self) -> None:
        if self._handle >= 0:
            # Everything that matters was synced, or has failed and been reported.
            with contextlib.suppress(OSError):
                os.close(self._handle)
            self._handle = -1


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its missing parents, each one's name synced in the one above."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(os.fspath(folder.parent))


def sync_folder(folder: str) -> None:
    """Sync the names in ``folder``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
