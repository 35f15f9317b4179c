"""Conditions, made as short as is plain to see."""

from __future__ import annotations

from checker.lang.errors import Place
from checker.lang.ir.expressions import BOOL, FALSE, NOWHERE, TRUE, Expr, Literal, Op
from checker.lang.types import IntT


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
