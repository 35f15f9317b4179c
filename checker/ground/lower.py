"""Lowering: a whole program in ground form.

    Binding     an action with its arguments: where it is enabled, what it writes, where it fails
    Judgement   a property with its arguments: where it holds, where it fails

A binding that can never be taken is left out.  `step` and `judge` run the ground form on codes,
the slow and obvious way: that is what the tests compare with CPython.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from checker.ground.conditions import (
    FALSE,
    Cell,
    Condition,
    both,
    holds,
    negation,
    under,
)
from checker.ground.execute import Execution
from checker.ground.layout import Layout
from checker.ground.symbols import (
    Maps,
    NotGroundError,
    Sets,
    Symbol,
    condition,
    flat,
    item_at,
    known,
    membership,
)
from checker.lang import ir
from checker.lang.errors import ModelError, NotEnabled, Pruned
from checker.lang.types import SetT
from checker.lang.values import Set

LARGEST_PRODUCT = 100_000
"""More bindings of one action than this are not walked."""


@dataclass(frozen=True)
class Effect:
    """What a cell holds after the step: each code, and where it is that one (one holds)."""

    cell: Cell
    codes: tuple[tuple[int, Condition], ...]


@dataclass(frozen=True)
class Binding:
    """One action with known arguments."""

    action: str
    args: tuple[Any, ...]
    guard: Condition
    effects: tuple[Effect, ...]
    errors: Condition
    """Where taking it is a model error: told before the guard."""
    pruned: Condition
    """Where it is not enabled because a state would leave a domain that prunes."""

    @property
    def writes(self) -> frozenset[int]:
        """The cells that it may change."""
        return frozenset(effect.cell.number for effect in self.effects)

    @property
    def reads(self) -> frozenset[int]:
        """The cells that its guard, its errors or what it writes depend on."""
        found = self.guard.cells | self.errors.cells
        return found.union(*(w.cells for effect in self.effects for _, w in effect.codes))


@dataclass(frozen=True)
class Judgement:
    """A property of single states with known arguments.  `second`: what a leads-to leads to."""

    name: str
    args: tuple[Any, ...]
    holds: Condition
    errors: Condition
    second: Condition = FALSE


@dataclass(frozen=True)
class Ground:
    """A program in ground form."""

    layout: Layout
    bindings: tuple[Binding, ...]
    judgements: tuple[Judgement, ...]


def lowered(program: ir.Program) -> Ground:
    """The ground form of a program.  `NotGroundError` where the limits do not allow it."""
    layout = Layout(program)
    bindings = tuple(binding for action in program.actions for binding in _bindings(layout, action))
    judgements = tuple(
        _judgement(layout, prop, args)
        for prop in (*program.properties, *program.final, *program.constraints)
        if prop.kind != "step_property"
        for args in product(*(tuple(param.type.values()) for param in prop.params))
    )
    return Ground(layout, bindings, judgements)


# --------------------------------------------------------------------------- actions


def _bindings(layout: Layout, action: ir.ActionIR) -> Iterator[Binding]:
    number = 0
    for args in _arguments(layout, action, ()):
        number += 1
        if number > LARGEST_PRODUCT:
            raise NotGroundError(f"`{action.name}` has more than {LARGEST_PRODUCT:,} bindings")
        x = Execution(layout)
        x.call(action.function, [known(arg) for arg in args])
        if x.guard is FALSE and x.errors is FALSE and x.pruned is FALSE:
            continue
        enabled = both(x.guard, negation(x.errors))
        effects = tuple(_effects(layout, x, enabled)) if enabled is not FALSE else ()
        yield Binding(action.name, args, x.guard, effects, x.errors, x.pruned)


def _arguments(
    layout: Layout, action: ir.ActionIR, args: tuple[Any, ...]
) -> Iterator[tuple[Any, ...]]:
    """The arguments that may pass the guards by which the parameters are narrowed."""
    if len(args) == len(action.choices):
        yield args
        return
    for value in _values(layout, action, args):
        yield from _arguments(layout, action, (*args, value))


def _values(layout: Layout, action: ir.ActionIR, args: tuple[Any, ...]) -> Iterator[Any]:
    choice = action.choices[len(args)]
    if choice.within is not None:
        x = Execution(layout)
        names = (earlier.name for earlier in action.choices)
        x.frame.names = {name: known(arg) for name, arg in zip(names, args, strict=False)}
        where = x.truth(choice.given)
        with x.within(where):
            found = x.eval(choice.within)
        if x.errors is FALSE and isinstance(choice.within.type, SetT):
            members = membership(found)
            possible = [item for item in members if members[item] is not FALSE]
            every = Set(possible).subsets() if choice.how == "subset" else possible
            yield from (value for value in every if value in choice.type)
            return
    if choice.type.size is None or choice.type.size > LARGEST_PRODUCT:
        raise NotGroundError(f"`{choice.name}` of `{action.name}` has too many values")
    yield from choice.type.values()


def _effects(layout: Layout, x: Execution, enabled: Condition) -> Iterator[Effect]:
    for name, before in layout.state.items():
        for cell, codes in _changes(layout, before, x.state[name]):
            made = ((code, under(where, enabled)) for code, where in codes)
            yield Effect(cell, tuple((code, where) for code, where in made if where is not FALSE))


def _changes(
    layout: Layout, before: Symbol, after: Symbol
) -> Iterator[tuple[Cell, list[tuple[int, Condition]]]]:
    """The cells that differ, with each code that they may hold afterwards."""
    if isinstance(before, Maps):
        for key, inner in before.of.items():
            yield from _changes(layout, inner, item_at(after, key))
    elif isinstance(before, Sets):
        members = membership(after)
        for item, was in before.of.items():
            where = members.get(item, FALSE)
            if where is not was and was.cell is not None:
                yield was.cell, [(0, negation(where)), (1, where)]
    else:
        held = flat(after).of
        cell = next((w.cell for w in before.of.values() if w.cell is not None), None)
        if held != before.of and cell is not None:
            codes = {value: code for code, value in enumerate(layout.values[cell.number])}
            yield cell, [(codes[value], where) for value, where in held.items()]


# --------------------------------------------------------------------------- properties


def _judgement(layout: Layout, prop: ir.PropertyIR, args: tuple[Any, ...]) -> Judgement:
    x = Execution(layout)
    value = x.call(prop.function, [known(arg) for arg in args])
    assert value is not None
    if prop.kind == "leads_to":
        first, second = (condition(item_at(value, index)) for index in (0, 1))
        return Judgement(prop.name, args, first, x.errors, second)
    return Judgement(prop.name, args, condition(value), x.errors)


# --------------------------------------------------------------------------- running it


def step(binding: Binding, codes: list[int]) -> list[int]:
    """Where a binding leads.  Raises `ModelError`, `NotEnabled` or `Pruned`."""
    if holds(binding.errors, codes):
        raise ModelError(f"`{binding.action}` fails here")
    if not holds(binding.guard, codes):
        raise Pruned() if holds(binding.pruned, codes) else NotEnabled()
    after = list(codes)
    for effect in binding.effects:
        (after[effect.cell.number],) = (c for c, where in effect.codes if holds(where, codes))
    return after


__all__ = ["Binding", "Effect", "Ground", "Judgement", "lowered", "step"]
