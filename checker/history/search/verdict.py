"""What a search is given, and what it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from checker.history.search.transitions import State

Kind = Literal["linearizable", "not linearizable", "unknown"]


@dataclass(frozen=True)
class Budget:
    """Limits of one decision; None: there is none."""

    seconds: float | None = None
    memory_bytes: int | None = None
    """Of the whole process, resident."""
    work: int | None = None
    """Transitions and comparisons, about 2^26 a second.  Unlike time it is the same in every run,
    however slow the machine, and does not count what the compiler takes."""

    def deadline(self) -> float:
        return float("inf") if self.seconds is None else time.monotonic() + self.seconds


@dataclass(frozen=True)
class Configuration:
    """How far one order came; operations are indices into the history."""

    state: State
    linearized: tuple[int, ...]
    """Operations that take effect, and are open or not yet returned."""
    waiting: tuple[int, ...]
    """Operations that are pending and do not."""


@dataclass(frozen=True)
class Verdict:
    """What was found; operations are indices into the history, positions are events."""

    kind: Kind
    engine: str
    """That which decided; both, if none did."""
    order: tuple[int, ...] | None
    """A linearization, if it was asked for and there is one: the operations that take effect."""
    failed_at: int | None
    """The operation whose return no order can explain."""
    position: int | None
    """Of that return."""
    verified: int
    """Events at positions less than this are linearizable; not more than `position`."""
    last: tuple[Configuration, ...]
    """Some of the configurations before that return, at most 64."""
    limit: Literal["time", "memory"] | None
    """None, and "unknown": the work was done."""
    configurations: int
    widest: int
    """The most configurations kept at one return."""
    seconds: float


__all__ = ["Budget", "Configuration", "Kind", "Verdict"]
