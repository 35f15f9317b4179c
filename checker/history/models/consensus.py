"""One decision that is made once: what `quorate serve` records.

    propose  value -> what is decided: this value, or one before it
    learn    null -> what is decided; null: nothing is yet

Only what was proposed can be decided, and the first decision stays.
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import NULL, UNKNOWN, Model, State, stored
from checker.history.models.shapes import ANYTHING, NOTHING, SOMETHING, Shape
from checker.history.values import Value


class Consensus(Model):
    """A decision.  A state is what is decided, NULL before."""

    name = "consensus"
    functions: ClassVar = {
        "propose": Shape(SOMETHING, SOMETHING),
        "learn": Shape(NOTHING, ANYTHING),
    }
    reads = frozenset({"learn"})

    def initial(self) -> State:
        return NULL

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        after = stored(argument) if f == "propose" and state == NULL else state
        return after if result is UNKNOWN or stored(result) == after else None


__all__ = ["Consensus"]
