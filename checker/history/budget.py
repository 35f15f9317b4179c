"""One budget of time and memory for everything that a check does: reading, deciding, explaining.

The engines of the search look at it themselves, and `Spending.look` is called between steps that
are short.  Between steps that are long (sorting, a model of a user) nobody looks: there
`Spending.watched` does, by a timer, in the main thread.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

from checker.history.result import Limit

WATCH_SECONDS: Final = 0.01
LATE_SECONDS: Final = 0.01
LATE: Final = 0.01
"""So much later than `look`, and by this part of the limit, the timer ends what is done: who looks
can say more of how far it came."""
PATIENT_SECONDS: Final = 0.5
"""So much later it ends what looks often by itself: that is late only where the machine is busy, or
the step of a user's model takes so long."""

F = TypeVar("F", bound=Callable[..., Any])

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class LimitReached(Exception):
    """Time or memory is spent."""

    def __init__(self, limit: Limit) -> None:
        self.limit: Limit = limit
        super().__init__(limit)


@dataclass(frozen=True)
class Spending:
    """`deadline`: of `time.monotonic`; `memory_bytes`: of the whole process, resident."""

    deadline: float = float("inf")
    memory_bytes: int | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since it was given."""
        return time.monotonic() - self.begun

    def look(self) -> None:
        """`LimitReached` if it is so."""
        if time.monotonic() >= self.deadline:
            raise LimitReached("time")
        if self.memory_bytes is not None and resident_bytes() >= self.memory_bytes:
            raise LimitReached("memory")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """`LimitReached` anywhere inside, soon after a limit is reached.

        Only in the main thread, and where nobody else uses SIGALRM; elsewhere it does nothing.  One
        signal may be lost (in a destructor, say): the next one comes at once.
        """
        limited = self.deadline != float("inf") or self.memory_bytes is not None
        if not limited or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGALRM)
        if before not in (signal.SIG_DFL, signal.SIG_IGN):
            yield
            return
        late = LATE_SECONDS + LATE * max(0.0, self.deadline - self.begun)
        memory = None if self.memory_bytes is None else int(self.memory_bytes * (1 + LATE))
        patient = Spending(self.deadline + late, memory, self.begun)
        more_patient = Spending(self.deadline + late + PATIENT_SECONDS, memory, self.begun)
        armed = True

        def look(_: int, frame: FrameType | None) -> None:
            if armed and (frame is None or frame.f_code not in _called_by_c):
                (more_patient if _looking and _looking[-1] else patient).look()

        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, WATCH_SECONDS, WATCH_SECONDS)
        try:
            yield
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def until(self, seconds: float) -> Spending:
        """The same, but at most so many seconds from now."""
        return Spending(min(self.deadline, time.monotonic() + seconds), self.memory_bytes)


_called_by_c: set[CodeType] = set()


def called_by_c(function: F) -> F:
    """For a function that C calls, and that catches what is raised in what it calls.

    In its own lines `watched` raises nothing: before the first and after the last it would be lost.
    """
    _called_by_c.add(function.__code__)
    return function


_looking: list[bool] = []
"""One for each `looking` (true) and `preparing` that the main thread is in."""


@contextmanager
def looking() -> Iterator[None]:
    """What is done inside looks often by itself, and its answer says how far it came.

    So the answer must be put away inside, too: `watched` waits longer for it.
    """
    with _inside(True):
        yield


@contextmanager
def preparing() -> Iterator[None]:
    """Inside of `looking`: here nobody looks, so that `watched` does not wait longer."""
    with _inside(False):
        yield


@contextmanager
def _inside(looks: bool) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _looking.append(looks)
    try:
        yield
    finally:
        _looking.pop()


def resident_bytes() -> int:
    """What the process has in memory now."""
    try:
        with open("/proc/self/statm", "rb", 0) as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return peak_bytes()


def peak_bytes() -> int:
    """The most that the process ever had in memory.

    `getrusage` tells that of the process that started this one, if it was larger.
    """
    try:
        with open("/proc/self/status", "rb", 0) as file:
            return int(file.read().partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def process_began() -> float:
    """When this process began, on `time.monotonic`'s clock: a limit of time includes its start."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", "rb") as file:
            up = float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return time.monotonic()
    age = up - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - min(max(age, 0.0), 60.0)


__all__ = [
    "LimitReached",
    "Spending",
    "called_by_c",
    "looking",
    "peak_bytes",
    "preparing",
    "process_began",
    "resident_bytes",
]
