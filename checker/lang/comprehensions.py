"""Generators: quantifiers (`any`, `all`, `sum`, `min`, `max`), comprehensions, loop headers.

What is walked is a source of the IR: the domain of an Enum, a range, or the members of a Set,
Seq or Bag.  `enumerate`, `zip`, `.items()`, `.values()` and `reversed` are read as walks over
ranges and keys, so no reader of the IR needs to know them.

The order of an unordered source (Set, Bag, keys of a Map) may not show in the result: a list
made from one, or an `enumerate` of one, is an error.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from checker.lang import ir
from checker.lang.context import Context, Known, article, expression
from checker.lang.errors import Place
from checker.lang.expressions import length
from checker.lang.infer import NEVER, NeverT, arithmetic, longest
from checker.lang.names import static
from checker.lang.order import as_number, number_of
from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    MapT,
    OptionT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
)


@dataclass
class Walk:
    """A source, what each round of it gives, and whether its order means something."""

    source: ir.Source
    of: Type
    ordered: bool
    value: Any = None
    """From the loop variable to what the user's target is; `None`: the variable itself."""
    binds: tuple[ir.Bind, ...] = ()
    most: int | None = None


def walk_of(c: Context, node: ast.expr) -> Walk:
    """What `for ... in node` walks."""
    special = _special(c, node)
    if special is not None:
        return special
    found = static(c, node)
    place = c.place(node)
    kind = found.value if isinstance(found, Known) else None
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        of = EnumT(kind)
        return Walk(ir.Domain(of, place=place), of, True, most=of.size)
    if isinstance(node, ast.Tuple | ast.List):
        value = c.expr(ast.copy_location(ast.List(node.elts, ast.Load()), node))
    else:
        value = c.expr(node)
    return walk_value(c, node, value)


def walk_value(c: Context, node: ast.expr, value: ir.Expr) -> Walk:
    place = c.place(node)
    of = value.type
    if isinstance(of, OptionT) and isinstance(of.item, SetT | SeqT | BagT | MapT):
        c.wrong_type(value, of.item, node)
    if isinstance(of, MapT):
        keys = ir.Op("map.keys", (value,), type=SetT(of.key), place=place)
        return Walk(ir.Members(keys, place=place), of.key, False, most=of.key.size)
    if isinstance(value, ir.Constant) and isinstance(of, SetT) and isinstance(of.item, SortT):
        constant = c.compiler.constants.get(value.name)
        if constant is not None and constant.members_of:
            return Walk(ir.Domain(of.item, place=place), of.item, False, most=of.item.size)
    if isinstance(of, SetT | SeqT | BagT):
        source = ir.Members(value, place=place)
        return Walk(source, of.item, isinstance(of, SeqT), most=longest(of))
    if isinstance(of, NeverT):
        return Walk(ir.Members(ir.Op("seq.of", (), type=SeqT(NEVER, 0))), NEVER, True, most=0)
    c.fail(
        node,
        f"`{ast.unparse(node)}` is {article(of)}, which cannot be walked",
        "walk a range, a Set, Seq, Bag, Map or an Enum",
    )


def _special(c: Context, node: ast.expr) -> Walk | None:
    match node:
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]):
            return _range(c, node, args)
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner], keywords=[]):
            return _enumerate(c, inner)
        case ast.Call(func=ast.Name(id="zip"), args=args) if args:
            return _zip(c, node, args)
        case ast.Call(func=ast.Attribute(value=inner, attr="items" | "values" | "keys"), args=[]):
            return _map_walk(c, node, inner)
        case ast.Call(
            func=ast.Name(id="reversed"),
            args=[ast.Call(func=ast.Name(id="range"), args=args, keywords=[])],
        ):
            return _reversed_range(c, node, args)
    return None


def _range(c: Context, node: ast.expr, args: list[ast.expr]) -> Walk:
    if not 1 <= len(args) <= 2:
        c.fail(node, "range with a step is not part of the language", "multiply the variable")
    start = number_of(c, args[0]) if len(args) == 2 else ir.number(0, c.place(node))
    stop = number_of(c, args[-1])
    return walk_range(start, stop, c.place(node))


def walk_range(start: ir.Expr, stop: ir.Expr, place: Place) -> Walk:
    assert isinstance(start.type, IntT)
    assert isinstance(stop.type, IntT)
    high = None if stop.type.high is None else stop.type.high - 1
    if high is not None and start.type.low is not None:
        high = max(high, start.type.low)
    of = IntT(start.type.low, high)
    return Walk(ir.Range(start, stop, place=place), of, True, most=of.size)


def _reversed_range(c: Context, node: ast.expr, args: list[ast.expr]) -> Walk:
    walk = _range(c, node, args)
    source = walk.source
    assert isinstance(source, ir.Range)

    def mirrored(at: ir.Expr) -> ir.Expr:
        up = ir.Op("+", (source.start, source.stop), type=ir.INT, place=at.place)
        down = ir.Op("-", (up, ir.number(1)), type=ir.INT, place=at.place)
        return ir.Op("-", (down, at), type=walk.of, place=at.place)

    return replace(walk, value=mirrored)


def _sequence(c: Context, node: ast.expr) -> ir.Expr:
    value = c.expr(node)
    if isinstance(value.type, SeqT):
        return value
    if isinstance(value.type, SetT | BagT | MapT):
        c.fail(
            node,
            f"`{ast.unparse(node)}` is {article(value.type)}: its members have no order to count",
            "walk sorted(...), or a Seq",
        )
    c.fail(
        node,
        f"`{ast.unparse(node)}` is {article(value.type)}, where a Seq is needed",
        "enumerate and zip walk Seqs",
    )


def _held(c: Context, value: ir.Expr) -> tuple[ir.Expr, tuple[ir.Bind, ...]]:
    """A name for a value that is read in every round."""
    if isinstance(value, ir.Local):
        return value, ()
    name = c.fresh("walked")
    local = ir.Local(name, type=value.type, place=value.place)
    return local, (ir.Bind(name, value),)


def _item_at(of: ir.Expr, at: ir.Expr) -> ir.Expr:
    assert isinstance(of.type, SeqT)
    return ir.Op("seq.get", (of, at), type=of.type.item, place=at.place)


def _enumerate(c: Context, inner: ast.expr) -> Walk:
    nested = _special(c, inner)
    if nested is not None and isinstance(nested.source, ir.Range):
        return _numbered(nested, nested.source.start)
    held, binds = _held(c, _sequence(c, inner))
    walk = walk_range(ir.number(0), length(held, held.place), c.place(inner))

    def value(at: ir.Expr) -> ir.Expr:
        return _pair(at, _item_at(held, at))

    return replace(walk, value=value, binds=binds)


def _numbered(walk: Walk, start: ir.Expr) -> Walk:
    """A walk over a range, each round with its number from 0."""
    assert isinstance(start.type, IntT)
    assert isinstance(walk.of, IntT)

    def value(at: ir.Expr) -> ir.Expr:
        of = arithmetic("-", [of for of in (at.type, start.type) if isinstance(of, IntT)])
        first = isinstance(start, ir.Literal) and start.value == 0
        number = at if first else ir.Op("-", (at, start), type=of, place=at.place)
        return _pair(number, walk.value(at) if walk.value else at)

    return replace(walk, value=value)


def _pair(*items: ir.Expr) -> ir.Expr:
    of = TupleT(tuple(item.type for item in items))
    return ir.Op("tuple.of", items, type=of, place=items[0].place)


def _zip(c: Context, node: ast.Call, args: list[ast.expr]) -> Walk:
    helds: list[ir.Expr] = []
    binds: tuple[ir.Bind, ...] = ()
    for arg in args:
        held, bind = _held(c, _sequence(c, arg))
        helds.append(held)
        binds += bind
    lengths = [length(held, held.place) for held in helds]
    of = arithmetic("min", [n.type for n in lengths if isinstance(n.type, IntT)])
    stop = ir.Op("min", tuple(lengths), type=of, place=c.place(node))
    walk = walk_range(ir.number(0), stop, c.place(node))

    def value(at: ir.Expr) -> ir.Expr:
        return _pair(*(_item_at(held, at) for held in helds))

    return replace(walk, value=value, binds=binds)


def _map_walk(c: Context, node: ast.Call, inner: ast.expr) -> Walk | None:
    assert isinstance(node.func, ast.Attribute)
    if static(c, inner) is not None:
        return None
    of = c.expr(inner)
    if not isinstance(of.type, MapT):
        return None
    which, value_type = node.func.attr, of.type.value
    held, binds = _held(c, of)
    walk = walk_value(c, inner, held)

    def value(key: ir.Expr) -> ir.Expr:
        if which == "keys":
            return key
        found = ir.Op("map.get", (held, key), type=value_type, place=key.place)
        return found if which == "values" else _pair(key, found)

    return replace(walk, value=value, binds=binds)


def is_walk(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="range" | "enumerate" | "zip" | "reversed")):
            return True
        case ast.Call(func=ast.Attribute(attr="items" | "keys" | "values")):
            return True
    return False


# --------------------------------------------------------------------------- binding targets


def bind_target(c: Context, target: ast.expr, value: ir.Expr) -> None:
    """Let the names of a target stand for (parts of) a value."""
    match target:
        case ast.Name(id=name):
            c.names[name] = value
        case ast.Tuple(elts=targets):
            parts = parts_of_tuple(c, target, value, len(targets))
            for inner, part in zip(targets, parts, strict=True):
                bind_target(c, inner, part)
        case _:
            c.fail(target, f"`{ast.unparse(target)}` cannot be bound here", "use plain names")


def parts_of_tuple(c: Context, node: ast.expr, value: ir.Expr, number: int) -> tuple[ir.Expr, ...]:
    if isinstance(value.type, NeverT):
        return (value,) * number
    if not isinstance(value.type, TupleT) or len(value.type.items) != number:
        c.fail(
            node,
            f"{article(value.type)} cannot be taken apart into {number} names",
            "take apart tuples of that many parts",
        )
    if isinstance(value, ir.Op) and value.op == "tuple.of":
        return value.args
    return tuple(
        ir.Item(value, i, type=of, place=value.place) for i, of in enumerate(value.type.items)
    )


# --------------------------------------------------------------------------- clauses


@dataclass
class Clauses:
    clauses: tuple[ir.Clause, ...]
    ordered: bool
    most: int | None
    where: ast.expr


@contextmanager
def clauses_of(c: Context, generators: list[ast.comprehension]) -> Iterator[Clauses]:
    """The clauses of a comprehension; inside, its names are bound and its tests known."""
    names, flow = dict(c.names), c.flow
    c.flow = c.flow.copy()
    made: list[ir.Clause] = []
    ordered, most = True, 1
    most_: int | None = most
    where = generators[0].iter
    try:
        with c.inside("inside a comprehension"):
            for generator in generators:
                walk = walk_of(c, generator.iter)
                if not walk.ordered and ordered:
                    ordered, where = False, generator.iter
                most_ = None if most_ is None or walk.most is None else most_ * walk.most
                made += [*walk.binds, _generator(c, generator, walk)]
                for test in generator.ifs:
                    condition = c.condition(test)
                    c.learn(condition.yes)
                    made.append(ir.When(condition.test))
            yield Clauses(tuple(made), ordered, most_, where)
    finally:
        c.names, c.flow = names, flow


def _generator(c: Context, generator: ast.comprehension, walk: Walk) -> ir.Gen:
    target = generator.target
    name = c.fresh(target.id if isinstance(target, ast.Name) else "item")
    local: ir.Expr = ir.Local(name, type=walk.of, place=c.place(target))
    bind_target(c, target, walk.value(local) if walk.value else local)
    return ir.Gen(name, walk.of, walk.source)


def fold(op: ir.FoldOp, clauses: Clauses, item: ir.Expr, of: Type, place: Place) -> ir.Fold:
    return ir.Fold(op, clauses.clauses, item, type=of, place=place)


# --------------------------------------------------------------------------- comprehensions


def _hint(wanted: Type | None) -> Type | None:
    wanted = wanted.item if isinstance(wanted, OptionT) else wanted
    return wanted.item if isinstance(wanted, SetT | SeqT | BagT) else None


@expression(ast.SetComp)
def _set(c: Context, node: ast.SetComp | ast.GeneratorExp, wanted: Type | None) -> ir.Expr:
    with clauses_of(c, node.generators) as clauses:
        item = c.expr(node.elt, _hint(wanted))
        return fold("set", clauses, item, SetT(item.type), c.place(node))


@expression(ast.ListComp)
def sequence(c: Context, node: ast.ListComp | ast.GeneratorExp, wanted: Type | None) -> ir.Expr:
    with clauses_of(c, node.generators) as clauses:
        refuse_unordered(c, clauses)
        item = c.expr(node.elt, _hint(wanted))
        return fold("seq", clauses, item, SeqT(item.type, clauses.most), c.place(node))


def refuse_unordered(c: Context, clauses: Clauses) -> None:
    """A sequence has an order, and what it is made from must have it too."""
    if not clauses.ordered:
        text = ast.unparse(clauses.where)
        c.fail(
            clauses.where,
            f"a sequence made from `{text}`, which has no order",
            f"walk sorted({text}), or make a set: {{... for ...}}",
        )


@expression(ast.DictComp)
def _map(c: Context, node: ast.DictComp, wanted: Type | None) -> ir.Expr:
    wanted = wanted.item if isinstance(wanted, OptionT) else wanted
    hints = (wanted.key, wanted.value) if isinstance(wanted, MapT) else (None, None)
    with clauses_of(c, node.generators) as clauses:
        key = c.expr(node.key, hints[0])
        value = c.expr(node.value, hints[1])
        if hints[0] is not None and key.type != hints[0]:
            key = c.convert(key, hints[0], node.key)
        if not clauses.ordered and not _keys_differ(key, clauses):
            c.fail(
                node.key,
                "two rounds may give one key, and the walk has no order to choose between them",
                "let the key be what is walked, or walk sorted(...)",
            )
        of = MapT(key.type, value.type)
        return ir.MapFold(clauses.clauses, key, value, type=of, place=c.place(node))


def _keys_differ(key: ir.Expr, clauses: Clauses) -> bool:
    while isinstance(key, ir.Widen | ir.Fit | ir.Narrow):
        key = key.of
    names = {clause.name for clause in clauses.clauses if isinstance(clause, ir.Gen)}
    if isinstance(key, ir.Op) and key.op == "tuple.of":
        return names <= {arg.name for arg in key.args if isinstance(arg, ir.Local)}
    return isinstance(key, ir.Local) and names == {key.name}


@expression(ast.GeneratorExp)
def _bare(c: Context, node: ast.GeneratorExp, wanted: Type | None) -> ir.Expr:
    c.fail(
        node,
        "a generator is not a value",
        "put it into any, all, sum, min, max, set or list, or write {...} or [...]",
    )


# --------------------------------------------------------------------------- folds over a value


@contextmanager
def items_walked(c: Context, node: ast.expr) -> Iterator[tuple[Clauses, ir.Expr]]:
    """The items that a call such as `sum(...)` or `any(...)` folds: of a generator, of a list
    made on the spot, or of a container."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        with clauses_of(c, node.generators) as clauses:
            yield clauses, c.expr(node.elt)
        return
    names = dict(c.names)
    walk = walk_of(c, node)
    name = c.fresh("item")
    local: ir.Expr = ir.Local(name, type=walk.of, place=c.place(node))
    made: tuple[ir.Clause, ...] = (*walk.binds, ir.Gen(name, walk.of, walk.source))
    try:
        yield (
            Clauses(made, walk.ordered, walk.most, node),
            walk.value(local) if walk.value else local,
        )
    finally:
        c.names = names


def quantifier(c: Context, node: ast.Call, op: ir.FoldOp) -> ir.Expr:
    """`any(...)` and `all(...)`."""
    arg = only_argument(c, node)
    if isinstance(arg, ast.ListComp):
        # Unlike a generator's, all items of a list are made, and each may fail.
        arg = ast.copy_location(ast.SetComp(arg.elt, arg.generators), arg)
    if isinstance(arg, ast.GeneratorExp):
        with clauses_of(c, arg.generators) as clauses:
            test = c.condition(arg.elt).test
            return fold(op, clauses, test, ir.BOOL, c.place(node))
    with items_walked(c, arg) as (clauses, item):
        if not isinstance(item.type, BoolT | NeverT):
            c.fail(
                arg,
                f"`{op}` needs bools, and `{ast.unparse(arg)}` has items of type {item.type}",
                f"write {op}(... for x in {ast.unparse(arg)})",
            )
        return fold(op, clauses, c.convert(item, ir.BOOL, arg), ir.BOOL, c.place(node))


def listed(c: Context, node: ast.ListComp) -> ir.Expr:
    """A list of which only the length matters, so that its order does not."""
    with clauses_of(c, node.generators) as clauses:
        item = c.expr(node.elt)
        return fold("bag", clauses, item, BagT(item.type, clauses.most), c.place(node))


def total(c: Context, node: ast.Call) -> ir.Expr:
    """`sum(...)`: of numbers, or of bools (how many are true)."""
    arg = only_argument(c, node)
    with items_walked(c, arg) as (clauses, item):
        if isinstance(item.type, BoolT):
            return fold("count", clauses, item, IntT(0, clauses.most), c.place(node))
        if isinstance(item, ir.Literal) and item.value == 1:
            return fold("count", clauses, ir.TRUE, IntT(0, clauses.most), c.place(node))
        item = as_number(c, item)
        if not isinstance(item.type, IntT):
            c.fail(
                arg, f"`sum` needs numbers, not items of type {item.type}", "sum numbers or bools"
            )
        return fold("sum", clauses, item, _sum_type(item.type, clauses.most), c.place(node))


def _sum_type(item: IntT, most: int | None) -> IntT:
    if most is None:
        return IntT(0 if item.low is not None and item.low >= 0 else None, None)
    low = None if item.low is None else min(0, item.low * most)
    high = None if item.high is None else max(0, item.high * most)
    return IntT(low, high)


def only_argument(c: Context, node: ast.Call, what: str = "one argument") -> ast.expr:
    if len(node.args) != 1 or node.keywords:
        c.fail(
            node,
            f"`{ast.unparse(node.func)}` takes {what}",
            "see docs/language.md",
        )
    return node.args[0]
