"""Values of operations: JSON values that can be hashed and compared.

    JSON      here                           JSON      here
    null      None                           "text"    str
    true      bool                           [1, 2]    tuple
    12        int                            {"a": 1}  Frozen
    1.5       float

Python says `1 == True == 1.0`; a register that was written 1 must not read as true.  So
`typed(value)` is equal to `typed(other)` exactly if both are the same JSON value: None, integers
and texts are themselves, and so are lists of these, which is nearly all there is; only booleans
and floats are wrapped.  Interning uses it, and so do the states of all models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""None, bool, int, float, str, tuple of values, or Frozen."""

NESTING = 64
"""Lists and objects within each other, at most."""

_ITSELF = frozenset({type(None), int, str})


class Frozen(Mapping[str, Value]):
    """A JSON object that can be hashed.  The order of its names does not count."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Value] | Iterable[tuple[str, Value]] = ()) -> None:
        self._items = dict(sorted(dict(items).items()))
        self._hash = hash(tuple((name, typed(value)) for name, value in self._items.items()))

    def __getitem__(self, name: str) -> Value:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen):
            return NotImplemented
        if self._hash != other._hash or list(self._items) != list(other._items):
            return False
        pairs = zip(self._items.values(), other._items.values(), strict=True)
        return all(typed(one) == typed(two) for one, two in pairs)

    def __repr__(self) -> str:
        return text_of(self)


class Typed:
    """A boolean or a float that is equal to no integer (and null, where None is taken)."""

    __slots__ = ("value",)

    def __init__(self, value: bool | float | None) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Typed):
            return NotImplemented
        return type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value).__name__, self.value))

    def __repr__(self) -> str:
        return text_of(self.value)


def typed(value: Value) -> Any:
    """Hashable, and equal for two values exactly if they are the same JSON value."""
    kind = type(value)
    if kind in _ITSELF:
        return value
    if kind is tuple:
        if _ITSELF.issuperset(map(type, value)):
            return value
        return tuple(map(typed, value))
    if kind is bool or kind is float:
        return Typed(value)
    return value


def untyped(value: Any) -> Value:
    """The value that `typed` was made from."""
    if type(value) is Typed:
        return value.value
    if type(value) is tuple:
        return tuple(map(untyped, value))
    return value


def same(one: Value, other: Value) -> bool:
    """Whether both are the same JSON value."""
    return bool(typed(one) == typed(other))


def freeze(value: Any, depth: int = NESTING) -> Value:
    """A value as `json.loads` gives it, in the form of this file.

    ValueError, with the reason, if it is nested too deeply, is not finite or is no JSON.
    """
    kind = type(value)
    if kind in _ITSELF or kind is bool:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that JSON knows")
        return value
    if kind is Frozen:
        return value
    if depth == 0:
        raise ValueError(f"the value is nested more than {NESTING} deep")
    if kind is list or kind is tuple:
        if _ITSELF.issuperset(map(type, value)):
            return tuple(value)
        return tuple([freeze(part, depth - 1) for part in value])
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise ValueError(f"{name!r} cannot be a name in a JSON object, for it is no text")
        return Frozen({name: freeze(part, depth - 1) for name, part in value.items()})
    raise ValueError(f"a {kind.__name__} is no JSON value")


def to_json(value: Value) -> Any:
    """For `json.dumps` and the like: lists and dicts again."""
    kind = type(value)
    if kind is tuple:
        return [to_json(part) for part in value]
    if kind is Frozen:
        return {name: to_json(part) for name, part in value.items()}
    return value.value if kind is Typed else value


def text_of(value: Value) -> str:
    """JSON, for people: on one line, not escaped."""
    return json.dumps(to_json(value), ensure_ascii=False)


__all__ = [
    "NESTING",
    "Frozen",
    "Typed",
    "Value",
    "freeze",
    "same",
    "text_of",
    "to_json",
    "typed",
    "untyped",
]
