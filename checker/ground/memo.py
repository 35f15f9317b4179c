"""What was computed before: the bindings of one action share most of what they evaluate.

Rules of this file:

* A pure expression gives the same for the same operands: the locals and the fields that it
  reads.  Operands are the same if they are one known value, or one object.
* What is remembered was evaluated as if control were there everywhere, so that it can be used
  wherever control is; what may go wrong in it is remembered with it.
* What calls itself is never remembered: where control is may be all that ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checker.ground.conditions import TRUE, Condition, either, spend
from checker.ground.layout import Layout
from checker.ground.symbols import Cases, Symbol, flat
from checker.lang import ir
from checker.lang.definedness import row_of
from checker.lang.types import Beyond, Type


@dataclass(frozen=True)
class Operands:
    """What an expression or the body of a function reads."""

    locals: tuple[str, ...]
    fields: tuple[str, ...]
    recursive: bool
    """Whether it calls a function that calls itself."""


@dataclass(frozen=True)
class Outcome:
    """What an evaluation gave, and where it fails."""

    value: Symbol
    failures: tuple[Condition, ...]
    held: tuple[Any, ...]
    """What the key names by address: it must live as long as the key."""


Fitted = tuple[Cases, tuple[tuple[Beyond, Condition], ...]]


class Memo:
    """What is known of a program's expressions, and what they gave."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.functions = layout.program.functions
        self.outcomes: dict[tuple[Any, ...], Outcome] = {}
        self.results: dict[tuple[Any, ...], tuple[Symbol, ir.Expr, list[Symbol]]] = {}
        """What operators gave, and what the key names by address."""
        self._fits: dict[tuple[Any, ...], tuple[Fitted, Symbol, Type]] = {}
        self._operands: dict[int, tuple[ir.Expr, Operands]] = {}
        self._operands_of: dict[str, Operands] = {}
        self._defined: dict[int, tuple[ir.Expr, ir.Expr]] = {}

    def operands(self, e: ir.Expr) -> Operands:
        """What an expression reads."""
        found = self._operands.get(id(e))
        if found is None:
            found = self._operands[id(e)] = (e, self._read(e))
        return found[1]

    def operands_of(self, function: str) -> Operands:
        """What the body of a function reads."""
        if function not in self._operands_of:
            self._operands_of[function] = self._read(self.functions[function].body)
        return self._operands_of[function]

    def defined(self, e: ir.Expr) -> ir.Expr:
        """Where a partial operation is defined."""
        found = self._defined.get(id(e))
        if found is None:
            row = row_of(e)
            found = self._defined[id(e)] = (e, ir.TRUE if row is None else row.when(e))
        return found[1]

    def fits(self, value: Symbol, of: Type) -> Fitted:
        """The part of a value that belongs to a domain; and where it leaves it, by what then."""
        key = (identity(value), id(of))
        found = self._fits.get(key)
        if found is None:
            found = self._fits[key] = (_fitted(flat(value), of), value, of)
        return found[0]

    def _read(self, tree: ir.Tree) -> Operands:
        reached = self._reached(tree)
        fields: dict[str, None] = {}
        for part in (tree, *(self.functions[name].body for name in reached)):
            for node in ir.walk(part):
                if isinstance(node, ir.FieldRead) and not node.old:
                    fields[node.name] = None
        recursive = any(name in self._reached(self.functions[name].body) for name in reached)
        names = ir.locals_in(tree) - set(_bound(tree))
        return Operands(tuple(sorted(names)), tuple(fields), recursive)

    def _reached(self, tree: ir.Tree) -> dict[str, None]:
        """The functions that a tree calls, itself or through others."""
        found: dict[str, None] = {}
        waiting = [tree]
        while waiting:
            for node in ir.walk(waiting.pop()):
                if isinstance(node, ir.Call | ir.Enabled | ir.Do) and node.function not in found:
                    found[node.function] = None
                    waiting.append(self.functions[node.function].body)
        return found


def _fitted(value: Cases, of: Type) -> Fitted:
    spend(2 * len(value.of))
    fits: dict[Any, Condition] = {}
    misfits: dict[Beyond, list[Condition]] = {}
    for held, where in value.of.items():
        misfit = of.misfit(held)
        if misfit is None:
            fits[held] = where
        else:
            misfits.setdefault(misfit.beyond, []).append(where)
    return Cases(fits), tuple((beyond, either(found)) for beyond, found in misfits.items())


def _bound(tree: ir.Tree) -> Iterator[str]:
    """The names that a tree binds."""
    for node in ir.walk(tree):
        if isinstance(node, ir.Gen | ir.Bind | ir.LetIn | ir.Pick | ir.SortBy | ir.For | ir.Let):
            yield node.name


def identity(of: Symbol | None) -> Any:
    """Equal for symbols that are one known value, or one object."""
    if isinstance(of, Cases) and len(of.of) == 1:
        ((value, where),) = of.of.items()
        if where is TRUE:
            return (value,)
    return id(of)
