"""A lock that one client at a time holds.

    acquire  any value -> null: it is held now; false: somebody held it
    release  any value -> null: it is free now; false: nobody held it

Who holds it is not looked at: a `release` of a lock that another process took is for the
system to allow or to refuse.
"""

from __future__ import annotations

from typing import ClassVar, Final

from checker.history.models.model import UNKNOWN, Model, State
from checker.history.models.shapes import ANYTHING, DONE_OR_NOT, Shape
from checker.history.values import Value

FREE: Final = "free"
HELD: Final = "held"


class Mutex(Model):
    """A lock.  A state is FREE or HELD."""

    name = "mutex"
    functions: ClassVar = {
        "acquire": Shape(ANYTHING, DONE_OR_NOT),
        "release": Shape(ANYTHING, DONE_OR_NOT),
    }

    def initial(self) -> State:
        return FREE

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        before, after = (FREE, HELD) if f == "acquire" else (HELD, FREE)
        if result is UNKNOWN:
            return after
        can = state == before
        if can is (result is not False):
            return after if can else state
        return None


__all__ = ["FREE", "HELD", "Mutex"]
