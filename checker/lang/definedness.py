"""Every way in which an expression can fail, in one table, and when it does not.

`PARTIAL` has one row for each partial operation: the rule that a user reads, the mend, and the
condition under which the operation is defined, as an expression of the IR over its operands.
`defined(expr)` puts them together for a whole expression: it is itself always defined when its
parts are read from the left, as `and` and `or` do.

One thing is stricter here than in a run: `any` and `all` over partial items are defined if
every item is, although a run stops at the first that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checker.lang import ir
from checker.lang.infer import NeverT, kinds_of, longest, subtype
from checker.lang.lexicographic import compare_parts, parts_of
from checker.lang.types import BagT, IntT, MapT, OptionT, RecordT, SeqT, SetT


@dataclass(frozen=True)
class Partial:
    """A partial operation: `rule` and `mend` for a person, `when` for the engines."""

    rule: str
    mend: str
    when: Callable[[Any], ir.Expr]


def _not_zero(e: ir.Op) -> ir.Expr:
    of = e.args[1].type
    if isinstance(of, IntT) and ((of.low or 0) > 0 or (of.high is not None and of.high < 0)):
        return ir.TRUE
    return ir.truth("!=", e.args[1], ir.number(0))


def _length(of: ir.Expr, word: str) -> ir.Expr:
    return ir.Op(word, (of,), type=IntT(0, longest(of.type)))


def _in_sequence(e: ir.Op) -> ir.Expr:
    of, at = e.args[0], e.args[1]
    high = _length(of, "seq.len")
    tests = []
    assert isinstance(at.type, IntT)
    if at.type.low is None or at.type.low < 0:
        back = ir.Op("neg", (high,), type=ir.INT)
        tests.append(ir.truth("<=", back, at))
    if at.type.high is None or at.type.high >= 0:
        tests.append(ir.truth("<", at, high))
    return ir.both(*tests)


def _is_key(e: ir.Op) -> ir.Expr:
    of, key = e.args[0].type, e.args[1]
    assert isinstance(of, MapT)
    return ir.TRUE if subtype(key.type, of.key) else ir.Fits(key, of.key, type=ir.BOOL)


def _has(word: str) -> Callable[[ir.Op], ir.Expr]:
    return lambda e: ir.truth(word, e.args[1], e.args[0])


def _exactly_one(e: ir.Op) -> ir.Expr:
    return ir.truth("==", _length(e.args[0], "set.len"), ir.number(1))


def _not_empty(e: ir.Op) -> ir.Expr:
    return ir.truth("<", ir.number(0), _length(e.args[0], "set.len"))


def _covers(e: ir.Op) -> ir.Expr:
    """A display of a Map gives every key of the key type."""
    assert isinstance(e.type, MapT)
    keys = e.args[0::2]
    if e.type.key.size is None:
        return ir.FALSE
    given = [k.value for k in keys if isinstance(k, ir.Literal)]
    if len(given) == len(keys):
        complete = all(value in given for value in e.type.key.values())
        return ir.TRUE if complete else ir.FALSE
    whole = SetT(e.type.key)
    have = ir.Op("set.of", tuple(keys), type=whole)
    return ir.truth("==", _length(have, "set.len"), ir.number(e.type.key.size))


def _present(e: ir.Narrow) -> ir.Expr:
    wide, narrow = e.of.type, e.type
    if isinstance(narrow, NeverT):
        return ir.FALSE
    kinds = kinds_of(narrow)
    if kinds and len(kinds) < len(kinds_of(wide)):
        known = ir.IsKind(e.of, tuple(kind.kind for kind in kinds), type=ir.BOOL)
        if isinstance(narrow, OptionT):
            return ir.either(ir.IsNone(e.of, type=ir.BOOL), known)
        return known
    return ir.negation(ir.IsNone(e.of, type=ir.BOOL))


def _fold_has_items(e: ir.Fold) -> ir.Expr:
    if e.default is not None:
        return ir.TRUE
    return ir.Fold("any", e.clauses, ir.TRUE, type=ir.BOOL)


def _map_covers(e: ir.MapFold) -> ir.Expr:
    assert isinstance(e.type, MapT)
    key = e.key
    while isinstance(key, ir.Widen):
        key = key.of
    only = e.clauses[-1]
    if (
        all(isinstance(clause, ir.Gen | ir.Bind) for clause in e.clauses)
        and isinstance(only, ir.Gen)
        and isinstance(key, ir.Local)
        and key.name == only.name
        and _is_whole_domain(only, e.type)
        and sum(isinstance(clause, ir.Gen) for clause in e.clauses) == 1
    ):
        return ir.TRUE
    if e.type.key.size is None:
        return ir.FALSE
    keys = ir.Fold("set", e.clauses, e.key, type=SetT(e.type.key))
    return ir.truth("==", _length(keys, "set.len"), ir.number(e.type.key.size))


def _is_whole_domain(gen: ir.Gen, of: MapT) -> bool:
    match gen.source:
        case ir.Domain(kind):
            return kind == of.key
        case ir.Members(ir.Op(op="map.keys", args=(held,))):
            return isinstance(held.type, MapT) and held.type.key == of.key
        case ir.Range(start, stop):
            return (
                isinstance(of.key, IntT)
                and isinstance(start.type, IntT)
                and isinstance(stop.type, IntT)
                and start.type.low == start.type.high == of.key.low
                and stop.type.low == stop.type.high
                and stop.type.high is not None
                and stop.type.high - 1 == of.key.high
            )
    return False


def _one_best(e: ir.Pick) -> ir.Expr:
    """There is an item, and no two different items have the best key."""
    word = {SetT: "set.len", SeqT: "seq.len", BagT: "bag.len"}[type(e.of.type)]
    some = ir.truth("<", ir.number(0), _length(e.of, word))
    return ir.both(some, ir.Fold("any", (gen_of(e),), _beats_all(e), type=ir.BOOL))


def gen_of(e: ir.Pick) -> ir.Gen:
    return ir.Gen(e.name, e.type, ir.Members(e.of, place=e.place))


def _beats_all(e: ir.Pick) -> ir.Expr:
    """This item is better than every other item that is not the same."""
    other = f"{e.name}.other"
    local = ir.Local(other, type=e.type)
    mine = ir.Local(e.name, type=e.type)
    key = ir.substitute(e.key, {e.name: local})
    better = compare_parts("<" if e.op == "least" else ">", parts_of(e.key), parts_of(key), e.place)
    same = ir.truth("==", mine, local)
    gen = ir.Gen(other, e.type, ir.Members(e.of, place=e.place))
    return ir.Fold("all", (gen,), ir.either(same, better), type=ir.BOOL)


_INDEX = Partial(
    "no item at this index", "guard it with the length: require(i < len(...))", _in_sequence
)
_KEY = Partial("no such key", "guard it with `in`", _is_key)
_MEMBER = "guard it with `in`"
_DIVISION = Partial("division by zero", "guard it: require(divisor != 0)", _not_zero)
_COVER = "give a value for every key, or begin with everywhere(...)"

PARTIAL: dict[str, Partial] = {
    "//": _DIVISION,
    "%": _DIVISION,
    "seq.get": _INDEX,
    "seq.set": _INDEX,
    "seq.delete": _INDEX,
    "map.get": _KEY,
    "map.set": _KEY,
    "map.of": Partial("a Map has a value for every key", _COVER, _covers),
    "MapFold": Partial("a Map has a value for every key", _COVER, _map_covers),
    "set.remove": Partial("no such member", _MEMBER, _has("set.has")),
    "seq.remove": Partial("no such item", _MEMBER, _has("seq.has")),
    "seq.index": Partial("no such item", _MEMBER, _has("seq.has")),
    "bag.remove": Partial("no such item", _MEMBER, _has("bag.has")),
    "set.the": Partial(
        "`the` needs exactly one member", "guard it with require(len(...) == 1)", _exactly_one
    ),
    "set.arbitrary": Partial(
        "`arbitrary` of nothing", "guard it, or require the set not to be empty", _not_empty
    ),
    "min": Partial("the least of nothing", "guard it, or give default=...", _fold_has_items),
    "max": Partial("the greatest of nothing", "guard it, or give default=...", _fold_has_items),
    "least": Partial(
        "`least` of nothing, or not unique", "make the key tell them apart", _one_best
    ),
    "greatest": Partial(
        "`greatest` of nothing, or not unique", "make the key tell them apart", _one_best
    ),
    "Narrow": Partial(
        "a value that may be absent is used where it is absent",
        "guard it with `is not None`, or `isinstance`",
        _present,
    ),
    "Fit": Partial(
        "a value is outside its domain",
        'guard the step, widen the domain, or say beyond="block" (or "prune") on its bound',
        lambda e: ir.Fits(e.of, e.type, type=ir.BOOL),
    ),
    "MakeRecord": Partial(
        "a record breaks an invariant of its kind",
        "make only records for which it holds",
        lambda e: ir.TRUE,
    ),
    "Call": Partial(
        "the function that is called fails",
        "see the line in the function",
        lambda e: ir.TRUE,
    ),
}
"""By operator or, where that is no operator, by the name of the node's class.

For `MakeRecord` and `Replace` the condition needs the program (`record_invariants`), and for
`Call` and `Enabled` the function's body: `defined` leaves both to its reader."""


def row_of(expr: ir.Expr) -> Partial | None:
    """The row of the table for this node itself; `None` if it cannot fail."""
    match expr:
        case ir.Op(op=op) if "." in op or op in ("//", "%"):
            return PARTIAL.get(op)
        case ir.Fold(op="min" | "max" as op):
            return PARTIAL[op]
        case ir.Pick(op=op):
            return PARTIAL[op]
        case ir.Narrow() | ir.Fit() | ir.MakeRecord() | ir.Call() | ir.MapFold():
            return PARTIAL[type(expr).__name__]
        case ir.Replace():
            return PARTIAL["MakeRecord"]
        case ir.Enabled():
            return PARTIAL["Call"]
    return None


def record_invariants(program: ir.Program, expr: ir.MakeRecord | ir.Replace) -> ir.Expr:
    """The invariants of the record that `expr` makes, as calls on it."""
    assert isinstance(expr.type, RecordT)
    names = program.records.get(expr.type, ())
    return ir.both(*(ir.Call(name, (expr,), type=ir.BOOL) for name in names))


def defined(expr: ir.Expr) -> ir.Expr:
    """When this expression has a value.  `TRUE` where it always has."""
    match expr:
        case ir.Op(op="and", args=args):
            return _in_turn(args, True)
        case ir.Op(op="or", args=args):
            return _in_turn(args, False)
        case ir.IfElse(test, then, other):
            return ir.both(defined(test), _either_way(test, defined(then), defined(other)))
        case ir.LetIn(name, value, body):
            inner = defined(body)
            if not ir.is_true(inner):
                inner = ir.LetIn(name, value, inner, type=ir.BOOL, place=expr.place)
            return ir.both(defined(value), inner)
        case ir.Fold() | ir.MapFold():
            return ir.both(*_folded(expr), _own(expr))
        case ir.Pick() | ir.SortBy():
            name, of = expr.name, expr.of
            item = expr.type if isinstance(expr, ir.Pick) else getattr(expr.type, "item", None)
            assert item is not None
            gen = ir.Gen(name, item, ir.Members(of, place=expr.place))
            return ir.both(defined(of), _everywhere((gen,), defined(expr.key)), _own(expr))
    parts = [defined(child) for child in ir.children(expr) if isinstance(child, ir.Expr)]
    return ir.both(*parts, _own(expr))


def defined_write(program: ir.Program, write: ir.Write) -> ir.Expr:
    """When a write can be done: its value has a value, and every step of its path a cell."""
    place: ir.Expr = ir.FieldRead(write.field, type=program.field(write.field).type)
    for key in write.path:
        assert isinstance(place.type, MapT | SeqT)
        op = "map.get" if isinstance(place.type, MapT) else "seq.get"
        of = place.type.value if isinstance(place.type, MapT) else place.type.item
        place = ir.Op(op, (place, key), type=of, place=write.place)
    return ir.both(defined(write.value), defined(place))


def _own(expr: ir.Expr) -> ir.Expr:
    row = row_of(expr)
    return ir.TRUE if row is None else row.when(expr)


def _in_turn(args: tuple[ir.Expr, ...], reached_if: bool) -> ir.Expr:
    """Operands are read until one decides: each must be defined where it is reached."""
    made: ir.Expr = ir.TRUE
    for arg in reversed(args):
        if not ir.is_true(made):
            passed = ir.negation(arg) if reached_if else arg
            made = ir.either(passed, made)
        made = ir.both(defined(arg), made)
    return made


def _either_way(test: ir.Expr, then: ir.Expr, other: ir.Expr) -> ir.Expr:
    if ir.is_true(then) and ir.is_true(other):
        return ir.TRUE
    return ir.IfElse(test, then, other, type=ir.BOOL)


def _everywhere(clauses: tuple[ir.Clause, ...], inner: ir.Expr) -> ir.Expr:
    if ir.is_true(inner):
        return inner
    if any(isinstance(clause, ir.Gen) for clause in clauses):
        return ir.Fold("all", clauses, inner, type=ir.BOOL)
    for clause in reversed(clauses):
        if isinstance(clause, ir.Bind):
            inner = ir.LetIn(clause.name, clause.value, inner, type=ir.BOOL)
        elif isinstance(clause, ir.When):
            inner = ir.either(ir.negation(clause.test), inner)
    return inner


def _folded(expr: ir.Fold | ir.MapFold) -> list[ir.Expr]:
    """The clauses where they are reached, and the item in every round."""
    made: list[ir.Expr] = []
    before: tuple[ir.Clause, ...] = ()
    for clause in expr.clauses:
        match clause:
            case ir.Gen(source=ir.Members(of)):
                made.append(_everywhere(before, defined(of)))
            case ir.Gen(source=ir.Range(start, stop)):
                made.append(_everywhere(before, ir.both(defined(start), defined(stop))))
            case ir.When(test):
                made.append(_everywhere(before, defined(test)))
            case ir.Bind(value=value):
                made.append(_everywhere(before, defined(value)))
        before = (*before, clause)
    parts = [expr.item] if isinstance(expr, ir.Fold) else [expr.key, expr.value]
    made += [_everywhere(before, defined(part)) for part in parts]
    if isinstance(expr, ir.Fold) and expr.default is not None:
        made.append(defined(expr.default))
    return made


def partial_nodes(body: ir.Node | ir.Body) -> list[ir.Expr]:
    """The nodes of a tree that can fail, in order: each with a row in the table."""
    return [n for n in ir.walk(body) if isinstance(n, ir.Expr) and row_of(n) is not None]
