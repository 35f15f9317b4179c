"""Histories: what clients asked of any system and what they were told, recorded and checked.

    values.py     JSON values that can be hashed and compared
    history.py    `History`: operations as columns
    errors.py     what is wrong with a history, and where
    building.py   from events to operations
    jsonl.py      the project's format
    edn.py        histories of Jepsen; jepsen.py: its logs; tuples.py: keys inside of values
    streams.py    files: plain, gzip, zstd
    reading.py    `read_history`
    writing.py    `write_history`
    record.py     `Recorder`: around the calls of a client
    models/       sequential specifications
    rules.py      what of a history counts: fail, info, a read of null

A history is data: nothing here asks a clock, and nothing of it is evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checker.history.building import Builder
from checker.history.errors import HistoryError
from checker.history.history import UNKNOWN, History, Operation
from checker.history.reading import read_history

if TYPE_CHECKING:
    from checker.history.record import Recorder
    from checker.history.writing import write_history

__all__ = [
    "UNKNOWN",
    "Builder",
    "History",
    "HistoryError",
    "Operation",
    "Recorder",
    "read_history",
    "write_history",
]


def __getattr__(name: str) -> Any:
    """Imported when it is used: it takes longer than the check of a small history."""
    if name == "Recorder":
        from checker.history.record import Recorder

        return Recorder
    if name == "write_history":
        from checker.history.writing import write_history

        return write_history
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
