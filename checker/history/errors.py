"""A history that cannot be used: where, what is wrong, and the mend.

One type for bytes that are no history, for events that do not fit together (a process that
invokes twice), and for operations that a model does not know.
"""

from __future__ import annotations

from checker.errors import QuorateError


class HistoryError(QuorateError):
    """`source` is the file's name, `line` counts from 1; 0 if no line is to blame."""

    def __init__(self, reason: str, *, line: int = 0, source: str = "", mend: str = "") -> None:
        self.source, self.line, self.reason, self.mend = source, line, reason, mend
        super().__init__(reason)

    def __str__(self) -> str:
        if self.line:
            where = f"{self.source or 'line'}:{self.line}: "
        else:
            where = f"{self.source}: " if self.source else ""
        return f"{where}{self.reason}" + (f"\n  mend: {self.mend}" if self.mend else "")


class StepError(HistoryError):
    """A model cannot tell whether an operation could have happened: it is too small, or wrong."""


__all__ = ["HistoryError", "StepError"]
