"""Calls of the user's own functions, and the making of records.

A function is compiled once for each list of argument types that its parameters do not already
cover (only bounds of numbers and lengths can differ).  A function that neither writes nor
requires is a value (`ir.Call`).  Any other is called by a statement (`ir.Do`), so such a call
stands alone: as a statement, as all that is assigned, returned, required or tested.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from checker.lang import ir
from checker.lang.context import Context, Known, Method, article, expression
from checker.lang.infer import NeverT, alike, join, kinds_of, subtype
from checker.lang.names import of_python, static
from checker.lang.types import OptionT, RecordT, Type, UnionT
from checker.lang.values import Record

WordRule = Callable[[Context, ast.Call, Type | None], ir.Expr]
MethodRule = Callable[[Context, ast.Call, ast.Attribute, ir.Expr, Type | None], ir.Expr]

WORDS: dict[int, WordRule] = {}
"""From the id of a function of Python or of the language to the rule that reads its calls."""

VALUE_METHODS: list[MethodRule] = []
"""The rule for methods of sets, maps, sequences and bags (`vocabulary.py` gives it)."""


def word(*functions: Any) -> Callable[[WordRule], WordRule]:
    """Register the rule for calls of these very functions."""

    def register(rule: WordRule) -> WordRule:
        WORDS.update((id(function), rule) for function in functions)
        return rule

    return register


@expression(ast.Call)
def call(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    made = call_or_nothing(c, node, wanted)
    if made is None:
        c.fail(
            node,
            f"`{ast.unparse(node.func)}` returns nothing",
            "call it on a line of its own, or let it return a value",
        )
    return made


def call_or_nothing(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr | None:
    """The value of a call; `None` if the function returns nothing."""
    _no_stars(c, node)
    base = _super_method(c, node.func)
    found = base or static(c, node.func)
    match found:
        case Method(function, old):
            return call_function(c, node, function, old)
        case Known(value):
            return _call_known(c, node, value, wanted)
    if isinstance(node.func, ast.Attribute):
        return _call_method(c, node, node.func, wanted)
    text = ast.unparse(node.func)
    c.fail(
        node,
        f"`{text}` is not a function that a spec can call",
        "call methods of the spec, module-level functions, and the words of the language",
    )


def _no_stars(c: Context, node: ast.Call) -> None:
    if any(isinstance(arg, ast.Starred) for arg in node.args) or any(
        keyword.arg is None for keyword in node.keywords
    ):
        c.fail(
            node,
            "`*` in a call is not part of the language",
            "write each argument; a union of many sets is {x for s in sets for x in s}",
        )


def _super_method(c: Context, func: ast.expr) -> Method | None:
    match func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=name):
            try:
                assert c.defined_in is not None
                return Method(c.owner.base_function(c.defined_in, name))
            except (KeyError, ValueError, AssertionError):
                c.fail(func, f"no base class has a method `{name}`", "call what exists above")
    return None


def _call_known(c: Context, node: ast.Call, value: Any, wanted: Type | None) -> ir.Expr | None:
    rule = WORDS.get(id(value))
    if rule is not None:
        return rule(c, node, wanted)
    if isinstance(value, type) and issubclass(value, Record):
        return make_record(c, node, value)
    if c.compiler.is_users(value):
        return call_function(c, node, c.compiler.free_function(value, c.owner))
    c.fail(
        node,
        f"`{ast.unparse(node.func)}` is not a function that a spec can call",
        "call methods of the spec, module-level functions, and the words of the language",
    )


def _call_method(
    c: Context, node: ast.Call, func: ast.Attribute, wanted: Type | None
) -> ir.Expr | None:
    of = c.expr(func.value)
    text = ast.unparse(func.value)
    if isinstance(of.type, NeverT):
        return of
    if isinstance(of.type, OptionT):
        c.fail(
            node,
            f"`{text}` may be None here, so it has no `{func.attr}`",
            f"test it first: `if {text} is not None`, or require that",
        )
    if isinstance(of.type, UnionT):
        c.fail(
            node,
            f"`{text}` may be a {' or a '.join(map(str, of.type.kinds))}: whose `{func.attr}`?",
            "tell the kinds apart first with `match` or `isinstance`",
        )
    if isinstance(of.type, RecordT):
        if func.attr == "replace":
            return replaced(c, node, of)
        method = getattr(of.type.kind, func.attr, None)
        if c.compiler.is_users(method):
            function = c.compiler.record_method(of.type, method, c.owner)
            return call_function(c, node, function, receiver=of)
        c.fail(
            node,
            f"`{of.type}` has no method `{func.attr}`",
            "define it in the record, or use one of its fields",
        )
    return VALUE_METHODS[0](c, node, func, of, wanted)


# --------------------------------------------------------------------------- functions


def arguments(
    c: Context, node: ast.Call, name: str, params: tuple[str, ...]
) -> dict[str, ast.expr]:
    """The argument for each parameter, by name; an error unless each has exactly one."""
    given: dict[str, ast.expr] = dict(zip(params, node.args, strict=False))
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg in given or keyword.arg not in params:
            what = "is given twice" if keyword.arg in given else "is no parameter"
            c.fail(
                keyword.value,
                f"`{keyword.arg}` {what} of `{name}`",
                f"its parameters are: {', '.join(params) or 'none'}",
            )
        given[keyword.arg] = keyword.value
    if len(node.args) > len(params):
        c.fail(
            node,
            f"`{name}` takes {_count(len(params))}, here are {len(node.args)}",
            f"its parameters are: {', '.join(params) or 'none'}",
        )
    return given


def _count(number: int) -> str:
    return "no argument" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"


def call_function(
    c: Context, node: ast.Call, function: Any, old: bool = False, receiver: ir.Expr | None = None
) -> ir.Expr | None:
    """A call of the user's function; `receiver` is the record whose method it is."""
    params = function.params[1:] if receiver is not None else function.params
    given = arguments(c, node, function.source.tree.name, tuple(p.name for p in params))
    missing = [param.name for param in params if param.name not in given]
    if missing:
        c.fail(
            node,
            f"`{function.source.tree.name}` needs an argument for `{missing[0]}`",
            f"its parameters are: {', '.join(p.name for p in params)}",
        )
    values: list[ir.Expr] = []
    types: list[Type] = []
    if receiver is not None:
        values.append(receiver)
        types.append(_argument_type(c, receiver, function.params[0].type, node.func, "self"))
    for param in params:
        value = c.expr(given[param.name], param.type)
        values.append(value)
        types.append(_argument_type(c, value, param.type, given[param.name], param.name))
    target = c.compiler.function(c, node, function, tuple(types))
    args = tuple(
        c.convert(value, param.type, node)
        for value, param in zip(values, target.params, strict=True)
    )
    return _apply(c, node, target, args, old)


def _argument_type(c: Context, value: ir.Expr, of: Type, node: ast.expr, name: str) -> Type:
    """The type that a parameter has for this argument: its own, unless bounds do not suffice."""
    if subtype(value.type, of):
        return of
    joined = join(value.type, of)
    if joined is None or not alike(value.type, of):
        c.wrong_type(value, of, node, f"for `{name}`")
    return joined


def _apply(
    c: Context, node: ast.Call, target: ir.Function, args: tuple[ir.Expr, ...], old: bool
) -> ir.Expr | None:
    place = c.place(node)
    text = ast.unparse(node.func)
    if target.pure and target.returns is not None:
        return ir.Call(target.name, args, old, type=target.returns, place=place)
    does = _what_it_does(target)
    if old:
        c.fail(
            node,
            f"`{text}` {does}, but the state before the step is past",
            "call it on `self`, or take the test into a helper of its own",
        )
    if c.pure_function and (target.writes or target.guarded):
        c.fail(node, f"`{text}` {does}, and {c.pure_function} may not", "return a value only")
    if c.pure:
        c.fail(
            node,
            f"`{text}` {does}: it cannot stand {c.pure}",
            "call it on a line of its own, before"
            if "comprehension" not in c.pure
            else "use a helper that returns a bool, or loop with `for`",
        )
    if c.depth > 1:
        c.fail(
            node,
            f"`{text}` {does}: it cannot stand inside a larger expression",
            f"give it a line of its own: `x = {ast.unparse(node)}`",
        )
    c.writes |= target.writes
    c.guarded |= target.guarded
    for name in sorted(target.writes):
        c.forget_field(name)
    if target.returns is None:
        c.emit(ir.Do(target.name, args, place=place))
        return None
    name = c.fresh("result")
    c.storage[name] = target.returns
    c.emit(ir.Do(target.name, args, name, place=place))
    return ir.Local(name, type=target.returns, place=place)


def _what_it_does(target: ir.Function) -> str:
    if target.writes:
        return f"writes {', '.join(f'`{name}`' for name in sorted(target.writes))}"
    if target.guarded:
        return "has a guard (`require`)"
    return "returns nothing"


@expression(ast.Starred)
def _starred(c: Context, node: ast.Starred, wanted: Type | None) -> ir.Expr:
    c.fail(node, "`*` is not part of the language", "join with `+`, as in `items + [x]`")


# --------------------------------------------------------------------------- records


def make_record(c: Context, node: ast.Call, kind: type[Record]) -> ir.Expr:
    """`Promise(a, b)`: every field gets a value, by position, by name or by its default."""
    declared = c.owner.resolve(kind, c.place(node))
    assert isinstance(declared, RecordT)
    given = _record_arguments(c, node, declared)
    args: list[ir.Expr] = []
    fields: list[tuple[str, Type]] = []
    for name, of in declared.fields:
        if name in given:
            value = c.expr(given[name], of)
            where: ast.expr = given[name]
        elif name in kind._defaults:
            value, where = of_python(c, node, kind._defaults[name], of), node
        else:
            c.fail(
                node,
                f"`{kind.__name__}` needs a value for `{name}`",
                f"its fields are: {', '.join(kind._fields)}",
            )
        value, held = _field_value(c, value, of, where, f"{kind.__name__}.{name}")
        args.append(value)
        fields.append((name, held))
    made = RecordT(kind, tuple(fields))
    c.compiler.use_record(made, c.owner)
    return ir.MakeRecord(tuple(args), type=made, place=c.place(node))


def _record_arguments(c: Context, node: ast.Call, declared: RecordT) -> dict[str, ast.expr]:
    names = tuple(name for name, _ in declared.fields)
    if len(node.args) > len(names):
        c.fail(
            node,
            f"`{declared}` has {len(names)} fields, here are {len(node.args)} values",
            f"its fields are: {', '.join(names) or 'none'}",
        )
    given = dict(zip(names, node.args, strict=False))
    for keyword in node.keywords:
        assert keyword.arg is not None
        if keyword.arg not in names:
            c.fail(
                keyword.value,
                f"`{declared}` has no field `{keyword.arg}`",
                f"its fields are: {', '.join(names) or 'none'}",
            )
        if keyword.arg in given:
            c.fail(keyword.value, f"`{keyword.arg}` is given twice", "give it once")
        given[keyword.arg] = keyword.value
    return given


def _field_value(
    c: Context, value: ir.Expr, of: Type, node: ast.expr, what: str
) -> tuple[ir.Expr, Type]:
    """A value for a field of a record: of the declared type, or wider by its bounds only."""
    if subtype(value.type, of):
        return c.convert(value, of, node), of
    joined = join(value.type, of)
    if joined is None or not alike(value.type, of):
        c.wrong_type(value, of, node, f"for `{what}`")
    return c.convert(value, joined, node), joined


def replaced(c: Context, node: ast.Call, of: ir.Expr) -> ir.Expr:
    """`r.replace(x=1)`."""
    assert isinstance(of.type, RecordT)
    if node.args or not node.keywords:
        c.fail(node, "`replace` takes fields by name", "write r.replace(field=value)")
    declared = c.owner.resolve(of.type.kind, c.place(node))
    assert isinstance(declared, RecordT)
    fields = dict(of.type.fields)
    changes: dict[str, ir.Expr] = {}
    for name, where in _record_arguments(c, node, declared).items():
        own = declared.field(name)
        assert own is not None
        value, held = _field_value(c, c.expr(where, own), own, where, f"{of.type}.{name}")
        changes[name], fields[name] = value, held
    made = RecordT(of.type.kind, tuple(fields.items()))
    c.compiler.use_record(made, c.owner)
    return ir.Replace(of, tuple(changes), tuple(changes.values()), type=made, place=c.place(node))


__all__ = ["VALUE_METHODS", "article", "call_function", "call_or_nothing", "kinds_of", "word"]
