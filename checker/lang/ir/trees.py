"""Walking through trees, and making others of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

from checker.lang.ir.expressions import Expr, Local, Node
from checker.lang.ir.statements import Body

N = TypeVar("N", bound=Node)
Tree = Node | Body | tuple[Expr, ...]


_known_slots: dict[type[Node], tuple[str, ...]] = {}


def _slots(kind: type[Node]) -> tuple[str, ...]:
    if kind not in _known_slots:
        names = (f.name for f in fields(kind))
        _known_slots[kind] = tuple(name for name in names if name not in ("type", "place"))
    return _known_slots[kind]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under this one, in the order of evaluation."""
    for slot in _slots(type(node)):
        held = getattr(node, slot)
        if isinstance(held, Node):
            yield held
        elif isinstance(held, tuple):
            for part in held:
                if isinstance(part, Node):
                    yield part


def walk(node: Tree) -> Iterator[Node]:
    """A node (or a body) and everything under it, outer nodes first."""
    if isinstance(node, tuple):
        for part in node:
            yield from walk(part)
        return
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(node: N, change: Callable[[Any], Any]) -> N:
    """The node with each direct child replaced by `change(child)`."""
    changes: dict[str, Any] = {}
    for slot in _slots(type(node)):
        held = getattr(node, slot)
        if isinstance(held, Node):
            new: Any = change(held)
        elif isinstance(held, tuple) and any(isinstance(part, Node) for part in held):
            new = tuple(change(part) if isinstance(part, Node) else part for part in held)
            if all(a is b for a, b in zip(held, new, strict=True)):
                new = held
        else:
            continue
        if new is not held:
            changes[slot] = new
    return replace(node, **changes) if changes else node


def substitute(expr: Expr, values: dict[str, Expr]) -> Expr:
    """The expression with locals replaced.  Names are unique, so nothing is captured."""
    if not values:
        return expr

    def change(node: Any) -> Any:
        if isinstance(node, Local):
            return values.get(node.name, node)
        return rebuild(node, change)

    made: Expr = change(expr)
    return made


def locals_in(node: Tree) -> frozenset[str]:
    """The names of locals that occur in a tree, bound there or not."""
    return frozenset(n.name for n in walk(node) if isinstance(n, Local))
