"""Why a line does not match: the states before it, the steps tried, and what refused each.

What is shown is a readable few: the states are those that the log allows before the line, each
step is one that the line could mean, and for each it is said which condition of which guard does
not hold, or which logged variable differs after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

from checker.lang.errors import ModelError
from checker.lang.model import Action, Model, State
from checker.lang.types import LabelT, RecordT, Type, UnionT
from checker.lang.values import Bag, Map, Set, in_order
from checker.report.changes import differences
from checker.trace.events import UNKNOWN, Check, Event, Pattern
from checker.trace.guards import Refusal, refusal

STATES_SHOWN = 3
TRIED_SHOWN = 4
ENABLED_SHOWN = 6
MOST_TRIED = 2_000
"""Bindings of a step that are tried where arguments were not logged."""


class Where(NamedTuple):
    """A line of a log (from 1; 0 for its end), and which of its runs it belongs to."""

    file: str
    line: int
    key: str | int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else f"the end of {self.file}"


@dataclass(frozen=True)
class Difference:
    """What the log and the spec disagree on: a variable, a key of it, or a member of it.

    `None` where one of them does not have the member at all.
    """

    path: str
    logged: str | None
    spec: str | None


@dataclass(frozen=True)
class Tried:
    """A step that the line could mean, and why it was not that."""

    step: str
    refused: Refusal | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Before:
    """A state before the line, and what was tried in it."""

    state: State
    tried: tuple[Tried, ...]
    more: int
    """So many more bindings were tried."""
    enabled: tuple[str, ...] = ()
    """Steps that the spec could take instead: a few, and in the end how many more."""


@dataclass(frozen=True)
class Failure:
    """The first line that no step of the spec explains."""

    where: Where
    said: str
    states: int
    """How many states were consistent with the log before the line."""
    before: tuple[Before, ...]
    notes: tuple[str, ...] = field(default=())


def failure(
    model: Model, states: list[State], event: Event, where: Where, notes: Iterable[str] = ()
) -> Failure:
    """What is to be said where `event` has no successor.  `states`: those before it."""
    shown = sorted(
        (_before(model, state, event) for state in states[: 4 * STATES_SHOWN]), key=_promise
    )[:STATES_SHOWN]
    return Failure(where, event.text, len(states), tuple(shown), tuple(notes))


def _promise(before: Before) -> int:
    """The states come first where the line nearly fits."""
    fitting = [len(tried.differences) for tried in before.tried if tried.refused is None]
    return min(fitting, default=1_000)


def _before(model: Model, state: State, event: Event) -> Before:
    if event.step is None:
        tried = [Tried("no step", None, _differences(event.checks, state))]
        return Before(state, tuple(tried), 0)
    found = [
        _try(model, state, event, event.step.action, args)
        for args in islice(_bindings(model, state, event.step), MOST_TRIED)
    ]
    found.sort(key=_closeness)
    enabled = _enabled(model, state, event.step)
    different = {_reason(one): one for one in reversed(found)}
    shown = tuple(reversed(different.values()))[:TRIED_SHOWN]
    return Before(state, shown, len(found) - len(shown), enabled)


def _reason(tried: Tried) -> object:
    """Of steps that the same condition refuses, one is shown."""
    refused = tried.refused
    return (refused.condition, refused.file, refused.line) if refused else tried.step


def _closeness(tried: Tried) -> tuple[int, int]:
    """Steps that can be taken first; of the others, those first that pass more guards."""
    if tried.refused is None:
        return (0, len(tried.differences))
    return (1, -tried.refused.line)


def _try(model: Model, state: State, event: Event, action: Action, args: tuple[Any, ...]) -> Tried:
    text = action.text(args)
    try:
        after = refusal(model, state, action, args)
    except ModelError as error:
        return Tried(text, Refusal(error.rule, *_where(error)))
    if isinstance(after, Refusal):
        return Tried(text, after)
    return Tried(text, None, _differences(event.checks, after))


def _where(error: ModelError) -> tuple[str, int]:
    return (error.place.file, error.place.line) if error.place else ("", 0)


def _differences(checks: tuple[Check, ...], state: State) -> tuple[Difference, ...]:
    return tuple(one for check in checks if not check.holds(state) for one in _by(check, state))


def _by(check: Check, state: State) -> Iterator[Difference]:
    if check.presence:
        yield Difference(check.path, check.logged_text, check.found_text(state))
        return
    for one in differences(check.type, check.value(state), check.logged, check.path):
        spec = None if one.mark == "+" else one.of.text(one.before)
        logged = None if one.mark == "−" else one.of.text(one.after)
        yield Difference(one.path, logged, spec)


# --------------------------------------------------------------------------- what to try


def _bindings(model: Model, state: State, pattern: Pattern) -> Iterator[tuple[Any, ...]]:
    """Bindings that fit: all of them where they are few, else of values that the state holds."""
    choices = [(arg,) if arg is not UNKNOWN else None for arg in pattern.args]
    open_ = [param.type for param, arg in zip(pattern.action.params, choices, strict=True)
             if arg is None]  # fmt: skip
    small = all(of.size is not None for of in open_) and (
        prod(of.size or 0 for of in open_) <= MOST_TRIED
    )
    held = [] if small else _held(model, state)
    ranges = [
        chosen if chosen is not None else _values(param.type, held, small)
        for param, chosen in zip(pattern.action.params, choices, strict=True)
    ]
    return product(*ranges)


def _values(of: Type, held: list[Any], small: bool) -> tuple[Any, ...]:
    if small or (of.size is not None and of.size <= 16) or isinstance(of, LabelT):
        return tuple(of.values())
    return in_order(value for value in held if value in of)


def _held(model: Model, state: State) -> list[Any]:
    """The records in a state, each once."""
    found: dict[Any, None] = {}
    for one, value in zip(model.fields, state, strict=True):
        if _has_records(one.type):
            for item in _items(value):
                found[item] = None
    return list(found)


def _has_records(of: Any) -> bool:
    if isinstance(of, tuple):
        return any(_has_records(part) for part in of)
    if isinstance(of, RecordT | UnionT):
        return True
    return isinstance(of, Type) and _has_records(tuple(vars(of).values()))


def _items(value: Any) -> Iterator[Any]:
    match value:
        case Map():
            for inner in value.values():
                yield from _items(inner)
        case Set() | tuple():
            for inner in value:
                yield from _items(inner)
        case Bag():
            for inner in value.distinct():
                yield from _items(inner)
        case None:
            return
        case _:
            yield value


def _enabled(model: Model, state: State, pattern: Pattern) -> tuple[str, ...]:
    """A few steps that are enabled, those first that are most like the one that was logged."""
    try:
        steps = model.successors(state)
    except ModelError:
        return ()
    said = {arg for arg in pattern.args if arg is not UNKNOWN}

    def likeness(step: tuple[Action, tuple[Any, ...], State]) -> tuple[bool, int, bool]:
        action, args, after = step
        return (action is not pattern.action, -len(said & set(args)), after == state)

    texts = [action.text(args) for action, args, _ in sorted(steps, key=likeness)]
    shown = tuple(texts[:ENABLED_SHOWN])
    rest = len(texts) - len(shown)
    return (*shown, f"and {rest} more") if rest else shown


__all__ = ["Before", "Difference", "Failure", "Tried", "Where", "failure"]
