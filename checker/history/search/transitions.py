"""States as numbers, and a complete table of transitions where the states are few.

A complete table says for each kind of operation what it does in *every* state that the history
can reach.  So it shows, with no help of the model, three things that make the search short:

* a read: an operation that never changes the state;
* kinds that do the same everywhere, which become one kind;
* a closed operation that does the same as an open one: its twin.

"Can reach" is meant generously: any order of any operations of the history, however often.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from checker.history.budget import LimitReached, resident_bytes
from checker.history.errors import StepError

if TYPE_CHECKING:
    from checker.history.search.compiled import CompiledAsking

State = Hashable
Step = Callable[[State, int], Sequence[State]]
"""The states that can follow when an operation of a kind happens; none: it cannot happen."""

NONE = 0xFFFFFFFF
SMALL_TABLE = (1 << 17) // 3 - 64
"""A little less than two thirds of 2^16.  To make a smaller one anew takes some 4 MB."""
MOST_STATES = 256
"""Of a complete table."""
MOST_ANSWERS = 4096
"""So many states may follow one operation."""


class States:
    """Numbers of states, in the order in which they are met; the initial one is 0."""

    def __init__(self, initial: State) -> None:
        self.of: list[State] = [initial]
        self._number = {initial: 0}
        self.grows_at = SMALL_TABLE
        """So many states, and the table of their numbers will soon be made anew, twice as large."""

    def number(self, state: State) -> int:
        found = self._number.get(state)
        if found is None:
            found = self._number[state] = len(self.of)
            self.of.append(state)
        return found

    def look(self, memory_bytes: int) -> None:
        """`LimitReached` if the table cannot be made anew within a limit (of the process).

        A dict of Python with 2^k places is full at two thirds of them; while it is made anew there
        are the old one and the new one.  (`GROWTH_RATE` in CPython's Objects/dictobject.c.)
        """
        if memory_bytes and resident_bytes() + 2 * getsizeof(self._number) > memory_bytes:
            raise LimitReached("memory")
        self.grows_at *= 2


@dataclass(frozen=True)
class Complete:
    """`table[state, kind]`: the number of the state that follows, or NONE."""

    table: NDArray[np.uint32]
    reads: NDArray[np.bool_]
    """Of each kind: it never changes the state."""
    alike: list[int]
    """Of each kind: the first kind that does the same and is open, or not, as it is."""
    twins: list[int]
    """Of each closed kind: the open kind that does the same, or -1."""


@dataclass
class Known:
    """The states, and the table if there can be one: `tried` says whether anybody asked."""

    states: States | None = None
    compiled: CompiledAsking | None = None
    """Instead of `states`, if the model is compiled."""
    table: Complete | None = None
    tried: bool = False


def complete(states: States, step: Step, opened: Sequence[bool], most: int) -> Complete | None:
    """The table, unless it has more than `most` entries, or many states, or several can follow."""
    kinds, number = len(opened), states.number
    most_states = min(MOST_STATES, most // max(1, kinds))
    rows: list[list[int]] = []
    while len(rows) < len(states.of):
        if len(states.of) > most_states:
            return None
        own = len(rows)
        state, row = states.of[own], [NONE] * kinds
        for kind in range(kinds):
            try:
                after = step(state, kind)
            except StepError:  # what the table asks for need not happen in the history
                return None
            if len(after) > 1:
                return None
            if after:
                row[kind] = own if after[0] is state else number(after[0])
        rows.append(row)
    return read_off(np.array(rows, dtype=np.uint32).reshape(len(rows), kinds), opened)


def read_off(table: NDArray[np.uint32], opened: Sequence[bool]) -> Complete:
    """What the table shows of each kind; `opened`: of each, whether it is open."""
    own = np.arange(len(table), dtype=np.uint32)[:, None]
    reads: NDArray[np.bool_] = ((table == own) | (table == NONE)).all(axis=0)
    first: dict[tuple[bool, bytes], int] = {}
    columns = [column.tobytes() for column in np.ascontiguousarray(table.T)]
    pairs = list(zip(opened, columns, strict=True))
    alike = [first.setdefault(pair, kind) for kind, pair in enumerate(pairs)]
    twins = [-1 if is_open else first.get((True, column), -1) for is_open, column in pairs]
    return Complete(table, reads, alike, twins)


def as_numbers(values: Any, dtype: Any) -> NDArray[Any]:
    """Contiguous, as C reads it."""
    return np.ascontiguousarray(values, dtype=dtype)
