"""Files of JSON lines that a node appends to: its clients' history and its own steps.

Rules of this file:

* Lines wait until `flush`, which is one write: the driver calls it before anything that the lines
  tell can be seen outside.  A process that is killed after it loses none of them; a machine that
  loses its power may, as nothing is synced here.
* A line that was torn, by a full disk or a kill, is cut off when the file is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

encode = msgspec.json.Encoder().encode


class LineFile:
    """A file that grows by whole lines."""

    def __init__(self, file: Path) -> None:
        """OSError if the file cannot be written."""
        self.file = file
        self._lines: list[bytes] = []
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.lseek(self._descriptor, _cut_torn_line(self._descriptor), os.SEEK_SET)

    def add(self, line: object) -> None:
        """Write this as JSON with the next `flush`."""
        self._lines.append(encode(line))

    def flush(self) -> None:
        """OSError if not all could be written."""
        if not self._lines:
            return
        self._lines.append(b"")
        data = memoryview(b"\n".join(self._lines))
        self._lines.clear()
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.file)) from None

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file, if it exists.  ValueError with the line if it holds anything else."""
    if not file.exists():
        return
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return  # torn
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ValueError(f"{file}:{number}: not a JSON object: {error}") from None


def _cut_torn_line(descriptor: int) -> int:
    """Cut the file after its last whole line; its size then."""
    end = size = os.fstat(descriptor).st_size
    while end > 0:
        begin = max(0, end - 4096)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    if end < size:
        os.ftruncate(descriptor, end)
    return end
