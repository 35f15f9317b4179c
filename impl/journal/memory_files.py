"""A folder in memory that loses, when it crashes, whatever the rules of ``files.py`` allow.

A file is three things: its ``content`` (what reading shows), its ``disk`` (what a crash leaves) and
its ``dirty`` ranges (what the next sync will carry over). A sync that fails forgets the dirty
ranges and carries nothing over, as Linux does. Names are kept the same way: those seen, those on
disk, and the changes between.

Nothing held here is ever changed in place, only replaced. So ``save`` and ``restore`` copy
nothing, and cost the same for any amount of data.

``fault`` is called before each operation with its number, its name (lock, list, read, create,
open, write, truncate, sync, rename, remove, sync_folder) and the file's name. It may raise OSError:
the operation fails, and a write has then written its first half. It may raise PowerCut: the
operation does not happen; call ``crash`` then. ``fail_at``, ``fail_on`` and ``cut_at`` make
the usual ones.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection
from typing import TypeAlias

from impl.journal.files import File

# Content, disk, and the dirty ranges of bytes; an empty range says that the length changed.
Held: TypeAlias = tuple[bytes, bytes, tuple[tuple[int, int], ...]]
Names: TypeAlias = dict[str, int]  # a file's number
Change: TypeAlias = tuple[tuple[str, int | None], ...]  # names set or removed (None), as one
State: TypeAlias = tuple[Names, Names, tuple[Change, ...], dict[int, Held], int]

# What a crash leaves of a file, of its disk and its content.
Keep: TypeAlias = Callable[[str, bytes, bytes], bytes]
Fault: TypeAlias = Callable[[int, str, str], None]


class PowerCut(Exception):
    """The machine loses its power in the middle of an operation; no journal may catch this."""


class MemoryFiles:
    """``Files`` in memory. Not for more than one thread."""

    def __init__(self, identity: bytes = b"inmemory") -> None:
        self._names: Names = {}
        self._disk_names: Names = {}
        self._changes: tuple[Change, ...] = ()
        self._held: dict[int, Held] = {}
        self._next = 0
        self._identity = identity
        self._locked = False
        self.age = 0  # crashes and restores so far: an open file is of one age
        self.operations = 0  # so far, and so the number of the next
        self.fault: Fault | None = None

    # The power and the state as a whole.

    def save(self) -> State:
        """All content, synced or not, as plain data that is never changed afterwards."""
        return (self._names, self._disk_names, self._changes, self._held, self._next)

    def restore(self, state: State) -> None:
        """Go back to what ``save`` gave. Open files and the lock are gone, as after a crash."""
        self._names, self._disk_names, self._changes, self._held, self._next = state
        self._locked = False
        self.age += 1

    def crash(self, keep: Keep | None = None, changes: Collection[int] = ()) -> None:
        """Lose the power: what was not synced is gone, and so are open files and the lock.

        ``keep`` says what is left of each file (None: what was synced); ``changes`` are the
        numbers, below ``unsynced_changes``, of the changes of names that survive all the same.
        """
        names = self._disk_names
        for number in sorted(changes):
            names = changed(names, self._changes[number])
        held: dict[int, Held] = {}
        for name, number in names.items():
            content, disk, _ = self._held[number]
            left = disk if keep is None else keep(name, disk, content)
            held[number] = (left, left, ())
        self.restore((names, names, (), held, self._next))

    @property
    def unsynced_changes(self) -> int:
        """How many changes of names wait for ``sync_folder``."""
        return len(self._changes)

    def damage(self, name: str, content: bytes) -> None:
        """Put ``content`` on the disk as it is: a test's bad sector, or an operator's hand."""
        if name not in self._names:
            self.create(name).close()
            self.sync_folder()
        self._held = {**self._held, self._names[name]: (content, content, ())}

    # Files.

    def lock(self) -> bool:
        self._step("lock", "")
        if self._locked:
            return False
        self._locked = True
        return True

    def unlock(self) -> None:
        self._locked = False

    def identity(self) -> bytes:
        return self._identity

    def list(self) -> list[str]:
        self._step("list", "")
        return list(self._names)

    def read(self, name: str) -> bytes:
        self._step("read", name)
        return self._held[self._number(name)][0]

    def create(self, name: str) -> File:
        self._step("create", name)
        number = self._names.get(name)
        if number is None:
            number = self._next
            self._next += 1
            self._held = {**self._held, number: (b"", b"", ())}
            self._change(((name, number),))
        else:
            _, disk, dirty = self._held[number]
            self._held = {**self._held, number: (b"", disk, (*dirty, (0, 0)))}
        return MemoryFile(self, name, number)

    def open(self, name: str) -> File:
        self._step("open", name)
        return MemoryFile(self, name, self._number(name))

    def rename(self, old: str, new: str) -> None:
        self._step("rename", new)
        self._change(((old, None), (new, self._number(old))))

    def remove(self, name: str) -> None:
        self._step("remove", name)
        self._number(name)
        self._change(((name, None),))

    def sync_folder(self) -> None:
        self._step("sync_folder", "")
        if self._changes:
            self._disk_names = self._names
            self._changes = ()
            kept = set(self._names.values())
            if len(kept) < len(self._held):
                self._held = {n: held for n, held in self._held.items() if n in kept}

    def _number(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return number

    def _change(self, change: Change) -> None:
        self._names = changed(self._names, change)
        self._changes = (*self._changes, change)

    def _step(self, operation: str, name: str) -> None:
        number = self.operations
        self.operations = number + 1
        if self.fault is not None:
            self.fault(number, operation, name)


class MemoryFile:
    """An open file of MemoryFiles; after a crash or a restore every call raises EBADF."""

    __slots__ = ("_age", "_files", "_name", "_number")

    def __init__(self, files: MemoryFiles, name: str, number: int) -> None:
        self._files = files
        self._name = name
        self._number = number
        self._age = files.age

    def write(self, offset: int, data: bytes) -> None:
        try:
            self._step("write")
        except OSError:
            self._put(offset, data[: len(data) // 2])
            raise
        self._put(offset, data)

    def truncate(self, size: int) -> None:
        self._step("truncate")
        content, disk, dirty = self._files._held[self._number]
        self._hold((content[:size].ljust(size, b"\0"), disk, (*dirty, (size, size))))

    def sync(self) -> None:
        content, disk, dirty = self._files._held[self._number]
        try:
            self._step("sync")
        except OSError:
            self._hold((content, disk, ()))
            raise
        if dirty:
            self._hold((content, carried_over(content, disk, dirty), ()))

    def close(self) -> None:
        self._age = -1

    def _put(self, offset: int, data: bytes) -> None:
        content, disk, dirty = self._files._held[self._number]
        end = offset + len(data)
        if offset == len(content):
            content += data
        else:
            content = content[:offset].ljust(offset, b"\0") + data + content[end:]
        self._hold((content, disk, (*dirty, (offset, end))))

    def _hold(self, held: Held) -> None:
        self._files._held = {**self._files._held, self._number: held}

    def _step(self, operation: str) -> None:
        if self._age != self._files.age:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._name)
        self._files._step(operation, self._name)


def changed(names: Names, change: Change) -> Names:
    """``names`` after ``change``."""
    names = dict(names)
    for name, number in change:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number
    return names


def carried_over(content: bytes, disk: bytes, dirty: tuple[tuple[int, int], ...]) -> bytes:
    """The disk after a sync: as long as the content, and the same in the dirty ranges."""
    size = len(content)
    if dirty == ((len(disk), size),) and content.startswith(disk):
        return content
    after = bytearray(disk[:size].ljust(size, b"\0"))
    for start, end in dirty:
        after[start:end] = content[start:end]
    return bytes(after[:size])


def kept_all(name: str, disk: bytes, content: bytes) -> bytes:
    """Nothing of a file is lost."""
    return content


def kept_prefix(size: int) -> Keep:
    """A torn write: of what was added to a file and not synced, the first ``size`` bytes."""

    def keep(name: str, disk: bytes, content: bytes) -> bytes:
        return disk + content[len(disk) : len(disk) + size]

    return keep


def kept_pages(is_kept: Callable[[str, int], bool], page: int = 4096) -> Keep:
    """Pages written out of order: page ``i`` of file ``name`` is new where ``is_kept(name, i)``.

    Elsewhere it is as it was, or zero where there was none. The length is the new one; that of a
    file that became shorter is the old one if its last page is not kept.
    """

    def keep(name: str, disk: bytes, content: bytes) -> bytes:
        size = len(content)
        if len(disk) > size and not is_kept(name, (len(disk) - 1) // page):
            size = len(disk)
        old, new = disk.ljust(size, b"\0"), content + disk[len(content) :]
        return b"".join(
            (new if is_kept(name, i) else old)[start : min(start + page, size)]
            for i, start in enumerate(range(0, size, page))
        )

    return keep


def fail_at(number: int, error: int = errno.EIO) -> Fault:
    """Operation ``number`` fails."""

    def fault(at: int, operation: str, name: str) -> None:
        if at == number:
            raise OSError(error, os.strerror(error), name)

    return fault


def fail_on(operation: str, error: int = errno.EIO, name: str = "") -> Fault:
    """Every ``operation`` on a file whose name contains ``name`` fails."""

    def fault(at: int, running: str, file: str) -> None:
        if running == operation and name in file:
            raise OSError(error, os.strerror(error), file)

    return fault


def cut_at(number: int) -> Fault:
    """The power is cut just before operation ``number``."""

    def fault(at: int, operation: str, name: str) -> None:
        if at == number:
            raise PowerCut(f"{operation} {name}")

    return fault
