"""The file that holds the states when memory does not (`runtime/disk.h`).

It has no name, so nothing is left of it however the run ends.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from checker.engines.native.library import Library, Search, Status
from checker.engines.native.options import Options
from checker.engines.python.watch import memory_bytes
from checker.lang.errors import LimitReached

ROOM_BYTES = 2**25
"""Left free below the limit for what Python does after the search."""
LEAST_BYTES = 2**22
"""Less than this is not worth a search: the limit of memory ends it."""


def most_in_memory(library: Library, options: Options, limit_bytes: int | None) -> int | None:
    """How many states memory may hold, under a limit for the whole process."""
    if limit_bytes is None:
        return None
    free = limit_bytes - memory_bytes() - ROOM_BYTES - options.threads * library.worker_bytes()
    return library.most_in_memory(max(0.97 * free, LEAST_BYTES), options.por)


def usual_folder() -> Path:
    """`$TMPDIR`, or /var/tmp: /tmp may be kept in memory, which is what there is none of."""
    given = os.environ.get("TMPDIR")
    lasting = Path("/var/tmp")
    return lasting if not given and lasting.is_dir() else Path(tempfile.gettempdir())


class DiskFile:
    """Opened when it is needed.  `close` it."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder or usual_folder()
        self._file: IO[bytes] | None = None

    def begin(self, search: Search) -> Status:
        """Let the search go on here."""
        try:
            made = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self.failed(error) from error
        self._file = made
        return search.to_disk(self._file.fileno())

    def failed(self, error: OSError) -> LimitReached:
        """Why the search cannot go on."""
        why = error.strerror or str(error)
        return LimitReached(f"memory is full, and states cannot be kept in {self.folder}: {why}")

    @property
    def bytes(self) -> int:
        return 0 if self._file is None else os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
