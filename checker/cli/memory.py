"""How much memory a run may take: a machine that swaps, or kills, gives no verdict at all."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARE = 0.8
"""Of what is free, where the user sets no limit."""

ROOM_BYTES = 2**28
"""Between the engine's limit, which ends a run in good order, and the kernel's."""


def limit_bytes(given: int | None) -> int | None:
    """The limit that the user gave, or one that leaves the machine room; `None` if unknown."""
    if given is not None:
        return given
    free = [number for number in (_available(), _cgroup()) if number]
    return int(min(free) * SHARE) if free else None


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def _cgroup() -> int | None:
    """What the container may still take (cgroup v2)."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text().strip()
        return None if most == "max" else int(most) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return None


def _held() -> int:
    """What the kernel counts for RLIMIT_DATA now: below that, nothing could be done at all."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


@contextmanager
def guarded(limit: int | None) -> Iterator[None]:
    """While the work inside is done, taking much more than `limit` is a `MemoryError`.

    An engine looks at its memory now and then; one enormous value in between (all subsets of
    forty things) would not be seen in time.
    """
    if limit is None or not hasattr(resource, "RLIMIT_DATA"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = max(limit, _held()) + ROOM_BYTES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    except (OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
