"""From a Python function to its syntax tree, with places that point into the user's file.

Works wherever Python itself can show a source line in a traceback: files, notebooks, and
classes defined inside functions (the variables around the class are found in its closure).
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType
from typing import Any, TypeVar

from checker.lang.errors import Place, SpecError

Tree = TypeVar("Tree")


@dataclass(frozen=True, eq=False)
class Source:
    """A function's tree (line numbers are those of `file`) and the names that it can see."""

    tree: ast.FunctionDef
    file: str
    names: dict[str, Any]
    """Globals, then the closure: what a free name in the function means (not builtins)."""

    def place(self, node: ast.AST | None = None) -> Place:
        return place_in(self.file, node or self.tree)

    def lookup(self, name: str) -> Any:
        """What a free name means; raises `KeyError` if it means nothing."""
        if name in self.names:
            return self.names[name]
        return vars(builtins)[name]


def place_in(file: str, node: ast.AST) -> Place:
    """The place of a node of a tree that was parsed from `file`."""
    line = getattr(node, "lineno", 1)
    text = linecache.getline(file, line).rstrip("\n")
    return Place(file, line, getattr(node, "col_offset", 0), text)


def copied(tree: Tree) -> Tree:
    """A syntax tree of its own, or a list of them: what `copy.deepcopy` makes, but much faster.

    Nodes that hold nothing (`ast.Load()`, `ast.Add()`) are shared: nothing in them can change.
    """
    if isinstance(tree, list):
        return [copied(part) for part in tree]  # type: ignore[return-value]
    if not isinstance(tree, ast.AST) or not tree.__dict__:
        return tree
    made = type(tree).__new__(type(tree))
    for name, part in tree.__dict__.items():
        setattr(made, name, copied(part))
    return made


@lru_cache(maxsize=64)
def _functions_of(text: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """Every function of a module by name and by the line where its first decorator stands."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[node.name, first] = node
    return found


_around: dict[type, Mapping[str, Any]] = {}


def remember_frame(cls: type, frame: FrameType) -> None:
    """Keep the local names around a class that is defined inside a function."""
    if frame.f_code.co_name != "<module>":
        _around[cls] = dict(frame.f_locals)


def names_around(cls: type | None) -> Mapping[str, Any]:
    """The local names of the function that a class is defined in; none for other classes."""
    return _around.get(cls, {}) if cls is not None else {}


def source_of(function: Callable[..., Any], defined_in: type | None = None) -> Source:
    """The source of a plain Python function.  `SpecError` if Python cannot show it.

    `defined_in` is the class of a method: annotations may use the names around it.
    """
    raw = inspect.unwrap(function)
    code = raw.__code__
    file = code.co_filename
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    if not lines:
        raise SpecError(
            f"the source of `{raw.__qualname__}` cannot be read",
            "put the spec in a file or a notebook cell: it is compiled from its source",
            Place(file, code.co_firstlineno),
        )
    tree = _functions_of("".join(lines)).get((raw.__name__, code.co_firstlineno))
    if tree is None:
        raise SpecError(
            f"`{raw.__qualname__}` is not a plain `def` in its file",
            "write it as an ordinary method, without exec or a wrapping decorator",
            Place(file, code.co_firstlineno, 0, linecache.getline(file, code.co_firstlineno)),
        )
    closure = inspect.getclosurevars(raw).nonlocals if raw.__closure__ else {}
    return Source(tree, file, {**raw.__globals__, **names_around(defined_in), **closure})


def lambda_of(function: Callable[..., Any]) -> ast.Lambda | None:
    """The tree of a lambda, or `None` where it cannot be told from another on its line."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and [arg.arg for arg in node.args.args] == list(code.co_varnames[: code.co_argcount])
    ]
    return found[0] if len(found) == 1 else None
