"""The types of the language: finite domains of values.

A type here belongs to one instance of a spec: sizes are numbers.  The same objects serve
the running of a spec (is this value in its domain?), the compiler (what is the type of this
expression?), and the engines (enumerate, count, print).

Contract of every type:

* `misfit(value)`  None if the value belongs to the domain, else what is wrong with it;
* `coerce(value)`  the value in its canonical form (a `dict` becomes a `Map`, ...);
* `size`           how many values there are, counted up to `MANY`; `None` if there is no bound;
* `values()`       all of them, in canonical order; only if `size` is a number;
* `default()`      the value of a field that is given none; `NoDefault` if there is none;
* `text(value)`    the value as a person reads it; `json(value)` as a program does;
* `str(type)`      the type as it is written in a spec.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement, product
from math import log10
from typing import Any, Literal

from checker.lang.values import Bag, Map, Record, Set, Sort

Beyond = Literal["error", "block", "prune"]

MANY = 2**4096
"""Sizes are counted no further: the size of a set of sets may be a number that no memory holds.

All that is asked of a size is whether there is one, and whether it is small.
"""
MOST_LISTED = 10_000_000
"""So many values of a record are tried, to count those that keep its invariants."""


class NoDefault(Exception):
    """A type without a natural first value: the field needs one."""


@dataclass(frozen=True)
class Misfit:
    """Why a value is outside a domain.  `beyond` says what is then to happen."""

    problem: str
    beyond: Beyond = "error"
    mend: str = ""
    """Where it is not a matter of bounds."""


@dataclass(frozen=True)
class Everywhere:
    """`everywhere(v)`: a map with `v` at every key, whatever the keys are."""

    value: Any


class Type:
    """The base of all types; see the contract at the top of this file."""

    @cached_property
    def size(self) -> int | None:
        raise NotImplementedError

    def misfit(self, value: Any) -> Misfit | None:
        raise NotImplementedError

    def coerce(self, value: Any) -> Any:
        return value

    def values(self) -> Iterator[Any]:
        raise NotImplementedError

    def default(self) -> Any:
        raise NoDefault

    def text(self, value: Any) -> str:
        return repr(value)

    def json(self, value: Any) -> Any:
        return self.text(value)

    def __contains__(self, value: Any) -> bool:
        return self.misfit(value) is None

    def _not_one(self, value: Any) -> Misfit:
        return Misfit(f"{value!r} is not a value of {self}")


@dataclass(frozen=True)
class BoolT(Type):
    """`bool`."""

    @cached_property
    def size(self) -> int | None:
        return 2

    def misfit(self, value: Any) -> Misfit | None:
        return None if isinstance(value, bool) else self._not_one(value)

    def values(self) -> Iterator[Any]:
        return iter((False, True))

    def default(self) -> Any:
        return False

    def json(self, value: Any) -> Any:
        return value

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class IntT(Type):
    """`int` from `low` to `high`, both included; `None` where there is no bound."""

    low: int | None = None
    high: int | None = None
    beyond: Beyond = "error"

    @cached_property
    def size(self) -> int | None:
        if self.low is None or self.high is None:
            return None
        return max(0, self.high - self.low + 1)

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return self._not_one(value)
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            return Misfit(f"{value} is outside {self}", self.beyond)
        return None

    def values(self) -> Iterator[Any]:
        if self.low is None or self.high is None:
            raise ValueError(f"{self} has no bound")
        return iter(range(self.low, self.high + 1))

    def json(self, value: Any) -> Any:
        return value

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "int"
        low = "..." if self.low is None else self.low
        high = "..." if self.high is None else self.high
        return f"int[{low}..{high}]"


@dataclass(frozen=True)
class EnumT(Type):
    """A subclass of the standard library's `enum.Enum`, ordered as defined."""

    kind: type[enum.Enum]

    @cached_property
    def size(self) -> int | None:
        return len(self.kind)

    def misfit(self, value: Any) -> Misfit | None:
        return None if type(value) is self.kind else self._not_one(value)

    def values(self) -> Iterator[Any]:
        return iter(self.kind)

    def text(self, value: Any) -> str:
        return str(value.name)

    def __str__(self) -> str:
        return self.kind.__name__


@dataclass(frozen=True)
class LabelT(Type):
    """The names of a process's steps (`yield "name"`), as strings."""

    process: str
    labels: tuple[str, ...]

    @cached_property
    def size(self) -> int | None:
        return len(self.labels)

    def misfit(self, value: Any) -> Misfit | None:
        return None if value in self.labels else self._not_one(value)

    def values(self) -> Iterator[Any]:
        return iter(self.labels)

    def default(self) -> Any:
        return self.labels[0]

    def text(self, value: Any) -> str:
        return str(value)

    def __str__(self) -> str:
        return f"step of {self.process}"


@dataclass(frozen=True)
class SortT(Type):
    """A `Sort`: identities.  `members` is `None` where their number is left open (proofs)."""

    kind: type[Sort]
    members: tuple[Sort, ...] | None = None

    @cached_property
    def size(self) -> int | None:
        return None if self.members is None else len(self.members)

    def misfit(self, value: Any) -> Misfit | None:
        if type(value) is self.kind and (self.members is None or value in self.members):
            return None
        return self._not_one(value)

    def values(self) -> Iterator[Any]:
        if self.members is None:
            raise ValueError(f"the number of {self} is open")
        return iter(self.members)

    def text(self, value: Any) -> str:
        return str(value.name)

    def __str__(self) -> str:
        return self.kind.__name__


@dataclass(frozen=True)
class OptionT(Type):
    """`T | None`."""

    item: Type

    @cached_property
    def size(self) -> int | None:
        return None if self.item.size is None else min(MANY, self.item.size + 1)

    def misfit(self, value: Any) -> Misfit | None:
        return None if value is None else self.item.misfit(value)

    def coerce(self, value: Any) -> Any:
        return None if value is None else self.item.coerce(value)

    def values(self) -> Iterator[Any]:
        yield None
        yield from self.item.values()

    def default(self) -> Any:
        return None

    def text(self, value: Any) -> str:
        return "none" if value is None else self.item.text(value)

    def json(self, value: Any) -> Any:
        return None if value is None else self.item.json(value)

    def __str__(self) -> str:
        return f"{self.item} | None"


@dataclass(frozen=True)
class RecordT(Type):
    """A kind of `Record` with the types of its fields, in order."""

    kind: type[Record]
    fields: tuple[tuple[str, Type], ...]

    @cached_property
    def size(self) -> int | None:
        """With invariants on the record, those values are counted that keep them, or all where
        there are too many to try.
        """
        total = _product(field.size for _, field in self.fields)
        if self.kind._checks and total is not None and total <= MOST_LISTED:
            return sum(1 for _ in self.values())
        return total

    def field(self, name: str) -> Type | None:
        return next((field for known, field in self.fields if known == name), None)

    def misfit(self, value: Any) -> Misfit | None:
        if type(value) is not self.kind:
            return self._not_one(value)
        for name, field in self.fields:
            problem = field.misfit(getattr(value, name))
            if problem:
                return Misfit(f"{self}.{name}: {problem.problem}", problem.beyond)
        return None

    def coerce(self, value: Any) -> Any:
        if type(value) is not self.kind:
            return value
        held = tuple(getattr(value, name) for name, _ in self.fields)
        better = tuple(
            field.coerce(item) for (_, field), item in zip(self.fields, held, strict=True)
        )
        return value if all(map(lambda a, b: a is b, held, better)) else self.kind(*better)

    def values(self) -> Iterator[Any]:
        for args in product(*(tuple(field.values()) for _, field in self.fields)):
            if not self.kind._checks or self.kind.allows(args):
                yield self.kind(*args)

    def text(self, value: Any) -> str:
        inside = ", ".join(
            f"{name}={field.text(getattr(value, name))}" for name, field in self.fields
        )
        return f"{self}({inside})"

    def json(self, value: Any) -> Any:
        return {"kind": str(self)} | {
            name: field.json(getattr(value, name)) for name, field in self.fields
        }

    def __str__(self) -> str:
        return self.kind.__name__


@dataclass(frozen=True)
class UnionT(Type):
    """One of several kinds of record: `Prepare | Promise`.  Kinds stand in order of name."""

    kinds: tuple[RecordT, ...]

    @cached_property
    def size(self) -> int | None:
        total = 0
        for kind in self.kinds:
            if kind.size is None:
                return None
            total = min(MANY, total + kind.size)
        return total

    def of(self, value: Any) -> RecordT | None:
        return next((kind for kind in self.kinds if kind.kind is type(value)), None)

    def misfit(self, value: Any) -> Misfit | None:
        kind = self.of(value)
        return kind.misfit(value) if kind else self._not_one(value)

    def coerce(self, value: Any) -> Any:
        kind = self.of(value)
        return kind.coerce(value) if kind else value

    def values(self) -> Iterator[Any]:
        for kind in self.kinds:
            yield from kind.values()

    def text(self, value: Any) -> str:
        kind = self.of(value)
        return kind.text(value) if kind else repr(value)

    def json(self, value: Any) -> Any:
        kind = self.of(value)
        return kind.json(value) if kind else repr(value)

    def __str__(self) -> str:
        return " | ".join(str(kind) for kind in self.kinds)


@dataclass(frozen=True)
class TupleT(Type):
    """`tuple[A, B]`: a pair, a triple, ..."""

    items: tuple[Type, ...]

    @cached_property
    def size(self) -> int | None:
        return _product(item.size for item in self.items)

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, tuple) or len(value) != len(self.items):
            return self._not_one(value)
        return next(filter(None, map(lambda t, v: t.misfit(v), self.items, value)), None)

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, tuple) or len(value) != len(self.items):
            return value
        return tuple(item.coerce(part) for item, part in zip(self.items, value, strict=True))

    def values(self) -> Iterator[Any]:
        return product(*(tuple(item.values()) for item in self.items))

    def default(self) -> Any:
        return tuple(item.default() for item in self.items)

    def text(self, value: Any) -> str:
        parts = [item.text(part) for item, part in zip(self.items, value, strict=True)]
        return "(" + ", ".join(parts) + ")"

    def json(self, value: Any) -> Any:
        return [item.json(part) for item, part in zip(self.items, value, strict=True)]

    def __str__(self) -> str:
        return "tuple[" + ", ".join(str(item) for item in self.items) + "]"


@dataclass(frozen=True)
class SetT(Type):
    """`Set[T]`, with at most `at_most` members where that is given (`AtMost`)."""

    item: Type
    at_most: int | None = None
    beyond: Beyond = "error"

    @cached_property
    def size(self) -> int | None:
        if self.item.size is None:
            return None
        if self.at_most is None:
            return _power(2, self.item.size)
        total = 0
        for count in range(min(self.at_most, self.item.size) + 1):
            total += _ways(self.item.size, count)
            if total >= MANY:
                return MANY
        return total

    @cached_property
    def _fitting(self) -> set[Any]:
        """Items known to belong, so that each is looked at once."""
        return set()

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, Set):
            return self._not_one(value)
        if not value <= self._fitting:
            for item in value:
                problem = self.item.misfit(item)
                if problem:
                    return Misfit(f"in a set: {problem.problem}", problem.beyond)
            self._fitting.update(value)
        if self.at_most is not None and len(value) > self.at_most:
            return Misfit(f"{len(value)} members where {self} has room", self.beyond)
        return None

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, set | frozenset):
            return value
        return Set(self.item.coerce(item) for item in value)

    def values(self) -> Iterator[Any]:
        items = tuple(self.item.values())
        most = len(items) if self.at_most is None else min(self.at_most, len(items))
        for size in range(most + 1):
            for chosen in combinations(items, size):
                yield Set(chosen)

    def default(self) -> Any:
        return Set()

    def text(self, value: Any) -> str:
        return "{" + ", ".join(self.item.text(item) for item in value) + "}"

    def json(self, value: Any) -> Any:
        return [self.item.json(item) for item in value]

    def __str__(self) -> str:
        return f"Set[{self.item}]" + _room(self.at_most)


@dataclass(frozen=True)
class MapT(Type):
    """`Map[K, V]`: total, every value of K has one of V."""

    key: Type
    value: Type

    @cached_property
    def size(self) -> int | None:
        if self.key.size is None or self.value.size is None:
            return None
        return _power(self.value.size, self.key.size)

    @cached_property
    def keys(self) -> tuple[Any, ...]:
        return tuple(self.key.values())

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, Map):
            return self._not_one(value)
        if self.key.size is not None and tuple(value) != self.keys:
            missing = [self.key.text(k) for k in self.keys if k not in value]
            extra = [repr(k) for k in value if k not in self.keys]
            what = (
                f"no value for {', '.join(missing)}" if missing else f"{', '.join(extra)} is no key"
            )
            return Misfit(
                f"{what} in a {self}: a Map has a value for every key",
                mend="write {k: ... for k in ...} over all keys, or change one: x[k] = ...",
            )
        for key, held in value.items():
            problem = self.value.misfit(held)
            if problem:
                return Misfit(f"[{self.key.text(key)}]: {problem.problem}", problem.beyond)
        return None

    def coerce(self, value: Any) -> Any:
        if isinstance(value, Everywhere):
            inner = (
                value
                if isinstance(self.value, MapT) and not isinstance(value.value, dict | Everywhere)
                else value.value
            )
            one = self.value.coerce(inner)
            return Map((key, one) for key in self.keys)
        if not isinstance(value, dict):
            return value
        return Map((self.key.coerce(k), self.value.coerce(v)) for k, v in value.items())

    def values(self) -> Iterator[Any]:
        for held in product(*(tuple(self.value.values()) for _ in self.keys)):
            yield Map(zip(self.keys, held, strict=True))

    def default(self) -> Any:
        one = self.value.default()
        return Map((key, one) for key in self.keys)

    def text(self, value: Any) -> str:
        inside = ", ".join(f"{self.key.text(k)}: {self.value.text(v)}" for k, v in value.items())
        return "{" + inside + "}"

    def json(self, value: Any) -> Any:
        return {self.key.text(k): self.value.json(v) for k, v in value.items()}

    def __str__(self) -> str:
        return f"Map[{self.key}, {self.value}]"


@dataclass(frozen=True)
class SeqT(Type):
    """`Seq[T]`, with at most `at_most` items (`None`: no bound)."""

    item: Type
    at_most: int | None = None
    beyond: Beyond = "error"

    @cached_property
    def size(self) -> int | None:
        if self.item.size is None or self.at_most is None:
            return None
        if self.item.size < 2:
            return 1 + self.item.size * self.at_most
        more = _power(self.item.size, self.at_most + 1)
        return MANY if more == MANY else (more - 1) // (self.item.size - 1)

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, tuple):
            return self._not_one(value)
        for index, item in enumerate(value):
            problem = self.item.misfit(item)
            if problem:
                return Misfit(f"[{index}]: {problem.problem}", problem.beyond)
        if self.at_most is not None and len(value) > self.at_most:
            return Misfit(f"{len(value)} items where {self} has room", self.beyond)
        return None

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple(self.item.coerce(item) for item in value)

    def values(self) -> Iterator[Any]:
        if self.at_most is None:
            raise ValueError(f"{self} has no bound")
        items = tuple(self.item.values())
        for length in range(self.at_most + 1):
            yield from product(items, repeat=length)

    def default(self) -> Any:
        return ()

    def text(self, value: Any) -> str:
        return "[" + ", ".join(self.item.text(item) for item in value) + "]"

    def json(self, value: Any) -> Any:
        return [self.item.json(item) for item in value]

    def __str__(self) -> str:
        return f"Seq[{self.item}]" + _room(self.at_most)


@dataclass(frozen=True)
class BagT(Type):
    """`Bag[T]`, with at most `at_most` items in all (`None`: no bound)."""

    item: Type
    at_most: int | None = None
    beyond: Beyond = "error"

    @cached_property
    def size(self) -> int | None:
        if self.item.size is None or self.at_most is None:
            return None
        return _ways(self.item.size + self.at_most, self.at_most)

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, Bag):
            return self._not_one(value)
        for item in value.distinct():
            problem = self.item.misfit(item)
            if problem:
                return Misfit(f"in a bag: {problem.problem}", problem.beyond)
        if self.at_most is not None and value.total > self.at_most:
            return Misfit(f"{value.total} items where {self} has room", self.beyond)
        return None

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, Bag | list | tuple):
            return value
        return Bag(self.item.coerce(item) for item in value)

    def values(self) -> Iterator[Any]:
        if self.at_most is None:
            raise ValueError(f"{self} has no bound")
        items = tuple(self.item.values())
        for total in range(self.at_most + 1):
            for chosen in combinations_with_replacement(items, total):
                yield Bag(chosen)

    def default(self) -> Any:
        return Bag()

    def text(self, value: Any) -> str:
        return "Bag[" + ", ".join(self.item.text(item) for item in value) + "]"

    def json(self, value: Any) -> Any:
        return [self.item.json(item) for item in value]

    def __str__(self) -> str:
        return f"Bag[{self.item}]" + _room(self.at_most)


def counted(size: int) -> str:
    """A size in words: `1,234`, or `more than 10^15`."""
    if size <= 10**15:
        return f"{size:,}"
    return f"more than 10^{int((size.bit_length() - 1) * log10(2))}"


def _product(sizes: Iterable[int | None]) -> int | None:
    total = 1
    for size in sizes:
        if size is None:
            return None
        total = min(MANY, total * size)
    return total


def _power(base: int, exponent: int) -> int:
    if base > 1 and (base.bit_length() - 1) * exponent >= MANY.bit_length():
        return MANY
    return 1 if exponent == 0 else base if base < 2 else min(MANY, int(base**exponent))


def _ways(items: int, count: int) -> int:
    """How many sets of `count` of so many items there are."""
    total = 1
    for number in range(min(count, items - count)):
        total = total * (items - number) // (number + 1)
        if total >= MANY:
            return MANY
    return total


def _room(at_most: int | None) -> str:
    return "" if at_most is None else f" of at most {at_most}"


def union_of(kinds: list[RecordT]) -> Type:
    """The union of these kinds of record; the record type itself if there is one only."""
    distinct = {kind.kind: kind for kind in kinds}
    ordered = sorted(distinct.values(), key=str)
    return ordered[0] if len(ordered) == 1 else UnionT(tuple(ordered))


def sorts_in(of: Type) -> frozenset[type[Sort]]:
    """The Sorts whose members may occur in values of this type."""
    match of:
        case SortT(kind):
            return frozenset({kind})
        case OptionT(item) | SetT(item) | SeqT(item) | BagT(item):
            return sorts_in(item)
        case RecordT(fields=fields):
            return frozenset().union(*(sorts_in(field) for _, field in fields))
        case UnionT(kinds):
            return frozenset().union(*(sorts_in(kind) for kind in kinds))
        case TupleT(items):
            return frozenset().union(*(sorts_in(item) for item in items))
        case MapT(key, value):
            return sorts_in(key) | sorts_in(value)
    return frozenset()


__all__ = [
    "MANY",
    "BagT",
    "Beyond",
    "BoolT",
    "EnumT",
    "Everywhere",
    "IntT",
    "LabelT",
    "MapT",
    "Misfit",
    "NoDefault",
    "OptionT",
    "RecordT",
    "SeqT",
    "SetT",
    "SortT",
    "TupleT",
    "Type",
    "UnionT",
    "counted",
    "sorts_in",
    "union_of",
]
