"""What the general search decides: operations of one object as numbers.

A *kind* is all that a model sees of an operation: its function, argument and result, and whether
it is open (its result is then not known, and it may not have happened).  Two operations of one
kind differ only in when they were invoked and returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from checker.history.history import FAIL, NO_RESULT, OPEN, UNKNOWN
from checker.history.search.transitions import Known, State, Step, as_numbers

if TYPE_CHECKING:
    from checker.history.history import History
    from checker.history.models.model import Model
    from checker.history.search.compiled import Compiled

MOST_CODES = 1 << 22
"""Kinds are found with a table of so many entries instead of sorting."""


@dataclass(frozen=True)
class Problem:
    """n operations, in any order, with positions that are all different (but OPEN)."""

    kind: NDArray[np.int32]
    invoked: NDArray[np.int64]
    returned: NDArray[np.int64]
    """OPEN or more: the operation is open."""
    opened: Sequence[bool]
    """Of each kind.  It agrees with `returned`."""
    initial: State
    step: Step
    """(state, kind) -> the states that can follow.  Pure.  States are hashable."""
    is_read: Callable[[int], bool] = lambda kind: False
    """True only if operations of this kind never change the state, in any state."""
    compiled: Callable[[], Compiled | None] = lambda: None
    """The same steps in C, if there are."""
    known: Known = field(default_factory=Known, init=False)
    """What is found out of the kinds; shared with all parts, and with nothing else."""

    @property
    def operations(self) -> int:
        return len(self.kind)

    def part(self, which: Sequence[int] | NDArray[Any]) -> Problem:
        """Some of the operations, by index."""
        chosen = np.asarray(which, dtype=np.int64)
        return self._with(self.kind[chosen], self.invoked[chosen], self.returned[chosen])

    def at(self, invoked: NDArray[np.int64], returned: NDArray[np.int64]) -> Problem:
        """The same operations at other times."""
        return self._with(self.kind, invoked, returned)

    def _with(
        self, kind: NDArray[np.int32], invoked: NDArray[np.int64], returned: NDArray[np.int64]
    ) -> Problem:
        made = replace(self, kind=kind, invoked=invoked, returned=returned)
        object.__setattr__(made, "known", self.known)
        return made


def problem_from(
    operations: Sequence[tuple[Any, Any, Any, int, int | None]],
    initial: State,
    step: Callable[[State, Any, Any, Any], Sequence[State]],
    is_read: Callable[[Any, Any, Any], bool] = lambda f, argument, result: False,
) -> Problem:
    """From tuples (f, argument, result, invoked, returned); `returned` None: it is open."""
    numbers: dict[tuple[Any, Any, Any, bool], int] = {}
    kind, returned = [], []
    for f, argument, result, _, end in operations:
        kind.append(numbers.setdefault((f, argument, result, end is None), len(numbers)))
        returned.append(OPEN if end is None else end)
    kinds = list(numbers)
    return Problem(
        as_numbers(kind, np.int32),
        as_numbers([operation[3] for operation in operations], np.int64),
        as_numbers(returned, np.int64),
        [is_open for *_, is_open in kinds],
        initial,
        lambda state, kind: step(state, *kinds[kind][:3]),
        lambda kind: is_read(*kinds[kind][:3]),
    )


def problem_of(history: History, model: Model) -> Problem:
    """Operations on one object, which `model.check` has passed and `model.prepare` prepared.

    Operations that failed are left out, and so their indices are not those of the history: see
    `checked_operations`.
    """
    if (history.status == FAIL).any():
        history = history.take(history.status != FAIL)
    is_open = history.returned >= OPEN
    result = np.where(is_open, NO_RESULT, history.result).astype(np.int64)
    values = len(history.values) + 1
    code = (history.f.astype(np.int64) * values + history.argument) * values + result + 1
    code = code * 2 + is_open
    first, kind = _numbered(code)
    kinds = [
        (
            history.functions[history.f[i]],
            history.values[history.argument[i]],
            UNKNOWN if result[i] == NO_RESULT else history.values[result[i]],
            bool(is_open[i]),
        )
        for i in first.tolist()
    ]
    one = model.step

    def step(state: State, kind: int) -> Sequence[State]:
        f, argument, result, is_open = kinds[kind]
        if is_open:
            return tuple(model.steps(state, f, argument))
        after = one(state, f, argument, result)
        return () if after is None else (after,)

    return Problem(
        kind,
        history.invoked,
        history.returned,
        [is_open for *_, is_open in kinds],
        model.initial(),
        step,
        lambda kind: kinds[kind][0] in model.reads,
        lambda: model.compiled([kind[:3] for kind in kinds]),
    )


def checked_operations(history: History) -> NDArray[Any]:
    """The indices of the operations that `problem_of` takes from a history."""
    return np.flatnonzero(history.status != FAIL)


def _numbered(code: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Where each code occurs first, and each one's number."""
    if len(code) and int(code.max()) < min(MOST_CODES, 64 * len(code)):
        where = np.full(int(code.max()) + 1, -1, dtype=np.int64)
        where[code[::-1]] = np.arange(len(code) - 1, -1, -1)
        used = np.flatnonzero(where >= 0)
        number = np.empty(len(where), dtype=np.int32)
        number[used] = np.arange(len(used))
        return where[used], number[code]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return first, inverse.astype(np.int32)
