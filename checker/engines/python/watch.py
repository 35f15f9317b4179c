"""Time, memory and the user's patience: when a search reports, and when it must stop."""

from __future__ import annotations

import gc
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checker.engines.result import Limits, Load, Progress, ProgressCallback
from checker.lang.errors import LimitReached

PROGRESS_EVERY_SECONDS = 0.25
WEIGH_EVERY = 64
"""The memory is measured once for so many calls of `tick`."""

_STATM = Path("/proc/self/statm")


class Watch:
    """`tick` often: it calls the progress callback, and raises `LimitReached`."""

    def __init__(
        self, limits: Limits, progress: ProgressCallback | None, spent: float = 0.0
    ) -> None:
        """`spent`: the seconds that were used before."""
        self.limits = limits
        self.progress = progress
        self.started = time.perf_counter() - spent
        self.reported = self.started
        self.ticks = 0
        self.earlier_seconds = 0.0
        """What the run took of which this is the continuation; limits do not count it."""
        self.load: Load | None = None
        """What the run weighs, if the engine says."""

    @property
    def seconds(self) -> float:
        return self.earlier_seconds + self._now()

    def _now(self) -> float:
        return time.perf_counter() - self.started

    def tick(
        self,
        states: int,
        transitions: int,
        depth: int,
        frontier: int,
        phase: str = "exploring",
    ) -> None:
        """Count one small piece of work done."""
        now = time.perf_counter()
        seconds = now - self.started
        if self.progress is not None and now - self.reported >= PROGRESS_EVERY_SECONDS:
            self.reported = now
            all_seconds = self.earlier_seconds + seconds
            self.progress(
                Progress(states, transitions, depth, frontier, all_seconds, phase, self.load)
            )
        most = self.limits.max_seconds
        if most is not None and seconds >= most:
            raise LimitReached(f"the limit of {most:g} seconds was reached")
        self.ticks += 1
        if self.ticks % WEIGH_EVERY == 0:
            self.weigh()

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Raise `LimitReached` also where one step of a spec takes longer than is left.

        Only in the main thread, and where nobody else uses the alarm: elsewhere a long step is
        waited for.
        """
        most = self.limits.max_seconds
        free = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
            and signal.getitimer(signal.ITIMER_REAL)[0] == 0
        )
        if most is None or not free:
            yield
            return

        def ring(_number: int, _frame: object) -> None:
            raise LimitReached(f"the limit of {most:g} seconds was reached")

        signal.signal(signal.SIGALRM, ring)
        # A little later than `tick` would see it, and again if something swallows it.
        signal.setitimer(signal.ITIMER_REAL, max(0.01, most - self._now()) + 0.1, 0.5)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def weigh(self) -> None:
        """Look at the memory."""
        most = self.limits.max_memory_bytes
        if most is not None and memory_bytes() >= most:
            raise LimitReached(f"the limit of {most:,} bytes of memory was reached")

    def admit(self, states: int) -> None:
        """Refuse one state more than the limit, when there are `states` already."""
        most = self.limits.max_states
        if most is not None and states >= most:
            raise LimitReached(f"the limit of {most:,} states was reached")


@contextmanager
def no_garbage() -> Iterator[None]:
    """States are immutable and refer only to what is older, so there are no cycles to collect.

    Python's collector would walk through all of them again and again, a seventh of the time;
    and an alarm that rings in a callback of the collector would be swallowed there.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def memory_bytes() -> int:
    """What this process holds in memory now (its peak, where the system does not say)."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return peak_memory_bytes()


def peak_memory_bytes() -> int:
    """The most that this process has held in memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
