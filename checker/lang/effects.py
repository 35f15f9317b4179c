"""What an action reads and writes, and which Sorts are symmetric.  Read off the IR alone.

A read or write is of a field, or of a cell: the path has one step for each key or index, an
expression over the action's parameters and constants, or `None` for "some key".  Two actions
with these bindings whose writes meet no read or write of the other commute; that is what
partial-order reduction needs.  `how` tells a write that only adds to a set or bag from others:
two additions commute, although both also read what they add to.

A Sort is symmetric if renaming its members changes nothing that a spec can say.  The type rules
leave few ways to single out a member (no order, no literals): values (constants, defaults of
fields, and members that stand in variables of the module), invariants of records that read such
values, and the canonical order of a walk whose rounds end in different ways (`rounds.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any, Literal

from checker.lang import ir
from checker.lang.rounds import rounds_that_show
from checker.lang.types import RecordT, SetT, SortT, Type, sorts_in
from checker.lang.values import Bag, Map, Record, Set, Sort

Path = tuple[ir.Expr | None, ...]

LARGEST_RECORD = 20_000
"""The values of a record with more than these are not walked to see whether renaming keeps them."""


@dataclass(frozen=True)
class Access:
    """A field or a cell of it; `None` in the path stands for any key."""

    field: str
    path: Path = ()
    how: Literal["read", "assign", "add"] = "read"

    def meets(self, other: Access) -> bool:
        """Whether the two may be of one cell, for some values of the parameters."""
        return self.field == other.field and all(
            a == b or not (isinstance(a, ir.Literal) and isinstance(b, ir.Literal))
            for a, b in zip(self.path, other.path, strict=False)
        )

    def __str__(self) -> str:
        keys = "".join(f"[{_text(key)}]" for key in self.path)
        return f"{self.field}{keys}"


@dataclass(frozen=True)
class Effects:
    """All that one action may read and write, with calls followed."""

    reads: frozenset[Access]
    writes: frozenset[Access]

    def texts(self) -> tuple[list[str], list[str]]:
        """Both as sorted text: `promised[a]`, `sent`, `links[*]`."""
        return sorted(map(str, self.reads)), sorted(map(str, self.writes))


def effects(program: ir.Program, function: str) -> Effects:
    """What a function (of an action or property) reads and writes; its parameters are names."""
    reader = _Reader(program)
    made = program.functions[function]
    params = {p.name: ir.Local(p.name, type=p.type) for p in made.params}
    reader.body(made.body, dict(params))
    return Effects(frozenset(reader.reads), frozenset(reader.writes))


class _Reader:
    """Follows a body; `known` has the locals that stand for something over the parameters."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.reads: set[Access] = set()
        self.writes: set[Access] = set()

    def key(self, key: ir.Expr, known: dict[str, ir.Local | ir.Expr]) -> ir.Expr | None:
        """A key as an expression over parameters and constants, if it is one."""
        if any(
            isinstance(node, ir.FieldRead | ir.Call | ir.Enabled | ir.Fold | ir.Pick | ir.LetIn)
            or (isinstance(node, ir.Local) and node.name not in known)
            for node in ir.walk(key)
        ):
            return None
        return ir.substitute(key, known)

    def expr(self, expr: ir.Node, known: dict[str, Any]) -> None:
        cell = _cell(expr)
        if cell is not None:
            field, keys = cell
            self.reads.add(Access(field.name, tuple(self.key(key, known) for key in keys)))
            for key in keys:
                self.expr(key, known)
            return
        if isinstance(expr, ir.Call | ir.Enabled):
            self.call(expr.function, expr.args, known, isinstance(expr, ir.Enabled))
        for child in ir.children(expr):
            self.expr(child, known)

    def call(
        self, name: str, args: tuple[ir.Expr, ...], known: dict[str, Any], only_reads: bool
    ) -> None:
        function = self.program.functions[name]
        inner: dict[str, Any] = {}
        for param, arg in zip(function.params, args, strict=True):
            found = self.key(arg, known)
            if found is not None:
                inner[param.name] = found
        held = set(self.writes)
        self.body(function.body, inner)
        if only_reads:
            self.reads |= {Access(w.field, w.path) for w in self.writes - held}
            self.writes = held

    def body(self, body: ir.Body, known: dict[str, Any]) -> None:
        for s in body:
            match s:
                case ir.Write():
                    self.write(s, known)
                case ir.If(test, then, other):
                    self.expr(test, known)
                    self.body(then, dict(known))
                    self.body(other, dict(known))
                case ir.For(_, _, source, inner):
                    self.expr(source, known)
                    self.body(inner, dict(known))
                case ir.Do(name, args):
                    for arg in args:
                        self.expr(arg, known)
                    self.call(name, args, known, False)
                case _:
                    for child in ir.children(s):
                        self.expr(child, known)

    def write(self, s: ir.Write, known: dict[str, Any]) -> None:
        path = tuple(self.key(key, known) for key in s.path)
        for key in s.path:
            self.expr(key, known)
        value: ir.Expr = s.value
        unbounded = isinstance(s.value.type, SetT) and s.value.type.at_most is None
        while isinstance(value, ir.Widen) or (isinstance(value, ir.Fit) and unbounded):
            value = value.of
        if isinstance(value, ir.Op) and value.op in ("set.add", "set.union", "bag.add"):
            held, added = value.args
            while isinstance(held, ir.Widen):
                held = held.of
            if _cell(held) == (ir.FieldRead(s.field, type=_root_type(held)), s.path):
                self.expr(added, known)
                self.writes.add(Access(s.field, path, "add"))
                return
        self.expr(s.value, known)
        self.writes.add(Access(s.field, path, "assign"))


def _root_type(expr: ir.Expr) -> Any:
    cell = _cell(expr)
    return expr.type if cell is None else cell[0].type


def _cell(expr: ir.Node) -> tuple[ir.FieldRead, tuple[ir.Expr, ...]] | None:
    """The field and keys of `field[key]...`, if the expression is that."""
    match expr:
        case ir.FieldRead():
            return expr, ()
        case ir.Op(op="map.get" | "seq.get", args=(of, key)):
            inner = _cell(of)
            return None if inner is None else (inner[0], (*inner[1], key))
    return None


def _text(key: ir.Expr | None) -> str:
    match key:
        case None:
            return "*"
        case ir.Local(name) | ir.Constant(name):
            return name
        case ir.Literal(value):
            return repr(value)
        case ir.Op(op="tuple.of", args=args):
            return ", ".join(_text(arg) for arg in args)
        case ir.Widen(of) | ir.Fit(of):
            return _text(of)
        case ir.Get(of, name):
            return f"{_text(of)}.{name}"
        case ir.Op(op=op, args=args):
            return f"{op}({', '.join(_text(arg) for arg in args)})"
    return type(key).__name__


# --------------------------------------------------------------------------- symmetry


def symmetric_sorts(program: ir.Program) -> tuple[SortT, ...]:
    """The Sorts whose members may be exchanged for one another without anyone noticing."""
    return tuple(sort for sort in program.sorts if singled_out(program, sort) is None)


def singled_out(program: ir.Program, sort: SortT) -> str | None:
    """What tells one member of the Sort from another; `None` if nothing does."""
    for one, other in pairwise(sort.members or ()):
        swap: dict[Any, Any] = {one: other, other: one}
        for record in sorted(_checked_records(program), key=str):
            if sort.kind in sorts_in(record) and not _closed(record, swap):
                return f"the invariants of `{record}`"
        for what, value in _values(program):
            if renamed(value, swap) != value:
                return what
    if (sort.size or 0) > 1:
        for function in program.functions.values():
            for walk in rounds_that_show(program, function.body, _mentions(sort)):
                return f"the order of what is walked in `{function.name}`, line {walk.place.line}"
    for refinement in program.refinements:
        found = singled_out(refinement.other, sort)
        if found is not None:
            return f"{found} of `{refinement.other.name}`"
    return None


def _mentions(sort: SortT) -> Callable[[Type], bool]:
    return lambda of: sort.kind in sorts_in(of)


def _values(program: ir.Program) -> Iterator[tuple[str, Any]]:
    """Every value that stands in a program, and where.  Choices are read off the functions."""
    for constant in program.constants.values():
        yield f"the constant `{constant.name}`", constant.value
    for field in program.fields:
        if field.default is not ...:
            yield f"the first value of `{field.name}`", field.default
    for function in program.functions.values():
        for node in ir.walk(function.body):
            if isinstance(node, ir.Literal):
                yield f"a value in `{function.name}`", node.value


def _checked_records(program: ir.Program) -> set[RecordT]:
    """The records with invariants whose values are walked or kept: no function need make them."""
    types = [field.type for field in program.fields]
    types += [constant.type for constant in program.constants.values()]
    for function in program.functions.values():
        types += [param.type for param in function.params]
        for node in ir.walk(function.body):
            if isinstance(node, ir.Domain):
                types.append(node.of)
            elif isinstance(node, ir.Literal):
                types.append(node.type)
    return {r for of in types for r in _records_in(of) if r.kind._checks}


def _records_in(of: Type) -> Iterator[RecordT]:
    if isinstance(of, RecordT):
        yield of
        parts: tuple[Any, ...] = tuple(part for _, part in of.fields)
    else:
        held = vars(of).values()
        parts = tuple(p for part in held for p in (part if isinstance(part, tuple) else (part,)))
    for part in parts:
        if isinstance(part, Type):
            yield from _records_in(part)


def _closed(record: RecordT, swap: dict[Any, Any]) -> bool:
    """Whether the invariants allow the same of renamed fields.  Too many values to ask: no."""
    sizes = [of.size for _, of in record.fields]
    if None in sizes or prod(size or 0 for size in sizes) > LARGEST_RECORD:
        return False
    allows = record.kind.allows
    return all(
        allows(args) == allows(tuple(renamed(arg, swap) for arg in args))
        for args in product(*(tuple(of.values()) for _, of in record.fields))
    )


def renamed(value: Any, names: dict[Any, Any]) -> Any:
    """The value with members of Sorts exchanged."""
    if isinstance(value, Sort):
        return names.get(value, value)
    if isinstance(value, Record):
        kind = type(value)
        return kind(*(renamed(getattr(value, field), names) for field in kind._fields))
    if isinstance(value, Set):
        return Set(renamed(item, names) for item in value)
    if isinstance(value, Map):
        return Map((renamed(k, names), renamed(v, names)) for k, v in value.items())
    if isinstance(value, Bag):
        return Bag(renamed(item, names) for item in value)
    if isinstance(value, tuple):
        return tuple(renamed(item, names) for item in value)
    return value


__all__ = ["Access", "Effects", "effects", "renamed", "singled_out", "symmetric_sorts"]
