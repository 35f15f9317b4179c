"""Processes: sequential code with named steps, turned into one action for each name.

    while True:
        yield "idle"
        self.want[p] = True
        yield "wait"
        require(self.turn == p)

Rules:

* `yield "name"` begins a step; what follows, up to the next `yield` on each way through the
  code, is that step, and is atomic.
* `x: T = yield "name"` begins a step that has a parameter `x` of its own, as an action has: the
  step is there for each value of `x`, which only this step can see.
* A process begins with the declarations of its locals (annotated, with initial values) and
  then a named step.  It ends at `"done"`.
* Each way round a `while` passes a named step.

The result is plain syntax trees (`worker.idle` is a function of `self` and `p` that begins
with `require(self.worker.at[p] == "idle")`), so that everything that works for actions works
for steps.  Nothing here runs anything.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from checker.lang.errors import SpecError
from checker.lang.source import Source, copied, place_in

DONE = "done"
N = TypeVar("N", bound=ast.AST)
Continuation = Callable[[], list[ast.stmt]]


@dataclass(frozen=True)
class Local:
    """A variable of a process that lives from step to step."""

    name: str
    annotation: ast.expr
    initial: ast.expr | None


@dataclass
class Steps:
    """A process as its steps: what each named step does, in order of appearance."""

    name: str
    parameter: ast.arg | None
    locals: list[Local]
    first: str = DONE
    bodies: dict[str, ast.FunctionDef] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every name that `at` can have, the first step first."""
        rest = [label for label in self.bodies if label != self.first]
        return tuple(dict.fromkeys([self.first, *rest, DONE]))


def steps_of(source: Source) -> Steps:
    """Cut a process into its steps.  `SpecError` where its form is not as the rules say."""
    return _Cutter(source).cut()


class _Cutter:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tree = source.tree
        args = self.tree.args.args[1:]
        if len(args) > 1:
            self.fail(args[1], "a process has at most one parameter", "use a pair as its type")
        self.steps = Steps(self.tree.name, args[0] if args else None, [])
        self.names: dict[str, ast.AST] = {}
        self.waiting: list[tuple[str, ast.stmt, list[ast.stmt], Continuation]] = []
        self.loops: set[int] = set()

    def fail(self, node: ast.AST, rule: str, mend: str) -> None:
        raise SpecError(rule, mend, place_in(self.source.file, node))

    def cut(self) -> Steps:
        body = list(self.tree.body)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        while body and isinstance(body[0], ast.AnnAssign) and _label(body[0]) is None:
            self.declare(body.pop(0))
        start = self.flow(body, lambda: self.go(DONE, self.tree))
        if not body or not self.waiting or len(start) != 1:
            self.fail(
                body[0] if body else self.tree,
                "a process begins with a named step",
                'put `yield "name"` before what it does first (only annotated locals come earlier)',
            )
        self.steps.first = self.waiting[0][0]
        while self.waiting:
            label, node, rest, then = self.waiting.pop(0)
            self.loops.clear()
            code = self.flow(rest, then)
            self.steps.bodies[label] = self.action(label, node, code)
        in_order = sorted(self.steps.bodies, key=lambda label: _position(self.names[label]))
        self.steps.bodies = {label: self.steps.bodies[label] for label in in_order}
        return self.steps

    def declare(self, node: ast.stmt) -> None:
        assert isinstance(node, ast.AnnAssign)
        if not isinstance(node.target, ast.Name):
            self.fail(node, "only a local name can be declared here", "assign it in a step")
            return
        self.steps.locals.append(Local(node.target.id, node.annotation, node.value))

    # ------------------------------------------------------------- following the code

    def flow(self, code: list[ast.stmt], then: Continuation) -> list[ast.stmt]:
        """What runs from the start of `code`, up to the next named step on each way."""
        if not code:
            return then()
        node, rest = code[0], code[1:]

        def after() -> list[ast.stmt]:
            return self.flow(rest, then)

        label = _label(node)
        if label is not None:
            self.name_step(label, node, rest, then)
            return self.go(label, node)
        match node:
            case ast.Return():
                return self.go(DONE, node)
            case ast.If() if _leaves(node):
                made = ast.If(node.test, self.flow(node.body, after), self.flow(node.orelse, after))
                return [ast.copy_location(made, node)]
            case ast.While():
                return self.loop(node, after)
            case ast.For() | ast.Match() if _leaves(node):
                self.fail(
                    node,
                    "a named step cannot stand inside `for` or `match`",
                    "use `while` with an annotated local, or `if`",
                )
        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node)):
            self.fail(
                node,
                "`yield` names a step",
                'write `yield "name"` alone on its line, or `x: SomeType = yield "name"`',
            )
        return [node, *after()]

    def loop(self, node: ast.While, after: Continuation) -> list[ast.stmt]:
        if id(node) in self.loops:
            self.fail(
                node,
                "a way round this loop passes no named step",
                'put `yield "name"` on every way through its body',
            )
        self.loops.add(id(node))
        if isinstance(node.test, ast.Constant) and node.test.value is True:
            code = self.flow(node.body, lambda: self.loop(node, after))
        else:
            body = self.flow(node.body, lambda: self.loop(node, after))
            code = [ast.copy_location(ast.If(node.test, body, after()), node)]
        self.loops.discard(id(node))
        return code

    def name_step(
        self, label: str, node: ast.stmt, rest: list[ast.stmt], then: Continuation
    ) -> None:
        if label == DONE:
            self.fail(node, f"a step cannot be named `{DONE}`", "that is where a process has ended")
        if label not in self.names:
            self.names[label] = node
            self.waiting.append((label, node, rest, then))
        elif self.names[label] is not node or label == DONE:
            self.fail(node, f"two steps are named `{label}`", "give each step its own name")

    def go(self, label: str, where: ast.AST) -> list[ast.stmt]:
        target = self.held("at", ast.Store())
        made = ast.Assign([target], ast.Constant(label))
        return [_everywhere_at(made, where)]

    # ------------------------------------------------------------- building the actions

    def held(self, name: str, context: ast.expr_context) -> ast.expr:
        """`self.worker.name[p]`."""
        owner = ast.Attribute(ast.Name("self", ast.Load()), self.steps.name, ast.Load())
        if self.steps.parameter is None:
            return ast.Attribute(owner, name, context)
        whole = ast.Attribute(owner, name, ast.Load())
        return ast.Subscript(whole, ast.Name(self.steps.parameter.arg, ast.Load()), context)

    def action(self, label: str, node: ast.stmt, code: list[ast.stmt]) -> ast.FunctionDef:
        at = ast.Compare(self.held("at", ast.Load()), [ast.Eq()], [ast.Constant(label)])
        guard = ast.Expr(ast.Call(ast.Name("require", ast.Load()), [at], []))
        renamed = _Locals(self).visit(ast.Module(copied(code), []))
        args = copied(self.tree.args)
        if isinstance(node, ast.AnnAssign):
            args.args.append(self.chosen(node))
        made = ast.FunctionDef(
            name=f"{self.steps.name}_{label}",
            args=args,
            body=[_everywhere_at(guard, node), *renamed.body],
            decorator_list=[],
            returns=ast.Constant(None),
        )
        ast.copy_location(made, node)
        return ast.fix_missing_locations(made)

    def chosen(self, node: ast.AnnAssign) -> ast.arg:
        """The parameter of `x: T = yield "name"`."""
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        if name in {arg.arg for arg in self.tree.args.args}:
            self.fail(node, f"`{name}` is the process's own parameter", "give it another name")
        if name in {local.name for local in self.steps.locals}:
            self.fail(
                node,
                f"`{name}` is a local of the process",
                "give it another name, and assign it to the local in the step",
            )
        return ast.copy_location(ast.arg(name, copied(node.annotation)), node)


class _Locals(ast.NodeTransformer):
    """Locals that live from step to step become state."""

    def __init__(self, cutter: _Cutter) -> None:
        self.cutter = cutter
        self.names = {local.name for local in cutter.steps.locals}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.names:
            return node
        return _everywhere_at(self.cutter.held(node.id, node.ctx), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if isinstance(node.target, ast.Name) and node.target.id in self.names:
            self.cutter.fail(
                node, f"`{node.target.id}` is declared twice", "declare it once, at the start"
            )
        self.generic_visit(node)
        return node


def _everywhere_at(node: N, where: ast.AST) -> N:
    for part in ast.walk(node):
        if "lineno" in part._attributes:
            ast.copy_location(part, where)
    return node


def _label(node: ast.stmt) -> str | None:
    match node:
        case ast.Expr(value=ast.Yield(value=ast.Constant(value=str(label)))):
            return label
        case ast.AnnAssign(
            target=ast.Name(), value=ast.Yield(value=ast.Constant(value=str(label)))
        ):
            return label
    return None


def _position(node: ast.AST) -> tuple[int, int]:
    assert isinstance(node, ast.stmt)
    return node.lineno, node.col_offset


def _leaves(node: ast.stmt) -> bool:
    """Whether a statement holds a named step or ends the process."""
    return any(isinstance(part, ast.Yield | ast.Return | ast.While) for part in ast.walk(node))
