"""One value that is read and written; with compare-and-set as `CasRegister`.

read    null -> the value           write   value -> null
cas     [from, to] -> null: it was `from` and is `to`; false: it was another
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import ANYTHING, DONE, DONE_OR_NOT, FROM_TO, NOTHING, Shape
from checker.history.values import Value


class Register(Model):
    """A register.  A state is its value."""

    name = "register"
    functions: ClassVar = {"read": Shape(NOTHING, ANYTHING), "write": Shape(ANYTHING, DONE)}
    reads = frozenset({"read"})
    values_read = frozenset({"read"})

    def __init__(self, initial: Value = None) -> None:
        """`initial`: what is read before the first write."""
        self._initial = initial

    def initial(self) -> State:
        return stored(self._initial)

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if f == "write":
            return stored(argument)
        if f == "cas":
            return compare_and_set(state, argument, result)
        return state if result is UNKNOWN or stored(result) == state else None


class CasRegister(Register):
    """A register that is asked for compare-and-set, too."""

    name = "cas-register"
    functions: ClassVar = {**Register.functions, "cas": Shape(FROM_TO, DONE_OR_NOT)}
    conditional = frozenset({"cas"})


def compare_and_set(state: State, argument: Value, result: Value) -> State | None:
    """`argument` is [from, to]; a result of false means that the state was not `from`."""
    expected, new = argument
    equal = state == stored(expected)
    if result is UNKNOWN or equal is (result is not False):
        return stored(new) if equal else state
    return None


__all__ = ["CasRegister", "Register", "compare_and_set"]
