"""What Python lets pass: a name defined twice, a lost marker, a change that nobody sees.

The first is an error, since one of the two is lost.  So is the third: in Python the caller would
see `s.add(x)` of its own set; here values are not shared, and what is changed and not read again
was meant otherwise.  The second is a warning, for the method may be meant for a subclass, or to be
called by hand.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checker.lang.declare import Process
from checker.lang.errors import SpecError
from checker.lang.source import Source, place_in
from checker.lang.spec import method_names, method_of, own_classes
from checker.lang.values import CHANGING_METHODS

if TYPE_CHECKING:
    from checker.lang.model import Model


def refuse_doubles(cls: type) -> None:
    """`SpecError` where a class defines one name twice: Python keeps the last, silently."""
    for part in own_classes(cls):
        file, tree = _class_tree(part)
        seen: dict[str, ast.stmt] = {}
        for item in tree.body if tree else []:
            name = _defined(item)
            if name is not None and name in seen:
                raise SpecError(
                    f"`{part.__name__}` defines `{name}` twice, here and in line "
                    f"{seen[name].lineno}: the first would be lost",
                    "give one of them another name, or delete it",
                    place_in(file, item),
                )
            if name is not None:
                seen[name] = item


def unmarked(model: Model) -> Iterator[str]:
    """A warning for each method of the whole that has no marker, and that nothing calls."""
    for name in method_names(model.cls):
        found = method_of(model.cls, name)
        if found is None or found[2] is not None or isinstance(found[0], Process):
            continue
        if any(_is_named(name, cls) for cls in own_classes(model.cls)):
            continue
        source = model.root.function(name).source
        gives = any(isinstance(n, ast.Return) and n.value for n in ast.walk(source.tree))
        marker = "@invariant, or another," if gives else "@action"
        yield (
            f"`{name}` (line {source.tree.lineno}) has no marker, and nothing calls it, so it "
            f"says nothing: was {marker} forgotten?"
        )


def refuse_unseen_changes(source: Source) -> None:
    """`SpecError` at a change in place of a local that is not read afterwards."""
    order = list(_in_order(source.tree, ()))
    roots = {id(root) for node, _ in order for root in _changed(node)}
    for index, (node, loops) in enumerate(order):
        for root in _changed(node):
            again = [pair for pair in order[:index] if set(pair[1]) & set(loops)]
            if root.id == "self" or any(
                isinstance(other, ast.Name)
                and other.id == root.id
                and isinstance(other.ctx, ast.Load)
                and id(other) not in roots
                for other, _ in order[index:] + again
            ):
                continue
            raise SpecError(
                f"`{root.id}` is changed here, and not read again: nobody sees it",
                "values are not shared: change the field itself (`self.x...`), or return the value",
                source.place(node),
            )


def _changed(node: ast.AST) -> Iterator[ast.Name]:
    """The local that a statement changes in place."""
    targets: list[ast.expr] = []
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr=name))):
            targets = [target] if name in CHANGING_METHODS else []
        case ast.AugAssign(target=target):
            targets = [target]
        case ast.Assign(targets=found) | ast.Delete(targets=found):
            targets = [target for target in found if isinstance(target, ast.Subscript)]
    for target in targets:
        while isinstance(target, ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            yield target


def _in_order(node: ast.AST, loops: tuple[int, ...]) -> Iterator[tuple[ast.AST, tuple[int, ...]]]:
    """Every node as it is written, with the loops around it."""
    yield node, loops
    if isinstance(node, ast.For | ast.While):
        loops = (*loops, id(node))
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child, loops)


def _is_named(name: str, cls: type) -> bool:
    """Whether the file of a class reads `something.name` outside of the methods of that name."""
    file, _ = _class_tree(cls)
    waiting: list[ast.AST] = [_tree_of(file)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef) and node.name == name:
            continue
        if isinstance(node, ast.Attribute) and node.attr == name:
            return True
        waiting.extend(ast.iter_child_nodes(node))
    return False


def _defined(item: ast.stmt) -> str | None:
    match item:
        case ast.FunctionDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _class_tree(cls: type) -> tuple[str, ast.ClassDef | None]:
    """The file of a class, and its tree there, if they can be read."""
    for method in vars(cls).values():
        raw = method.function if isinstance(method, Process) else method
        if inspect.isfunction(raw):
            code = inspect.unwrap(raw).__code__
            for node in ast.walk(_tree_of(code.co_filename)):
                if (
                    isinstance(node, ast.ClassDef)
                    and node.name == cls.__name__
                    and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
                ):
                    return code.co_filename, node
    return "", None


def _tree_of(file: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return ast.Module([], [])


__all__ = ["refuse_doubles", "refuse_unseen_changes", "unmarked"]
