"""Why a step is not enabled: the first condition of a guard that does not hold, with its values.

The step is run as always.  Where `require` refuses it, the line is found in the user's file, the
condition is taken apart at its `and`s, and each part is evaluated where the step stands, until
one fails.  So guards in helper methods, in parts (`self.net.receive(m)`) and in processes are
found as well.  A bound that says `beyond="block"` refuses a step, too.
"""

from __future__ import annotations

import ast
import enum
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any

from checker.lang import words
from checker.lang.errors import NotEnabled
from checker.lang.failures import explain, place_of
from checker.lang.model import Action, Model, State
from checker.lang.rewrite import run_tree
from checker.lang.source import Source
from checker.lang.values import Bag, Map, Record, Set, Sort

LONGEST_VALUE = 100
"""Characters of a value that is shown."""


@dataclass(frozen=True)
class Refusal:
    """What refuses a step: the condition (or bound) that fails, where, and its operands."""

    condition: str
    file: str
    line: int
    values: tuple[tuple[str, str], ...] = ()
    """Expressions of the condition, and what they are, as text."""

    @property
    def order(self) -> tuple[str, int]:
        return (self.file, self.line)


def refusal(model: Model, state: State, action: Action, args: tuple[Any, ...]) -> Refusal | State:
    """What refuses `action(*args)` in `state`, or where the step leads.  `ModelError`."""
    model.load(state)
    if model.uses_old:
        model.load_old(state)
    try:
        action.function.run(action.machine, *args)
    except NotEnabled as reason:
        return _refusal(reason, action)
    except Exception as error:
        raise explain(error, action.text(args)) from error
    return model.read()


def _refusal(reason: NotEnabled, action: Action) -> Refusal:
    trace = _raised_by_require(reason.__traceback__)
    if trace is None:
        place = place_of(reason)
        file, line = (place.file, place.line) if place else ("", 0)
        return Refusal(str(reason), file, line)
    frame, line = trace.tb_frame, trace.tb_lineno
    file = frame.f_code.co_filename
    for call in _calls(file, _position(trace), action.function.source):
        for condition in _conjuncts(call.args[0]):
            try:
                holds = _evaluate(condition, frame)
            except Exception:
                continue
            if not holds:
                at = getattr(condition, "lineno", line)
                return Refusal(ast.unparse(condition), file, at, _values(condition, frame))
    return Refusal(linecache.getline(file, line).strip(), file, line)


def _raised_by_require(trace: TracebackType | None) -> TracebackType | None:
    """Where `require` was called, if it was `require` that refused."""
    caller = None
    while trace is not None and trace.tb_next is not None:
        caller, trace = trace, trace.tb_next
    if trace is not None and trace.tb_frame.f_code is words.require.__code__:
        return caller
    return None


# --------------------------------------------------------------------------- the source

Position = tuple[int | None, int | None, int | None, int | None]


def _position(trace: TracebackType) -> Position:
    return list(trace.tb_frame.f_code.co_positions())[trace.tb_lasti // 2]


def _calls(file: str, position: Position, source: Source) -> Iterator[ast.Call]:
    """Each `require(...)` that stands at a position: in the file, or in a step cut out of it."""
    for tree in (_tree("".join(linecache.getlines(file))), source.tree):
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Call(func=ast.Name(id="require"), args=[_]) if position == (
                    getattr(node, "lineno", None),
                    getattr(node, "end_lineno", None),
                    getattr(node, "col_offset", None),
                    getattr(node, "end_col_offset", None),
                ):
                    yield node


@lru_cache(maxsize=16)
def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _conjuncts(condition: ast.expr) -> Iterator[ast.expr]:
    match condition:
        case ast.BoolOp(op=ast.And(), values=parts):
            for part in parts:
                yield from _conjuncts(part)
        case _:
            yield condition


# --------------------------------------------------------------------------- values


def _evaluate(node: ast.expr, frame: FrameType) -> Any:
    """The value of an expression where the step stands, with the value semantics of specs."""
    used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    names = sorted(used & set(frame.f_locals))
    args = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    tree = ast.FunctionDef("value", args, [ast.Return(node)], [], lineno=1, col_offset=0)
    run = run_tree(Source(tree, frame.f_code.co_filename, dict(frame.f_globals)))
    return run(*(frame.f_locals[name] for name in names))


def _values(condition: ast.expr, frame: FrameType) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for node in _operands(condition):
        if isinstance(node, ast.Constant):
            continue
        text = ast.unparse(node)
        try:
            value = _evaluate(node, frame)
        except Exception:
            continue
        shown = value_text(value)
        # A member of an Enum is its own name.
        if not text.endswith(f".{shown}"):
            found.setdefault(text, shown)
    return tuple(found.items())


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    """What a reader would ask the value of."""
    match node:
        case ast.Compare(left=left, comparators=others):
            for one in (left, *others):
                yield from _terms(one)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from _operands(inner)
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _operands(part)
        case ast.Call(args=args) if args:
            yield from args
        case _:
            yield node


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    """The operands of an arithmetic side; the argument as well, where that is `len(x)`."""
    match node:
        case ast.BinOp(left=left, right=right):
            yield from _terms(left)
            yield from _terms(right)
        case _:
            yield node


def value_text(value: Any) -> str:
    """A value of the language as a person reads it, cut to a readable length."""
    text = _text(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case enum.Enum():
            return str(value.name)
        case Sort():
            return value.name
        case Record():
            inside = ", ".join(f"{name}={_text(getattr(value, name))}" for name in value._fields)
            return f"{type(value).__name__}({inside})"
        case Map():
            return "{" + ", ".join(f"{_text(k)}: {_text(v)}" for k, v in value.items()) + "}"
        case Set() | set() | frozenset():
            return "{" + ", ".join(_text(item) for item in Set(value)) + "}"
        case Bag():
            return "Bag(" + ", ".join(_text(item) for item in value) + ")"
        case tuple() | list():
            return "(" + ", ".join(_text(item) for item in value) + ")"
    return repr(value)


__all__ = ["Refusal", "refusal", "value_text"]
