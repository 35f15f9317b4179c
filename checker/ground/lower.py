"""Lowering: a whole program in ground form.

    Binding     an action with its arguments: where it is enabled, what it writes, where it fails
    Judgement   a property with its arguments: where it holds, where it fails
    Image       a refinement: the state as one of the other program

A binding that can never be taken is left out.  A step property is judged by each binding, as a
condition over the cells before the step: what the step makes of them is known.  `step` runs the
ground form on codes, the slow and obvious way: that is what the tests compare with CPython.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from checker.ground.conditions import (
    FALSE,
    TRUE,
    Condition,
    TooMuchWorkError,
    both,
    holds,
    limited,
    negation,
    spend,
    under,
)
from checker.ground.execute import Execution
from checker.ground.images import Image, NoImage, image
from checker.ground.layout import Effect, Layout
from checker.ground.memo import Memo
from checker.ground.symbols import (
    NotGroundError,
    changed,
    condition,
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
MOST_WORK = 1_200_000
"""What lowering may take unless another limit is given: up to about two seconds."""


@dataclass(frozen=True)
class Judgement:
    """A property with known arguments.  `second`: what a leads-to leads to."""

    name: str
    args: tuple[Any, ...]
    holds: Condition
    errors: Condition
    second: Condition = FALSE


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
    when: Condition
    """Where a step by it counts for the fairness of its action."""
    when_fails: Condition
    """Where it is enabled, and telling whether it counts is a model error."""
    steps: tuple[Judgement, ...]
    """The step properties that some step by it may break, or for which they fail."""

    @property
    def writes(self) -> frozenset[int]:
        """The cells that it may change."""
        return frozenset(effect.cell.number for effect in self.effects)

    @property
    def reads(self) -> frozenset[int]:
        """The cells that its guard, its errors or what it writes depend on."""
        found = self.guard.cells | self.errors.cells
        return found.union(*(effect.reads for effect in self.effects))


@dataclass(frozen=True)
class Ground:
    """A program in ground form."""

    layout: Layout
    bindings: tuple[Binding, ...]
    judgements: tuple[Judgement, ...]
    """Of the properties of single states, and of what is final or a constraint."""
    images: tuple[Image | NoImage, ...]
    """One for each refinement."""


def lowered(program: ir.Program, work: int = MOST_WORK) -> Ground:
    """The ground form of a program.  `NotGroundError` where the limits do not allow it."""
    try:
        with limited(work):
            return _lowered(program)
    except TooMuchWorkError:
        raise NotGroundError(f"lowering takes more than {work:,} units of work") from None


def _lowered(program: ir.Program) -> Ground:
    memo = Memo(Layout(program))
    bindings = tuple(binding for action in program.actions for binding in _bindings(memo, action))
    judgements = tuple(
        _judgement(Execution(memo), prop, args)
        for prop in (*program.properties, *program.final, *program.constraints)
        if prop.kind != "step_property"
        for args in _instances(prop)
    )
    images = tuple(image(memo, refinement) for refinement in program.refinements)
    return Ground(memo.layout, bindings, judgements, images)


# --------------------------------------------------------------------------- actions


def _bindings(memo: Memo, action: ir.ActionIR) -> Iterator[Binding]:
    number = 0
    for args in _arguments(memo, action, ()):
        number += 1
        if number > LARGEST_PRODUCT:
            raise NotGroundError(f"`{action.name}` has more than {LARGEST_PRODUCT:,} bindings")
        x = Execution(memo)
        x.call(action.function, [known(arg) for arg in args])
        if x.guard is FALSE and x.errors is FALSE and x.pruned is FALSE:
            continue
        yield _binding(x, action, args)


def _binding(x: Execution, action: ir.ActionIR, args: tuple[Any, ...]) -> Binding:
    enabled = both(x.guard, negation(x.errors))
    if enabled is FALSE:
        return Binding(action.name, args, x.guard, (), x.errors, x.pruned, TRUE, FALSE, ())
    effects = tuple(_effects(x, enabled))
    when = _when(x.memo, action, args, enabled)
    steps = tuple(_steps(x, enabled))
    return Binding(
        action.name, args, x.guard, effects, x.errors, x.pruned, when.holds, when.errors, steps
    )


def _arguments(memo: Memo, action: ir.ActionIR, args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The arguments that may pass the guards by which the parameters are narrowed."""
    if len(args) == len(action.choices):
        yield args
        return
    for value in _values(memo, action, args):
        yield from _arguments(memo, action, (*args, value))


def _values(memo: Memo, action: ir.ActionIR, args: tuple[Any, ...]) -> Iterator[Any]:
    choice = action.choices[len(args)]
    if choice.within is not None:
        x = Execution(memo)
        names = (earlier.name for earlier in action.choices)
        x.frame.names = {name: known(arg) for name, arg in zip(names, args, strict=False)}
        where = x.truth(choice.given)
        with x.within(where):
            found = x.eval(choice.within)
        if x.errors is FALSE and isinstance(choice.within.type, SetT):
            members = membership(found)
            possible = [item for item in members if members[item] is not FALSE]
            every = Set(possible).subsets() if choice.how == "subset" else possible
            for value in every:
                spend(1)
                if value in choice.type:
                    yield value
            return
    if choice.type.size is None or choice.type.size > LARGEST_PRODUCT:
        raise NotGroundError(f"`{choice.name}` of `{action.name}` has too many values")
    yield from choice.type.values()


def _effects(x: Execution, enabled: Condition) -> Iterator[Effect]:
    """What a step changes: cells that keep their codes are left out."""
    given, _ = enabled.told
    for name, value in x.state.items():
        for effect in x.layout.placed(name, value):
            if effect is x.layout.kept[effect.cell.number]:
                continue
            shorter = effect.under(enabled)
            sure = [code for code, where in shorter.codes if where is TRUE]
            if not shorter.idle and given.get(effect.cell.number) != frozenset(sure):
                yield shorter


def _when(memo: Memo, action: ir.ActionIR, args: tuple[Any, ...], enabled: Condition) -> Judgement:
    """Where a step counts for the fairness of its action."""
    if action.fairness is None or action.fairness.when is None:
        return Judgement(action.name, args, TRUE, FALSE)
    x = Execution(memo)
    value = x.value_of(action.fairness.when, [known(arg) for arg in args])
    return Judgement(action.name, args, under(condition(value), enabled), under(x.errors, enabled))


# --------------------------------------------------------------------------- properties


def _instances(prop: ir.PropertyIR) -> Iterator[tuple[Any, ...]]:
    """The arguments of a property."""
    return product(*(tuple(param.type.values()) for param in prop.params))


def _judgement(x: Execution, prop: ir.PropertyIR, args: tuple[Any, ...]) -> Judgement:
    value = x.value_of(prop.function, [known(arg) for arg in args])
    if prop.kind == "leads_to":
        first, second = (condition(item_at(value, index)) for index in (0, 1))
        return Judgement(prop.name, args, first, x.errors, second)
    return Judgement(prop.name, args, condition(value), x.errors)


def _steps(x: Execution, enabled: Condition) -> Iterator[Judgement]:
    """The step properties that may not hold of a step, whose effect `x` has."""
    judged = [prop for prop in x.program.properties if prop.kind == "step_property"]
    if not judged:
        return
    before = x.layout.state
    after = {
        name: value if value is before[name] else changed(value, lambda w: under(w, enabled))
        for name, value in x.state.items()
    }
    for prop in judged:
        for args in _instances(prop):
            found = _judgement(Execution(x.memo, after), prop, args)
            errors = under(found.errors, enabled)
            holds = under(found.holds, both(enabled, negation(errors)))
            if holds is not TRUE or errors is not FALSE:
                yield Judgement(prop.name, args, holds, errors)


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
