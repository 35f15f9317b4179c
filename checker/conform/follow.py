"""One path, taken on both sides with every comparison at every step: slow, and obvious.

It begins at the start, uses no snapshot and no graph, and asks the spec itself what is possible.
What the fast explorer found is shown again by it, replayed from files and shortened by it.
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.conform.compare import Comparison, Fault, Spotted
from checker.conform.system import Step, System
from checker.lang.errors import NotEnabled
from checker.lang.model import Model, State


class NotAPath(Exception):
    """The spec does not allow a step of the path.  `at`: which one, from 1."""

    def __init__(self, at: int, step: Step) -> None:
        super().__init__(at, step)
        self.at = at
        self.step = step


def follow(
    model: Model, system: System, start: State, path: Iterable[Step]
) -> tuple[Spotted | None, int]:
    """The first divergence on a path, and how many steps were taken.

    `NotAPath` where the spec does not allow a step, and nothing diverged before it.
    """
    compare = Comparison(model, system)
    begin(model, system, compare, start)
    state, taken = start, list[Step]()
    fault = compare.state(state) or possible(compare, state)
    for step in path:
        if fault:
            break
        try:
            state = model.step(state, model.action(step.action), step.args)
        except (NotEnabled, KeyError):
            raise NotAPath(len(taken) + 1, step) from None
        fault = compare.take(step)
        if fault is None:
            taken.append(step)
            fault = compare.state(state) or possible(compare, state)
    return (fault.after(start, tuple(taken)) if fault else None), len(taken)


def begin(model: Model, system: System, compare: Comparison, start: State) -> None:
    """Put a system into an initial state."""
    if len(model.initial_states()) == 1:
        compare.adapter("reset", system.reset)
    else:
        values = {field.name: value for field, value in zip(model.fields, start, strict=True)}
        compare.adapter("reset_to", lambda: system.reset_to(values))


def possible(compare: Comparison, state: State) -> Fault | None:
    """Compare what is possible in a state with what the spec itself says."""
    model = compare.model
    if any(not model.holds(what, state, a) for what in model.constraints for a in what.bindings()):
        return None
    model.pruned = False
    expected = [Step(action.name, args) for action, args, _ in model.successors(state)]
    return compare.enabled(expected, lambda: state, model.pruned)
