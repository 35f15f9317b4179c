"""Progress: one line on standard error that is drawn over, and gone when the work is done.

Only where standard error is a terminal; elsewhere `showing` gives no callback at all, so that
an engine does not even count.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checker.engines.result import Load, Progress, ProgressCallback


@contextmanager
def showing(title: str) -> Iterator[ProgressCallback | None]:
    """A callback that shows progress while the work inside is done, or `None`."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    start = Text(f"{title} ...", style="dim")
    with Live(start, console=console, auto_refresh=False, transient=True) as live:

        def show(progress: Progress) -> None:
            line = Text(line_of(title, progress), no_wrap=True, overflow="ellipsis")
            live.update(line, refresh=True)

        yield show


def line_of(title: str, progress: Progress) -> str:
    """`paxos  123,456 states  5,120/s  depth 12  frontier 4,711  0:24`, and what it weighs."""
    rate = progress.distinct_states / progress.seconds if progress.seconds > 0 else 0
    minutes, seconds = divmod(int(progress.seconds), 60)
    parts = [
        title,
        f"{progress.distinct_states:,} states",
        f"{rate:,.0f}/s",
        f"depth {progress.depth:,}",
        f"frontier {progress.frontier:,}",
        f"{minutes}:{seconds:02}",
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
        minutes, seconds = divmod(int(load.seconds_left), 60)
        parts.append(f"about {minutes}:{seconds:02} left")
    return parts
