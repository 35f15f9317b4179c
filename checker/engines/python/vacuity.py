"""What was never tried: premises never true, branches never run, parameters' values never used.

None of this is wrong; all of it is worth a warning, because what is never tried cannot fail.

* A **premise**: an invariant that says `not p or q`, `x != y or q`, `q if p else True` or
  `all(q for x in S if p)` says nothing where `p` (or `x == y`) is false.  It is warned about
  if its premise was false in every reachable state.
* A **branch** of an action: a way of an `if` or a case of a `match` that no step went.
* A **value** of a parameter with which its action was never taken.

Cost: a premise is evaluated in each new state until it has once been true, and a step is run
a second time, by a copy of its action that marks its branches, until each branch of that
action has been seen.  What is dead costs for the whole search: one evaluation for each state,
one more run for each step.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from checker.lang.errors import QuorateError
from checker.lang.model import Action, Model, Property, State
from checker.lang.rewrite import run_tree
from checker.lang.source import copied
from checker.lang.types import BoolT, EnumT, IntT, OptionT, SortT, Type

LARGEST_LISTED_DOMAIN = 16
"""Parameters with more values than this are not looked at."""

_MARK = "__mark"

Step = tuple[Action, tuple[Any, ...], State]

Used = dict[str, list[set[Any]]]
"""For each action that was taken, by name: the values of each of its parameters."""


class Unused:
    """What one search has not tried yet."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.premises = [premise for what in model.properties for premise in premises_of(what)]
        self.marked = {action: Marked.of(action) for action in model.actions}
        self.watching = {action: marked for action, marked in self.marked.items() if marked.unseen}

    def see_state(self) -> None:
        """The machine holds a state that is new."""
        self.premises = [premise for premise in self.premises if not premise.met()]

    def see_steps(self, state: State, steps: Iterable[Step]) -> None:
        for action, args, _ in steps:
            marked = self.watching.get(action)
            if marked is not None and marked.sees(self.model, state, args):
                del self.watching[action]

    def warnings(self, used: Used, where: str = "") -> Iterator[str]:
        """After a complete search.

        `where`: of premises and branches, what was looked at if that was not every state.
        """
        for premise in self.premises:
            yield premise.warning() + where
        # Code of a process that several steps lead to is in each of them, and counts once.
        known = {branch for marked in self.marked.values() for branch in marked.run()}
        for action, marked in self.watching.items():
            if action.name in used:
                for warning in marked.warnings(known):
                    yield warning + where
        for name, by_param in used.items():
            yield from _unused_values(self.model.action(name), by_param)


def used_values(taken: Iterable[tuple[Action, tuple[Any, ...]]]) -> Used:
    """From each action with each arguments it was taken with."""
    used: Used = {}
    for action, args in taken:
        for values, arg in zip(
            used.setdefault(action.name, [set() for _ in args]), args, strict=True
        ):
            values.add(arg)
    return used


def _unused_values(action: Action, used: list[set[Any]]) -> Iterator[str]:
    for param, values in zip(action.params, used, strict=True):
        if not _is_listed(param.type):
            continue
        missing = [param.type.text(v) for v in param.type.values() if v not in values]
        if missing:
            yield f"`{action.name}` was never taken with {param.name} = {' or '.join(missing)}"


def _is_listed(of: Type) -> bool:
    plain = of.item if isinstance(of, OptionT) else of
    small = of.size is not None and of.size <= LARGEST_LISTED_DOMAIN
    return small and isinstance(plain, SortT | BoolT | EnumT | IntT)


# --------------------------------------------------------------------------- premises


@dataclass(eq=False)
class Premise:
    """What must be true for an invariant to say something."""

    what: Property
    text: str
    line: int
    run: Callable[..., Any]

    def met(self) -> bool:
        """Whether it is true, for some arguments, in the state that the machine holds."""
        for args in self.what.bindings():
            try:
                if self.run(self.what.machine, *args):
                    return True
            except Exception:  # as the invariant itself: what stands before it may guard it
                continue
        return False

    def warning(self) -> str:
        return (
            f"`{self.what.name}` was never put to the test: its premise `{self.text}` (line "
            f"{self.line}) is true in no reachable state"
        )


def premises_of(what: Property) -> list[Premise]:
    """The premises of an invariant, from the form of what it returns."""
    function = what.function
    body = function.source.tree.body
    if what.kind != "invariant" or not isinstance(body[-1], ast.Return) or body[-1].value is None:
        return []
    if any(isinstance(node, ast.Return) for item in body[:-1] for node in ast.walk(item)):
        return []
    found = []
    for premise, shown in _premises(body[-1].value):
        tree = copied(function.source.tree)
        tree.body[-1] = ast.copy_location(ast.Return(premise), body[-1])
        run = run_tree(replace(function.source, tree=tree), function.defined_in)
        found.append(Premise(what, ast.unparse(shown), shown.lineno, run))
    return found


def _premises(claim: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Premises of a claim, each as what to evaluate and what to show."""
    match claim:
        case ast.BoolOp(op=ast.And(), values=parts):
            for part in parts:
                yield from _premises(part)
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            negated = _negation(first)
            if negated is not None:
                yield negated, negated
        case ast.IfExp(test=premise, orelse=ast.Constant(value=True)):
            yield premise, premise
        case ast.IfExp(test=test, body=ast.Constant(value=True)):
            premise = ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
            yield premise, premise
        case ast.Call(
            func=ast.Name(id="all"), args=[ast.GeneratorExp(elt=inner, generators=generators)]
        ):
            conditions = [test for generator in generators for test in generator.ifs]
            if conditions:
                yield _some(ast.Constant(True), generators, claim), _all_of(conditions)
            for premise, shown in _premises(inner):
                yield _some(premise, generators, claim), shown


_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
    ast.IsNot: ast.Is,
    ast.Is: ast.IsNot,
}


def _negation(test: ast.expr) -> ast.expr | None:
    """`p`, if a test is written as `not p`, or as `!=`, `not in`, `is not`, `is`."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=premise):
            return premise
        case ast.Compare(left=left, ops=[op], comparators=right) if type(op) in _OPPOSITES:
            return ast.copy_location(ast.Compare(left, [_OPPOSITES[type(op)]()], right), test)
    return None


def _some(test: ast.expr, generators: list[ast.comprehension], where: ast.expr) -> ast.expr:
    """`any(test for ... in ...)`."""
    inside = ast.GeneratorExp(copied(test), copied(generators))
    made = ast.Call(ast.Name("any", ast.Load()), [inside], [])
    return ast.fix_missing_locations(ast.copy_location(made, where))


def _all_of(conditions: list[ast.expr]) -> ast.expr:
    if len(conditions) == 1:
        return conditions[0]
    return ast.copy_location(ast.BoolOp(ast.And(), conditions), conditions[0])


# --------------------------------------------------------------------------- branches


Branch = tuple[int, str]
"""The line, and the branch in words."""


class Marked:
    """A copy of an action that marks the branches it runs through."""

    def __init__(self, action: Action, branches: dict[int, Branch]) -> None:
        self.action = action
        self.branches = branches
        self.unseen = dict(branches)
        """The branches not yet run, by number."""
        self.passed: set[int] = set()

    @classmethod
    def of(cls, action: Action) -> Marked:
        marker = _Marker()
        function = action.function
        tree = marker.visit(copied(function.source.tree))
        marked = cls(action, marker.branches)
        if not marker.branches:
            return marked
        names = function.source.names | {_MARK: marked.passed.add}
        source = replace(function.source, tree=tree, names=names)
        run = run_tree(source, function.defined_in)
        marked.action = replace(action, function=replace(function, run=run))
        return marked

    def sees(self, model: Model, state: State, args: tuple[Any, ...]) -> bool:
        """Run a step that is possible; whether every branch has now been run."""
        self.passed.clear()
        try:
            model.step(state, self.action, args)
        except QuorateError:  # cannot be, for a step that was possible; no reason to stop for it
            return False
        for number in self.passed:
            self.unseen.pop(number, None)
        return not self.unseen

    def run(self) -> Iterator[tuple[str, Branch]]:
        """The branches that were run, each with what the action belongs to: a process, a part."""
        owner = self.action.name.rpartition(".")[0]
        for number, branch in self.branches.items():
            if number not in self.unseen:
                yield owner, branch

    def warnings(self, known: set[tuple[str, Branch]]) -> Iterator[str]:
        """The branches that were not run; `known`: as part of another step run, or told."""
        owner = self.action.name.rpartition(".")[0]
        for line, text in self.unseen.values():
            if (owner, (line, text)) not in known:
                known.add((owner, (line, text)))
                yield f"`{self.action.name}`: {text} (line {line}) was never run"


class _Marker(ast.NodeTransformer):
    """Puts a mark at the start of each branch."""

    def __init__(self) -> None:
        self.branches: dict[int, Branch] = {}

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        test = ast.unparse(node.test)
        node.body = [self._mark(node.lineno, f"the branch `if {test}`", node), *node.body]
        if node.orelse and not (len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)):
            line = node.orelse[0].lineno
            mark = self._mark(line, f"the branch `else` of `if {test}`", node.orelse[0])
            node.orelse = [mark, *node.orelse]
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        self.generic_visit(node)
        text = f"the branch `case {ast.unparse(node.pattern)}`"
        node.body = [self._mark(node.pattern.lineno, text, node.body[0]), *node.body]
        return node

    def _mark(self, line: int, text: str, where: ast.stmt) -> ast.stmt:
        number = len(self.branches)
        self.branches[number] = (line, text)
        call = ast.Call(ast.Name(_MARK, ast.Load()), [ast.Constant(number)], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), where))
