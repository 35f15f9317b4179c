"""From JSON back to values: the inverse of `Type.json`, given the type.

`NotOfType` says where in the value, and what was expected there, so that a person who wrote
the JSON by hand (`-c table='{"a1": 3}'`) can mend it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from checker.lang.errors import ModelError
from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
)
from checker.lang.values import Bag, Map, Set


class NotOfType(ValueError):
    """A piece of JSON is not a value of the type."""


def from_json(of: Type, data: Any, path: str = "") -> Any:
    """The value of type `of` that `of.json` would show as `data`.  `NotOfType` if none."""
    match of:
        case BoolT() | IntT() | LabelT():
            value = data
        case EnumT() | SortT():
            value = _named(of, data, path)
        case OptionT(item):
            return None if data is None else from_json(item, data, path)
        case SetT(item):
            value = Set(_items(item, data, path))
        case BagT(item):
            value = Bag(_items(item, data, path))
        case SeqT(item):
            value = tuple(_items(item, data, path))
        case TupleT(items):
            value = _tuple(items, data, path)
        case MapT():
            value = _map(of, data, path)
        case RecordT():
            value = _record(of, data, path)
        case UnionT(kinds):
            return _union(kinds, data, path)
        case _:
            _fail(path, f"{of} cannot be read from JSON")
    problem = of.misfit(value)
    if problem:
        _fail(path, problem.problem)
    return value


def _fail(path: str, problem: str) -> NoReturn:
    raise NotOfType(f"at {path}: {problem}" if path else problem)


def _named(of: Type, data: Any, path: str) -> Any:
    for value in of.values():
        if of.text(value) == data:
            return value
    names = ", ".join(of.text(value) for value in of.values())
    _fail(path, f"{data!r} is no {of}: there are {names}")


def _items(item: Type, data: Any, path: str) -> list[Any]:
    if not isinstance(data, list):
        _fail(path, f"{data!r} is not a list")
    return [from_json(item, one, f"{path}[{index}]") for index, one in enumerate(data)]


def _tuple(items: tuple[Type, ...], data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list) or len(data) != len(items):
        _fail(path, f"{data!r} is not a list of {len(items)}")
    pairs = zip(items, data, strict=True)
    return tuple(from_json(item, one, f"{path}[{at}]") for at, (item, one) in enumerate(pairs))


def _map(of: MapT, data: Any, path: str) -> Map:
    keys = {of.key.text(key): key for key in of.keys}
    if not isinstance(data, dict):
        _fail(path, f"{data!r} is not an object with the keys {', '.join(keys)}")
    unknown = [name for name in data if name not in keys]
    if unknown:
        _fail(path, f"{unknown[0]!r} is no {of.key}: there are {', '.join(keys)}")
    return Map(
        (keys[name], from_json(of.value, one, f"{path}[{name}]")) for name, one in data.items()
    )


def _record(of: RecordT, data: Any, path: str) -> Any:
    names = [name for name, _ in of.fields]
    if not isinstance(data, dict) or set(data) - {"kind"} != set(names) - {"kind"}:
        _fail(path, f"{data!r} is not an object with the fields {', '.join(names)}")
    if "kind" not in names and data.get("kind", str(of)) != str(of):
        _fail(path, f"{data['kind']!r} is not the kind {of}")
    try:
        return of.kind(*(from_json(item, data[name], f"{path}.{name}") for name, item in of.fields))
    except ModelError as error:
        _fail(path, error.rule)


def _union(kinds: tuple[RecordT, ...], data: Any, path: str) -> Any:
    for kind in kinds:
        try:
            return _record(kind, data, path)
        except NotOfType:
            continue
    names = ", ".join(str(kind) for kind in kinds)
    _fail(path, f"{data!r} is not one of the kinds {names}")
