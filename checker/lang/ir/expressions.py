"""Expressions: pure, with a type and a place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf

from checker.lang.errors import Place
from checker.lang.types import BoolT, IntT, Type
from checker.lang.values import Record, Sort

NOWHERE = Place("<made>", 0)

SortKind = type[Sort]

BOOL = BoolT()
INT = IntT()


@dataclass(frozen=True)
class Node:
    """The base of everything that stands in a tree."""


@dataclass(frozen=True)
class Expr(Node):
    """A pure expression.  `type` and `place` are given by keyword."""

    type: Type = field(kw_only=True)
    place: Place = field(kw_only=True, compare=False, repr=False, default=NOWHERE)


# --------------------------------------------------------------------------- atoms


@dataclass(frozen=True)
class Literal(Expr):
    """A value of the language, of this type."""

    value: Any


TRUE = Literal(True, type=BOOL)
FALSE = Literal(False, type=BOOL)


@dataclass(frozen=True)
class Constant(Expr):
    """A constant of the spec, by qualified name.  Its value stands in `Program.constants`."""

    name: str


@dataclass(frozen=True)
class Local(Expr):
    """A parameter, a local variable, or a variable bound by a generator."""

    name: str


@dataclass(frozen=True)
class FieldRead(Expr):
    """The current value of a state field, or with `old` the value before the step."""

    name: str
    old: bool = False


# --------------------------------------------------------------------------- operators

OPERATORS: dict[str, str] = {
    # -- truth
    "not": "not a",
    "and": "a and b and ...: stops at the first that is false",
    "or": "a or b or ...: stops at the first that is true",
    # -- comparison
    "==": "two values of one type are the same value",
    "!=": "two values of one type are not the same value",
    "<": "a < b, of numbers",
    "<=": "a <= b, of numbers",
    ">": "a > b, of numbers",
    ">=": "a >= b, of numbers",
    # -- numbers
    "+": "a + b",
    "-": "a - b",
    "*": "a * b",
    "//": "a // b, rounded towards minus infinity; b is not 0",
    "%": "a - b * (a // b); b is not 0",
    "neg": "-a",
    "abs": "the absolute value of a",
    "min": "the least of these numbers, at least one",
    "max": "the greatest of these numbers, at least one",
    # -- tuples
    "tuple.of": "(a, b, ...)",
    # -- sets
    "set.of": "{a, b, ...}",
    "set.union": "a | b",
    "set.both": "a & b",
    "set.minus": "a - b",
    "set.xor": "a ^ b",
    "set.subset": "a <= b",
    "set.strict": "a < b: a subset and not equal",
    "set.has": "item in set",
    "set.len": "how many members",
    "set.add": "the set with this item",
    "set.discard": "the set without this item",
    "set.remove": "the set without this item, which it has",
    "set.sorted": "its members as a Seq, in canonical order",
    "set.subsets": "the set of its subsets",
    "set.majorities": "the set of its subsets of size len // 2 + 1",
    "set.the": "its only member",
    "set.arbitrary": "its first member in canonical order; it is not empty",
    # -- maps, total on the key type
    "map.get": "map[key]; the key belongs to the key type",
    "map.set": "the map with another value at a key of the key type",
    "map.fill": "everywhere(value)",
    "map.of": "{k: v, ...}, operands k, v, k, v ...; every key of the key type stands there",
    "map.keys": "the set of the keys",
    "map.len": "how many keys",
    # -- sequences; an index i < 0 counts from the end
    "seq.of": "[a, b, ...]",
    "seq.get": "seq[index], -len <= index < len",
    "seq.slice": "seq[low:high], Python's clamping",
    "seq.set": "the sequence with another item at an index (seq, index, item)",
    "seq.append": "the sequence and one item more",
    "seq.concat": "a + b",
    "seq.insert": "(seq, index, item): the item before this index, clamped",
    "seq.delete": "the sequence without the item at this index",
    "seq.cut": "(seq, low, high): the sequence without seq[low:high]",
    "seq.remove": "the sequence without the first of this item, which it has",
    "seq.has": "item in seq",
    "seq.len": "how many items",
    "seq.count": "how often the item stands in it",
    "seq.index": "the first index of this item, which it has",
    "seq.reversed": "the items in reverse",
    "seq.sorted": "the items in canonical order",
    # -- bags
    "bag.of": "a bag of these items",
    "bag.add": "the bag with one more of this item",
    "bag.remove": "the bag with one less of this item, which it has",
    "bag.has": "item in bag",
    "bag.len": "how many items in all",
    "bag.count": "how many of this item",
    "bag.support": "the set of its distinct items",
}


@dataclass(frozen=True)
class Op(Expr):
    """An operator of the table above, applied."""

    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Item(Expr):
    """One part of a tuple: `of[index]`, the index is a number in the source."""

    of: Expr
    index: int


# --------------------------------------------------------------------------- records and options


@dataclass(frozen=True)
class Get(Expr):
    """A field of a record; of a union if every kind has that field with this very type."""

    of: Expr
    field: str


@dataclass(frozen=True)
class MakeRecord(Expr):
    """A record of kind `type`, from one operand for each field in order.

    The types of the fields are what is known of the operands: they may be wider than those
    declared (putting the record into a field of the state is a `Fit`).
    """

    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Replace(Expr):
    """The record with some fields changed."""

    of: Expr
    names: tuple[str, ...]
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class IsNone(Expr):
    """Whether an Option is absent."""

    of: Expr


@dataclass(frozen=True)
class IsKind(Expr):
    """Whether a record, a union, or an Option of these, is a record of one of these kinds."""

    of: Expr
    kinds: tuple[type[Record], ...]


@dataclass(frozen=True)
class Narrow(Expr):
    """An Option known to be present, or a Union known to be of fewer kinds, as `type`."""

    of: Expr


@dataclass(frozen=True)
class Widen(Expr):
    """The same value as a member of a larger domain."""

    of: Expr


@dataclass(frozen=True)
class Fit(Expr):
    """The same value as a member of the domain `type`.

    A value outside is a model error, or what the innermost domain that it leaves says
    (`beyond`): the step is not enabled, or the state is cut off.
    """

    of: Expr


@dataclass(frozen=True)
class Fits(Expr):
    """Whether a value belongs to a domain."""

    of: Expr
    into: Type


# --------------------------------------------------------------------------- binding and choice


@dataclass(frozen=True)
class IfElse(Expr):
    """`then if test else other`."""

    test: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True)
class LetIn(Expr):
    """`body`, where the local `name` is `value`."""

    name: str
    value: Expr
    body: Expr


@dataclass(frozen=True)
class Source(Node):
    """What a generator or a loop walks.  `place` as for expressions."""

    place: Place = field(kw_only=True, compare=False, repr=False, default=NOWHERE)


@dataclass(frozen=True)
class Domain(Source):
    """All values of a type (of a Sort that is left open: all its members)."""

    of: Type


@dataclass(frozen=True)
class Range(Source):
    """start, start + 1, ... below stop."""

    start: Expr
    stop: Expr


@dataclass(frozen=True)
class Members(Source):
    """The members of a Set; the items of a Seq in order; those of a Bag, as often as they stand."""

    of: Expr


@dataclass(frozen=True)
class Gen(Node):
    """`for name in source`."""

    name: str
    of: Type
    source: Source


@dataclass(frozen=True)
class When(Node):
    """`if test`."""

    test: Expr


@dataclass(frozen=True)
class Bind(Node):
    """A name for a value, for the clauses that follow and the item."""

    name: str
    value: Expr


Clause = Gen | When | Bind

FoldOp = OneOf["any", "all", "sum", "min", "max", "count", "set", "seq", "bag"]

PickOp = OneOf["least", "greatest"]
How = OneOf["domain", "member", "subset"]

FOLDS: dict[str, str] = {
    "any": "whether the item is true for some; stops at the first",
    "all": "whether the item is true for each; stops at the first that is not",
    "sum": "the sum of the items",
    "min": "the least item, or the default if there is none",
    "max": "the greatest item, or the default if there is none",
    "count": "for how many the item is true",
    "set": "the set of the items",
    "seq": "the sequence of the items, in order",
    "bag": "the bag of the items",
}


@dataclass(frozen=True)
class Fold(Expr):
    """A quantifier or a comprehension: the items of all bindings of the clauses, together."""

    op: FoldOp
    clauses: tuple[Clause, ...]
    item: Expr
    default: Expr | None = None


@dataclass(frozen=True)
class MapFold(Expr):
    """`{key: value for ...}`: every key of the key type is given; the last one counts."""

    clauses: tuple[Clause, ...]
    key: Expr
    value: Expr


@dataclass(frozen=True)
class Pick(Expr):
    """The member of a Set, Seq or Bag whose key is least or greatest; the only such one.

    The key is a number, or a tuple of numbers that are compared one after the other.
    """

    op: PickOp
    name: str
    of: Expr
    key: Expr


@dataclass(frozen=True)
class SortBy(Expr):
    """The items by key (as for `Pick`), ties in canonical order of a Set, in order of a Seq."""

    name: str
    of: Expr
    key: Expr
    reverse: bool = False


@dataclass(frozen=True)
class Call(Expr):
    """A function that neither writes nor requires; with `old`, in the state before the step."""

    function: str
    args: tuple[Expr, ...]
    old: bool = False


@dataclass(frozen=True)
class Enabled(Expr):
    """Whether this function runs to its end now: no guard fails, nothing is blocked or cut off."""

    function: str
    args: tuple[Expr, ...]
