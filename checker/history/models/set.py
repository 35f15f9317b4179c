"""A set of values.

add       value -> true if it is new, false if it was there already; or null
remove    value -> true if it was there, false if not; or null
contains  value -> true or false
read      null -> a list of all elements, in any order
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import ANYTHING, BOOLEAN, LIST, NOTHING, WHETHER, Shape
from checker.history.values import Value


class Set(Model):
    """A set.  A state is its elements."""

    name = "set"
    functions: ClassVar = {
        "add": Shape(ANYTHING, WHETHER),
        "remove": Shape(ANYTHING, WHETHER),
        "contains": Shape(ANYTHING, BOOLEAN),
        "read": Shape(NOTHING, LIST),
    }
    reads = frozenset({"contains", "read"})

    def initial(self) -> State:
        return frozenset()

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if f == "read":
            right = result is UNKNOWN or frozenset(map(stored, result)) == state
            return state if right else None
        element = stored(argument)
        there = element in state
        if f == "contains":
            return state if result is UNKNOWN or result is there else None
        changes = there if f == "remove" else not there
        if type(result) is bool and result is not changes:
            return None
        return state | {element} if f == "add" else state - {element}


__all__ = ["Set"]
