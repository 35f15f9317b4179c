"""The clients' history: what was asked and answered, as the history checker reads it.

One JSON object a line, in the order of events at this node:

    {"process": 4, "type": "invoke", "f": "propose", "key": "x", "value": "red", "time": 12}
    {"process": 4, "type": "ok", "f": "propose", "key": "x", "value": "blue", "time": 19}

Rules of this file:

* A process does one thing at a time.  It is a client's connection, or one of several for a client
  that asks for several things at once; after an `info` it does nothing more.
* Numbers of processes are the node's own (`number % nodes` is the node), and go on after a
  restart with the same file.
* `value` of an invocation is what is proposed, None for `learn`; that of an `ok` is what is
  decided, or None: nothing was chosen.  `info` may have happened, or may happen yet.
* `time` is of CLOCK_MONOTONIC, in ns: that of all processes of one machine.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from impl.server.lines import LineFile, read_lines

Outcome = Literal["ok", "info"]


class History:
    """The history of one node's clients, in a file."""

    def __init__(self, file: Path, me: int, nodes: int) -> None:
        """OSError if the file cannot be written, ValueError if it is no history."""
        self._nodes = nodes
        self._next = me
        for line in read_lines(file):
            process = line.get("process")
            if not isinstance(process, int):
                raise ValueError(f"{file} is no history: a line has no process")
            if process >= self._next:
                self._next = process - process % nodes + nodes + me
        self._file = LineFile(file)

    def process(self) -> int:
        """A process that did nothing yet."""
        number = self._next
        self._next += self._nodes
        return number

    def invoke(self, process: int, f: str, key: str, value: str | None) -> None:
        self._add(process, "invoke", f, key, value)

    def complete(self, process: int, outcome: Outcome, f: str, key: str, value: str | None) -> None:
        self._add(process, outcome, f, key, value)

    def _add(self, process: int, kind: str, f: str, key: str, value: str | None) -> None:
        line: dict[str, Any] = {
            "process": process,
            "type": kind,
            "f": f,
            "key": key,
            "value": value,
            "time": time.monotonic_ns(),
        }
        self._file.add(line)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
