"""The typed IR: what a specification says, in a closed set of nodes.

Rules of this file:

* One node, one meaning.  What a node does depends on its class, its operator and the types of
  its operands, never on where it stands.
* Every expression is pure, has a `type` (a finite domain wherever bounds are known) and a
  `place` in the user's file.  Places do not count for equality: equal trees mean the same.
* Nodes hold other nodes, names, types and values of the language (`values.py`); no function,
  no syntax tree and nothing of CPython's run.
* Conversions are explicit.  `Widen` never fails (a smaller domain into a larger one), `Narrow`
  takes a kind out of an Option or a Union, `Fit` puts a value into a domain that may not have
  room for it.  Operands of any other node have exactly the types that `verify.py` asks for.
* Numbers are Python's: unbounded, `//` and `%` round towards minus infinity.  An `IntT` with
  bounds says what is known of a value.
* What can fail is listed in one table, `definedness.py`; nothing else can.

Three readers are meant: generated C, z3 terms, and the read and write sets (`effects.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar
from typing import Literal as OneOf

from checker.lang.errors import Place
from checker.lang.types import BoolT, IntT, RecordT, SortT, Type
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


# --------------------------------------------------------------------------- statements


@dataclass(frozen=True)
class Stmt(Node):
    """A statement.  A body is a tuple of them, run in order."""

    place: Place = field(kw_only=True, compare=False, repr=False, default=NOWHERE)


@dataclass(frozen=True)
class Let(Stmt):
    """A local variable gets a value.  Every `Let` of one name has the same type."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Write(Stmt):
    """`field[path...] = value`: each step of the path is a key of a Map or an index of a Seq."""

    field: str
    path: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True)
class Require(Stmt):
    """If false, the whole step is not enabled."""

    test: Expr


@dataclass(frozen=True)
class Assert(Stmt):
    """If false, it is a model error."""

    test: Expr
    text: str = ""


@dataclass(frozen=True)
class If(Stmt):
    test: Expr
    then: tuple[Stmt, ...]
    other: tuple[Stmt, ...] = ()


@dataclass(frozen=True)
class For(Stmt):
    """`for name in source`: the source is read once, before the first round.

    `ordered` is false for a Set, a Bag and the domain of a Sort; then the rounds commute.
    """

    name: str
    of: Type
    source: Source
    body: tuple[Stmt, ...]
    ordered: bool


@dataclass(frozen=True)
class Return(Stmt):
    value: Expr | None = None


@dataclass(frozen=True)
class Do(Stmt):
    """A call of a function that may write and require; its value goes into a local, if named."""

    function: str
    args: tuple[Expr, ...]
    into: str | None = None


Body = tuple[Stmt, ...]

# --------------------------------------------------------------------------- programs


@dataclass(frozen=True)
class Param:
    name: str
    type: Type


@dataclass(frozen=True)
class Function:
    """A helper.  Ways through its body that meet no `Return` return nothing."""

    name: str
    params: tuple[Param, ...]
    returns: Type | None
    locals: tuple[Param, ...]
    body: Body
    writes: frozenset[str]
    """The fields that it may write, itself or through calls."""
    guarded: bool
    """Whether it may `require`, itself or through calls."""
    place: Place = field(compare=False, default=NOWHERE)

    @property
    def pure(self) -> bool:
        return not self.writes and not self.guarded


@dataclass(frozen=True)
class Choice:
    """What a parameter ranges over: its whole type, or `within` (read in the current state).

    "member": the distinct items of `within` that belong to the parameter's type; "subset": the
    subsets of it that do.  `within` may use the parameters before this one.  Where `given` is
    false there is nothing to choose, and `within` is not read.  Where one of them fails, the
    whole domains are to be walked (see `choices.py`).
    """

    name: str
    type: Type
    how: How
    within: Expr | None = None
    given: Expr = Literal(True, type=BOOL)


@dataclass(frozen=True)
class Fair:
    """One fairness assumption: see `declare.Fairness`.  `when` is a function of the parameters."""

    strength: OneOf["weak", "strong"]
    for_each: tuple[str, ...]
    when: str | None


@dataclass(frozen=True)
class ActionIR:
    name: str
    function: str
    choices: tuple[Choice, ...]
    fairness: Fair | None = None
    optional: bool = False

    @property
    def params(self) -> tuple[Param, ...]:
        return tuple(Param(choice.name, choice.type) for choice in self.choices)


@dataclass(frozen=True)
class PropertyIR:
    """A property, `final`, `constraint` or `assume`: a pure function of its parameters."""

    name: str
    kind: str
    function: str
    params: tuple[Param, ...]


@dataclass(frozen=True)
class RefinementIR:
    """How a state is a state of another program: a pure function for each of its fields.

    What a function gives may lie outside the field's domain: that is a model error.
    """

    name: str
    other: Program
    fields: tuple[tuple[str, str], ...]
    """Each field of `other`, in order, and the name of its function here."""
    steps: int
    """The most steps there that one step here may be."""


@dataclass(frozen=True)
class StateField:
    name: str
    type: Type
    ghost: bool
    default: Any


@dataclass(frozen=True)
class ConstantIR:
    name: str
    type: Type
    value: Any
    members_of: SortKind | None


@dataclass(frozen=True)
class Program:
    """A whole specification with its constants.  `functions` has every body, by name."""

    name: str
    fields: tuple[StateField, ...]
    constants: dict[str, ConstantIR]
    sorts: tuple[SortT, ...]
    functions: dict[str, Function]
    actions: tuple[ActionIR, ...]
    inits: tuple[tuple[ActionIR, ...], ...]
    """One group for each part with an `@init`: one of each group is taken, in this order."""
    properties: tuple[PropertyIR, ...]
    final: tuple[PropertyIR, ...]
    constraints: tuple[PropertyIR, ...]
    assumes: tuple[PropertyIR, ...]
    refinements: tuple[RefinementIR, ...]
    records: dict[RecordT, tuple[str, ...]]
    """For each type of a record that is made and has invariants: the functions that check it."""

    def field(self, name: str) -> StateField:
        return next(f for f in self.fields if f.name == name)

    def action(self, name: str) -> ActionIR:
        return next(a for a in self.actions if a.name == name)


# --------------------------------------------------------------------------- walking

N = TypeVar("N", bound=Node)
Tree = Node | Body | tuple[Expr, ...]


_known_slots: dict[type[Node], tuple[str, ...]] = {}


def _slots(kind: type[Node]) -> tuple[str, ...]:
    if kind not in _known_slots:
        names = (f.name for f in fields(kind))
        _known_slots[kind] = tuple(name for name in names if name not in ("type", "place"))
    return _known_slots[kind]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under this one, in the order of evaluation."""
    for slot in _slots(type(node)):
        held = getattr(node, slot)
        if isinstance(held, Node):
            yield held
        elif isinstance(held, tuple):
            for part in held:
                if isinstance(part, Node):
                    yield part


def walk(node: Tree) -> Iterator[Node]:
    """A node (or a body) and everything under it, outer nodes first."""
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
        return
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(node: N, change: Callable[[Any], Any]) -> N:
    """The node with each direct child replaced by `change(child)`."""
    changes: dict[str, Any] = {}
    for slot in _slots(type(node)):
        held = getattr(node, slot)
        if isinstance(held, Node):
            new: Any = change(held)
        elif isinstance(held, tuple) and any(isinstance(part, Node) for part in held):
            new = tuple(change(part) if isinstance(part, Node) else part for part in held)
            if all(a is b for a, b in zip(held, new, strict=True)):
                new = held
        else:
            continue
        if new is not held:
            changes[slot] = new
    return replace(node, **changes) if changes else node


def substitute(expr: Expr, values: dict[str, Expr]) -> Expr:
    """The expression with locals replaced.  Names are unique, so nothing is captured."""
    if not values:
        return expr

    def change(node: Any) -> Any:
        if isinstance(node, Local):
            return values.get(node.name, node)
        return rebuild(node, change)

    made: Expr = change(expr)
    return made


def locals_in(node: Tree) -> frozenset[str]:
    """The names of locals that occur in a tree, bound there or not."""
    return frozenset(n.name for n in walk(node) if isinstance(n, Local))


# --------------------------------------------------------------------------- making

TRUE = Literal(True, type=BOOL)
FALSE = Literal(False, type=BOOL)


def number(value: int, place: Place = NOWHERE) -> Literal:
    return Literal(value, type=IntT(value, value), place=place)


def is_true(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is True


def is_false(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is False


def truth(op: str, *args: Expr, place: Place = NOWHERE) -> Op:
    """An operator whose value is a bool."""
    return Op(op, args, type=BOOL, place=place)


def both(*tests: Expr, place: Place = NOWHERE) -> Expr:
    """All of these, with what is plainly true left out."""
    parts: list[Expr] = []
    for test in tests:
        if is_false(test):
            return FALSE if not parts else truth("and", *parts, test, place=place)
        if isinstance(test, Op) and test.op == "and":
            parts += test.args
        elif not is_true(test):
            parts.append(test)
    if not parts:
        return TRUE
    return parts[0] if len(parts) == 1 else truth("and", *parts, place=place)


def either(*tests: Expr, place: Place = NOWHERE) -> Expr:
    """One of these, with what is plainly false left out."""
    parts = [test for test in tests if not is_false(test)]
    if not parts:
        return FALSE
    if is_true(parts[0]):
        return TRUE
    return parts[0] if len(parts) == 1 else truth("or", *parts, place=place)


def negation(test: Expr, place: Place = NOWHERE) -> Expr:
    if isinstance(test, Literal):
        return FALSE if test.value else TRUE
    if isinstance(test, Op) and test.op == "not":
        return test.args[0]
    return truth("not", test, place=place)
