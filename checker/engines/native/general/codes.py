"""Small numbers for the values of small types: 0, 1, 2 ... in canonical order.

`codes(of)` is how many there are, or `None` where they are too many or have no end.  A set of
such values is a bit set, a Map with such keys an array, and a walk over the domain a loop over
its codes.

Bounds on the size of a set do not count here, nor invariants of records: some codes may stand
for values that are not in the domain.  `members` lists those that are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

from checker.lang.infer import NeverT
from checker.lang.types import (
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
from checker.lang.values import Map, Set

MOST_CODES = 2**31 - 1
MOST_ITEMS = 12
"""A set of sets needs a table of all sets of so many items."""


@cache
def codes(of: Type) -> int | None:
    found = _codes(of)
    return None if found is None or found > MOST_CODES else found


def _codes(of: Type) -> int | None:
    match of:
        case NeverT():
            return 0
        case BoolT() | EnumT() | LabelT() | IntT():
            return of.size
        case SortT(_, identities):
            assert identities is not None
            return len(identities)
        case OptionT(item):
            held = codes(item)
            return None if held is None else held + 1
        case RecordT() | TupleT():
            return _product(parts_of(of))
        case UnionT(kinds):
            sizes = [codes(kind) for kind in kinds]
            return None if None in sizes else sum(size or 0 for size in sizes)
        case SetT(item):
            held = codes(item)
            return None if held is None or held > MOST_ITEMS else 2**held
        case MapT(key, value):
            keys, held = codes(key), codes(value)
            if keys is None or held is None or keys > 64:
                return None
            total: int = held ** len(members(key))
            return total
        case SeqT(item, at_most):
            held = codes(item)
            if held is None or at_most is None or at_most > 64:
                return None
            lengths: list[int] = [held**length for length in range(at_most + 1)]
            return sum(lengths)
    return None


def _product(parts: tuple[Type, ...]) -> int | None:
    total = 1
    for part in parts:
        held = codes(part)
        if held is None:
            return None
        total *= held
    return total


def parts_of(of: RecordT | TupleT) -> tuple[Type, ...]:
    return of.items if isinstance(of, TupleT) else tuple(part for _, part in of.fields)


@cache
def members(of: Type) -> tuple[int, ...]:
    """The codes of the values of a type, in order."""
    if not has_gaps(of):
        return tuple(range(codes(of) or 0))
    return tuple(sorted(code_of(of, value) for value in of.values()))


def has_gaps(of: Type) -> bool:
    """Whether some codes stand for no value."""
    match of:
        case OptionT(item) | SeqT(item):
            return has_gaps(item)
        case SetT(item, at_most):
            return has_gaps(item) or at_most is not None
        case RecordT(kind):
            return bool(kind._checks) or any(has_gaps(part) for part in parts_of(of))
        case TupleT():
            return any(has_gaps(part) for part in parts_of(of))
        case UnionT(kinds):
            return any(has_gaps(kind) for kind in kinds)
        case MapT(_, value):
            return has_gaps(value)
    return False


@cache
def sets_in_order(items: int) -> tuple[int, ...]:
    """The subsets of so many items as bits: smaller ones first, then in order of their members."""
    return tuple(
        sum(1 << item for item in chosen)
        for size in range(items + 1)
        for chosen in combinations(range(items), size)
    )


@cache
def places_of_sets(items: int) -> tuple[int, ...]:
    """For each set as bits, where it stands in `sets_in_order`."""
    places = [0] * 2**items
    for place, bits in enumerate(sets_in_order(items)):
        places[bits] = place
    return tuple(places)


def labels_in_order(of: LabelT) -> tuple[str, ...]:
    """Labels are strings: their canonical order is that of the alphabet."""
    return tuple(sorted(of.labels))


def code_of(of: Type, value: Any) -> int:
    match of:
        case BoolT():
            return int(value)
        case IntT(low):
            return int(value - (low or 0))
        case EnumT(kind):
            return list(kind).index(value)
        case LabelT():
            return labels_in_order(of).index(value)
        case SortT():
            return int(value.index)
        case OptionT(item):
            return 0 if value is None else 1 + code_of(item, value)
        case TupleT(items):
            return _digits(items, value)
        case RecordT(_, fields):
            return _digits(parts_of(of), [getattr(value, name) for name, _ in fields])
        case UnionT(kinds):
            before = 0
            for one in kinds:
                if one.kind is type(value):
                    return before + code_of(one, value)
                before += codes(one) or 0
        case SetT(item):
            bits = sum(1 << code_of(item, member) for member in value)
            return places_of_sets(codes(item) or 0)[bits]
        case MapT(_, held):
            return _digits([held] * len(value), list(value.values()))
        case SeqT(item):
            before = sum((codes(item) or 0) ** length for length in range(len(value)))
            return before + _digits([item] * len(value), value)
    raise TypeError(f"{value!r} has no code in {of}")


def _digits(types: Any, values: Any) -> int:
    code = 0
    for of, value in zip(types, values, strict=True):
        code = code * (codes(of) or 0) + code_of(of, value)
    return code


def value_of(of: Type, code: int) -> Any:
    match of:
        case BoolT():
            return bool(code)
        case IntT(low):
            return code + (low or 0)
        case EnumT(kind):
            return list(kind)[code]
        case LabelT():
            return labels_in_order(of)[code]
        case SortT(_, held):
            assert held is not None
            return held[code]
        case OptionT(item):
            return None if code == 0 else value_of(item, code - 1)
        case TupleT(items):
            return tuple(_values(items, code))
        case RecordT(kind):
            return kind(*_values(parts_of(of), code))
        case UnionT(kinds):
            for one in kinds:
                if code < (codes(one) or 0):
                    return value_of(one, code)
                code -= codes(one) or 0
        case SetT(item):
            bits = sets_in_order(codes(item) or 0)[code]
            return Set(value_of(item, at) for at in ones(bits))
        case MapT(key, held):
            keys = [value_of(key, at) for at in members(key)]
            return Map(zip(keys, _values([held] * len(keys), code), strict=True))
        case SeqT(item):
            length, size = 0, codes(item) or 0
            while code >= size**length:
                code -= size**length
                length += 1
            return tuple(_values([item] * length, code))
    raise TypeError(f"{of} has no codes")


def _values(types: Any, code: int) -> list[Any]:
    found = []
    for of in reversed(types):
        code, digit = divmod(code, codes(of) or 1)
        found.append(value_of(of, digit))
    return found[::-1]


def ones(bits: int) -> Iterator[int]:
    """Where the ones of a number stand, from the low end."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
