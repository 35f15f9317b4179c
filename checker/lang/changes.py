"""Changes in place, as values: what `self.sent.add(m)` turns `self.sent` into.

`CHANGES` has a rule for each method that changes its object: from the container as it is to the
container as it will be.  Assigning that is left to `statements.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from checker.lang import ir
from checker.lang.context import Context, article
from checker.lang.expressions import concat
from checker.lang.infer import NeverT, alike, join
from checker.lang.order import number_of
from checker.lang.types import BagT, SeqT, SetT, Type


def raw(value: ir.Expr) -> ir.Expr:
    while isinstance(value, ir.Narrow):
        value = value.of
    return value


def path_of(value: ir.Expr) -> tuple[ir.FieldRead, tuple[ir.Expr, ...]] | None:
    """The field and the keys that lead to a cell, if every step is a plain index."""
    match value:
        case ir.FieldRead():
            return value, ()
        case ir.Op(op="map.get" | "seq.get", args=(of, key)):
            found = path_of(of)
            return None if found is None else (found[0], (*found[1], key))
    return None


Change = Callable[[Context, ast.Call, ir.Expr], ir.Expr]


def _arg(c: Context, node: ast.Call, number: int = 1) -> list[ast.expr]:
    if len(node.args) != number or node.keywords:
        c.fail(
            node,
            f"`{ast.unparse(node.func)}` takes {number} argument{'s' if number != 1 else ''}",
            "see docs/language.md",
        )
    return node.args


def _grown(c: Context, node: ast.Call, of: ir.Expr, arg: ast.expr) -> tuple[ir.Expr, ir.Expr]:
    """A container and an item that is to go into it, in a common type."""
    assert isinstance(of.type, SetT | SeqT | BagT)
    item = c.expr(arg, of.type.item)
    joined = join(of.type.item, item.type)
    known = not isinstance(of.type.item, NeverT)
    if joined is None or (known and not alike(item.type, of.type.item) and _is_state(of)):
        c.wrong_type(item, of.type.item, arg, f"as an item of {article(of.type)}")
    whole = replace(of.type, item=joined)
    return c.convert(of, whole, node), c.convert(item, joined, arg)


def _is_state(of: ir.Expr) -> bool:
    return path_of(raw(of)) is not None


def make(c: Context, node: ast.Call, op: str, args: tuple[ir.Expr, ...], grow: int) -> ir.Expr:
    """The changed container; a sequence or bag may be longer by `grow`."""
    of, *rest = args
    kind = of.type
    if isinstance(kind, SeqT | BagT):
        most = None if kind.at_most is None else max(0, kind.at_most + grow)
        kind = replace(kind, at_most=most, beyond="error")
    elif isinstance(kind, SetT):
        kind = SetT(kind.item)
        of = c.convert(of, kind, node)
    return ir.Op(op, (of, *rest), type=kind, place=c.place(node))


def _item_change(op: str, grow: int = 0) -> Change:
    def change(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
        whole, item = _grown(c, node, of, _arg(c, node)[0])
        return make(c, node, op, (whole, item), grow)

    return change


def _update(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    other = c.expr(ast.copy_location(_as_set(_arg(c, node)[0]), node), of.type)
    joined = join(of.type, other.type)
    if not isinstance(joined, SetT) or not isinstance(other.type, SetT):
        c.wrong_type(other, of.type, node.args[0])
    joined = SetT(joined.item)
    pair = (c.convert(of, joined, node), c.convert(other, joined, node.args[0]))
    return ir.Op("set.union", pair, type=joined, place=c.place(node))


def _as_set(node: ast.expr) -> ast.expr:
    match node:
        case ast.GeneratorExp():
            return ast.SetComp(node.elt, node.generators)
        case ast.List(elts=items) | ast.Tuple(elts=items) if items:
            return ast.Set(items)
    return node


def _extend(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    arg = _arg(c, node)[0]
    if isinstance(arg, ast.GeneratorExp):
        arg = ast.copy_location(ast.ListComp(arg.elt, arg.generators), arg)
    other = c.expr(arg, of.type)
    if not isinstance(other.type, SeqT):
        c.wrong_type(other, of.type, node.args[0])
    return concat(c, node, of, other)


def _insert(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    at, what = _arg(c, node, 2)
    index = number_of(c, at, "as an index")
    whole, item = _grown(c, node, of, what)
    return make(c, node, "seq.insert", (whole, index, item), 1)


def _pop(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    index = number_of(c, node.args[0], "as an index") if node.args else ir.number(-1)
    return make(c, node, "seq.delete", (of, index), -1)


def _clear(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    _arg(c, node, 0)
    word = {SetT: "set.of", SeqT: "seq.of", BagT: "bag.of"}[type(of.type)]
    kind = replace(of.type, at_most=0) if isinstance(of.type, SeqT | BagT) else of.type
    if isinstance(kind, SetT):
        kind = SetT(kind.item)
    return ir.Op(word, (), type=kind, place=c.place(node))


CHANGES: dict[tuple[type[Type], str], Change] = {
    (SetT, "add"): _item_change("set.add"),
    (SetT, "discard"): _item_change("set.discard"),
    (SetT, "remove"): _item_change("set.remove"),
    (SetT, "update"): _update,
    (SetT, "clear"): _clear,
    (SeqT, "append"): _item_change("seq.append", 1),
    (SeqT, "extend"): _extend,
    (SeqT, "insert"): _insert,
    (SeqT, "remove"): _item_change("seq.remove", -1),
    (SeqT, "pop"): _pop,
    (SeqT, "clear"): _clear,
    (BagT, "add"): _item_change("bag.add", 1),
    (BagT, "remove"): _item_change("bag.remove", -1),
    (BagT, "clear"): _clear,
}
