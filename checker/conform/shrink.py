"""A path that diverges, made as short as it can be.

Delta debugging: leave out a part of the path, a large one first, and look whether what is left is
still a path of the spec and still diverges in the same way.  The result is minimal: without any one
of its steps it is no path of the spec, or shows nothing.

Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002),
algorithm ddmin, without the part that tests subsets alone: a path without its beginning is rarely
a path.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from checker.conform.compare import Spotted
from checker.conform.follow import NotAPath
from checker.conform.system import Step
from checker.lang.errors import NotEnabled
from checker.lang.model import Model, State

SHRINK_SECONDS = 30.0
"""No path is made shorter for longer than this."""

Path = tuple[Step, ...]
Follow = Callable[[State, Path], Spotted | None]
"""What diverges first on a path from a start.  May raise `NotAPath`."""


def shrink(model: Model, follow: Follow, spotted: Spotted) -> Spotted:
    """A divergence of the same kind at the end of a path that is not longer."""
    deadline = time.perf_counter() + SHRINK_SECONDS
    tried: set[Path] = {path_of(spotted)}

    def shown(path: Path) -> Spotted | None:
        """What a path shows, as far as it is one; `None` if that is nothing, or something else."""
        path = allowed(model, spotted.start, path)
        if path in tried or time.perf_counter() > deadline:
            return None
        tried.add(path)
        try:
            found = follow(spotted.start, path)
        except NotAPath:
            return None
        return found if found and found.kind == spotted.kind else None

    best = spotted
    while (shorter := _shorter(best, shown)) is not None:
        best = shorter
    return best


def path_of(spotted: Spotted) -> Path:
    """The steps that show a divergence: those to it, and the one that was not taken."""
    last = spotted.kind in ("missing step", "failed step")
    return spotted.path + (spotted.steps[:1] if last else ())


def allowed(model: Model, start: State, path: Path) -> Path:
    """The beginning of a path, up to the first step that the spec does not allow."""
    state = start
    for at, step in enumerate(path):
        try:
            state = model.step(state, model.action(step.action), step.args)
        except (NotEnabled, KeyError):
            return path[:at]
    return path


def _shorter(best: Spotted, shown: Callable[[Path], Spotted | None]) -> Spotted | None:
    """The first shorter one that is found, by leaving out ever smaller parts."""
    steps = best.path
    last = path_of(best)[len(steps) :]
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
