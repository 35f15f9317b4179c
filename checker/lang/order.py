"""`<` and its kin: numbers, tuples of numbers, and sets (where `<=` means part of).

Members of Sorts, records, Enums and bools have no order; an Option has none until it is known
to be present.
"""

from __future__ import annotations

import ast

from checker.lang import ir
from checker.lang.context import Context, article
from checker.lang.infer import NeverT, join, ordered
from checker.lang.lexicographic import compare_parts, parts_of
from checker.lang.types import BoolT, EnumT, IntT, OptionT, SetT, TupleT, sorts_in

_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_SUBSET = {"<": ("set.strict", False), "<=": ("set.subset", False)}
_SUBSET |= {">": ("set.strict", True), ">=": ("set.subset", True)}


def order(
    c: Context,
    node: ast.Compare,
    op: ast.cmpop,
    texts: tuple[ast.expr, ast.expr],
    values: tuple[ir.Expr, ir.Expr],
) -> ir.Expr:
    """`a op b` for one of `< <= > >=`."""
    left, right = texts
    name = _ORDER[type(op)]
    a, b = values
    place = c.place(node)
    if isinstance(a.type, SetT) and isinstance(b.type, SetT):
        joined = join(a.type, b.type)
        if joined is None:
            c.fail(
                node,
                f"`{ast.unparse(left)}` is {article(a.type)} and `{ast.unparse(right)}` is "
                f"{article(b.type)}: neither is part of the other",
                "compare sets of one type",
            )
        joined = SetT(joined.item) if isinstance(joined, SetT) else joined
        pair = (c.convert(a, joined, left), c.convert(b, joined, right))
        word, swapped = _SUBSET[name]
        return ir.truth(word, *(pair[::-1] if swapped else pair), place=place)
    for value, of in ((a, left), (b, right)):
        _needs_order(c, value, of, name)
    if isinstance(a.type, TupleT) and isinstance(b.type, TupleT):
        if len(a.type.items) != len(b.type.items) or join(a.type, b.type) is None:
            c.fail(
                node,
                f"{article(a.type)} and {article(b.type)} do not compare",
                "compare tuples of one form",
            )
        return _lexicographic(c, node, name, a, b)
    if isinstance(a.type, TupleT) or isinstance(b.type, TupleT):
        c.fail(
            node,
            f"`{ast.unparse(left)}` is {article(a.type)} and `{ast.unparse(right)}` is "
            f"{article(b.type)}: they do not compare",
            "compare values of one type",
        )
    a, b = as_number(c, a), as_number(c, b)
    return ir.truth(name, a, b, place=place)


def as_number(c: Context, value: ir.Expr) -> ir.Expr:
    return ir.Widen(value, type=ir.INT) if isinstance(value.type, NeverT) else value


def number_of(c: Context, node: ast.expr, what: str = "") -> ir.Expr:
    """The value of an expression that must be a number."""
    value = as_number(c, c.expr(node, ir.INT))
    if not isinstance(value.type, IntT):
        c.convert(value, ir.INT, node, what)
    return value


def _needs_order(c: Context, value: ir.Expr, node: ast.expr, name: str) -> None:
    text = ast.unparse(node)
    of = value.type
    if isinstance(of, NeverT) or ordered(of):
        return
    if isinstance(of, OptionT):
        c.fail(
            node,
            f"`{text}` may be None here, and None does not compare with `{name}`",
            f"test it first: `{text} is None or ...`, or require that it is not None",
        )
    if sorts_in(of):
        c.fail(
            node,
            f"`{text}` is {article(of)}: identities are equal or not, and have no order",
            "give what is compared a number (a field of the state, or a Map to numbers)",
        )
    mends = {
        EnumT: "compare with `==`, or with `in {...}`",
        BoolT: "use `and`, `or`, `not`",
    }
    c.fail(
        node,
        f"`{text}` is {article(of)}, which has no order",
        mends.get(type(of), "compare numbers, tuples of numbers, or sets"),
    )


def _lexicographic(c: Context, node: ast.AST, op: str, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    """Tuples compare by their first parts that differ."""
    place = c.place(node)
    binds = []
    pair = []
    for value in (a, b):
        if isinstance(value, ir.Local | ir.FieldRead):
            pair.append(value)
        else:
            name = c.fresh("pair")
            binds.append((name, value))
            pair.append(ir.Local(name, type=value.type, place=place))
    test = compare_parts(op, parts_of(pair[0]), parts_of(pair[1]), place)
    for name, value in reversed(binds):
        test = ir.LetIn(name, value, test, type=ir.BOOL, place=place)
    return test
