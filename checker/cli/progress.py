"""Progress: one line on standard error that is drawn over, and gone when the work is done.

Only where standard error is a terminal; elsewhere `drawing` and `showing` give no callback at all,
so that an engine does not even count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from checker.engines.result import Load, Progress, ProgressCallback

P = TypeVar("P")


@contextmanager
def drawing(start: str, line: Callable[[P], str]) -> Iterator[Callable[[P], None] | None]:
    """A callback that draws the line of a progress while the work inside is done, or `None`."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    with Live(Text(start, "dim"), console=console, auto_refresh=False, transient=True) as live:

        def draw(progress: P) -> None:
            live.update(Text(line(progress), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield draw


def showing(title: str) -> AbstractContextManager[ProgressCallback | None]:
    """A callback for an engine."""
    return drawing(f"{title} ...", partial(line_of, title))


@contextmanager
def counting(things: str) -> Iterator[Callable[[int], None]]:
    """A callback for so many more: `123,456 lines  5,120/s`."""
    count, start = 0, time.monotonic()
    with drawing("...", str) as draw:

        def more(number: int) -> None:
            nonlocal count
            count += number
            if draw is not None:
                draw(f"{count:,} {things}  {count / (time.monotonic() - start):,.0f}/s")

        yield more


def clock(seconds: float) -> str:
    """Minutes and seconds: `61:05`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def line_of(title: str, progress: Progress) -> str:
    """`paxos  123,456 states  5,120/s  depth 12  frontier 4,711  0:24`, and what it weighs."""
    rate = progress.distinct_states / progress.seconds if progress.seconds > 0 else 0
    parts = [
        title,
        f"{progress.distinct_states:,} states",
        f"{rate:,.0f}/s",
        f"depth {progress.depth:,}",
        f"frontier {progress.frontier:,}",
        clock(progress.seconds),
    ]
    if progress.load is not None:
        parts += _weight(progress.load)
    if progress.phase != "exploring":
        parts.append(progress.phase)
    return "  ".join(parts)


def _weight(load: Load) -> list[str]:
    parts = [f"{load.memory_bytes / 2**20:,.0f} MB", f"table {load.table:.0%}"]
    if load.disk_bytes:
        parts.append(f"disk {load.disk_bytes / 2**20:,.0f} MB")
    if load.seconds_left is not None:
        parts.append(f"about {clock(load.seconds_left)} left")
    return parts
