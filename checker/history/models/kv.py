"""A key-value store: one of these for each key.

    get     null -> the value; null or "" if the key is absent
    put     value -> null               append  text -> null
    delete  null -> null, or true if the key was there and false if not
    cas     [from, to] -> null: it was `from` and is `to`; false: it was another

To put null is to delete, and `from` null is "absent".
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import NULL, UNKNOWN, Model, State, stored
from checker.history.models.register import compare_and_set
from checker.history.models.shapes import (
    ANYTHING,
    DONE,
    DONE_OR_NOT,
    FROM_TO,
    NOTHING,
    TEXT,
    WHETHER,
    Shape,
)
from checker.history.values import Value


class KeyValue(Model):
    """What one key holds.  A state is the value, NULL if the key is absent."""

    name = "kv"
    functions: ClassVar = {
        "get": Shape(NOTHING, ANYTHING),
        "put": Shape(ANYTHING, DONE),
        "append": Shape(TEXT, DONE),
        "delete": Shape(NOTHING, WHETHER),
        "cas": Shape(FROM_TO, DONE_OR_NOT),
    }
    reads = frozenset({"get"})
    conditional = frozenset({"cas"})
    values_read = frozenset({"get"})

    def initial(self) -> State:
        return NULL

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        match f:
            case "get":
                absent = state == NULL and result == ""
                return state if result is UNKNOWN or absent or stored(result) == state else None
            case "put":
                return stored(argument)
            case "append":
                return _appended(state, argument)
            case "delete":
                there = state != NULL
                return NULL if type(result) is not bool or result is there else None
            case _:
                return compare_and_set(state, argument, result)


def _appended(state: State, text: str) -> State | None:
    if state == NULL:
        return text
    return state + text if isinstance(state, str) else None


__all__ = ["KeyValue"]
