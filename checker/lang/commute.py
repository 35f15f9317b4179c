"""Loops over what has no order must give the same whatever the order.

Checked here, conservatively, for every `for` over a Set, a Bag, the keys of a Map or the
members of a Sort.  A round may

* accumulate into one place: `+=` and `*=` on numbers, `|=`, `-=`, `&=`, `^=`, `.add`,
  `.discard` on sets, `.add` on bags, `or`/`and` on bools, `x = max(x, ...)` and `min`;
* write the cell of a Map whose key is the loop variable, or a pair with it;
* assign a value that is the same in every round;
* `require`, or `assert`, or return a value that is the same in every round, but only one of
  these: the first to come would hide another;
* call methods that do no more than this;

and it may not read what another round writes, except in such an accumulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from checker.lang import ir
from checker.lang.errors import Place, SpecError
from checker.lang.types import IntT

MEND = (
    "loop over sorted(...) or a range; or accumulate (`+=`, `|=`, `.add`, `.discard`), or write "
    "only the loop variable's own cell of a Map"
)

MEND_ENDS = "say it before the loop, of all members: require(all(... for ... in ...))"

_TOGETHER: dict[str, set[str]] = {
    "up": {"up"},
    "down": {"down"},
    "+": {"+", "up", "down"},
    "*": {"*"},
    "set.union": {"set.union", "set.add"},
    "set.add": {"set.union", "set.add"},
    "set.minus": {"set.minus", "set.discard"},
    "set.discard": {"set.minus", "set.discard"},
    "set.both": {"set.both"},
    "set.xor": {"set.xor"},
    "bag.add": {"bag.add"},
    "min": {"min"},
    "max": {"max"},
    "and": {"and"},
    "or": {"or"},
}
"""Which accumulations commute with which.  `up` and `down` are sums that only grow or shrink."""

_OPERATORS = {"+", "-", *_TOGETHER} - {"up", "down"}
_EITHER_SIDE = {"+", "*", "set.union", "set.both", "set.xor", "min", "max", "and", "or"}

Functions = dict[str, ir.Function]


def check(function: ir.Function, functions: Functions) -> None:
    """Raises `SpecError` at the first round that may not commute with another."""
    outside: dict[int, set[str]] = {}
    _live(function.body, set(), outside)
    for node in ir.walk(function.body):
        if isinstance(node, ir.For) and not node.ordered:
            _Loop(node, functions, outside[id(node)]).check()


@dataclass
class _Write:
    """What a round does to a local, a field, or a cell of a field."""

    name: str
    path: tuple[ir.Expr, ...]
    kind: str
    """`own`: another cell in each round; `same`: one value in all; or an accumulation."""
    where: Place
    value: ir.Expr | None = None
    is_field: bool = False
    own_at: frozenset[tuple[int, int]] = frozenset()
    """Where in the path the loop variable stands: which key, and which part of a pair."""


class _Loop:
    def __init__(self, loop: ir.For, functions: Functions, outside: set[str]) -> None:
        self.loop = loop
        self.functions = functions
        self.writes: list[_Write] = []
        self.reads: list[tuple[ir.Expr, Place]] = []
        self.returned: ir.Expr | None = None
        self.refused: Place | None = None
        """Where a round may refuse the step."""
        self.asserted: Place | None = None
        self.calls = 0
        inside = _live(loop.body, set(), {})
        assigned = {name for name, _ in _assigned(loop.body)}
        self.own = {loop.name} | (assigned - inside - outside)
        """Locals that each round gives a value of its own before it reads them."""

    def fail(self, what: str, where: Place, mend: str = MEND) -> None:
        raise SpecError(f"the order of this loop shows: {what}", mend, where)

    def check(self) -> None:
        self.body(self.loop.body)
        earlier: dict[str, list[_Write]] = {}
        for write in self.writes:
            known = earlier.setdefault(write.name, [])
            if not all(_together(other, write) for other in known):
                self.fail(f"rounds write `{write.name}` in ways that do not commute", write.where)
            known.append(write)
        for expr, where in self.reads:
            self.check_read(expr, where)
        if self.returned is not None and any(write.is_field for write in self.writes):
            self.fail("it returns when only some rounds have written", self.loop.place)
        self.check_ends()

    def check_ends(self) -> None:
        """A round that ends the loop hides how a later one would end it."""
        stopped = self.refused or self.asserted
        if self.returned is not None and stopped:
            word = "require" if self.refused else "assert"
            self.fail(
                f"a round may return before another comes to its `{word}`", stopped, MEND_ENDS
            )
        if self.refused and self.asserted:
            what = "a round may refuse the step before another comes to its `assert`"
            self.fail(what, self.asserted, MEND_ENDS)

    # ------------------------------------------------------------- what a round does

    def body(self, body: ir.Body, called: bool = False) -> None:
        for s in body:
            match s:
                case ir.Let(name, value):
                    if name in self.own:
                        self.read(value, s.place)
                    else:
                        self.assign(name, (), value, s.place, False)
                case ir.Write(name, path, value):
                    for key in path:
                        self.read(key, s.place)
                    self.assign(name, path, value, s.place, True)
                case ir.Require(test) | ir.Assert(test) if ir.is_true(test):
                    pass  # known: said for the type checker
                case ir.Require(test):
                    self.refused = self.refused or s.place
                    self.read(test, s.place)
                case ir.Assert(test):
                    self.asserted = self.asserted or s.place
                    self.read(test, s.place)
                case ir.If(test, then, other):
                    self.read(test, s.place)
                    self.body(then, called)
                    self.body(other, called)
                case ir.For(name, _, source, inner):
                    for child in ir.children(source):
                        if isinstance(child, ir.Expr):
                            self.read(child, s.place)
                    self.own.add(name)
                    self.body(inner, called)
                case ir.Return(value):
                    if called:
                        self.read(value or ir.TRUE, s.place)
                    else:
                        self.returns(value or ir.TRUE, s.place)
                case ir.Do():
                    self.call(s)

    def call(self, s: ir.Do) -> None:
        """A call does what its function does, with names of its own."""
        self.calls += 1
        for arg in s.args:
            self.read(arg, s.place)
        if s.into is not None and s.into not in self.own:
            self.fail(f"each round assigns its own value to `{s.into}`", s.place)
        function = self.functions[s.function]
        args = {p.name: arg for p, arg in zip(function.params, s.args, strict=True)}
        body = _renamed(function.body, args, f"{s.function}#{self.calls}.", s.place)
        self.own |= {name for name, _ in _assigned(body)}
        self.body(body, called=True)

    def returns(self, value: ir.Expr, where: Place) -> None:
        if self.varies(value):
            self.fail("it returns what it finds first", where)
        if self.returned is not None and self.returned != value:
            self.fail("it returns one of two values, whichever comes first", where)
        self.returned = value

    def assign(
        self, name: str, path: tuple[ir.Expr, ...], value: ir.Expr, where: Place, is_field: bool
    ) -> None:
        own_at = self.own_at(path)
        if own_at:
            self.writes.append(_Write(name, path, "own", where, is_field=is_field, own_at=own_at))
            self.read(value, where)
            return
        if any(self.varies(key) for key in path):
            self.fail(f"two rounds may write one cell of `{name}`", where)
        gathered = _gathers(name, path, value)
        if gathered is not None:
            kind, rest = gathered
            if kind == "+" and is_field and isinstance(value, ir.Fit):
                self.fail(f"on the way `{name}` may leave its domain, or not", where)
            self.writes.append(_Write(name, path, kind, where, is_field=is_field))
            for part in rest:
                self.read(part, where)
            return
        if self.varies(value) or _mentions(value, name):
            does = "appends to" if _appends(value) else "assigns its own value to"
            self.fail(f"each round {does} `{name}`", where)
        self.writes.append(_Write(name, path, "same", where, _plain(value), is_field))
        self.read(value, where)

    def own_at(self, path: tuple[ir.Expr, ...]) -> frozenset[tuple[int, int]]:
        found = set()
        for index, key in enumerate(map(_plain, path)):
            parts = key.args if isinstance(key, ir.Op) and key.op == "tuple.of" else (key,)
            for number, part in enumerate(map(_plain, parts)):
                if isinstance(part, ir.Local) and part.name == self.loop.name:
                    found.add((index, number))
        return frozenset(found)

    # ------------------------------------------------------------- what a round reads

    def varies(self, expr: ir.Expr) -> bool:
        return bool(ir.locals_in(expr) & self.own)

    def read(self, expr: ir.Expr, where: Place) -> None:
        self.reads.append((expr, where))

    def check_read(self, expr: ir.Expr, where: Place) -> None:
        for write in self.writes:
            if write.kind == "own":
                expr = _without(expr, write.name, write.path)
        for write in self.writes:
            called = {
                name
                for node in ir.walk(expr)
                if isinstance(node, ir.Call | ir.Enabled)
                for name in fields_read(node, self.functions)
            }
            if _mentions(expr, write.name) or (write.is_field and write.name in called):
                self.fail(f"a round reads `{write.name}`, which another round writes", where)


def _together(a: _Write, b: _Write) -> bool:
    if a.kind == "own" or b.kind == "own":
        # m[t] and m[k][t], or m[t, k] and m[k, t], may be one cell in two rounds.
        return bool(a.own_at & b.own_at)
    if a.path != b.path:
        return a.kind == b.kind == "same" and a.value == b.value
    if a.kind == "same" or b.kind == "same":
        return a.kind == b.kind and a.value == b.value
    return b.kind in _TOGETHER[a.kind] or a.kind in _TOGETHER[b.kind]


def _gathers(
    name: str, path: tuple[ir.Expr, ...], value: ir.Expr
) -> tuple[str, tuple[ir.Expr, ...]] | None:
    """`place = place op rest`: how it accumulates, and the rest."""
    value = _plain(value)
    if not isinstance(value, ir.Op) or value.op not in _OPERATORS:
        return None
    for index, arg in enumerate(value.args):
        if _is_cell(_plain(arg), name, path) and (index == 0 or value.op in _EITHER_SIDE):
            rest = (*value.args[:index], *value.args[index + 1 :])
            return _kind(value.op, rest), rest
    return None


def _kind(op: str, rest: tuple[ir.Expr, ...]) -> str:
    if op not in "+-":
        return op
    of = rest[0].type
    assert isinstance(of, IntT)
    if of.low is not None and of.low >= 0:
        return "up" if op == "+" else "down"
    if of.high is not None and of.high <= 0:
        return "down" if op == "+" else "up"
    return "+"


# --------------------------------------------------------------------------- reading trees


def _plain(expr: ir.Expr) -> ir.Expr:
    while isinstance(expr, ir.Widen | ir.Fit | ir.Narrow):
        expr = expr.of
    return expr


def _is_cell(expr: ir.Expr, name: str, path: tuple[ir.Expr, ...]) -> bool:
    for key in reversed(path):
        if not (isinstance(expr, ir.Op) and expr.op in ("map.get", "seq.get")):
            return False
        if expr.args[1] != key:
            return False
        expr = _plain(expr.args[0])
    return _is_root(expr, name)


def _is_root(expr: ir.Node, name: str) -> bool:
    return (isinstance(expr, ir.Local) and expr.name == name) or (
        isinstance(expr, ir.FieldRead) and expr.name == name and not expr.old
    )


def _mentions(expr: ir.Expr, name: str) -> bool:
    return any(_is_root(node, name) for node in ir.walk(expr))


def _without(expr: ir.Expr, name: str, path: tuple[ir.Expr, ...]) -> ir.Expr:
    """The expression with reads of one cell taken out."""

    def change(node: Any) -> Any:
        if isinstance(node, ir.Expr) and path and _is_cell(node, name, path):
            return ir.Literal(None, type=node.type)
        return ir.rebuild(node, change)

    made: ir.Expr = change(expr)
    return made


def _appends(value: ir.Expr) -> bool:
    value = _plain(value)
    return isinstance(value, ir.Op) and value.op in ("seq.append", "seq.concat", "seq.insert")


def _assigned(body: ir.Body) -> Iterator[tuple[str, ir.Stmt]]:
    for node in ir.walk(body):
        if isinstance(node, ir.Let | ir.For):
            yield node.name, node
        elif isinstance(node, ir.Do) and node.into is not None:
            yield node.into, node


def _live(body: ir.Body, after: set[str], outside: dict[int, set[str]]) -> set[str]:
    """The locals whose value at the start of a body may be read; `outside` gets those that
    may be read after each loop."""
    live = set(after)
    for s in reversed(body):
        match s:
            case ir.Let(name, value):
                live = (live - {name}) | ir.locals_in(value)
            case ir.Write(_, path, value):
                live |= ir.locals_in((value, *path))
            case ir.Require(test) | ir.Assert(test):
                live |= ir.locals_in(test)
            case ir.If(test, then, other):
                ways = _live(then, live, outside) | _live(other, live, outside)
                live = ways | ir.locals_in(test)
            case ir.For(name, _, source, inner):
                outside[id(s)] = set(live)
                again = _live(inner, live, outside) - {name}
                live |= (_live(inner, live | again, outside) - {name}) | ir.locals_in(source)
            case ir.Return(value):
                live = set() if value is None else set(ir.locals_in(value))
            case ir.Do(_, args, into):
                live = (live - {into or ""}) | ir.locals_in(args)
    return live


def _renamed(body: ir.Body, args: dict[str, ir.Expr], prefix: str, place: Place) -> ir.Body:
    """A function's body for one call: parameters replaced, other locals renamed."""

    def change(node: Any) -> Any:
        if isinstance(node, ir.Local):
            return args.get(node.name) or replace(node, name=prefix + node.name)
        node = ir.rebuild(node, change)
        if isinstance(node, ir.Do) and node.into is not None:
            return replace(node, into=prefix + node.into)
        if isinstance(node, ir.Let | ir.For | ir.Gen | ir.Bind | ir.LetIn | ir.Pick | ir.SortBy):
            node = replace(node, name=prefix + node.name)
        return replace(node, place=place) if isinstance(node, ir.Stmt) else node

    return tuple(change(statement) for statement in body)


def fields_read(
    node: ir.Node | ir.Body, functions: Functions, seen: frozenset[str] = frozenset()
) -> set[str]:
    """The fields whose current value a tree reads, itself or through calls."""
    found = set()
    for part in ir.walk(node):
        if isinstance(part, ir.FieldRead) and not part.old:
            found.add(part.name)
        if isinstance(part, ir.Call | ir.Enabled | ir.Do) and part.function not in seen:
            found |= fields_read(functions[part.function].body, functions, seen | {part.function})
    return found


__all__ = ["check", "fields_read"]
