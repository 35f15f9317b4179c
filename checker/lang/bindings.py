"""Which values an action's parameters range over, in a given state.

A parameter ranges over its whole type.  That is the meaning; walking it would be slow where
the type is large (messages), so the guards at the start of the action are used early:

* `require(p in EXPR)` or `require(p <= EXPR)`: only those values are walked;
* any other condition is tested as soon as the parameters it names have values.

For `promise(self, a: Acceptor, m: Prepare)` this function is made, and compiled:

    for a in <all acceptors>:
        for m in <the Prepares in self.sent>:
            if not above(m.ballot, self.promised[a]): continue
            <keep (a, m)>

The action itself still runs all its guards.  If anything fails on the way, the whole domain
is walked instead: then the action's own guards, in their own order, give the step or the
error that is due.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import product
from math import prod
from typing import Any

from checker.lang.errors import LimitReached, SpecError
from checker.lang.rewrite import run_tree
from checker.lang.source import Source, copied
from checker.lang.types import RecordT, SetT, Type, UnionT, counted
from checker.lang.values import Bag, Set, in_order

LARGEST_DOMAIN = 1_000_000
"""Parameters with more values than this, alone or together, must be narrowed by a guard."""


class Bindings:
    """The bindings of one action's parameters.  `params` are `(name, type)` in order."""

    def __init__(
        self,
        source: Source,
        params: list[tuple[str, Type]],
        defined_in: type | None,
        callee: Callee = lambda _part, _method: None,
    ) -> None:
        self.domains = [_Domain(name, of, source) for name, of in params]
        guards = leading_guards(source.tree, callee)
        self.walk = _compile(source, self.domains, guards, defined_in)

    def of(self, machine: Any) -> Iterable[tuple[Any, ...]]:
        """Each binding that passes the first guards in the state that `machine` holds."""
        kept: list[tuple[Any, ...]] = []
        try:
            self.walk(machine, kept.append)
        except LimitReached:
            raise
        except Exception:
            try:
                return product(*[domain.values() for domain in self.domains])
            except SpecError:
                pass
            raise
        return kept


Callee = Callable[[str, str], ast.FunctionDef | None]
"""The tree of `self.part.method`, if there is such a method."""


def leading_guards(tree: ast.FunctionDef, callee: Callee) -> list[ast.expr]:
    """The conditions of the `require`s at the start, conjunctions taken apart.

    Where a call of a part follows, such as `self.net.receive(m)`, its guards come too.
    """
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
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(
                        value=ast.Attribute(value=ast.Name(id="self"), attr=part), attr=method
                    ),
                    args=args,
                )
            ):
                called = callee(part, method)
                if called is not None:
                    whole = ast.Attribute(ast.Name("self", ast.Load()), part, ast.Load())
                    found += _guards_of_call(called, [whole, *args])
                break
            case _:
                break
    return found


def _guards_of_call(called: ast.FunctionDef, args: list[ast.expr]) -> list[ast.expr]:
    """The first guards of a method, in the words of who calls it.

    They end before the first that has other names than the method's parameters: a variable of
    its own, or something of its module, may mean another thing where the call stands.
    """
    names = [arg.arg for arg in called.args.args]
    if len(names) != len(args):
        return []
    renamed = _Renamed(dict(zip(names, args, strict=True)))
    found: list[ast.expr] = []
    for guard in leading_guards(called, lambda _part, _method: None):
        if {node.id for node in ast.walk(guard) if isinstance(node, ast.Name)} - {*names, "len"}:
            break
        found.append(renamed.visit(copied(guard)))
    return found


class _Renamed(ast.NodeTransformer):
    """Parameters of a method, replaced by what a call gives for them."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return copied(self.names[node.id]) if node.id in self.names else node


def _compile(
    source: Source, domains: list[_Domain], guards: list[ast.expr], defined_in: type | None
) -> Callable[[Any, Callable[[tuple[Any, ...]], None]], None]:
    """The function at the top of this file, for these guards and domains."""
    names = [domain.name for domain in domains]
    tests: list[list[ast.expr]] = [[] for _ in range(len(names) + 1)]
    narrowed: dict[str, ast.Compare] = {}
    level = 0
    for guard in guards:
        name = _narrows(guard, domains)
        if name is not None and name not in narrowed:
            assert isinstance(guard, ast.Compare)
            narrowed[name] = guard
        else:
            # Guards keep their order: one may be what makes the next one defined.
            level = max(level, 1 + max((names.index(n) for n in _used(guard, names)), default=-1))
            tests[level].append(guard)
    extra: dict[str, Any] = {}
    inner = ast.parse(f"__keep(({' '.join(f'{name},' for name in names)}))").body
    body = _tested(tests[len(names)], inner)
    _check_product([domain for domain in domains if domain.name not in narrowed], source)
    for index in reversed(range(len(names))):
        name, domain = names[index], domains[index]
        guard_of = narrowed.get(name)
        if guard_of is None:
            extra[f"__all_{name}"] = domain.values()
            values: ast.expr = ast.Name(f"__all_{name}", ast.Load())
        else:
            subset = isinstance(guard_of.ops[0], ast.LtE)
            extra[f"__of_{name}"] = (_subsets_of if subset else _members_of)(domain.type)
            values = copied(guard_of.comparators[0])
            values = ast.Call(ast.Name(f"__of_{name}", ast.Load()), [values], [])
        loop = ast.For(ast.Name(name, ast.Store()), values, body, [])
        body = _tested(tests[index], [loop])
    tree = ast.parse("def bindings(self, __keep): pass").body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.body = body
    return run_tree(Source(tree, source.file, source.names | extra), defined_in)


def _tested(tests: list[ast.expr], body: list[ast.stmt]) -> list[ast.stmt]:
    for test in reversed(tests):
        body = [ast.If(copied(test), body, [])]
    return body


def _used(node: ast.AST, names: list[str]) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(names)


def _narrows(guard: ast.expr, domains: list[_Domain]) -> str | None:
    """The parameter whose values `guard` gives: they need nothing but earlier parameters."""
    names = [domain.name for domain in domains]
    match guard:
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.In() | ast.LtE() as op], comparators=[of]
        ) if name in names:
            index = names.index(name)
            whole_set = isinstance(domains[index].type, SetT)
            if not _used(of, names[index:]) and (isinstance(op, ast.In) or whole_set):
                return name
    return None


def _members_of(of: Type) -> Callable[[Any], Iterable[Any]]:
    kinds: tuple[type, ...] = ()
    if isinstance(of, RecordT):
        kinds = (of.kind,)
    elif isinstance(of, UnionT):
        kinds = tuple(kind.kind for kind in of.kinds)

    belongs: dict[Any, bool] = {}

    def belonging(item: Any) -> bool:
        known = belongs.get(item)
        if known is None:
            known = belongs[item] = item in of
        return known

    def pick(items: Any) -> Iterable[Any]:
        if isinstance(items, Set):
            return items.of_kinds(kinds) if kinds else filter(belonging, items)
        if isinstance(items, Bag):
            items = items.distinct()
        return filter(belonging, in_order(dict.fromkeys(items)))

    return pick


def _subsets_of(of: Type) -> Callable[[Any], Iterable[Any]]:
    return lambda items: (chosen for chosen in Set(items).subsets() if chosen in of)


def _check_product(whole: list[_Domain], source: Source) -> None:
    """Refuse parameters whose values are too many together."""
    total = 1
    for domain in whole:
        domain.check()
        total *= domain.type.size or 0
    if total > LARGEST_DOMAIN:
        names = ", ".join(f"`{domain.name}`" for domain in whole)
        raise SpecError(
            f"the parameters {names} have {counted(total)} values together",
            "begin the action with require(... in self....) for one of them, so that its values "
            "are read off the state, or compute one from the others",
            source.place(),
        )


def check_judgeable(source: Source, params: list[tuple[str, Type]]) -> None:
    """Refuse a property whose parameters have too many values: it is judged for each of them."""
    for name, of in params:
        if of.size is None:
            raise SpecError(
                f"the parameter `{name}` has no bound: {of} has no finite domain",
                "bound its type: a property is judged for each value",
                source.place(),
            )
    total = prod(of.size or 0 for _, of in params)
    if total > LARGEST_DOMAIN:
        names = ", ".join(f"`{name}`" for name, _ in params)
        raise SpecError(
            f"a property is judged for each value of {names}, and here are {counted(total)}",
            "bound them more tightly, or say it with `all` or `any` over what is in the state",
            source.place(),
        )


class _Domain:
    """All values of a parameter's type; refused where they are too many to walk."""

    def __init__(self, name: str, of: Type, source: Source) -> None:
        self.name = name
        self.type = of
        self.source = source
        self.held: tuple[Any, ...] | None = None

    def values(self) -> tuple[Any, ...]:
        if self.held is None:
            self.check()
            self.held = tuple(self.type.values())
        return self.held

    def check(self) -> None:
        """Refuse a type with too many values to walk."""
        size = self.type.size
        if size is None:
            raise SpecError(
                f"the parameter `{self.name}` has no bound: {self.type} has no finite domain",
                f"bound its type, or begin the action with require({self.name} in self....)",
                self.source.place(),
            )
        if size > LARGEST_DOMAIN:
            raise SpecError(
                f"the parameter `{self.name}` has {counted(size)} values",
                f"begin the action with require({self.name} in self....), so that its values "
                "are read off the state",
                self.source.place(),
            )
