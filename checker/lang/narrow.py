"""Conditions, and what they tell.

`x is not None` tells that `x` is present where it is true, `isinstance(m, Prepare)` that `m`
is a Prepare, `x == 3` that `x` is present; `and`, `or` and `not` combine what is told, and
each operand of `and` is read with what those before it tell.  A thing may be told of any
expression whose value cannot change unnoticed: locals, fields, and what is in them.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from checker.lang import ir
from checker.lang.context import (
    CONDITIONS,
    Condition,
    Context,
    Facts,
    Flow,
    Known,
    article,
    expression,
    narrower_than,
    only_kinds,
)
from checker.lang.infer import (
    NEVER,
    NeverT,
    comparable,
    item_of,
    join,
    kinds_of,
)
from checker.lang.names import static
from checker.lang.order import as_number, number_of, order
from checker.lang.types import (
    BagT,
    IntT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    TupleT,
    Type,
    UnionT,
)
from checker.lang.values import Record


@expression(ast.BoolOp, ast.Compare)
def _as_value(c: Context, node: ast.expr, wanted: Type | None) -> ir.Expr:
    held, c.strict = c.strict, isinstance(node, ast.BoolOp)
    condition = CONDITIONS[type(node)](c, node)
    c.strict = held
    assert condition is not None
    return condition.test


def _bool_op(c: Context, node: ast.BoolOp) -> Condition:
    """`a and b`: b is read where a is true.  `or` is the same, upside down."""
    is_and = isinstance(node.op, ast.And)
    held = c.flow
    every: Facts = {}
    some: list[Facts] = []
    tests = []
    for index, part in enumerate(node.values):
        with c.inside(f"after `{'and' if is_and else 'or'}`") if index else c.nested():
            condition = c.condition(part)
        tests.append(condition.test)
        more, less = condition.yes, condition.no
        if not is_and:
            more, less = less, more
        every |= more
        some.append(less)
        c.flow = c.flow.copy(more)
    c.flow = held
    place = c.place(node)
    if is_and:
        return Condition(ir.both(*tests, place=place), yes=every, no=_common(some))
    return Condition(ir.either(*tests, place=place), yes=_common(some), no=every)


def _common(ways: list[Facts]) -> Facts:
    """What is known whichever of these ways is taken."""
    flow = Flow(facts=ways[0])
    for way in ways[1:]:
        flow = flow.merge(Flow(facts=way))
    return flow.facts


def _not(c: Context, node: ast.UnaryOp) -> Condition | None:
    if not isinstance(node.op, ast.Not):
        return None
    inner = c.condition(node.operand)
    return Condition(ir.negation(inner.test, c.place(node)), yes=inner.no, no=inner.yes)


# --------------------------------------------------------------------------- comparisons


def _compare(c: Context, node: ast.Compare) -> Condition:
    """A chain `a < b <= c` is `a < b and b <= c`."""
    operands = [node.left, *node.comparators]
    whole = Condition(ir.TRUE)
    tests = []
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        part = _one(c, node, left, op, right)
        tests.append(part.test)
        whole.yes |= part.yes
        if len(node.ops) == 1:
            whole.no = part.no
    whole.test = ir.both(*tests, place=c.place(node))
    return whole


def _one(
    c: Context, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr
) -> Condition:
    match op:
        case ast.Is() | ast.IsNot():
            return _is(c, node, left, op, right)
        case ast.Eq() | ast.NotEq():
            return _equal(c, node, left, op, right)
        case ast.In() | ast.NotIn():
            return _in(c, node, left, op, right)
    return Condition(order(c, node, op, (left, right), _pair(c, left, right)))


def _is(c: Context, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
    if not (isinstance(right, ast.Constant) and right.value is None):
        c.fail(node, "`is` only tests for None", "compare values with `==`")
    value = c.expr(left)
    test, facts = is_none(c, value, left)
    absent = isinstance(op, ast.Is)
    test = test if absent else ir.negation(test, c.place(node))
    return Condition(test, no=facts) if absent else Condition(test, yes=facts)


def is_none(c: Context, value: ir.Expr, node: ast.expr) -> tuple[ir.Expr, Facts]:
    """Whether a value is absent, and what is known where it is not."""
    place = c.place(node)
    if isinstance(value.type, NeverT):
        return ir.IsNone(ir.Widen(value, type=OptionT(value.type)), type=ir.BOOL, place=place), {}
    if isinstance(value.type, OptionT):
        return ir.IsNone(value, type=ir.BOOL, place=place), told(value, value.type.item)
    raw = value.of if isinstance(value, ir.Narrow | ir.Widen) else value
    if not isinstance(raw.type, OptionT):
        c.fail(
            node,
            f"`{ast.unparse(node)}` is {article(value.type)}, which is never None",
            "leave the test out, or declare it as `... | None`",
        )
    return ir.FALSE, {}


def told(path: ir.Expr, narrower: Type) -> Facts:
    """The fact that an expression is narrower than its type, if its value is stable."""
    raw = path
    while isinstance(raw, ir.Narrow | ir.Widen):
        raw = raw.of
    if any(isinstance(n, ir.Call | ir.Enabled) for n in ir.walk(raw)):
        return {}
    if isinstance(raw, ir.Literal) or raw.type == narrower:
        return {}
    return {raw: narrower}


def _equal(
    c: Context, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr
) -> Condition:
    a, b = _pair(c, left, right)
    place = c.place(node)
    joined = join(a.type, b.type)
    if joined is None or not comparable(a.type, b.type):
        c.fail(
            node,
            f"`{ast.unparse(left)}` is {article(a.type)} and `{ast.unparse(right)}` is "
            f"{article(b.type)}: they are never equal",
            "compare values of one type",
        )
    if isinstance(joined, IntT):
        args = (as_number(c, a), as_number(c, b))
    else:
        args = (c.convert(a, joined, left), c.convert(b, joined, right))
    same = isinstance(op, ast.Eq)
    test = ir.truth("==" if same else "!=", *args, place=place)
    facts: Facts = {}
    for one, other in ((a, b), (b, a)):
        narrower = narrower_than(one.type, other.type)
        if narrower is not None:
            facts |= told(one, narrower)
    absent: Facts = {}
    for one, other in ((a, b), (b, a)):
        if isinstance(other, ir.Literal) and other.value is None and isinstance(one.type, OptionT):
            absent |= told(one, one.type.item)
    return Condition(test, yes=facts, no=absent) if same else Condition(test, yes=absent, no=facts)


def _pair(c: Context, left: ast.expr, right: ast.expr) -> tuple[ir.Expr, ir.Expr]:
    """Two operands, each read with the other's type in mind."""
    if _open(left):
        b = c.expr(right)
        return c.expr(left, b.type), b
    a = c.expr(left)
    return a, c.expr(right, a.type)


def _open(node: ast.expr) -> bool:
    """Whether the type of an expression is told by what it is compared with."""
    match node:
        case ast.Constant(value=None) | ast.Constant(value=str()):
            return True
        case ast.Set() | ast.List() | ast.Dict() | ast.Tuple():
            return True
        case ast.Call(func=ast.Name(id="set" | "everywhere" | "Bag" | "list")):
            return True
    return False


# --------------------------------------------------------------------------- membership


def _in(c: Context, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
    positive = isinstance(op, ast.In)
    in_range = _range_test(c, left, right, node)
    if in_range is not None:
        return Condition(in_range if positive else ir.negation(in_range, c.place(node)))
    test, facts = _member(c, node, left, right)
    if positive:
        return Condition(test, yes=facts)
    return Condition(ir.negation(test, c.place(node)), no=facts)


def _range_test(c: Context, left: ast.expr, right: ast.expr, node: ast.Compare) -> ir.Expr | None:
    match right:
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if len(args) in (1, 2):
            value = number_of(c, left)
            start = number_of(c, args[0]) if len(args) == 2 else ir.number(0)
            stop = number_of(c, args[-1])
            place = c.place(node)
            return ir.both(
                ir.truth("<=", start, value, place=place),
                ir.truth("<", value, stop, place=place),
                place=place,
            )
    return None


_HAS: dict[type[Type], str] = {SetT: "set.has", SeqT: "seq.has", BagT: "bag.has", MapT: "map.has"}


def _member(
    c: Context, node: ast.Compare, left: ast.expr, right: ast.expr
) -> tuple[ir.Expr, Facts]:
    item = None if _open(left) else c.expr(left)
    container = c.expr(right, SetT(item.type) if item else None)
    place = c.place(node)
    if isinstance(container.type, TupleT):
        container = _tuple_as_set(c, right, container)
    held = item_of(container.type)
    if held is None:
        if isinstance(container.type, OptionT):
            c.wrong_type(container, container.type.item, right)
        c.fail(
            right,
            f"`{ast.unparse(right)}` is {article(container.type)}, which has no members",
            "`in` looks into a Set, Seq, Bag, Map or range",
        )
    if item is None:
        item = c.expr(left, held)
    if not comparable(item.type, held):
        c.fail(
            node,
            f"`{ast.unparse(left)}` is {article(item.type)}, and never a member of "
            f"{article(container.type)}",
            f"look for a value of type {held}",
        )
    joined = join(item.type, held)
    assert joined is not None
    facts: Facts = {}
    narrower = narrower_than(item.type, held)
    if narrower is not None:
        facts = told(item, narrower)
    if isinstance(container.type, MapT):
        return ir.Fits(item, container.type.key, type=ir.BOOL, place=place), facts
    whole = replace_item(container.type, joined)
    args = (c.convert(item, joined, left), c.convert(container, whole, right))
    return ir.truth(_HAS[type(container.type)], *args, place=place), facts


def replace_item(of: Type, item: Type) -> Type:
    """The container type with another type of items."""
    assert isinstance(of, SetT | SeqT | BagT)
    return replace(of, item=item) if of.item != item else of


def _tuple_as_set(c: Context, node: ast.expr, value: ir.Expr) -> ir.Expr:
    """`x in (a, b)`: the same as `x in {a, b}`."""
    assert isinstance(value.type, TupleT)
    joined: Type | None = value.type.items[0] if value.type.items else None
    for of in value.type.items[1:]:
        joined = join(joined, of) if joined else None
    if joined is None:
        c.fail(
            node,
            f"the items of `{ast.unparse(node)}` have no type in common",
            "compare with values of one type",
        )
    parts = (
        value.args
        if isinstance(value, ir.Op) and value.op == "tuple.of"
        else tuple(
            ir.Item(value, i, type=of, place=value.place) for i, of in enumerate(value.type.items)
        )
    )
    items = tuple(c.convert(part, joined, node) for part in parts)
    return ir.Op("set.of", items, type=SetT(joined), place=value.place)


# --------------------------------------------------------------------------- kinds


def _call(c: Context, node: ast.Call) -> Condition | None:
    if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return is_instance(c, node)
    return None


def is_instance(c: Context, node: ast.Call) -> Condition:
    if len(node.args) != 2:
        c.fail(node, "isinstance takes a value and a kind", "write isinstance(m, Prepare)")
    value = c.expr(node.args[0])
    kinds = named_kinds(c, node.args[1])
    return kind_test(c, node, node.args[0], value, kinds)


def named_kinds(c: Context, node: ast.expr) -> tuple[type[Record], ...]:
    """`A`, `(A, B)` or `A | B`."""
    match node:
        case ast.Tuple(elts=items):
            return tuple(kind for item in items for kind in named_kinds(c, item))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return named_kinds(c, left) + named_kinds(c, right)
    found = static(c, node)
    if isinstance(found, Known) and isinstance(found.value, type):
        if issubclass(found.value, Record):
            return (found.value,)
    elif isinstance(found, Known):
        of = c.owner.resolve(found.value, c.place(node))
        if isinstance(of, RecordT | UnionT):
            return tuple(kind.kind for kind in kinds_of(of))
    c.fail(
        node,
        f"`{ast.unparse(node)}` is not a kind of Record",
        "isinstance and class patterns tell the kinds of Records apart",
    )


def is_declared(c: Context, value: ir.Expr) -> bool:
    """Whether the type of a value is what its author wrote, not what was worked out."""
    match value:
        case ir.Local(name):
            return name in c.parameters
        case ir.FieldRead() | ir.Get() | ir.Op(op="map.get" | "seq.get"):
            return True
    return False


def kind_test(
    c: Context,
    node: ast.AST,
    subject: ast.expr,
    value: ir.Expr,
    kinds: tuple[type[Record], ...],
) -> Condition:
    """Whether a value is a record of one of these kinds, and what that tells."""
    of = value.type
    if isinstance(of, NeverT):
        return Condition(ir.TRUE)
    possible = {kind.kind for kind in kinds_of(of)}
    wanted = {kind for kind in possible if issubclass(kind, kinds)}
    if not wanted and not is_declared(c, value):
        return Condition(ir.FALSE, yes=told(value, NEVER))
    if not wanted:
        names = " or ".join(kind.__name__ for kind in kinds)
        c.fail(
            node,
            f"`{ast.unparse(subject)}` is {article(of)}, and never a {names}",
            "test for a kind that it can be",
        )
    inside = only_kinds(of, wanted)
    outside = only_kinds(of, possible - wanted)
    assert inside is not None
    if outside is None and not isinstance(of, OptionT):
        return Condition(ir.TRUE)
    sure = tuple(sorted(wanted, key=lambda kind: kind.__name__))
    test = ir.IsKind(value, sure, type=ir.BOOL, place=c.place(node))
    no: Facts = {}
    if outside is not None:
        no = told(value, OptionT(outside) if isinstance(of, OptionT) else outside)
    return Condition(test, yes=told(value, inside), no=no)


CONDITIONS |= {
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _not,
    ast.Compare: _compare,
    ast.Call: _call,
}
