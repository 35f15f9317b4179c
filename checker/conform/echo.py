"""The spec as an implementation of itself: what the checker costs, and what it compares with.

It conforms by construction.  Measuring with it gives what the checker itself takes for an edge;
changing its answers gives an implementation with a known fault, which is what the tests do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from checker.conform.system import NotPossible, Step, System
from checker.lang.model import Model, State
from checker.lang.spec import Spec


class Echo(System):
    """Answers from the spec itself."""

    snapshots = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.model = Model.of(spec)
        self.names = [field.name for field in self.model.fields]
        self.now: State = ()
        self.possible: dict[State, dict[Step, State]] = {}

    def reset(self) -> None:
        self.now = self.model.initial_states()[0]

    def reset_to(self, start: Mapping[str, Any]) -> None:
        self.now = tuple(start[name] for name in self.names)

    def successors(self) -> dict[Step, State]:
        """Where each step leads from here."""
        if self.now not in self.possible:
            self.possible[self.now] = {
                Step(action.name, args): after
                for action, args, after in self.model.successors(self.now)
            }
        return self.possible[self.now]

    def enabled(self) -> Collection[Step]:
        return self.successors().keys()

    def step(self, step: Step) -> None:
        after = self.successors().get(step)
        if after is None:
            raise NotPossible("the spec does not allow it")
        self.now = after

    def state(self) -> Mapping[str, Any]:
        return dict(zip(self.names, self.now, strict=True))

    def observe(self) -> Any:
        return self.now

    def save(self) -> Any:
        return self.now

    def restore(self, saved: Any) -> None:
        self.now = saved
