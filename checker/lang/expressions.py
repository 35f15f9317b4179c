"""Values: arithmetic, displays, indexing, conditional expressions.

Every rule here takes a node of Python's syntax tree and gives an expression of the IR.  The
type that is wanted is a hint: it says what `set()` holds, and what `None` may otherwise be.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from checker.lang import ir
from checker.lang.context import CONDITIONS, Context, article, expression
from checker.lang.errors import Place
from checker.lang.infer import NEVER, NeverT, alike, arithmetic, item_of, join, longest, subtype
from checker.lang.order import as_number, number_of
from checker.lang.types import (
    BagT,
    BoolT,
    IntT,
    MapT,
    OptionT,
    SeqT,
    SetT,
    TupleT,
    Type,
)

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_SETS: dict[type[ast.operator], str] = {
    ast.BitOr: "set.union",
    ast.BitAnd: "set.both",
    ast.Sub: "set.minus",
    ast.BitXor: "set.xor",
}


@expression(ast.BinOp)
def _binary(c: Context, node: ast.BinOp, wanted: Type | None) -> ir.Expr:
    if isinstance(node.op, ast.Div):
        c.fail(node, "`/` gives a fraction", "use `//`")
    container = wanted if isinstance(wanted, SetT | SeqT) else None
    left = c.expr(node.left, container)
    right = c.expr(node.right, container or left.type)
    return binary(c, node, left, right)


def binary(c: Context, node: ast.BinOp | ast.AugAssign, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """`left op right`, of numbers, sets or sequences."""
    op = type(node.op)
    place = c.place(node)
    texts = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    if isinstance(left.type, NeverT) and isinstance(right.type, NeverT):
        return left
    if isinstance(left.type, SetT) or isinstance(right.type, SetT):
        return _sets(c, node, left, right, texts)
    if isinstance(left.type, SeqT) and isinstance(right.type, SeqT) and op is ast.Add:
        return concat(c, node, left, right)
    if op not in _ARITHMETIC:
        c.fail(
            node,
            f"`{_text(node.op)}` is not an operator on {article(left.type)}",
            "use + - * // % on numbers, | & - ^ on sets",
        )
    numbers = []
    for value, text in zip((left, right), texts, strict=True):
        number = as_number(c, value)
        if not isinstance(number.type, IntT):
            _not_a_number(c, text, number, _text(node.op))
        numbers.append(number)
    of = arithmetic(_ARITHMETIC[op], [n.type for n in numbers if isinstance(n.type, IntT)])
    return ir.Op(_ARITHMETIC[op], tuple(numbers), type=of, place=place)


def _not_a_number(c: Context, node: ast.expr, value: ir.Expr, op: str) -> None:
    text = ast.unparse(node)
    if isinstance(value.type, OptionT) and isinstance(value.type.item, IntT):
        c.fail(
            node,
            f"`{text}` may be None here, and None has no `{op}`",
            f"test it first: `if {text} is not None`, or require that",
        )
    c.fail(
        node,
        f"`{text}` is {article(value.type)}, which has no `{op}`",
        "use numbers" if not isinstance(value.type, BoolT) else "count with len({... if ...})",
    )


def _text(op: ast.operator) -> str:
    sample = ast.BinOp(ast.Name("a"), op, ast.Name("b"))
    return ast.unparse(sample).split()[1]


def _sets(
    c: Context,
    node: ast.BinOp | ast.AugAssign,
    left: ir.Expr,
    right: ir.Expr,
    texts: tuple[ast.expr, ast.expr],
) -> ir.Expr:
    op = type(node.op)
    place = c.place(node)
    if op not in _SETS:
        c.fail(node, f"sets have no `{_text(node.op)}`", "use | & - ^")
    for value, text in ((left, texts[0]), (right, texts[1])):
        if not isinstance(value.type, SetT):
            c.fail(
                text,
                f"`{ast.unparse(text)}` is {article(value.type)}, where a set is needed",
                "make it a set: {...}",
            )
    joined = join(left.type, right.type)
    if not isinstance(joined, SetT):
        c.fail(
            node,
            f"`{ast.unparse(texts[0])}` is {article(left.type)} and "
            f"`{ast.unparse(texts[1])}` is {article(right.type)}: they have no member in common",
            "use sets of one type",
        )
    joined = SetT(joined.item)
    args = (c.convert(left, joined, texts[0]), c.convert(right, joined, texts[1]))
    return ir.Op(_SETS[op], args, type=joined, place=place)


def concat(c: Context, node: ast.AST, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    a, b = left.type, right.type
    assert isinstance(a, SeqT)
    assert isinstance(b, SeqT)
    item = join(a.item, b.item)
    if item is None:
        c.fail(
            node,
            f"{article(a)} and {article(b)} cannot be one sequence",
            "use sequences of one type",
        )
    most = None if a.at_most is None or b.at_most is None else a.at_most + b.at_most
    args = (
        c.convert(left, SeqT(item, a.at_most), node),
        c.convert(right, SeqT(item, b.at_most), node),
    )
    return ir.Op("seq.concat", args, type=SeqT(item, most), place=c.place(node))


@expression(ast.UnaryOp)
def _unary(c: Context, node: ast.UnaryOp, wanted: Type | None) -> ir.Expr:
    if isinstance(node.op, ast.Not):
        rule = CONDITIONS[ast.UnaryOp](c, node)
        assert rule is not None
        return rule.test
    if isinstance(node.op, ast.Invert):
        c.fail(node, "`~` is not part of the language", "use `not`, or `-` on sets")
    value = number_of(c, node.operand)
    if isinstance(node.op, ast.UAdd):
        return value
    if isinstance(value, ir.Literal):
        return ir.number(-value.value, c.place(node))
    assert isinstance(value.type, IntT)
    return ir.Op("neg", (value,), type=arithmetic("neg", [value.type]), place=c.place(node))


@expression(ast.IfExp)
def _if_else(c: Context, node: ast.IfExp, wanted: Type | None) -> ir.Expr:
    condition = c.condition(node.test)
    held = c.flow
    with c.inside("in a conditional expression"):
        c.flow = held.copy(condition.yes)
        then = c.expr(node.body, wanted)
        c.flow = held.copy(condition.no)
        other = c.expr(node.orelse, wanted)
    c.flow = held
    joined = join(then.type, other.type)
    if joined is None:
        c.fail(
            node,
            f"`{ast.unparse(node.body)}` is {article(then.type)} and "
            f"`{ast.unparse(node.orelse)}` is {article(other.type)}: no type has both",
            "give both ways one type",
        )
    return ir.IfElse(
        condition.test,
        c.convert(then, joined, node.body),
        c.convert(other, joined, node.orelse),
        type=joined,
        place=c.place(node),
    )


# --------------------------------------------------------------------------- displays


def items_of(
    c: Context, node: ast.AST, elements: list[ast.expr], wanted: Type | None
) -> tuple[tuple[ir.Expr, ...], Type]:
    """The items of a display with their common type."""
    values = []
    common: Type = NEVER
    for element in elements:
        value = c.expr(element, wanted)
        joined = join(common, value.type)
        if joined is None:
            c.fail(
                element,
                f"`{ast.unparse(element)}` is {article(value.type)}, beside {article(common)}",
                "give all items one type",
            )
        common = joined
        values.append(value)
    if wanted is not None and isinstance(common, NeverT):
        common = wanted
    return (
        tuple(c.convert(v, common, e) for v, e in zip(values, elements, strict=True)),
        common,
    )


@expression(ast.Set)
def _set(c: Context, node: ast.Set, wanted: Type | None) -> ir.Expr:
    items, of = items_of(c, node, node.elts, wanted.item if isinstance(wanted, SetT) else None)
    return ir.Op("set.of", items, type=SetT(of), place=c.place(node))


@expression(ast.List)
def _list(c: Context, node: ast.List, wanted: Type | None) -> ir.Expr:
    wanted = wanted.item if isinstance(wanted, OptionT) else wanted
    inner = wanted.item if isinstance(wanted, SeqT | BagT) else None
    items, of = items_of(c, node, node.elts, inner)
    return ir.Op("seq.of", items, type=SeqT(of, len(items)), place=c.place(node))


@expression(ast.Tuple)
def _tuple(c: Context, node: ast.Tuple, wanted: Type | None) -> ir.Expr:
    wanted = wanted.item if isinstance(wanted, OptionT) else wanted
    hints: list[Type | None] = [None] * len(node.elts)
    if isinstance(wanted, TupleT) and len(wanted.items) == len(node.elts):
        hints = list(wanted.items)
    items = tuple(c.expr(e, hint) for e, hint in zip(node.elts, hints, strict=True))
    of = TupleT(tuple(item.type for item in items))
    return ir.Op("tuple.of", items, type=of, place=c.place(node))


@expression(ast.Dict)
def _dict(c: Context, node: ast.Dict, wanted: Type | None) -> ir.Expr:
    if any(key is None for key in node.keys):
        c.fail(node, "`**` is not part of the language", "write each key")
    hints: tuple[Type | None, Type | None] = (None, None)
    if isinstance(wanted, MapT):
        hints = (wanted.key, wanted.value)
    keys, key = items_of(c, node, [k for k in node.keys if k is not None], hints[0])
    values, value = items_of(c, node, node.values, hints[1])
    if hints[0] is not None and alike(key, hints[0]):
        keys = tuple(c.convert(k, hints[0], node) for k in keys)
        key = hints[0]
    pairs = tuple(part for pair in zip(keys, values, strict=True) for part in pair)
    return ir.Op("map.of", pairs, type=MapT(key, value), place=c.place(node))


# --------------------------------------------------------------------------- indexing


@expression(ast.Subscript)
def _subscript(c: Context, node: ast.Subscript, wanted: Type | None) -> ir.Expr:
    return index(c, c.expr(node.value), node)


def index(c: Context, of: ir.Expr, node: ast.Subscript) -> ir.Expr:
    """`of[...]`: a key of a Map, an index or slice of a Seq, a part of a tuple."""
    place = c.place(node)
    kind = of.type
    if isinstance(kind, NeverT):
        return of
    if isinstance(kind, MapT):
        key = key_of(c, kind, node.slice)
        return ir.Op("map.get", (of, key), type=kind.value, place=place)
    if isinstance(kind, SeqT) and isinstance(node.slice, ast.Slice):
        low, high = slice_of(c, of, node.slice)
        return ir.Op("seq.slice", (of, low, high), type=kind, place=place)
    if isinstance(kind, SeqT):
        at = number_of(c, node.slice, "as an index")
        return ir.Op("seq.get", (of, at), type=kind.item, place=place)
    text = ast.unparse(node.value)
    if isinstance(kind, TupleT):
        which = c.expr(node.slice) if not isinstance(node.slice, ast.Slice) else None
        if not (isinstance(which, ir.Literal) and isinstance(which.value, int)):
            c.fail(node, f"a part of the tuple `{text}` is named by a number", f"write `{text}[0]`")
        number = which.value
        if not -len(kind.items) <= number < len(kind.items):
            c.fail(node, f"`{text}` has {len(kind.items)} parts", "count them from 0")
        number %= len(kind.items)
        return ir.Item(of, number, type=kind.items[number], place=place)
    if isinstance(kind, OptionT):
        c.fail(
            node,
            f"`{text}` may be None here, so it has no items",
            f"test it first: `if {text} is not None`, or require that",
        )
    c.fail(
        node,
        f"`{text}` is {article(kind)}, which has no items by index",
        "index a Map, a Seq or a tuple",
    )


def key_of(c: Context, of: MapT, node: ast.expr) -> ir.Expr:
    """A key of a map.  A number outside the key's bounds is found when it is used."""
    if isinstance(node, ast.Slice):
        c.fail(node, "a Map has no slices", "take one key at a time")
    key = c.expr(node, of.key)
    if not alike(key.type, of.key):
        c.convert(key, of.key, node, f"as a key of {article(of)}")
    if subtype(key.type, of.key):
        return c.convert(key, of.key, node)
    # The operand keeps its own type: whether it is a key is what `map.get` is defined by.
    return key


def slice_of(c: Context, of: ir.Expr, node: ast.Slice) -> tuple[ir.Expr, ir.Expr]:
    if node.step is not None:
        c.fail(node.step, "a slice with a step is not part of the language", "use a comprehension")
    place = c.place(node.lower or node.upper or node)
    low = number_of(c, node.lower) if node.lower else ir.number(0, place)
    high = number_of(c, node.upper) if node.upper else length(of, place)
    return low, high


_LENGTHS = {SetT: "set.len", SeqT: "seq.len", BagT: "bag.len", MapT: "map.len"}


def length(of: ir.Expr, place: Place) -> ir.Expr:
    """How many items a container has."""
    return ir.Op(_LENGTHS[type(of.type)], (of,), type=IntT(0, longest(of.type)), place=place)


def put(c: Context, of: ir.Expr, node: ast.Subscript, value: ir.Expr) -> ir.Expr:
    """`of` with another value at the key or index of `node`."""
    place = c.place(node)
    kind = of.type
    if isinstance(kind, MapT):
        key = key_of(c, kind, node.slice)
        grown = join(kind.value, value.type)
        made = MapT(kind.key, grown if grown is not None else kind.value)
        args = (c.convert(of, made, node), key, c.convert(value, made.value, node))
        return ir.Op("map.set", args, type=made, place=place)
    if isinstance(kind, SeqT) and not isinstance(node.slice, ast.Slice):
        at = number_of(c, node.slice, "as an index")
        grown = join(kind.item, value.type)
        made_seq = replace(kind, item=grown if grown is not None else kind.item)
        args = (c.convert(of, made_seq, node), at, c.convert(value, made_seq.item, node))
        return ir.Op("seq.set", args, type=made_seq, place=place)
    c.fail(
        node,
        f"`{ast.unparse(node.value)}` is {article(kind)}: its items cannot be assigned",
        "assign an item of a Map or a Seq, or make a new value",
    )


__all__ = ["binary", "concat", "index", "item_of", "items_of", "length", "put", "slice_of"]
