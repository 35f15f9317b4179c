"""What the values of an operation look like: of its invocation, and of its answer.

A `Kind` is tested once for each distinct value, and not at all if it allows anything, so that a
million operations are looked through in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from checker.history.history import Integers, occurring
from checker.history.values import Value, same


@dataclass(frozen=True)
class Kind:
    """Some values.  `says` describes them, to follow "is invoked with" or "has"."""

    says: str
    test: Callable[[Value], bool] | None
    """None: anything."""
    again: bool = False
    """Whether the answer may also be the argument again, as Jepsen's writes have it."""

    def allows(self, value: Value, argument: Value = None) -> bool:
        if self.test is None or self.test(value):
            return True
        return self.again and same(value, argument)

    def mask(self, values: Integers, arguments: Integers | None, table: Sequence[Value]) -> Any:
        """For indices into a table of values: which are allowed."""
        if self.test is None:
            return np.ones(len(values), dtype=bool)
        right = np.zeros(len(values), dtype=bool)
        if self.again and arguments is not None:
            right = values == arguments
        rest = np.flatnonzero(~right)
        allowed = np.zeros(len(table), dtype=bool)
        for i in occurring(values[rest]):
            allowed[i] = self.test(table[i])
        right[rest] = allowed[values[rest]]
        return right


@dataclass(frozen=True)
class Shape:
    """The value of an invocation, and that of its `ok`."""

    argument: Kind
    result: Kind

    def __str__(self) -> str:
        return f"invoked with {self.argument.says}; ok: {self.result.says}"


def _is_integer(value: Value) -> bool:
    return type(value) is int


def _is_list_of(length: int) -> Callable[[Value], bool]:
    return lambda value: type(value) is tuple and len(value) == length


NOTHING: Final = Kind("null", lambda value: value is None)
ANYTHING: Final = Kind("any value", None)
SOMETHING: Final = Kind("any value but null", lambda value: value is not None)
TEXT: Final = Kind("a text", lambda value: type(value) is str)
BOOLEAN: Final = Kind("true or false", lambda value: type(value) is bool)
INTEGER: Final = Kind("an integer", _is_integer)
NATURAL: Final = Kind("an integer from 0", lambda value: _is_integer(value) and value >= 0)
FROM_TO: Final = Kind("a list [from, to]", _is_list_of(2))
LIST: Final = Kind("a list", lambda value: type(value) is tuple)
DONE: Final = Kind(
    "null, true or the argument again", lambda value: value is None or value is True, again=True
)
DONE_OR_NOT: Final = Kind(
    "null, true or the argument again, or false if it was refused",
    lambda value: value is None or type(value) is bool,
    again=True,
)
WHETHER: Final = Kind(
    "true or false (did it change anything?), or null or the argument again",
    lambda value: value is None or type(value) is bool,
    again=True,
)

__all__ = [
    "ANYTHING",
    "BOOLEAN",
    "DONE",
    "DONE_OR_NOT",
    "FROM_TO",
    "INTEGER",
    "LIST",
    "NATURAL",
    "NOTHING",
    "SOMETHING",
    "TEXT",
    "WHETHER",
    "Kind",
    "Shape",
]
