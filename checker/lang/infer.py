"""How types relate, and what is known of the value of an operator.

* `subtype(a, b)`: every value of `a` is one of `b` (bounds included).
* `join(a, b)`: the smallest type that has both, or `None` where no type has: values of such
  types can never be equal, and comparing them is an error of the spec.
* `alike(a, b)`: the same but for bounds: a value of one may or may not fit into the other.

`NeverT` is the type of the items of `set()` and of what is in `None`: it has no values, and
joins with anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    Misfit,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
    union_of,
)


@dataclass(frozen=True)
class NeverT(Type):
    """The type without values."""

    @cached_property
    def size(self) -> int | None:
        return 0

    def misfit(self, value: Any) -> Misfit | None:
        return Misfit(f"{value!r} is there, where nothing can be")

    def values(self) -> Iterator[Any]:
        return iter(())

    def __str__(self) -> str:
        return "nothing"


NEVER = NeverT()


def subtype(a: Type, b: Type) -> bool:
    """Whether every value of `a` belongs to `b`."""
    if a == b or isinstance(a, NeverT):
        return True
    match a, b:
        case IntT(), IntT():
            return (b.low is None or (a.low is not None and a.low >= b.low)) and (
                b.high is None or (a.high is not None and a.high <= b.high)
            )
        case SortT(), SortT():
            return a.kind is b.kind
        case OptionT(), OptionT():
            return subtype(a.item, b.item)
        case _, OptionT():
            return subtype(a, b.item)
        case RecordT(), RecordT():
            return a.kind is b.kind and all(
                subtype(x, y) for (_, x), (_, y) in zip(a.fields, b.fields, strict=True)
            )
        case RecordT(), UnionT():
            return any(subtype(a, kind) for kind in b.kinds)
        case UnionT(), UnionT():
            return all(subtype(kind, b) for kind in a.kinds)
        case TupleT(), TupleT():
            return len(a.items) == len(b.items) and all(map(subtype, a.items, b.items))
        case (
            (SetT(x, most), SetT(y, room))
            | (SeqT(x, most), SeqT(y, room))
            | (
                BagT(x, most),
                BagT(y, room),
            )
        ):
            return subtype(x, y) and (room is None or (most is not None and most <= room))
        case MapT(), MapT():
            return _same_keys(a.key, b.key) and subtype(a.value, b.value)
    return False


def _same_keys(a: Type, b: Type) -> bool:
    return subtype(a, b) and subtype(b, a)


def join(a: Type, b: Type) -> Type | None:
    """The smallest type with the values of both; `None` if there is none."""
    if a == b or isinstance(b, NeverT):
        return a
    if isinstance(a, NeverT):
        return b
    if isinstance(a, OptionT) or isinstance(b, OptionT):
        inner = join(
            a.item if isinstance(a, OptionT) else a, b.item if isinstance(b, OptionT) else b
        )
        return None if inner is None else OptionT(inner)
    match a, b:
        case IntT(), IntT():
            return IntT(_both(min, a.low, b.low), _both(max, a.high, b.high))
        case (SortT(), SortT()) if a.kind is b.kind:
            return a
        case (RecordT(), RecordT()) if a.kind is b.kind:
            fields = [
                (name, join(x, y)) for (name, x), (_, y) in zip(a.fields, b.fields, strict=True)
            ]
            if any(of is None for _, of in fields):
                return None
            return RecordT(a.kind, tuple((name, of) for name, of in fields if of is not None))
        case (RecordT() | UnionT(), RecordT() | UnionT()):
            return _join_unions(a, b)
        case (TupleT(), TupleT()) if len(a.items) == len(b.items):
            items = [join(x, y) for x, y in zip(a.items, b.items, strict=True)]
            return None if None in items else TupleT(tuple(i for i in items if i is not None))
        case SetT(), SetT():
            inner = join(a.item, b.item)
            return None if inner is None else SetT(inner, _both(max, a.at_most, b.at_most))
        case SeqT(), SeqT():
            inner = join(a.item, b.item)
            return None if inner is None else SeqT(inner, _both(max, a.at_most, b.at_most))
        case BagT(), BagT():
            inner = join(a.item, b.item)
            return None if inner is None else BagT(inner, _both(max, a.at_most, b.at_most))
        case MapT(), MapT():
            value = join(a.value, b.value)
            keys = _same_keys(a.key, b.key)
            return MapT(a.key, value) if keys and value is not None else None
    return None


def _join_unions(a: RecordT | UnionT, b: RecordT | UnionT) -> Type | None:
    held = {kind.kind: kind for kind in kinds_of(a)}
    for kind in kinds_of(b):
        joined = join(held.get(kind.kind, kind), kind)
        if not isinstance(joined, RecordT):
            return None
        held[kind.kind] = joined
    return union_of(list(held.values()))


def _both(best: Callable[[int, int], int], x: int | None, y: int | None) -> int | None:
    return None if x is None or y is None else best(x, y)


def alike(a: Type, b: Type) -> bool:
    """Whether a value of `a` belongs to `b` or leaves it only by a bound."""
    return subtype(unbounded(a), unbounded(b))


def unbounded(of: Type) -> Type:
    """The type without its bounds on numbers and lengths (keys of Maps keep theirs)."""
    match of:
        case IntT():
            return IntT()
        case OptionT(item):
            return OptionT(unbounded(item))
        case SetT(item):
            return SetT(unbounded(item))
        case SeqT(item):
            return SeqT(unbounded(item))
        case BagT(item):
            return BagT(unbounded(item))
        case MapT(key, value):
            return MapT(key, unbounded(value))
        case TupleT(items):
            return TupleT(tuple(unbounded(item) for item in items))
        case RecordT(kind, fields):
            return RecordT(kind, tuple((name, unbounded(field)) for name, field in fields))
        case UnionT(kinds):
            return UnionT(tuple(k for k in map(unbounded, kinds) if isinstance(k, RecordT)))
    return of


def comparable(a: Type, b: Type) -> bool:
    """Whether a value of one type can be equal to a value of the other."""
    if isinstance(a, NeverT) or isinstance(b, NeverT):
        return True
    if isinstance(a, OptionT) and isinstance(b, OptionT):
        return comparable(a.item, b.item)
    if isinstance(a, OptionT):
        return comparable(a.item, b)
    if isinstance(b, OptionT):
        return comparable(a, b.item)
    match a, b:
        case (RecordT() | UnionT(), RecordT() | UnionT()):
            kinds = {kind.kind for kind in kinds_of(a)} & {kind.kind for kind in kinds_of(b)}
            return bool(kinds) and join(a, b) is not None
        case TupleT(), TupleT():
            return len(a.items) == len(b.items) and all(map(comparable, a.items, b.items))
        case (SetT(x), SetT(y)) | (SeqT(x), SeqT(y)) | (BagT(x), BagT(y)):
            return join(x, y) is not None
    return join(a, b) is not None


def kinds_of(of: Type) -> tuple[RecordT, ...]:
    """The kinds of record in a record, a union, or an Option of these."""
    match of:
        case RecordT():
            return (of,)
        case UnionT(kinds):
            return kinds
        case OptionT(item):
            return kinds_of(item)
    return ()


def has_never(of: Type) -> bool:
    """Whether the type is not fully known: it comes from `None` or an empty display alone."""
    match of:
        case NeverT():
            return True
        case OptionT(item) | SetT(item) | SeqT(item) | BagT(item):
            return has_never(item)
        case MapT(key, value):
            return has_never(key) or has_never(value)
        case TupleT(items):
            return any(has_never(item) for item in items)
        case RecordT(fields=fields):
            return any(has_never(field) for _, field in fields)
        case UnionT(kinds):
            return any(has_never(kind) for kind in kinds)
    return False


def item_of(of: Type) -> Type | None:
    """The type of what is walked in a Set, Seq or Bag, and of the keys of a Map."""
    match of:
        case SetT(item) | SeqT(item) | BagT(item):
            return item
        case MapT(key):
            return key
    return None


def ordered(of: Type) -> bool:
    """Whether values of the type compare with `<`: numbers, and tuples of them."""
    match of:
        case IntT():
            return True
        case TupleT(items):
            return bool(items) and all(ordered(item) for item in items)
    return False


def widened(old: Type, new: Type) -> Type:
    """The join of a variable's type round a loop: bounds that keep growing are given up."""
    joined = join(old, new)
    assert joined is not None
    return joined if joined == old else unbounded(joined)


# --------------------------------------------------------------------------- bounds of numbers

Bounds = tuple[int | None, int | None]


def _add(a: Bounds, b: Bounds) -> Bounds:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    high = None if a[1] is None or b[1] is None else a[1] + b[1]
    return low, high


def _negated(a: Bounds) -> Bounds:
    return (None if a[1] is None else -a[1]), (None if a[0] is None else -a[0])


def _multiply(a: Bounds, b: Bounds) -> Bounds:
    if None not in (*a, *b):
        ends = [x * y for x, y in product(a, b) if x is not None and y is not None]
        return min(ends), max(ends)
    if a[0] is not None and a[0] >= 0 and b[0] is not None and b[0] >= 0:
        return a[0] * b[0], None
    return None, None


def _divide(a: Bounds, b: Bounds) -> Bounds:
    if b[0] is None or b[0] <= 0:
        return None, None
    if None in (*a, *b):
        return (0 if a[0] is not None and a[0] >= 0 else None), None
    ends = [x // y for x, y in product(a, b) if x is not None and y is not None]
    return min(ends), max(ends)


def _remainder(a: Bounds, b: Bounds) -> Bounds:
    if b[0] is None or b[0] <= 0 or b[1] is None:
        return None, None
    if a[0] is not None and a[0] >= 0 and a[1] is not None and a[1] < b[0]:
        return a
    return 0, b[1] - 1


def _absolute(a: Bounds) -> Bounds:
    if a[0] is not None and a[0] >= 0:
        return a
    if None in a:
        return 0, None
    assert a[0] is not None
    assert a[1] is not None
    return max(0, -a[1]), max(-a[0], a[1])


def _least(a: Bounds, b: Bounds) -> Bounds:
    low = _both(min, a[0], b[0])
    highs = [x for x in (a[1], b[1]) if x is not None]
    return low, min(highs) if highs else None


def _greatest(a: Bounds, b: Bounds) -> Bounds:
    lows = [x for x in (a[0], b[0]) if x is not None]
    return (max(lows) if lows else None), _both(max, a[1], b[1])


_BOUNDS: dict[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": _add,
    "-": lambda a, b: _add(a, _negated(b)),
    "*": _multiply,
    "//": _divide,
    "%": _remainder,
    "min": _least,
    "max": _greatest,
}


def arithmetic(op: str, operands: list[IntT]) -> IntT:
    """What is known of the result of an operator on numbers."""
    bounds = [(of.low, of.high) for of in operands]
    if op == "neg":
        return IntT(*_negated(bounds[0]))
    if op == "abs":
        return IntT(*_absolute(bounds[0]))
    known = bounds[0]
    for other in bounds[1:]:
        known = _BOUNDS[op](known, other)
    return IntT(*known)


def longest(of: Type) -> int | None:
    """The most items that a container of this type can have."""
    match of:
        case SetT(item, at_most):
            known = [n for n in (item.size, at_most) if n is not None]
            return min(known) if known else None
        case SeqT(_, at_most) | BagT(_, at_most):
            return at_most
        case MapT(key):
            return key.size
    return None


__all__ = [
    "NEVER",
    "BoolT",
    "EnumT",
    "LabelT",
    "NeverT",
    "alike",
    "arithmetic",
    "comparable",
    "has_never",
    "item_of",
    "join",
    "kinds_of",
    "longest",
    "ordered",
    "subtype",
    "unbounded",
    "widened",
]
