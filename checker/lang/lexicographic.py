"""How tuples of numbers compare: by the first parts that differ.  Over the IR alone."""

from __future__ import annotations

from checker.lang import ir
from checker.lang.errors import Place
from checker.lang.types import TupleT


def parts_of(value: ir.Expr) -> list[ir.Expr]:
    """The numbers in a tuple of numbers, in order; those in tuples inside too."""
    if not isinstance(value.type, TupleT):
        return [value]
    if isinstance(value, ir.Op) and value.op == "tuple.of":
        return [part for item in value.args for part in parts_of(item)]
    return [
        part
        for index, of in enumerate(value.type.items)
        for part in parts_of(ir.Item(value, index, type=of, place=value.place))
    ]


def compare_parts(op: str, a: list[ir.Expr], b: list[ir.Expr], place: Place) -> ir.Expr:
    """`a op b` of two lists of numbers, lexicographically."""
    if len(a) == 1:
        return ir.truth(op, a[0], b[0], place=place)
    strict = op[0]
    return ir.either(
        ir.truth(strict, a[0], b[0], place=place),
        ir.both(
            ir.truth("==", a[0], b[0], place=place),
            compare_parts(op, a[1:], b[1:], place),
            place=place,
        ),
        place=place,
    )
