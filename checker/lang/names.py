"""What a name means: a local, something of the spec, or something of Python.

A name is looked for as Python does: locals of the function, then the module and the closure,
then builtins.  `self.x` is a field, constant, part, process or method of the spec; the fields
of `self.old` are those before the step.
"""

from __future__ import annotations

import ast
import enum
import types
from dataclasses import replace
from typing import Any

from checker.lang import ir
from checker.lang.context import (
    Context,
    Known,
    Method,
    ProcessCell,
    Self,
    Static,
    article,
    expression,
)
from checker.lang.infer import NEVER, NeverT, kinds_of
from checker.lang.source import Source
from checker.lang.types import (
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
)
from checker.lang.values import Map, Record, Set, Sort

STATIC_KINDS = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def free_name(source: Source, name: str) -> Any:
    """What a name means outside the function's locals; raises `KeyError`."""
    return source.lookup(name)


def static(c: Context, node: ast.expr) -> Static | None:
    """What an expression stands for, if it is no value: a class, a method, a part, ..."""
    match node:
        case ast.Name(id=name):
            if name in c.statics:
                return c.statics[name]
            if name in c.names or name in c.variables or name in c.loop_names:
                return None
            try:
                value = free_name(c.source, name)
            except KeyError:
                return None
            return _known(value)
        case ast.Subscript(value=inner):
            # A generic class with its types, as in `Lossy[Message]`.
            base = static(c, inner) if isinstance(inner, ast.Name) else None
            return base if isinstance(base, Known) and isinstance(base.value, type) else None
        case ast.Attribute(value=inner, attr=name):
            base = static(c, inner)
            if isinstance(base, Self):
                return _of_self(c, base, name, node)
            if isinstance(base, Known) and isinstance(base.value, types.ModuleType):
                return _known(getattr(base.value, name, None))
        case ast.Call(func=ast.Name(id="super"), args=[]):
            return None
    return None


def _known(value: Any) -> Static | None:
    return Known(value) if isinstance(value, STATIC_KINDS) or _is_generic(value) else None


def _is_generic(value: Any) -> bool:
    return hasattr(value, "__origin__") or isinstance(value, types.UnionType)


def _of_self(c: Context, base: Self, name: str, node: ast.AST) -> Static | None:
    owner = base.owner
    if name == "old":
        if base.old:
            c.fail(node, "`self.old.old` does not exist", "`self.old` is the state before the step")
        return Self(owner, old=True)
    if name in owner.fields or name in owner.constants:
        return None
    if name in owner.parts:
        return Self(owner.parts[name], base.old)
    if name in owner.processes:
        return ProcessCell(owner, name, base.old)
    try:
        return Method(owner.function(name), base.old)
    except KeyError:
        return None


# --------------------------------------------------------------------------- names as values


def _is_stored(tree: ast.AST, name: str) -> bool:
    """Whether a function binds this name, and does not only change in place what it holds."""
    return any(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.MatchAs | ast.MatchStar) and node.name == name)
        for node in ast.walk(tree)
    )


@expression(ast.Name)
def _name(c: Context, node: ast.Name, wanted: Type | None) -> ir.Expr:
    name = node.id
    if name in c.names:
        return replace(c.names[name], place=c.place(node))
    if name in c.variables:
        if name not in c.flow.assigned:
            if name not in c.storage and not _is_stored(c.source.tree, name):
                known = name in c.source.names
                c.fail(
                    node,
                    f"`{name}` is no local of this function: it cannot be changed here"
                    if known
                    else f"`{name}` is not defined",
                    "what changes is a field of the spec" if known else "define or import it",
                )
            c.fail(
                node,
                f"`{name}` may have no value here",
                f"assign `{name}` on every way that leads here",
            )
        slot = c.slot(name)
        return ir.Local(slot, type=c.storage[slot], place=c.place(node))
    if name in c.loop_names:
        c.fail(node, f"`{name}` has a value only inside its loop", "assign what is needed later")
    found = static(c, node)
    if found is not None:
        not_a_value(c, node, found)
    try:
        value = free_name(c.source, name)
    except KeyError:
        c.fail(node, f"`{name}` is not defined", _did_you_mean(c, name))
    return of_python(c, node, value, wanted)


def not_a_value(c: Context, node: ast.expr, found: Static) -> Any:
    text = ast.unparse(node)
    match found:
        case Method():
            c.fail(node, f"`{text}` is a method", f"call it: `{text}(...)`")
        case Self():
            c.fail(node, f"`{text}` is not a value", "name one of its fields")
        case ProcessCell():
            c.fail(node, f"`{text}` is a process", f"read `{text}.at` or one of its locals")
        case Known(value) if isinstance(value, type) and issubclass(value, Sort):
            c.fail(
                node,
                f"`{text}` is a type, not a set of values",
                "use the constant that declares its members, as in `self.acceptors`",
            )
        case Known(value) if isinstance(value, types.ModuleType):
            c.fail(
                node,
                f"`{text}` is a module, and a spec calls only what is written as a spec is",
                "what may happen in several ways, by chance or by a clock, is a parameter of an "
                "action",
            )
    c.fail(node, f"`{text}` is not a value of the language", "docs/language.md lists the types")


def _did_you_mean(c: Context, name: str) -> str:
    owner = c.owner
    if name in owner.fields or name in owner.constants or name in owner.parts:
        return f"write `self.{name}`"
    return "define or import it"


def of_python(c: Context, node: ast.expr, value: Any, wanted: Type | None = None) -> ir.Expr:
    """A value that stands in a variable of the module, as a literal."""
    of = type_of(c, value)
    if of is None:
        text = ast.unparse(node)
        c.fail(
            node,
            f"`{text}` is {value!r}, which is not a value of the language",
            "use numbers, bools, Enum members, or a constant of the spec",
        )
    return ir.Literal(of.coerce(value), type=of, place=c.place(node))


def type_of(c: Context, value: Any) -> Type | None:
    """The smallest type of one value; `None` if the language has no such values."""
    from checker.lang.infer import join

    match value:
        case None:
            return OptionT(NEVER)
        case bool():
            return BoolT()
        case enum.Enum():
            return EnumT(type(value))
        case int():
            return IntT(value, value)
        case Sort():
            return c.owner.sorts.get(type(value), SortT(type(value)))
        case Record():
            of = c.owner.resolve(type(value))
            return of if of.misfit(value) is None else None
        case Set() | set() | frozenset():
            inner: Type | None = NEVER
            for item in value:
                found = type_of(c, item)
                inner = join(inner, found) if inner and found else None
            return SetT(inner) if inner else None
        case tuple():
            items = [type_of(c, item) for item in value]
            return None if None in items else TupleT(tuple(i for i in items if i))
        case Map():
            return None
    return None


@expression(ast.Constant)
def _constant(c: Context, node: ast.Constant, wanted: Type | None) -> ir.Expr:
    value = node.value
    place = c.place(node)
    if value is None:
        of = wanted if isinstance(wanted, OptionT) else OptionT(NEVER)
        return ir.Literal(None, type=of, place=place)
    if isinstance(value, bool):
        return ir.Literal(value, type=ir.BOOL, place=place)
    if isinstance(value, int):
        return ir.number(value, place)
    if isinstance(value, str):
        return _label(c, node, value, wanted)
    c.fail(
        node,
        f"`{ast.unparse(node)}` is not a value of the language",
        "use whole numbers" if isinstance(value, float) else "use an Enum",
    )


def _label(c: Context, node: ast.Constant, value: str, wanted: Type | None) -> ir.Expr:
    if not isinstance(wanted, LabelT):
        c.fail(
            node,
            f"the text {value!r} is not a value of the language",
            "use an Enum; texts only name the steps of a process, as in "
            '`self.worker.at[p] == "idle"`',
        )
    if value not in wanted.labels:
        c.fail(
            node,
            f"{value!r} is not a step of `{wanted.process}`",
            f"its steps are {', '.join(map(repr, wanted.labels))}",
        )
    return ir.Literal(value, type=wanted, place=c.place(node))


# --------------------------------------------------------------------------- attributes


@expression(ast.Attribute)
def _attribute(c: Context, node: ast.Attribute, wanted: Type | None) -> ir.Expr:
    base = static(c, node.value)
    match base:
        case Self():
            return _member_of_spec(c, node, base)
        case ProcessCell(owner, name, old):
            field = owner.fields.get(f"{name}.{node.attr}")
            if field is None:
                known = ", ".join(owner.processes[name].fields)
                c.fail(node, f"the process `{name}` has no `{node.attr}`", f"it has: {known}")
            return ir.FieldRead(field.name, old, type=field.type, place=c.place(node))
        case Known(value):
            found = getattr(value, node.attr, None)
            if isinstance(found, enum.Enum) or isinstance(value, types.ModuleType):
                return of_python(c, node, found, wanted)
            c.fail(
                node,
                f"`{ast.unparse(node)}` is not a value of the language",
                _known_mend(value),
            )
        case Method():
            not_a_value(c, node.value, base)
    return record_field(c, c.expr(node.value), node)


def _known_mend(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return f"the members of `{value.__name__}` are: {', '.join(m.name for m in value)}"
    return "docs/language.md lists what methods are written with"


def _member_of_spec(c: Context, node: ast.Attribute, base: Self) -> ir.Expr:
    owner, name, place = base.owner, node.attr, c.place(node)
    if name in owner.fields and "." not in name:
        field = owner.fields[name]
        return ir.FieldRead(field.name, base.old, type=field.type, place=place)
    if name in owner.constants:
        constant = owner.constants[name]
        return ir.Constant(
            owner.prefix + name, type=constant_type(constant.type, constant.value), place=place
        )
    found = static(c, node)
    if found is not None:
        not_a_value(c, node, found)
    if hasattr(owner.cls, name):
        c.fail(
            node,
            f"`{name}` has no type in `{owner.cls.__name__}`, so it is no field",
            f"write `{name}: SomeType = ...` in the class",
        )
    known = [n for n in (*owner.fields, *owner.constants, *owner.parts) if "." not in n]
    c.fail(
        node,
        f"`{owner.cls.__name__}` has no field, constant or method `{name}`",
        f"declare it in the class; it has: {', '.join(known) or 'nothing'}",
    )


def constant_type(of: Type, value: Any) -> Type:
    """The type of a constant where it is read: a number is known."""
    if isinstance(of, IntT) and isinstance(value, int):
        return IntT(value, value)
    return of


def record_field(c: Context, of: ir.Expr, node: ast.Attribute) -> ir.Expr:
    """`of.name`: a field of a record, or of every kind of a union."""
    name, place = node.attr, c.place(node)
    text = ast.unparse(node.value)
    if isinstance(of.type, NeverT):
        return ir.Widen(of, type=NEVER, place=place)
    if isinstance(of.type, OptionT) and kinds_of(of.type):
        c.fail(
            node,
            f"`{text}` may be None here, so it has no field `{name}`",
            f"test it first: `if {text} is not None`, or require that",
        )
    if isinstance(of.type, RecordT):
        field = of.type.field(name)
        if field is None:
            known = ", ".join(of.type.kind._fields) or "none"
            c.fail(node, f"`{of.type}` has no field `{name}`", f"its fields are: {known}")
        return ir.Get(of, name, type=field, place=place)
    if isinstance(of.type, UnionT):
        found = {kind: kind.field(name) for kind in of.type.kinds}
        without = [str(kind) for kind, field in found.items() if field is None]
        if without:
            c.fail(
                node,
                f"`{text}` may be a {' or a '.join(without)} here, without a field `{name}`",
                "tell the kinds apart first with `match` or `isinstance`",
            )
        types_ = set(found.values())
        if len(types_) > 1:
            c.fail(
                node,
                f"`{name}` has different types in the kinds of `{text}`",
                "tell the kinds apart first with `match` or `isinstance`",
            )
        only = types_.pop()
        assert only is not None
        return ir.Get(of, name, type=only, place=place)
    if isinstance(of.type, MapT | SetT | SeqT):
        c.fail(
            node,
            f"`{text}` is {article(of.type)}, which has no `{name}` to read",
            "docs/language.md lists what each type has",
        )
    c.fail(
        node,
        f"`{text}` is {article(of.type)}, which has no field `{name}`",
        "only records have fields",
    )
