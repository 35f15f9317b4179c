"""Reading a journal's folder: which files count, what they say, where the next record goes.

The files of a journal are ``snapshot-00000005`` and ``journal-00000005``: snapshot 5 stands for all
segments before segment 5. The newest snapshot counts, and the segments from its number on,
without a gap; what is older is left over, and is removed when the journal is opened. A file
gets its name only when its header (of a snapshot: all of it) is on disk, so a crash never leaves
a bad one under such a name; names that end in ``.new`` are those that did not get so far.

Only the end of the last segment can be torn (``format.py`` says what torn means). Anything else
that does not read is damage, and raises JournalDamaged.

One file is in memory at a time, besides what ``replay`` keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from impl.journal.errors import JournalDamaged
from impl.journal.files import Files
from impl.journal.format import (
    FILE_HEADER,
    MEND,
    RECORD_HEADER,
    SEGMENT,
    SNAPSHOT,
    FileHeader,
    read_file_header,
    record_at,
    vouched_for,
    wrong_at,
)

NEW = ".new"
SEGMENT_NAME = "journal-"
SNAPSHOT_NAME = "snapshot-"


class Tail(NamedTuple):
    """A segment as it was read, and its end; that of the last one is where the journal goes on.

    ``end``: the first byte after its last whole record. ``synced``: bytes before it are on disk
    for certain. ``unsure``: those from ``synced`` to ``end``. ``size``: the file's, more than
    ``end`` if torn.
    """

    header: FileHeader
    end: int
    synced: int
    unsure: bytes
    size: int


class Found(NamedTuple):
    """What a folder holds: numbers of files, the bytes of the snapshot and of all segments but the
    last, the tail (None: there is no journal yet) and what is left over."""

    tail: Tail | None
    snapshot_size: int
    before: int
    left_over: list[str]


def segment_name(number: int) -> str:
    return f"{SEGMENT_NAME}{number:08d}"


def snapshot_name(number: int) -> str:
    return f"{SNAPSHOT_NAME}{number:08d}"


def recover(files: Files, replay: Callable[[bytes], object]) -> Found:
    """Read the folder; each record goes to ``replay``, in order."""
    segments, snapshots, left_over = numbered(files.list())
    snapshot = max(snapshots, default=0)
    first = snapshot or 1
    left_over += [snapshot_name(number) for number in snapshots if number < snapshot]
    left_over += [segment_name(number) for number in segments if number < first]
    live = sorted(number for number in segments if number >= first)
    if not live and not snapshot and not segments:
        return Found(None, 0, 0, left_over)
    refuse_gaps(live, first)
    identity = b""
    snapshot_size = 0
    if snapshot:
        identity, snapshot_size = read_snapshot(files, snapshot, replay)
    before = previous = 0
    for number in live:
        before += previous
        tail = read_segment(files, number, replay, is_last=number == live[-1])
        refuse_strangers(tail.header, identity, previous)
        identity, previous = tail.header.identity, tail.size
    return Found(tail, snapshot_size, before, left_over)


def numbered(names: list[str]) -> tuple[list[int], list[int], list[str]]:
    """The numbers of the segments and of the snapshots, and the files that never got their name.

    Files with any other name are not the journal's, and are left alone.
    """
    segments: list[int] = []
    snapshots: list[int] = []
    unfinished: list[str] = []
    for name in names:
        for prefix, numbers in ((SEGMENT_NAME, segments), (SNAPSHOT_NAME, snapshots)):
            if name.startswith(prefix):
                digits = name[len(prefix) :].removesuffix(NEW)
                if not (digits.isascii() and digits.isdigit() and f"{int(digits):08d}" == digits):
                    continue
                if name.endswith(NEW):
                    unfinished.append(name)
                else:
                    numbers.append(int(digits))
    return segments, snapshots, unfinished


def refuse_gaps(live: list[int], first: int) -> None:
    """Segments are numbered without a gap from ``first`` on, and there is at least one."""
    for place, number in enumerate(live or [0]):
        if number != first + place:
            raise JournalDamaged(segment_name(first + place), None, "the file is missing", MEND)


def refuse_strangers(header: FileHeader, identity: bytes, previous: int) -> None:
    """The segment belongs to this journal and follows the segment before it (0 bytes: none)."""
    file = segment_name(header.number)
    if identity and header.identity != identity:
        raise JournalDamaged(file, 32, "the file belongs to another journal", MEND)
    if previous and header.previous != previous:
        what = f"the file before this one had {header.previous} bytes, and now has {previous}"
        raise JournalDamaged(file, 24, what, MEND)


def read_snapshot(
    files: Files, number: int, replay: Callable[[bytes], object]
) -> tuple[bytes, int]:
    """The identity and the size of a snapshot, which ends in a mark."""
    file = snapshot_name(number)
    data = files.read(file)
    header = read_file_header(file, data, SNAPSHOT, number)
    offset, seed = FILE_HEADER, header.seed
    while (found := record_at(data, offset, seed)) is not None:
        payload, _ = found
        offset += RECORD_HEADER + len(payload)
        if not payload:
            if offset != len(data):
                raise JournalDamaged(file, offset, "bytes after the end of the snapshot", MEND)
            return header.identity, len(data)
        replay(payload)
    raise JournalDamaged(file, offset, wrong_at(data, offset, seed), MEND)


def read_segment(
    files: Files, number: int, replay: Callable[[bytes], object], *, is_last: bool
) -> Tail:
    """A segment; only the last one may be torn at its end, as the others were synced whole."""
    file = segment_name(number)
    data = files.read(file)
    header = read_file_header(file, data, SEGMENT, number)
    end, synced = read_records(data, header.seed, replay)
    if end != len(data):
        what = wrong_at(data, end, header.seed)
        witness = vouched_for(data, end, header.seed) if is_last else None
        if witness is not None:
            what += f", and was on disk before the record at byte {witness} was written"
        if witness is not None or not is_last:
            raise JournalDamaged(file, end, what, MEND)
    return Tail(header, end, synced, data[synced:end], len(data))


def read_records(data: bytes, seed: int, replay: Callable[[bytes], object]) -> tuple[int, int]:
    """Where the whole records of a segment end, and up to where they say that it is on disk."""
    offset = certain = FILE_HEADER
    while (found := record_at(data, offset, seed)) is not None:
        payload, synced = found
        if payload:
            replay(payload)
        elif synced != offset:
            break  # no mark stands there: zero bytes, if the file's checksum is an unlucky one
        certain = synced
        offset += RECORD_HEADER + len(payload)
    return offset, certain
