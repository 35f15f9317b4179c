"""`match`: the kinds of a record, the members of an Enum, numbers, bools and None.

    case Prepare(ballot=b):     a kind, with names for its fields (or `Prepare(b)`)
    case Accept() | Learn():    one of these
    case Phase.IDLE:  case 0:  case None:  case _:  case other:

Every value must be handled; `case _: pass` says that the rest is meant to do nothing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from checker.lang import ir
from checker.lang.context import Condition, Context, Facts, article, only_kinds, statement
from checker.lang.infer import NeverT, comparable, kinds_of
from checker.lang.narrow import is_declared, kind_test, named_kinds, told
from checker.lang.statements import body, branch
from checker.lang.types import BoolT, EnumT, IntT, LabelT, OptionT, Type

BoundNames = list[tuple[str, ir.Expr, ast.AST]]


@dataclass
class Rest:
    """What the cases so far do not handle."""

    kinds: set[type]
    none: bool
    values: set[Any] | None
    whole: bool = True

    def handled(self) -> bool:
        if not self.whole:
            return True
        return not self.kinds and not self.none and self.values is not None and not self.values


@dataclass
class Case:
    """What a pattern tests, tells, binds, and surely handles."""

    test: ir.Expr
    yes: Facts = field(default_factory=dict)
    no: Facts = field(default_factory=dict)
    binds: BoundNames = field(default_factory=list)
    kinds: set[type] = field(default_factory=set)
    none: bool = False
    values: set[Any] = field(default_factory=set)
    all: bool = False


@statement(ast.Match)
def _match(c: Context, node: ast.Match) -> None:
    subject = c.whole(node.subject)
    if not isinstance(_bare(subject), ir.Local | ir.FieldRead):
        subject = c.let("matched", subject, node.subject)
    _cases(c, node, list(node.cases), _bare(subject), _everything(c, node, subject.type))


def _bare(value: ir.Expr) -> ir.Expr:
    while isinstance(value, ir.Narrow):
        value = value.of
    return value


def _everything(c: Context, node: ast.Match, of: Type) -> Rest:
    inner = of.item if isinstance(of, OptionT) else of
    kinds: set[type] = {kind.kind for kind in kinds_of(inner)}
    values: set[Any] | None
    match inner:
        case EnumT() | BoolT() | LabelT():
            values = set(inner.values())
        case IntT():
            values = set(inner.values()) if (inner.size or 999) <= 64 else None
        case NeverT():
            values = set()
        case _ if kinds:
            values = set()
        case _:
            c.fail(
                node.subject,
                f"`{ast.unparse(node.subject)}` is {article(of)}: `match` has no patterns for it",
                "match records, Enum members, numbers or bools; use `if` for the rest",
            )
    return Rest(kinds, isinstance(of, OptionT), values)


def _cases(
    c: Context, node: ast.Match, cases: list[ast.match_case], raw: ir.Expr, rest: Rest
) -> None:
    if not cases:
        if not rest.handled():
            c.fail(
                node,
                f"`match` does not handle {_missing(rest)}",
                "add a case for it, or `case _: pass`",
            )
        c.flow.dead = True
        return
    first, others = cases[0], cases[1:]
    case = _pattern(c, node, first.pattern, c.known(raw))
    names = dict(c.names)
    for name, value, _ in case.binds:
        c.names[name] = value
    condition = Condition(case.test, case.yes, case.no)
    if first.guard is not None and not ir.is_false(case.test):
        held = c.flow
        c.flow = held.copy(case.yes)
        guard = c.condition(first.guard)
        c.flow = held
        condition = Condition(
            ir.both(case.test, guard.test, place=c.place(first.guard)), case.yes | guard.yes
        )
    else:
        _take(rest, case)
        if rest.handled():
            condition.test = ir.TRUE
            if others and is_declared(c, c.known(raw)):
                c.fail(others[0].pattern, "this case is never reached", "delete it")
    c.names = names

    def then() -> None:
        for name, value, where in case.binds:
            c.store_local(name, c.known(value), where)
        body(c, first.body)

    branch(c, first.pattern, condition, then, lambda: _cases(c, node, others, raw, rest))


def _take(rest: Rest, case: Case) -> None:
    if case.all:
        rest.whole = False
    rest.kinds -= case.kinds
    rest.none &= not case.none
    if rest.values is not None:
        rest.values -= case.values


def _missing(rest: Rest) -> str:
    names = sorted(kind.__name__ for kind in rest.kinds)
    if rest.none:
        names.append("None")
    if rest.values is None:
        names.append("every number")
    else:
        names += sorted(v.name if isinstance(v, Enum) else repr(v) for v in rest.values)
    return ", ".join(f"`{name}`" if name != "every number" else name for name in names)


# --------------------------------------------------------------------------- patterns


def _pattern(c: Context, node: ast.Match, pattern: ast.pattern, value: ir.Expr) -> Case:
    match pattern:
        case ast.MatchAs(pattern=None, name=None):
            return Case(ir.TRUE, all=True)
        case ast.MatchAs(pattern=None, name=str(name)):
            return Case(ir.TRUE, binds=[(name, value, pattern)], all=True)
        case ast.MatchAs(pattern=inner, name=str(name)) if inner is not None:
            case = _pattern(c, node, inner, value)
            inside = case.yes.get(_bare(value))
            bound = value if inside is None else ir.Narrow(_bare(value), type=inside)
            case.binds.append((name, bound, pattern))
            return case
        case ast.MatchOr(patterns=patterns):
            return _any_of(c, node, patterns, value)
        case ast.MatchSingleton(value=None):
            return _none(c, pattern, value)
        case ast.MatchSingleton(value=wanted):
            return _equal(c, pattern, value, ir.Literal(wanted, type=ir.BOOL))
        case ast.MatchValue(value=wanted_node):
            return _equal(c, pattern, value, c.expr(wanted_node, value.type))
        case ast.MatchClass():
            return _class(c, node, pattern, value)
    c.fail(
        pattern,
        f"the pattern `{ast.unparse(pattern)}` is not part of the language",
        "match kinds of records, Enum members, numbers, bools, None or `_`",
    )


def _none(c: Context, pattern: ast.pattern, value: ir.Expr) -> Case:
    if isinstance(value.type, NeverT):
        return Case(ir.TRUE)
    if not isinstance(value.type, OptionT):
        c.fail(pattern, f"this is {article(value.type)}, which is never None", "delete the case")
    test = ir.IsNone(value, type=ir.BOOL, place=c.place(pattern))
    return Case(test, no=told(value, value.type.item), none=True)


def _equal(c: Context, pattern: ast.pattern, value: ir.Expr, wanted: ir.Expr) -> Case:
    inner = value.type.item if isinstance(value.type, OptionT) else value.type
    if not comparable(inner, wanted.type):
        c.fail(
            pattern,
            f"`{ast.unparse(pattern)}` is {article(wanted.type)}, and never {article(value.type)}",
            f"match values of {inner}",
        )
    place = c.place(pattern)
    values = {wanted.value} if isinstance(wanted, ir.Literal) else set()
    if isinstance(value.type, IntT) and isinstance(wanted.type, IntT):
        return Case(ir.truth("==", value, wanted, place=place), values=values)
    same = ir.truth("==", value, c.convert(wanted, value.type, pattern), place=place)
    yes = told(value, inner) if isinstance(value.type, OptionT) else {}
    return Case(same, yes=yes, values=values)


def _any_of(c: Context, node: ast.Match, patterns: list[ast.pattern], value: ir.Expr) -> Case:
    cases = []
    raw = _bare(value)
    held = c.flow
    for pattern in patterns:
        case = _pattern(c, node, pattern, c.known(raw))
        if case.binds:
            c.fail(pattern, "alternatives cannot bind names", "write a case for each")
        cases.append(case)
        c.flow = c.flow.copy(case.no)
    c.flow = held
    made = Case(ir.either(*(case.test for case in cases), place=c.place(patterns[0])))
    for case in cases:
        made.kinds |= case.kinds
        made.values |= case.values
        made.none |= case.none
        made.all |= case.all
        made.no |= case.no
    if made.kinds and not made.values and not made.none:
        inside = only_kinds(raw.type, made.kinds)
        if inside is not None:
            made.yes = told(raw, inside)
    return made


def _class(c: Context, node: ast.Match, pattern: ast.MatchClass, value: ir.Expr) -> Case:
    kinds = named_kinds(c, pattern.cls)
    condition = kind_test(c, pattern, node.subject, value, kinds)
    inside = only_kinds(
        value.type, {k.kind for k in kinds_of(value.type) if issubclass(k.kind, kinds)}
    )
    if inside is None:
        return Case(ir.FALSE)  # it is known by now to be of no such kind
    case = Case(condition.test, condition.yes, condition.no)
    narrowed: ir.Expr = value
    if inside != value.type:
        narrowed = ir.Narrow(_bare(value), type=inside, place=c.place(pattern))
    fields = inside.kind._fields if hasattr(inside, "kind") else ()
    subs = [*zip(fields, pattern.patterns, strict=False)]
    subs += list(zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True))
    if len(pattern.patterns) > len(fields):
        c.fail(pattern, f"`{inside}` has {len(fields)} fields", "name fewer")
    sure = True
    for name, sub in subs:
        of = inside.field(name) if hasattr(inside, "field") else None
        if of is None:
            c.fail(sub, f"`{inside}` has no field `{name}`", f"its fields are: {', '.join(fields)}")
        part: ir.Expr = ir.Get(narrowed, name, type=of, place=c.place(sub))
        inner = _pattern(c, node, sub, c.known(part))
        sure &= inner.all
        case.test = ir.both(case.test, inner.test, place=c.place(pattern))
        case.yes |= inner.yes
        case.binds += inner.binds
    if sure:
        case.kinds = {kind.kind for kind in kinds_of(inside)}
    else:
        case.no = {}
    return case
