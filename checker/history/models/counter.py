"""A number that is added to.

add              integer -> null        read             null -> the number
increment        null -> null           decrement        null -> null
add-and-get      integer -> the number after it
get-and-add      integer -> the number before it
increment-and-get, get-and-increment    null -> the same with 1
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State
from checker.history.models.shapes import DONE, INTEGER, NOTHING, Shape
from checker.history.values import Value


class Counter(Model):
    """A counter.  A state is its number."""

    name = "counter"
    functions: ClassVar = {
        "read": Shape(NOTHING, INTEGER),
        "add": Shape(INTEGER, DONE),
        "increment": Shape(NOTHING, DONE),
        "decrement": Shape(NOTHING, DONE),
        "add-and-get": Shape(INTEGER, INTEGER),
        "get-and-add": Shape(INTEGER, INTEGER),
        "increment-and-get": Shape(NOTHING, INTEGER),
        "get-and-increment": Shape(NOTHING, INTEGER),
    }
    reads = frozenset({"read"})

    def __init__(self, initial: int = 0) -> None:
        self._initial = initial

    def initial(self) -> State:
        return self._initial

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if f == "read":
            after = state
        elif f == "decrement":
            after = state - 1
        else:
            after = state + (1 if "increment" in f else argument)
        if "get" in f or f == "read":
            told = state if f.startswith("get") else after
            return after if result is UNKNOWN or result == told else None
        return after


__all__ = ["Counter"]
