"""Ghost fields record and do not act; parts act once in a step; only steps have a state before.

* A ghost field may be read by properties, and to compute ghost fields.  No guard, no branch
  that writes another field, no value of another field and no argument of a call that does any
  of this may depend on it.
* Two calls, in one step, of actions of parts that write the same field would be two steps of
  that part: an error.
* `self.old` is the state before a step.  Actions and step properties have one, nothing else.

All three are checked on the IR of everything that a step, or a property, can run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checker.lang import ir
from checker.lang.errors import Place, SpecError

Tainted = dict[str, str]
"""Locals whose value depends on a ghost field, and that field."""


def check(program: ir.Program, part_actions: frozenset[str] = frozenset()) -> None:
    """Raises `SpecError` at the first place where a ghost acts, or a part acts twice."""
    ghosts = frozenset(f.name for f in program.fields if f.ghost)
    for action in (*program.actions, *(a for group in program.inits for a in group)):
        if ghosts:
            Ghosts(program, ghosts).function(action.function, {})
        if part_actions:
            _Calls(program, part_actions).function(action.function)
    for name in _without_step(program):
        for node in _reached(program, name, set()):
            if isinstance(node, ir.FieldRead | ir.Call) and node.old:
                raise SpecError(
                    "`self.old` is read here, and there is no step",
                    "actions and step properties have a state before: make it a @step_property, "
                    "or keep what is needed in a ghost field",
                    node.place,
                )
    for name, what in _steering(program):
        for node in _reached(program, name, set()):
            if isinstance(node, ir.FieldRead) and node.name in ghosts:
                raise SpecError(
                    f"{what} depends on the ghost field `{node.name}`",
                    "a ghost only records: make it an ordinary field",
                    node.place,
                )


def _without_step(program: ir.Program) -> Iterator[str]:
    """The functions that are run on a state by itself."""
    for group in program.inits:
        yield from (action.function for action in group)
    judged = (*program.properties, *program.final, *program.constraints, *program.assumes)
    yield from (what.function for what in judged if what.kind != "step_property")
    for action in program.actions:
        if action.fairness is not None and action.fairness.when is not None:
            yield action.fairness.when
    for mapping in program.refinements:
        yield from (function for _, function in mapping.fields)


def _steering(program: ir.Program) -> Iterator[tuple[str, str]]:
    """The functions, besides actions, that say which runs there are."""
    for constraint in program.constraints:
        yield constraint.function, f"the constraint `{constraint.name}`"
    for action in program.actions:
        if action.fairness is not None and action.fairness.when is not None:
            yield action.fairness.when, f"the fairness of `{action.name}`"


def _reached(program: ir.Program, name: str, seen: set[str]) -> Iterator[ir.Node]:
    """Everything that a function can run."""
    if name in seen:
        return
    seen.add(name)
    for node in ir.walk(program.functions[name].body):
        yield node
        if isinstance(node, ir.Call | ir.Enabled | ir.Do):
            yield from _reached(program, node.function, seen)


@dataclass
class Ghosts:
    """Follows what depends on ghosts through one action and all that it calls."""

    program: ir.Program
    ghosts: frozenset[str]
    seen: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    def fail(self, ghost: str, what: str, where: Place) -> None:
        raise SpecError(
            f"{what} depends on the ghost field `{ghost}`",
            "a ghost only records: make it an ordinary field, or use it in properties only",
            where,
        )

    def function(self, name: str, tainted: Tainted) -> str:
        """The ghost that the function's value depends on, or the empty text."""
        key = (name, tuple(sorted(tainted)))
        if key in self.seen:
            return ""
        self.seen.add(key)
        run = _Run(self, dict(tainted))
        run.body(self.program.functions[name].body, "")
        self.seen.discard(key)
        return run.result

    def of(self, expr: ir.Node, tainted: Tainted) -> str:
        """The ghost that an expression depends on, or the empty text."""
        bound: Tainted = {}
        for node in ir.walk(expr):
            match node:
                case ir.FieldRead(name) if name in self.ghosts:
                    return name
                case ir.Local(name) if name in tainted or name in bound:
                    return tainted.get(name) or bound[name]
                case ir.Call(name) | ir.Enabled(name):
                    found = self.function(name, {})
                    if found:
                        return found
        return ""


class _Run:
    def __init__(self, ghosts: Ghosts, tainted: Tainted) -> None:
        self.ghosts = ghosts
        self.tainted = tainted
        self.result = ""

    def of(self, expr: ir.Node) -> str:
        return self.ghosts.of(expr, self.tainted)

    def body(self, body: ir.Body, under: str) -> None:
        """`under`: the ghost that decides whether this body runs, if one does."""
        for s in body:
            under = self.statement(s, under) or under

    def statement(self, s: ir.Stmt, under: str) -> str:
        """What follows may not be reached, depending on the ghost that is returned."""
        match s:
            case ir.Let(name, value):
                self.local(name, self.of(value) or under)
            case ir.Write(name, path, value):
                self.write(
                    s,
                    name,
                    under
                    or self.of(value)
                    or next(filter(None, (self.of(key) for key in path)), ""),
                )
            case ir.Require(test):
                found = under or self.of(test)
                if found:
                    self.ghosts.fail(found, "a guard", s.place)
            case ir.If(test, then, other):
                found = under or self.of(test)
                self.body(then, found)
                self.body(other, found)
                leaves = any(isinstance(n, ir.Return) for n in ir.walk((*then, *other)))
                return found if leaves else ""
            case ir.For(name, _, source, inner):
                found = under or self.of(source)
                self.local(name, found)
                for _ in range(2):
                    self.body(inner, found)
            case ir.Return(value):
                self.result = self.result or under or (self.of(value) if value else "")
            case ir.Do():
                self.call(s, under)
        return ""

    def local(self, name: str, ghost: str) -> None:
        if ghost:
            self.tainted[name] = ghost

    def write(self, s: ir.Write, name: str, ghost: str) -> None:
        if ghost and name not in self.ghosts.ghosts:
            self.ghosts.fail(ghost, f"`{name}`", s.place)

    def call(self, s: ir.Do, under: str) -> None:
        function = self.ghosts.program.functions[s.function]
        inner: Tainted = {}
        for param, arg in zip(function.params, s.args, strict=True):
            found = self.of(arg)
            if found:
                inner[param.name] = found
        if under:
            if function.guarded:
                self.ghosts.fail(under, "a guard", s.place)
            for name in sorted(function.writes - self.ghosts.ghosts):
                self.ghosts.fail(under, f"`{name}`", s.place)
        result = self.ghosts.function(s.function, inner) or under
        if s.into is not None:
            self.local(s.into, result)


class _Calls:
    """Which fields have been written by actions of parts, on the way through one step."""

    def __init__(self, program: ir.Program, part_actions: frozenset[str]) -> None:
        self.program = program
        self.part_actions = part_actions

    def function(self, name: str) -> None:
        self.body(self.program.functions[name].body, {})

    def body(self, body: ir.Body, written: dict[str, str]) -> dict[str, str]:
        for s in body:
            match s:
                case ir.If(_, then, other):
                    written = self.body(then, dict(written)) | self.body(other, dict(written))
                case ir.For(_, _, _, inner):
                    once = self.body(inner, dict(written))
                    written = self.body(inner, once)
                case ir.Do():
                    written = self.call(s, written)
        return written

    def call(self, s: ir.Do, written: dict[str, str]) -> dict[str, str]:
        base = s.function.partition("~")[0]
        if base not in self.part_actions:
            return self.body(self.program.functions[s.function].body, dict(written))
        writes = self.program.functions[s.function].writes
        for name in sorted(writes):
            if name in written:
                raise SpecError(
                    f"`{base}` and `{written[name]}` both write `{name}` in one step"
                    if base != written[name]
                    else f"`{base}` is called twice in one step, and writes `{name}`",
                    "an action of a part happens once in a step: give the part an action that "
                    "does both, or a helper that is no action",
                    s.place,
                )
        return written | dict.fromkeys(writes, base)
