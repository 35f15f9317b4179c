"""What a special algorithm answers, and the numbers that all of them count in.

An operation takes effect at a point between its invocation and its return.  Events (invocations
and returns) have distinct whole numbers, so points lie in *gaps*: gap `g` is the time just before
event `g`.  An operation with events `[i, r]` may take effect in gaps `i + 1 .. r`.  An operation
without an answer (crashed) returns at `OPEN`, after all events.

This module holds no algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from checker.history.history import OPEN

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NONE: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Decision:
    """The verdict of a special algorithm on the operations it was given.

    `conflict`: indices, ascending, of a few operations that cannot be ordered; together with the
    operations that produced the values they begin from, they are not linearizable by themselves.
    Empty when linearizable.  `reason`: one sentence.  `order()`: indices in the order in which the
    operations can take effect; crashed operations that need not have happened are left out.
    """

    linearizable: bool
    conflict: Ints = field(default_factory=lambda: NONE)
    reason: str = ""
    order: Callable[[], Ints] | None = None


@dataclass(frozen=True)
class Times:
    """When operations ran: one entry each, and where the time lines of their objects begin.

    `invoked`, `returned`: positions of events; `crashed`: it never answered.  `begins`: one entry
    an object: a position before all its events, at which its initial state is there.
    """

    invoked: Ints
    returned: Ints
    crashed: Bools
    begins: Ints

    def take(self, chosen: Ints) -> Times:
        """The same of the operations `chosen` (indices)."""
        return Times(self.invoked[chosen], self.returned[chosen], self.crashed[chosen], self.begins)


def one_line(invoked: Ints, returned: Ints) -> Times:
    """Times of one object's operations."""
    return Times(
        invoked.astype(np.int64),
        returned.astype(np.int64),
        returned >= OPEN,
        np.full(1, -1, dtype=np.int64),
    )


def side_by_side(objects: Ints, count: int, invoked: Ints, returned: Ints) -> Times:
    """Times of the operations of `count` objects, whose time lines are laid one after another.

    Within an object nothing changes: an operation that never answered ends with its object's line.
    What is decided by times alone is then decided for all the objects in one pass.
    """
    crashed = returned >= OPEN
    span = 3 + max(int(invoked.max(initial=0)), int(returned[~crashed].max(initial=0)))
    begins = np.arange(count, dtype=np.int64) * span
    begin = begins[objects]
    return Times(begin + 1 + invoked, begin + 1 + np.minimum(returned, span - 2), crashed, begins)


READ, WRITE, CAS = 0, 1, 2


@dataclass(frozen=True)
class Registers:
    """Operations of one or more registers: what `zones` and `chains` decide.

    One entry an operation: `kind` (READ, WRITE, or CAS that succeeded or crashed), `value` (read,
    written, or replaced by a cas: 0 .. `values` - 1), `then` (what a cas installed; else without
    meaning).  `initial`: one entry an object: the value that is there at the beginning.  Different
    objects have different values, also where they are equal.
    """

    kind: Ints
    value: Ints
    then: Ints
    times: Times
    initial: Ints
    values: int


def from_one_source(given: Registers, installed: Ints, needed: Bools) -> Bools:
    """Which values are not `needed`, or come once at most: as one of the `installed` (values, one
    for each operation that puts one there), or initially.
    """
    sources = np.bincount(installed, minlength=given.values)
    sources[given.initial] += 1
    return ~needed | (sources <= 1)


def holds(order: Callable[[], Ints]) -> Decision:
    return Decision(True, order=order)


def violated(reason: str, *operations: int | np.integer | Ints) -> Decision:
    """Not linearizable: these operations (indices below 0 stand for the initial state)."""
    named = np.unique(np.concatenate([np.atleast_1d(np.asarray(o, np.int64)) for o in operations]))
    return Decision(False, named[named >= 0], reason)
