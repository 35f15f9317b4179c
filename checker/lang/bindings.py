"""Which values an action's parameters range over, in a given state.

A parameter ranges over its whole type.  Where the action begins with `require(p in EXPR)`
or `require(p <= EXPR)` the range is read off the state instead: the meaning is the same,
since every other value fails that guard, and no large domain is walked.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from checker.lang.errors import SpecError
from checker.lang.rewrite import run_tree
from checker.lang.source import Source
from checker.lang.types import RecordT, SetT, Type, UnionT
from checker.lang.values import Bag, Set, in_order

if TYPE_CHECKING:
    from checker.lang.owner import Param

LARGEST_DOMAIN = 1_000_000
"""A parameter with more values than this must be narrowed by a guard."""

Range = Callable[..., Iterable[Any]]


class Bindings:
    """The bindings of one action's parameters."""

    def __init__(self, source: Source, params: tuple[Param, ...], defined_in: type | None) -> None:
        guards = leading_guards(source.tree)
        names = [param.name for param in params]
        self.ranges: list[Callable[..., Iterable[Any]]] = []
        self.needs_earlier = False
        for index, param in enumerate(params):
            found = _narrowing(guards, param.name, set(names[index:]))
            whole = _Domain(param, source)
            if found is None or (isinstance(found.ops[0], ast.LtE) and not _is_set(param.type)):
                domain = whole.values()
                self.ranges.append(lambda *_args, domain=domain: domain)
            else:
                used = {node.id for node in ast.walk(found) if isinstance(node, ast.Name)}
                self.needs_earlier |= bool(used & set(names[:index]))
                narrowed = _compile(found, names[:index], source, defined_in)
                kind = _subsets_of if isinstance(found.ops[0], ast.LtE) else _members_of
                self.ranges.append(_ranged(narrowed, kind(param.type), whole))

    def of(self, machine: Any) -> Iterator[tuple[Any, ...]]:
        """Each binding in order, read off the state that `machine` holds."""
        if not self.ranges:
            return iter(((),))
        if not self.needs_earlier:
            return product(*[values(machine) for values in self.ranges])
        return self._nested(machine, ())

    def _nested(self, machine: Any, bound: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if len(bound) == len(self.ranges):
            yield bound
            return
        for value in tuple(self.ranges[len(bound)](machine, *bound)):
            yield from self._nested(machine, (*bound, value))


def leading_guards(tree: ast.FunctionDef) -> list[ast.expr]:
    """The conditions of the `require`s at the start, conjunctions taken apart."""
    found: list[ast.expr] = []
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.Expr(value=ast.Call(func=ast.Name(id="require"), args=[condition])):
                match condition:
                    case ast.BoolOp(op=ast.And(), values=parts):
                        found += parts
                    case _:
                        found.append(condition)
            case _:
                break
    return found


def _narrowing(guards: list[ast.expr], name: str, later: set[str]) -> ast.Compare | None:
    """The first guard `name in EXPR` or `name <= EXPR` whose EXPR needs no later parameter."""
    for guard in guards:
        match guard:
            case ast.Compare(
                left=ast.Name(id=left), ops=[ast.In() | ast.LtE()], comparators=[of]
            ) if left == name:
                used = {node.id for node in ast.walk(of) if isinstance(node, ast.Name)}
                if not used & later:
                    return guard
    return None


def _is_set(of: Type) -> bool:
    return isinstance(of, SetT)


def _compile(
    guard: ast.Compare, earlier: list[str], source: Source, defined_in: type | None
) -> Callable[..., Any]:
    args = ast.arguments([], [ast.arg(n) for n in ["self", *earlier]], None, [], [], None, [])
    body: list[ast.stmt] = [ast.Return(guard.comparators[0])]
    tree = ast.FunctionDef("range_of", args, body, [], None, None)
    for node in ast.walk(tree):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, guard)
    return run_tree(Source(tree, source.file, source.names), defined_in)


def _ranged(
    narrowed: Callable[..., Any], pick: Callable[[Any], Iterable[Any]], whole: _Domain
) -> Range:
    def values(machine: Any, *bound: Any) -> Iterable[Any]:
        try:
            return pick(narrowed(machine, *bound))
        except Exception:
            # A guard before this one may be what makes its expression defined.  Over the whole
            # domain the guards run in their order, and give the step or the error that is due.
            return whole.values()

    return values


def _members_of(of: Type) -> Callable[[Any], Iterable[Any]]:
    kinds: tuple[type, ...] = ()
    if isinstance(of, RecordT):
        kinds = (of.kind,)
    elif isinstance(of, UnionT):
        kinds = tuple(kind.kind for kind in of.kinds)

    def pick(items: Any) -> Iterable[Any]:
        if isinstance(items, Set) and kinds:
            return items.of_kinds(kinds)
        if isinstance(items, Bag):
            items = items.distinct()
        return tuple(item for item in in_order(dict.fromkeys(items)) if item in of)

    return pick


def _subsets_of(of: Type) -> Callable[[Any], Iterable[Any]]:
    assert isinstance(of, SetT)
    return lambda items: (chosen for chosen in Set(items).subsets() if chosen in of)


class _Domain:
    """All values of a parameter's type; refused where they are too many to walk."""

    def __init__(self, param: Param, source: Source) -> None:
        self.param = param
        self.source = source
        self.held: tuple[Any, ...] | None = None

    def values(self) -> tuple[Any, ...]:
        if self.held is None:
            self._check(self.param.type.size)
            self.held = tuple(self.param.type.values())
        return self.held

    def _check(self, size: int | None) -> None:
        name = self.param.name
        if size is None:
            raise SpecError(
                f"the parameter `{name}` has no bound: {self.param.type} has no finite domain",
                f"bound its type, or begin the action with require({name} in self....)",
                self.source.place(),
            )
        if size > LARGEST_DOMAIN:
            raise SpecError(
                f"the parameter `{name}` has {size:,} values",
                f"begin the action with require({name} in self....), so that its values are "
                "read off the state",
                self.source.place(),
            )
