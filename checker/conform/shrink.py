"""A path that diverges, made as short as it can be.

Delta debugging: leave out a part of the path, a large one first, and look whether what is left is
still a path of the spec and still diverges in the same way.  The result is minimal: without any
one of its steps it is no path of the spec, or shows nothing.

Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002),
algorithm ddmin, without the part that tests subsets alone: a path without its beginning is rarely
a path.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from checker.conform.compare import Spotted
from checker.conform.follow import NotAPath, follow
from checker.conform.system import Step, System
from checker.lang.model import Model

SHRINK_SECONDS = 30.0
"""No path is made shorter for longer than this."""

Path = tuple[Step, ...]


def shrink(model: Model, system: System, spotted: Spotted) -> Spotted:
    """A divergence of the same kind at the end of a path that is not longer."""
    deadline = time.perf_counter() + SHRINK_SECONDS

    def shown(path: Path) -> Spotted | None:
        """What a path shows; `None` if it is no path, or shows something else."""
        if time.perf_counter() > deadline:
            return None
        try:
            found, _ = follow(model, system, spotted.start, path)
        except NotAPath:
            return None
        return found if found and found.kind == spotted.kind else None

    best = spotted
    while (shorter := _shorter(best, shown)) is not None:
        best = shorter
    return best


def _shorter(best: Spotted, shown: Callable[[Path], Spotted | None]) -> Spotted | None:
    """The first shorter one that is found, by leaving out ever smaller parts."""
    steps = best.path
    last = best.steps[:1] if best.kind in ("missing step", "failed step") else ()
    size = max(1, len(steps) // 2)
    while steps:
        for at in range(0, len(steps), size):
            found = shown(steps[:at] + steps[at + size :] + last)
            if found and len(found.path) < len(steps):
                return found
        if size == 1:
            return None
        size //= 2
    return None
