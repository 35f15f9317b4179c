"""The journal: a node's records on disk, see ``journal.py``."""

from impl.journal.errors import (
    JournalBusy,
    JournalDamaged,
    JournalError,
    JournalStopped,
    RecordRefused,
)
from impl.journal.files import Files, RealFiles
from impl.journal.journal import Journal, Limits
from impl.journal.memory_files import MemoryFiles, PowerCut

__all__ = [
    "Files",
    "Journal",
    "JournalBusy",
    "JournalDamaged",
    "JournalError",
    "JournalStopped",
    "Limits",
    "MemoryFiles",
    "PowerCut",
    "RealFiles",
    "RecordRefused",
]
