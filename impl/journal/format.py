"""The bytes of the journal's files (docs/protocol.md, "The journal"), and what a torn one is.

A file is a header and records. Two checksums (CRC32C) guard a record: one its header, one its
payload. The header's is started from the record's offset and the file's own checksum, which covers
eight bytes made at random for each journal. So a record reads only where it was written, and
nobody who chooses a payload can choose one that reads as a record.

**Torn or damaged.** Each record says up to which byte its file was certainly on disk when the
record was written (``synced``). Let ``p`` be the first byte of the last segment that does not
read as a record. If any later record header is valid and has ``synced > p``, the bytes at ``p``
were once on disk, and are damaged. If none has, they were written after the last sync that
anything vouches for: the tail is torn, and is cut at ``p``. The next batch vouches for the batch
before it; a mark (a record without payload) vouches for the last one, and is written when the
journal is closed or opened again.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from google_crc32c import extend, value

from impl.journal.errors import JournalDamaged

MAGIC = b"QUORATEJ"
VERSION = 1
SEGMENT = 1
SNAPSHOT = 2

# Magic, version, kind, number, length of the segment before (0: none), identity of the journal.
FILE_FIELDS = struct.Struct(">8sIIQQ8s")
CHECK = struct.Struct(">I")
FILE_HEADER = FILE_FIELDS.size + CHECK.size

# Length of the payload (0: a mark), synced, checksum of the payload, checksum of these three.
RECORD_FIELDS = struct.Struct(">III")
RECORD_PARTS = struct.Struct(">IIII")
RECORD_HEADER = RECORD_PARTS.size

# ``synced`` is 32 bits wide.
SEGMENT_MOST = 2**32 - 1

MEND = (
    "put the file back from a copy made since this node last stopped, or set the node up anew as"
    " another member; an older copy, or a deleted file, makes it forget what it has promised"
)


class FileHeader(NamedTuple):
    """The fields of a file's header; ``seed`` is its checksum, where those of records start."""

    kind: int
    number: int
    previous: int
    identity: bytes
    seed: int


def file_header(kind: int, number: int, previous: int, identity: bytes) -> bytes:
    """The first bytes of a file."""
    fields = FILE_FIELDS.pack(MAGIC, VERSION, kind, number, previous, identity)
    return fields + CHECK.pack(value(fields))


def read_file_header(file: str, data: bytes, kind: int, number: int) -> FileHeader:
    """The header of ``file``, which by its name has this kind and number, or JournalDamaged."""
    if len(data) < FILE_HEADER:
        what = f"the file is {len(data)} bytes long, its header alone has {FILE_HEADER}"
        raise JournalDamaged(file, 0, what, MEND)
    magic, version, its_kind, its_number, previous, identity = FILE_FIELDS.unpack_from(data)
    if magic != MAGIC:
        raise JournalDamaged(file, 0, "this is no file of a Quorate journal", MEND)
    (seed,) = CHECK.unpack_from(data, FILE_FIELDS.size)
    if version != VERSION:
        what = f"version {version} of the format, and this program knows version {VERSION}"
        mend = "open it with the program that wrote it; if that was this one, the file is damaged"
        raise JournalDamaged(file, 8, what, mend)
    if value(data[: FILE_FIELDS.size]) != seed:
        raise JournalDamaged(file, 0, "the header does not match its checksum", MEND)
    if (its_kind, its_number) != (kind, number):
        raise JournalDamaged(file, 12, "the header is that of a file with another name", MEND)
    return FileHeader(kind, number, previous, identity, seed)


def record_header(payload: bytes, synced: int, offset: int, seed: int) -> bytes:
    """What goes before ``payload`` when the record stands at ``offset``."""
    fields = RECORD_FIELDS.pack(len(payload), synced, value(payload))
    return fields + CHECK.pack(head_check(fields, offset, seed))


def head_check(fields: bytes, offset: int, seed: int) -> int:
    """The checksum of a record's header."""
    check: int = extend(seed ^ (offset & 0xFFFFFFFF), fields)
    return check


def mark(synced: int, offset: int, seed: int) -> bytes:
    """A record without payload: in a segment ``synced`` is its offset, and in a snapshot, whose end
    it is, 0."""
    return record_header(b"", synced, offset, seed)


def record_at(data: bytes, offset: int, seed: int) -> tuple[bytes, int] | None:
    """The payload and the ``synced`` of the record at ``offset``; None where none is whole."""
    start = offset + RECORD_HEADER
    if start > len(data):
        return None
    length, synced, payload_check, check = RECORD_PARTS.unpack_from(data, offset)
    if head_check(data[offset : offset + RECORD_FIELDS.size], offset, seed) != check:
        return None
    payload = data[start : start + length]
    if len(payload) != length or value(payload) != payload_check:
        return None
    return payload, synced


def wrong_at(data: bytes, offset: int, seed: int) -> str:
    """Why ``record_at`` gives None there, in words."""
    start = offset + RECORD_HEADER
    if start > len(data):
        return f"a record's header is cut off after {len(data) - offset} bytes"
    length, _, _, check = RECORD_PARTS.unpack_from(data, offset)
    if head_check(data[offset : offset + RECORD_FIELDS.size], offset, seed) != check:
        return "the header of a record does not match its checksum"
    if start + length > len(data):
        return f"a record of {length} bytes is cut off after {len(data) - start}"
    return "a record does not match its checksum"


def vouched_for(data: bytes, offset: int, seed: int) -> int | None:
    """Where after ``offset`` a valid record header says that ``offset`` was on disk, or None.

    Every byte is tried, since the length of what is damaged may be damaged too. Only headers are
    looked at, so the time is linear in the length of the tail.
    """
    unpack = RECORD_PARTS.unpack_from
    for place in range(offset + 1, len(data) - RECORD_HEADER + 1):
        _, synced, _, check = unpack(data, place)
        if offset < synced <= place and (
            head_check(data[place : place + RECORD_FIELDS.size], place, seed) == check
        ):
            return place
    return None
