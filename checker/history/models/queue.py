"""A queue: first in, first out.

enqueue  value (not null) -> null
dequeue  null -> the value, null if the queue was empty
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import ANYTHING, DONE, NOTHING, SOMETHING, Shape
from checker.history.values import Value


class Queue(Model):
    """A FIFO queue.  A state is the values in it, the oldest first."""

    name = "queue"
    functions: ClassVar = {"enqueue": Shape(SOMETHING, DONE), "dequeue": Shape(NOTHING, ANYTHING)}

    def initial(self) -> State:
        return ()

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if f == "enqueue":
            return (*state, stored(argument))
        if not state:
            return state if result is UNKNOWN or result is None else None
        return state[1:] if result is UNKNOWN or stored(result) == state[0] else None


__all__ = ["Queue"]
