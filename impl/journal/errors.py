"""What the journal refuses, each with the place, what is wrong there and the mend."""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be opened, or cannot go on.

    ``file`` is the file's name, ``offset`` the byte in it (None: the file as a whole), ``what``
    what is wrong and ``mend`` what to do about it.
    """

    def __init__(self, file: str, offset: int | None, what: str, mend: str) -> None:
        place = file if offset is None else f"{file}, byte {offset}"
        super().__init__(f"{place}: {what}; {mend}")
        self.file = file
        self.offset = offset
        self.what = what
        self.mend = mend


class JournalDamaged(JournalError):
    """What was once on disk is not there any more: no crash leaves such files."""


class JournalBusy(JournalError):
    """Another process, or another Journal of this one, has the folder open."""


class JournalStopped(JournalError):
    """A write, sync or rename failed: the journal takes no more calls, see ``journal.py``."""


class RecordRefused(JournalError):
    """A record that is empty or longer than the limit; the journal itself goes on."""
