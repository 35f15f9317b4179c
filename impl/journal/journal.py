"""The journal: records that are on disk when ``sync`` returns, and are there again after any crash.

Rules:

- A record counts as acknowledged when the ``sync`` after its ``append`` has returned. Recovery
  gives every acknowledged record, in order, and may give a record that was appended and
  not acknowledged; those it gives are on disk for certain when ``open`` returns.
- A group of records costs one write and one fdatasync, however many (group commit).
- After a failed write, sync, rename or removal the journal is dead: every later call raises
  JournalStopped. It never tries a failed sync again, since the second one can succeed without
  having written anything (Rebello et al., USENIX ATC 2020; PostgreSQL's "fsyncgate", 2018).
- For the same reason ``open`` does not trust what it reads after the last byte that is certainly
  on disk: it writes these bytes once more, over themselves, and syncs them.
- A file gets its name (rename, then sync of the folder) only when what recovery needs of it is on
  disk; a snapshot's forerunners are removed only after that.

A snapshot is made in steps, with other calls in between: ``begin_snapshot``, ``add_to_snapshot``
as often as there are records, ``finish_snapshot``. It stands for what was appended before it was
begun, and what is appended later is recovered after it. So its records may be of any time up to its
end, if to repeat on them what came since its beginning gives the same: as it does where a record
says all of one thing, and the last one counts.

``append`` may be called from another thread while one is inside another call; everything else from
one thread at a time. What must not live here: what a record means.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

from impl.journal.errors import JournalBusy, JournalError, JournalStopped, RecordRefused
from impl.journal.files import File, Files, RealFiles
from impl.journal.format import (
    CHECK,
    FILE_HEADER,
    RECORD_HEADER,
    SEGMENT,
    SEGMENT_MOST,
    file_header,
    mark,
    record_header,
)
from impl.journal.recovery import NEW, Tail, numbered, recover, segment_name, snapshot_name
from impl.journal.snapshot import SnapshotFile, give_name

# ``snapshot`` writes in pieces of about this many bytes.
PIECE = 1 << 20

# What to do about an error of the file system, before starting again.
MENDS = {
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "raise the quota of the disk",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.ENOENT: "give a folder that can be made",
    errno.EACCES: "give this user the right to read and write the folder and its files",
    errno.EROFS: "mount the file system for writing",
    errno.ENOTDIR: "give a folder, not a file",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
}
MEND = "see what the kernel's log says about the disk"


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes: the longest record, and the longest segment (without its closing mark)."""

    record: int = 16 << 20
    segment: int = 64 << 20

    def __post_init__(self) -> None:
        if self.record < 1 or self.segment + RECORD_HEADER > SEGMENT_MOST:
            raise ValueError(f"{self}: a record has 1 byte or more, a segment less than 4 GiB")
        if FILE_HEADER + RECORD_HEADER + self.record > self.segment:
            raise ValueError(f"{self}: the longest record does not fit into a segment")


DEFAULT_LIMITS = Limits()


class Journal:
    """An open journal; made by ``Journal.open``, given back by ``close`` or a ``with`` block."""

    def __init__(self, folder: str, files: Files, limits: Limits) -> None:
        self.folder = folder
        self.recovered: list[bytes] = []
        self._files = files
        self._limits = limits
        self._waiting: list[bytes] = []
        self._stopped: str | None = None
        self._locked = False
        self._file: File | None = None
        self._number = 0
        self._identity = b""
        self._seed = 0
        self._end = 0  # of the last segment: where the next record goes
        self._synced = 0  # bytes of the last segment before this one are on disk for certain
        self._marked = True  # everything appended is vouched for
        self._before = 0  # bytes of the live segments before the last
        self._snapshot_size = 0
        self._new: SnapshotFile | None = None  # the snapshot that is being made
        self._replaced = 0  # bytes of the segments that it stands for

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        files: Files | None = None,
        limits: Limits = DEFAULT_LIMITS,
        replay: Callable[[bytes], object] | None = None,
    ) -> Self:
        """Open the journal in ``folder``, or begin one there.

        Its records go to ``replay`` one by one, or without it to the list ``recovered``, which is
        the caller's to clear. A snapshot's records come first. If the call raises, forget what
        ``replay`` was given.

        Raises JournalBusy if it is open elsewhere, JournalDamaged if what was on disk no longer
        is, JournalStopped if the file system fails.
        """
        folder = os.fspath(folder)
        journal = cls(folder, RealFiles(folder) if files is None else files, limits)
        journal._take()
        try:
            journal._recover(journal.recovered.append if replay is None else replay)
        except OSError as error:
            journal._stop("cannot be opened", error)
        except JournalError as error:
            journal._give_back()
            place = f"{folder}/{error.file}"
            raise type(error)(place, error.offset, error.what, error.mend) from None
        except BaseException:
            journal._give_back()
            raise
        return journal

    @property
    def size(self) -> int:
        """Bytes on disk: the snapshot and the segments after it."""
        return self._snapshot_size + self._before + self._end

    @property
    def snapshot_size(self) -> int:
        """Bytes of the snapshot among these; the rest is what the next snapshot gives back."""
        return self._snapshot_size

    def append(self, record: bytes) -> None:
        """Have ``record`` written by the next ``sync``. Raises RecordRefused for a bad size."""
        if self._stopped is not None:
            self._refuse()
        if not 0 < len(record) <= self._limits.record:
            self._refuse_record(record)
        self._waiting.append(record)

    def sync(self) -> None:
        """Return when every record whose ``append`` returned before this call is on disk."""
        if self._stopped is not None:
            self._refuse()
        waiting = self._waiting
        # Two steps, each of them atomic: an append in between stays for the next sync.
        batch = waiting[:]
        del waiting[: len(batch)]
        if batch:
            try:
                self._write(batch)
            except OSError as error:
                self._stop("cannot be written", error)

    def snapshot(self, records: Iterable[bytes]) -> None:
        """Put ``records`` in place of all that was appended so far; on disk when this returns.

        ``records`` may be any iterator, and is taken piece by piece. If it raises, or a
        record is refused, the journal stays as it was and goes on.
        """
        self.begin_snapshot()
        piece: list[bytes] = []
        waiting = 0
        try:
            for record in records:
                piece.append(record)
                waiting += RECORD_HEADER + len(record)
                if waiting >= PIECE:
                    self.add_to_snapshot(piece)
                    piece, waiting = [], 0
            self.add_to_snapshot(piece)
        except BaseException:
            self.abandon_snapshot()
            raise
        self.finish_snapshot()

    def begin_snapshot(self) -> None:
        """Sync, and begin a snapshot in place of all that was appended so far.

        If one was begun before and not finished, it is abandoned.
        """
        self.abandon_snapshot()
        self.sync()
        number = self._number + 1
        try:
            self._begin_segment(number, self._end)
            self._replaced = self._before
            self._new = SnapshotFile(self._files, number, self._identity)
        except OSError as error:
            self._stop("cannot be written", error)

    def add_to_snapshot(self, records: Sequence[bytes]) -> None:
        """Write these records to the snapshot. RecordRefused for a bad size: none is written."""
        new = self._unfinished()
        for record in records:
            if not 0 < len(record) <= self._limits.record:
                self._refuse_record(record)
        try:
            new.add(records)
        except OSError as error:
            self._stop("cannot be written", error)

    def finish_snapshot(self) -> None:
        """Have the snapshot count; what it stands for is gone when this returns."""
        new = self._unfinished()
        try:
            new.finish()
            self._new = None
            self._snapshot_size = new.size
            self._before -= self._replaced
            self._remove_older(new.number)
        except OSError as error:
            self._stop("cannot be written", error)

    def abandon_snapshot(self) -> None:
        """Leave a snapshot that was begun as it is: it never counts. Does nothing if none was."""
        if self._new is not None:
            self._new.close()
            self._new = None

    def close(self) -> None:
        """Sync, vouch for everything, and let the folder go. A second call does nothing.

        A journal that has stopped is closed without a sync and without an error.
        """
        if self._stopped is None:
            try:
                self.sync()
                if not self._marked and self._file is not None:
                    self._write_mark(self._file)
                    self._file.sync()
            except OSError as error:
                self._stop("cannot be written", error)
            self._stopped = "it is closed"
        self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            # The caller failed: what it appended and did not sync is not ours to acknowledge.
            self._stopped = self._stopped or "it is closed"
        self.close()

    # Opening.

    def _take(self) -> None:
        try:
            taken = self._files.lock()
        except OSError as error:
            self._stop("cannot be opened", error)
        self._locked = taken
        if not taken:
            raise JournalBusy(
                self.folder,
                None,
                "the journal is open in another process",
                "stop that one, or give this one a folder of its own",
            )

    def _recover(self, replay: Callable[[bytes], object]) -> None:
        found = recover(self._files, replay)
        # The names that were just read may so far be in the kernel's memory only; what follows
        # removes files on the strength of them.
        self._files.sync_folder()
        for name in found.left_over:
            self._files.remove(name)
        self._snapshot_size = found.snapshot_size
        self._before = found.before
        if found.tail is None:
            self._identity = self._files.identity()
            self._begin_segment(1, 0)
        else:
            self._take_up(found.tail)

    def _take_up(self, tail: Tail) -> None:
        """Go on at the end of the last segment."""
        self._number = tail.header.number
        self._identity = tail.header.identity
        self._seed = tail.header.seed
        self._end, self._synced = tail.end, tail.synced
        file = self._file = self._files.open(segment_name(self._number))
        if tail.size > tail.end:
            file.truncate(tail.end)
        # What was read may be in the kernel's memory only, and after a failed sync marked clean: a
        # sync would not bring it to the disk. So it is written again, a mark at the end included.
        if tail.unsure:
            file.write(tail.synced, tail.unsure)
        if tail.unsure or tail.size > tail.end:
            file.sync()
        self._synced = tail.end
        if len(tail.unsure) > RECORD_HEADER:
            self._write_mark(file)

    # Writing. These raise OSError; their callers stop the journal then.

    def _write(self, batch: list[bytes]) -> None:
        """Write a batch and sync it; begin new segments where one is full."""
        most, seed = self._limits.segment, self._seed
        pieces: list[bytes] = []
        end, synced = self._end, self._synced
        for record in batch:
            size = RECORD_HEADER + len(record)
            if end + size > most and end > FILE_HEADER:
                self._put(pieces, end)
                pieces = []
                self._begin_segment(self._number + 1, self._end)
                seed, synced, end = self._seed, self._synced, self._end
            pieces += (record_header(record, synced, end, seed), record)
            end += size
        self._put(pieces, end)

    def _put(self, pieces: list[bytes], end: int) -> None:
        """Write ``pieces``, which end at byte ``end``, and sync."""
        file = self._file
        assert file is not None
        if pieces:
            file.write(self._end, b"".join(pieces))
        file.sync()
        self._end = self._synced = end
        self._marked = False

    def _write_mark(self, file: File) -> None:
        """Vouch for what is on disk; the mark itself may wait for the next sync."""
        file.write(self._end, mark(self._synced, self._end, self._seed))
        self._end += RECORD_HEADER
        self._marked = True

    def _begin_segment(self, number: int, previous: int) -> None:
        """Make the segment ``number``, whose forerunner is synced and has ``previous`` bytes."""
        if self._file is not None and self._synced < self._end:
            self._file.sync()  # a mark; its segment has to keep its length from now on
        header = file_header(SEGMENT, number, previous, self._identity)
        file = self._files.create(segment_name(number) + NEW)
        try:
            file.write(0, header)
            give_name(self._files, file, segment_name(number))
        except BaseException:
            file.close()
            raise
        if self._file is not None:
            self._file.close()
        self._file = file
        self._number = number
        (self._seed,) = CHECK.unpack(header[-CHECK.size :])
        self._before += previous
        self._end = self._synced = FILE_HEADER
        self._marked = True

    def _unfinished(self) -> SnapshotFile:
        if self._stopped is not None:
            self._refuse()
        if self._new is None:
            raise ValueError("there is no snapshot to go on with: begin_snapshot comes first")
        return self._new

    def _remove_older(self, number: int) -> None:
        """Remove what snapshot ``number`` stands for, and what never got its name."""
        segments, snapshots, unfinished = numbered(self._files.list())
        for name in [
            *unfinished,
            *(snapshot_name(older) for older in snapshots if older < number),
            *(segment_name(older) for older in segments if older < number),
        ]:
            self._files.remove(name)

    # Stopping.

    def _stop(self, what: str, error: OSError) -> NoReturn:
        """The file system failed: close everything, and refuse all that follows."""
        self._stopped = f"the journal {what} ({error.strerror or error})"
        self._give_back()
        folder, file = os.path.split(str(error.filename or ""))
        is_inside = file and folder in ("", self.folder)
        place = f"{self.folder}/{file}" if is_inside else str(error.filename or self.folder)
        mend = MENDS.get(error.errno or 0, MEND)
        mend += ", then start again: what was acknowledged is intact"
        raise JournalStopped(place, None, self._stopped, mend) from error

    def _give_back(self) -> None:
        self.abandon_snapshot()
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._locked:
            self._files.unlock()
            self._locked = False

    def _refuse(self) -> NoReturn:
        what = f"the journal takes no more calls: {self._stopped}"
        raise JournalStopped(self.folder, None, what, "open it again")

    def _refuse_record(self, record: bytes) -> NoReturn:
        what = f"a record of {len(record)} bytes, where 1 to {self._limits.record} are allowed"
        raise RecordRefused(self.folder, None, what, "split the record or raise the limit")
