"""Judging one run: is its last state, or its last step, wrong?  And the same fault in less.

`explore.py` judges all states at once and needs to be fast; here a fault is an object that can
be asked again, of other runs, so that a run can be made shorter and still show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from checker.engines.python.plan import Findings, Instance, Plan
from checker.engines.python.refinement import Images
from checker.engines.result import Step
from checker.lang.errors import ModelError, NotEnabled
from checker.lang.model import Action, Model, State

Successors = list[tuple[Action, tuple[Any, ...], State]]
Steps = tuple[Step, ...]

SHORTEN_SECONDS = 5.0
"""No run is made shorter for longer than this."""


@dataclass(frozen=True)
class Wrong:
    """A fault at the end of a run."""

    shows: Callable[[State | None, State], bool]
    """Whether a run that ends with this step (no state before: this initial state) shows it."""
    record: Callable[[Findings, Steps], None]
    of_step: bool = False
    """Whether it is the step that is wrong, and not the state alone."""


class Judge:
    """The safety properties of a plan, one state and one step at a time."""

    def __init__(self, model: Model, plan: Plan) -> None:
        self.model = model
        self.plan = plan
        self.goals: list[Instance] = list(plan.reachable)
        self.constraints = [(what, a) for what in model.constraints for a in what.bindings()]
        self.final = [(what, a) for what in model.final for a in what.bindings()]
        self.faults = [
            *(self._invariant(instance) for instance in plan.invariants),
            *(self._step_property(instance) for instance in plan.step_properties),
            *(self._refinement(Images(model, refinement)) for refinement in plan.refinements),
        ]

    def goals_met(self, state: State) -> list[Instance]:
        """Goals that were not met before.  Raises `ModelError`."""
        met = [(what, args) for what, args in self.goals if self.model.holds(what, state, args)]
        self.goals = [goal for goal in self.goals if goal not in met]
        return met

    def cut_off(self, state: State) -> bool:
        """Whether a constraint is false.  Raises `ModelError`."""
        return not all(self.model.holds(what, state, args) for what, args in self.constraints)

    def arrived(self, before: State | None, state: State) -> Wrong | None:
        """What is wrong with a state, or with the step to it.  Raises `ModelError`."""
        return next((fault for fault in self.faults if fault.shows(before, state)), None)

    def extended(self, state: State, possible: Successors) -> Wrong | None:
        """What is wrong with what is possible in a state.  Raises `ModelError`."""
        if not self.plan.deadlock or any(after != state for _, _, after in possible):
            return None
        stuck = Wrong(
            lambda _, state: self._is_stuck(state),
            lambda findings, steps: findings.deadlock(steps, bool(possible)),
        )
        return stuck if stuck.shows(None, state) else None

    def raised(self, error: ModelError) -> Wrong:
        """A model error in judging a state, or in what is possible there."""

        def shows(before: State | None, state: State) -> bool:
            try:
                self.arrived(before, state)
                self.goals_met(state)
                self.cut_off(state)
                self._is_stuck(state)
            except ModelError as other:
                return (other.rule, other.place) == (error.rule, error.place)
            return False

        return Wrong(shows, lambda findings, steps: findings.model_error(error, steps))

    # ------------------------------------------------------------- kinds of faults

    def _invariant(self, instance: Instance) -> Wrong:
        what, args = instance
        return Wrong(
            lambda _, state: not self.model.holds(what, state, args),
            lambda findings, steps: findings.invariant(what, args, steps),
        )

    def _step_property(self, instance: Instance) -> Wrong:
        what, args = instance

        def shows(before: State | None, state: State) -> bool:
            changed = before is not None and before != state
            return changed and not self.model.holds_step(what, before or (), state, args)

        return Wrong(shows, lambda findings, steps: findings.step_property(what, args, steps), True)

    def _refinement(self, images: Images) -> Wrong:
        def shows(before: State | None, state: State) -> bool:
            try:
                if before is None:
                    return images.image(state) not in images.initial
                return not images.allows(images.image(before), images.image(state))
            except ModelError:
                return True

        def record(findings: Findings, steps: Steps) -> None:
            try:
                image = images.image(steps[-1].state)
                if len(steps) == 1:
                    findings.add(images.wrong_start(image, steps))
                else:
                    before = images.image(steps[-2].state)
                    images.allows(before, image)
                    findings.add(images.wrong_step(before, image, steps))
            except ModelError as error:
                findings.add(images.error(error, steps))

        return Wrong(shows, record, of_step=True)

    def _is_stuck(self, state: State) -> bool:
        self.model.pruned = False
        moves = any(after != state for _, _, after in self.model.successors(state))
        if moves or self.model.pruned or self.cut_off(state):
            return False
        return not any(self.model.holds(what, state, args) for what, args in self.final)


# --------------------------------------------------------------------------- shortening


def shorten(model: Model, run: list[Step], wrong: Wrong) -> Steps:
    """A shorter run from an initial state that shows the same fault at its end.

    First the shortest way through the states that the run passes, then without each step, and
    each two steps, that are not needed for the others.
    """
    deadline = time.perf_counter() + SHORTEN_SECONDS
    keep = 2 if wrong.of_step and len(run) > 1 else 1
    end = len(run) - keep + 1
    run = [*_shortest(model, run[:end]), *run[end:]]
    while (shorter := _with_less(model, run, wrong, deadline)) is not None:
        run = shorter
    return tuple(run)


def _with_less(model: Model, run: list[Step], wrong: Wrong, deadline: float) -> list[Step] | None:
    """The run without some step or two steps; `None` if it needs all of them."""
    positions = range(len(run) - 1, 0, -1)
    for left_out in (*combinations(positions, 1), *combinations(positions, 2)):
        if time.perf_counter() > deadline:
            return None
        shorter = _without(model, run, left_out, wrong)
        if shorter is not None:
            return shorter
    return None


def _shortest(model: Model, run: list[Step]) -> list[Step]:
    """The shortest run to the last state of `run` through states of `run` alone."""
    first, last = run[0], run[-1].state
    here = {step.state for step in run}
    came: dict[State, tuple[State, Step]] = {}
    queue = [first.state]
    for state in queue:
        if state == last:
            break
        for action, args, after in model.successors(state):
            if after in here and after not in came and after != first.state:
                came[after] = (state, Step(action.name, args, after))
                queue.append(after)
    steps: list[Step] = []
    while last != first.state:
        last, step = came[last]
        steps.append(step)
    return [first, *reversed(steps)]


def _without(
    model: Model, run: list[Step], left_out: tuple[int, ...], wrong: Wrong
) -> list[Step] | None:
    """The run with steps left out, if the others are still possible and show the fault."""
    made = run[: left_out[-1]]
    for position in range(left_out[-1] + 1, len(run)):
        if position in left_out:
            continue
        step = run[position]
        try:
            after = model.step(made[-1].state, model.action(step.action or ""), step.args)
        except (NotEnabled, ModelError):
            return None
        made.append(Step(step.action, step.args, after))
    before = made[-2].state if len(made) > 1 else None
    try:
        return made if wrong.shows(before, made[-1].state) else None
    except ModelError:
        return None
