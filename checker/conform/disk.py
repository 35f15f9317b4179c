"""A node's disk: the journal of `impl`, on files in memory that a crash can take away.

Rules of this file:

* It is the journal's own code that writes, syncs and recovers.  A snapshot is the pair of objects,
  journal and files, in the bytes of `pickle`: made here, read here, never from outside.
* `crash` keeps what was synced, as a machine does that loses its power.  What else a machine may
  keep, and what a node may do with its journal that nobody can see, is in `hidden`: the node must
  come back from each of these as from a plain crash.  The same for `written`, where it must come
  back as from a crash after a sync.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence

from impl.journal import Journal, MemoryFiles, PowerCut
from impl.journal.format import RECORD_HEADER
from impl.journal.memory_files import Keep, kept_all


class Disk:
    """An open journal on files in memory."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files = files
        self.journal = opened(files)
        self.unsynced: list[bytes] = []
        """Records that wait for a sync."""

    @classmethod
    def new(cls, records: Sequence[bytes]) -> Disk:
        """A disk on which these records are, whatever its journal does wrong; just opened."""
        disk = cls(MemoryFiles())
        if records:
            for record in records:
                disk.append(record)
            disk.sync()
            disk.crash(kept_all)
        return disk

    @property
    def recovered(self) -> list[bytes]:
        """The records that were there when it was opened last."""
        return self.journal.recovered

    def append(self, record: bytes) -> None:
        self.journal.append(record)
        self.unsynced.append(record)

    def sync(self) -> None:
        self.journal.sync()
        self.unsynced.clear()

    def crash(self, keep: Keep | None = None) -> None:
        """Lose the power, and open what is left."""
        self.files.crash(keep)
        self.journal = opened(self.files)
        self.unsynced.clear()

    def save(self) -> bytes:
        self.files.operations = 0
        return pickle.dumps((self.files, self.journal, self.unsynced), 5)

    @classmethod
    def load(cls, saved: bytes) -> Disk:
        disk = cls.__new__(cls)
        disk.files, disk.journal, disk.unsynced = pickle.loads(saved)
        return disk


def opened(files: MemoryFiles) -> Journal:
    return Journal.open("disk", files=files)


Hidden = tuple[str, Callable[[Disk], None]]
"""What it is, and how it is done to a disk; a crash included."""


def hidden(snapshot: Sequence[bytes] | None, unsynced: Sequence[bytes]) -> Iterator[Hidden]:
    """Other ways to crash, that a node must come back from as from a plain one.

    `snapshot`: the records of one, where the node could make it now.  `unsynced`: the records that
    wait for a sync; the crash may come in the middle of writing them.
    """
    if snapshot is not None:
        yield "a snapshot of the journal, then a crash", lambda disk: _compacted(disk, snapshot)
    whole = sum(RECORD_HEADER + len(record) for record in unsynced)
    for size in sorted({0, 1, RECORD_HEADER - 1, RECORD_HEADER, whole // 2, whole - 1}):
        if 0 <= size < whole:
            some = f"a crash with {size} of {whole} bytes of a write on the disk"
            yield some, _torn(_kept(whole - size))
            yield f"{some}, and garbage after them", _torn(_garbage(whole - size))


def written(snapshot: Sequence[bytes]) -> Iterator[Hidden]:
    """Crashes after which a write is on the disk that nobody was told of.

    The node must come back from each of these as from a crash after a sync.
    """
    yield "a crash with all of a write on the disk", _torn(_kept(0))
    what = "a snapshot of the journal while something is written, then a crash"
    yield what, lambda disk: _compacted(disk, snapshot)


def _compacted(disk: Disk, records: Sequence[bytes]) -> None:
    disk.journal.snapshot(records)
    disk.crash()


def _torn(keep: Keep) -> Callable[[Disk], None]:
    def tear(disk: Disk) -> None:
        disk.files.fault = _before_sync
        try:
            disk.journal.sync()
        except PowerCut:
            pass
        else:
            raise AssertionError("the journal acknowledged a record without a sync")
        finally:
            disk.files.fault = None
        disk.crash(keep)

    return tear


def _before_sync(number: int, operation: str, name: str) -> None:
    if operation == "sync":
        raise PowerCut(operation)


def _kept(lost: int) -> Keep:
    """All that was written, the last `lost` bytes excepted."""

    def keep(name: str, disk: bytes, content: bytes) -> bytes:
        return content if content == disk else content[: len(content) - lost]

    return keep


def _garbage(lost: int) -> Keep:
    """The file is as long as it was to be, and none of its last `lost` bytes is right."""

    def keep(name: str, disk: bytes, content: bytes) -> bytes:
        wrong = bytes(255 - byte for byte in content[len(content) - lost :])
        return content if content == disk else content[: len(content) - lost] + wrong

    return keep
