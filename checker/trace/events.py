"""What one line of a log says: a step, in full or in part, and the state after it in part.

An `Event` is compared by identity: a reader gives the same object for lines that say the same,
so that what it does to a set of states is worked out once (`candidates.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from checker.lang.errors import NotEnabled
from checker.lang.model import Action, Model, State
from checker.lang.types import Type


class _Unknown:
    def __repr__(self) -> str:
        return "?"


UNKNOWN: Final = _Unknown()
"""Stands for an argument that was not logged."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """An action with its arguments, `UNKNOWN` where one was not logged."""

    action: Action
    args: tuple[Any, ...]

    @property
    def complete(self) -> bool:
        return UNKNOWN not in self.args

    def fits(self, args: tuple[Any, ...]) -> bool:
        pairs = zip(self.args, args, strict=True)
        return all(said is UNKNOWN or said == arg for said, arg in pairs)

    def steps(self, model: Model, state: State) -> Iterator[tuple[tuple[Any, ...], State]]:
        """Each binding that fits and is enabled in `state`, and where it leads.

        `ModelError` if one does what no step may do.
        """
        bindings = [self.args] if self.complete else self._bindings(model, state)
        for args in bindings:
            try:
                after = model.step(state, self.action, args)
            except NotEnabled:
                continue
            yield args, after

    def _bindings(self, model: Model, state: State) -> list[tuple[Any, ...]]:
        model.load(state)
        if model.uses_old:
            model.load_old(state)
        return [args for args in self.action.bindings.of(self.action.machine) if self.fits(args)]

    @property
    def text(self) -> str:
        inside = ", ".join(
            f"{param.name}={'?' if arg is UNKNOWN else param.type.text(arg)}"
            for param, arg in zip(self.action.params, self.args, strict=True)
        )
        return f"{self.action.name}({inside})"


@dataclass(frozen=True, eq=False)
class Check:
    """What a line says of one variable, or of one key of a Map, in the state after its step."""

    path: str
    field: int
    keys: tuple[Any, ...]
    type: Type
    logged: Any
    presence: bool = False
    """Only whether there is a value was logged: `logged` is a bool, and `None` is absent."""

    def value(self, state: State) -> Any:
        held = state[self.field]
        for key in self.keys:
            held = held[key]
        return held

    def holds(self, state: State) -> bool:
        held = self.value(state)
        return bool((held is not None) == self.logged if self.presence else held == self.logged)

    @property
    def logged_text(self) -> str:
        if self.presence:
            return "something" if self.logged else "none"
        return self.type.text(self.logged)

    def found_text(self, state: State) -> str:
        return self.type.text(self.value(state))


@dataclass(frozen=True, eq=False)
class Hidden:
    """Steps that may have happened before a line without one of their own, in any number."""

    patterns: tuple[Pattern, ...]
    most: int | None = None
    """If given: so many of them."""
    fewest: bool = False
    """Only as few as explain the line.  Right where more of them cannot matter afterwards."""
    may: Callable[[State], bool] = lambda _: True
    """They lead through such states only."""


@dataclass(frozen=True, eq=False)
class Event:
    """What one line says."""

    step: Pattern | None = None
    """`None`: no step but hidden ones."""
    checks: tuple[Check, ...] = ()
    hidden: Hidden | None = None

    @property
    def text(self) -> str:
        return self.step.text if self.step else "no step, or hidden ones"


__all__ = ["UNKNOWN", "Check", "Event", "Hidden", "Pattern"]
