"""A snapshot's file while it is written: piece by piece, its name last.

Each piece is synced as it is written, so that the last sync, and the syncs of the segment beside
it, find little to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from impl.journal.files import File, Files
from impl.journal.format import CHECK, SNAPSHOT, file_header, mark, record_header
from impl.journal.recovery import NEW, snapshot_name


class SnapshotFile:
    """The snapshot ``number``.  Its methods raise OSError."""

    def __init__(self, files: Files, number: int, identity: bytes) -> None:
        self.number = number
        self.size = 0
        header = file_header(SNAPSHOT, number, 0, identity)
        (self._seed,) = CHECK.unpack(header[-CHECK.size :])
        self._files = files
        self._file = files.create(snapshot_name(number) + NEW)
        try:
            self._write([header])
        except BaseException:
            self.close()
            raise

    def add(self, records: Sequence[bytes]) -> None:
        """Write these records after those before."""
        pieces: list[bytes] = []
        end = self.size
        for record in records:
            header = record_header(record, 0, end, self._seed)
            pieces += (header, record)
            end += len(header) + len(record)
        self._write(pieces)
        self._file.sync()

    def finish(self) -> None:
        """Write the mark at its end, and give it its name for good."""
        self._write([mark(0, self.size, self._seed)])
        give_name(self._files, self._file, snapshot_name(self.number))
        self.close()

    def close(self) -> None:
        self._file.close()

    def _write(self, pieces: Sequence[bytes]) -> None:
        data = b"".join(pieces)
        self._file.write(self.size, data)
        self.size += len(data)


def give_name(files: Files, file: File, name: str) -> None:
    """Give a new file its name for good: all that is in it is on disk before.  OSError."""
    file.sync()
    files.rename(name + NEW, name)
    files.sync_folder()
