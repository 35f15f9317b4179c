"""What a model is: the sequential specification of an object, as a small Python class.

    class Counter(Model):
        functions = {"add": Shape(INTEGER, DONE), "read": Shape(NOTHING, INTEGER)}
        reads = frozenset({"read"})

        def initial(self) -> State:
            return 0

        def step(self, state, f, argument, result):
            if f == "add":
                return state + argument
            return state if result is UNKNOWN or result == state else None

Contract, which the engines rely on:

* States are hashable, never None, and equal exactly if they can do the same from there on.
  Values in them go through `stored` (or `typed`), so that 1, true and 1.0 stay different.
* `step` is a pure function.  It gives the state after the operation, or None if the object in
  that state could not have answered so.  `result` is the value of the `ok`, or UNKNOWN for an
  open operation: then any answer will do, and the state after must be the only one that there
  can be.  Where there are several, `steps` gives them all.
* The order of operations comes from elsewhere; a model knows no time (but see `prepare`).
* One object is one key.  The operations on each key are checked alone, which is right for
  linearizability (it is local: Herlihy and Wing 1990, theorem 1), unless `independent_by_key`
  is False.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from checker.history.errors import HistoryError
from checker.history.history import NO_TIME, OK, UNKNOWN, History, Integers, occurring
from checker.history.models.shapes import Shape
from checker.history.values import Typed, Value, text_of, to_json, typed, untyped

if TYPE_CHECKING:
    from checker.history.search.compiled import Compiled

State: TypeAlias = Any
"""Hashable, and not None."""

NULL = Typed(None)
"""The value null in a state, where None means "impossible"."""
_ITSELF = frozenset({int, str})


def stored(value: Value) -> Hashable:
    """A value as it is held in a state: equal exactly to the same JSON value, and never None."""
    if type(value) in _ITSELF:
        return value  # type: ignore[no-any-return]
    return NULL if value is None else typed(value)


class Model:
    """The base of all models.  `name` is that of the command line."""

    name: ClassVar[str] = ""
    functions: ClassVar[Mapping[str, Shape]] = {}
    """Its operations and what their values look like; an empty one accepts every operation."""
    reads: ClassVar[frozenset[str]] = frozenset()
    """Functions that leave every state as it is: one that is open says nothing."""
    conditional: ClassVar[frozenset[str]] = frozenset()
    """Functions whose `fail` may be read as "refused, for the state was another": as an `ok` with
    the result false (rules.py)."""
    values_read: ClassVar[frozenset[str]] = frozenset()
    """Functions whose `ok` with null may be read as "nobody knows what was read" (rules.py)."""
    independent_by_key: ClassVar[bool] = True
    needs_time: ClassVar[bool] = False

    def initial(self) -> State:
        """The state in which every object begins."""
        raise NotImplementedError

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        """The state after an operation, None if it is impossible; see the top of this file."""
        raise NotImplementedError

    def steps(self, state: State, f: str, argument: Value) -> Iterable[State]:
        """All states in which an open operation may leave the object."""
        after = self.step(state, f, argument, UNKNOWN)
        return () if after is None else (after,)

    def prepare(self, history: History) -> History:
        """A history that `check` has passed, as `step` wants it: here time goes into values."""
        return history

    def show(self, state: State) -> str:
        """A state, for people."""
        return show(state)

    def fitted(self, history: History) -> Model:
        """This model, or one with room for the values of a history."""
        return self

    def compiled(self, kinds: Sequence[tuple[str, Value, Value]]) -> Compiled | None:
        """`step` and `steps` in C for these operations: (f, argument, result or UNKNOWN)."""
        return None

    # ------------------------------------------------------------------- malformed operations

    def check_operation(self, f: str, argument: Value, result: Value) -> str | None:
        """What is malformed, in words, or None.  `result` is UNKNOWN if there is none."""
        if not self.functions:
            return None
        shape = self.functions.get(f)
        if shape is None:
            return f"{self._called()} has no operation {f!r}"
        if not shape.argument.allows(argument):
            return f"{f} is invoked with {shape.argument.says}, not with {text_of(argument)}"
        if result is UNKNOWN or shape.result.allows(result, argument):
            return None
        return f"the ok of {f} has {shape.result.says}, not {text_of(result)}"

    def check(self, history: History) -> None:
        """HistoryError for the first operation that this model does not know."""
        each = [self._suspect(f, history) for f in occurring(history.f)]
        suspects = [i for i in each if i is not None]
        if self.needs_time:
            suspects += _without_time(history)
        if not suspects:
            return
        one = history.operation(min(suspects))
        reason = self.check_operation(one.f, one.argument, one.result)
        if reason is None:
            reason = f"{self._called()} needs the time of every event, and this one has none"
            mend = 'write `"time": 1234` on every line, in nanoseconds of one clock'
        else:
            mend = f"{self._called()} has " + "; ".join(
                f"{f} ({shape})" for f, shape in self.functions.items()
            )
        line = one.invoked_line
        if self.check_operation(one.f, one.argument, UNKNOWN) is None and one.ended_line:
            line = one.ended_line
        raise HistoryError(reason, line=line, source=history.source, mend=mend)

    def _called(self) -> str:
        return f"the model {self.name or type(self).__name__}"

    def _suspect(self, code: int, history: History) -> int | None:
        """The index of the first malformed operation of one function, an index itself."""
        f = history.functions[code]
        mine = np.flatnonzero(history.f == code)
        shape = self.functions.get(f)
        if shape is None:
            return int(mine[0]) if self.functions else self._suspect_pair(f, mine, history)
        argument = history.argument[mine]
        bad = ~shape.argument.mask(argument, None, history.values)
        told = np.flatnonzero(history.status[mine] == OK)
        bad[told] |= ~shape.result.mask(history.result[mine[told]], argument[told], history.values)
        if bad.any():
            return int(mine[bad.argmax()])
        if type(self).check_operation is not Model.check_operation:
            return self._suspect_pair(f, mine, history)
        return None

    def _suspect_pair(self, f: str, mine: Integers, history: History) -> int | None:
        """The same, each by `check_operation`: for models that have their own."""
        pairs = np.stack([history.argument[mine], history.result[mine]], axis=1)
        _, places = np.unique(pairs, axis=0, return_index=True)
        for i in mine[np.sort(places)].tolist():
            one = history.operation(i)
            if self.check_operation(f, one.argument, one.result) is not None:
                return int(i)
        return None


def _without_time(history: History) -> list[int]:
    missing = (history.invoked_time == NO_TIME) | (
        (history.status == OK) & (history.ended_time == NO_TIME)
    )
    return [int(i) for i in np.flatnonzero(missing)[:1]]


def show(state: Any) -> str:
    """Tuples and sets of values as JSON would have them."""
    if isinstance(state, frozenset):
        return "{" + ", ".join(sorted(map(show, state))) + "}"
    if isinstance(state, tuple) and not isinstance(untyped(state), str):
        return "[" + ", ".join(map(show, state)) + "]"
    return text_of(to_json(untyped(state)))


__all__ = ["NULL", "UNKNOWN", "Model", "State", "show", "stored"]
