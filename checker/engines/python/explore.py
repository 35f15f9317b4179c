"""Breadth-first exploration: every reachable state, each once, nearest first.

    the initial states are level 0
    the states first reached from level n are level n + 1

Rules of this file:

* Exact: states are compared whole, never by a hash alone.
* A state is judged when it is discovered (invariants, goals, refinement mappings), a step when
  the state before it is extended (step properties, refinements, deadlock).
* The search ends with the level in which the first violation was found, not in the middle of
  it.  So what is reported is shortest, and does not depend on the order within a level: another
  engine, with other threads, gives the same states, the same transitions and the same verdicts.
* A step that changes nothing is a transition and is no progress; step properties say nothing
  of it.
* Nothing is reduced and nothing is approximated.  Where a bound cuts states off, `bounded` says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from checker.engines.outcome import Outcome
from checker.engines.python.graph import Graph
from checker.engines.python.liveness import judge_liveness
from checker.engines.python.plan import DEADLOCK, MODEL_ERROR, Findings, Instance, Plan, starts
from checker.engines.python.refinement import NONE as NO_IMAGE
from checker.engines.python.refinement import Images
from checker.engines.python.vacuity import Unused, used_values
from checker.engines.python.watch import Watch, no_garbage
from checker.engines.result import Limits, ProgressCallback, Result, Step
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Action, Model, State

INTERRUPTED = "it was interrupted"


def explore(
    model: Model,
    *,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
) -> Result:
    """Check `properties` (names; `None`: all) in every reachable state.

    `stop_at_first=False` goes on after a violation, and reports one for each property.
    """
    plan = Plan.of(model, properties)
    search = Search(model, plan, Watch(limits or Limits(), progress), stop_at_first)
    search.run()
    return search.result()


class Search:
    """One exploration: states by number, and what was found."""

    def __init__(
        self, model: Model, plan: Plan, watch: Watch, stop_at_first: bool, graph: bool = False
    ) -> None:
        self.model = model
        self.plan = plan
        self.watch = watch
        self.stop_at_first = stop_at_first
        self.findings = Findings(plan)
        self.states: list[State] = []
        self.numbers: dict[State, int] = {}
        self.parents: array[int] = array("i")
        self.graph: Graph | None = None
        if graph or plan.liveness:
            self.graph = Graph(model, self.states, self.parents)
        self.images = [Images(model, refinement) for refinement in plan.refinements]
        self.goals: list[Instance] = list(plan.reachable)
        self.unused = Unused(model)
        self.taken: dict[tuple[Action, tuple[Any, ...]], int] = {}
        self.not_extended: set[int] = set()
        """States that a constraint cuts off."""
        self.extended = 0
        self.transitions = 0
        self.depth = 0
        self.bounded = False
        self.complete = False
        self.liveness_judged = False
        self.stopped = ""

    # ------------------------------------------------------------- the search

    def run(self) -> None:
        """Explore until done, violated or stopped; then judge what needs the whole."""
        try:
            with self.watch.alarm():
                with no_garbage():
                    self._explore()
                if self.complete:
                    self._judge_the_whole()
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED
        if self.graph is not None:
            self.graph.finish()

    def _explore(self) -> None:
        if not self._begin():
            return
        start = 0
        while start < len(self.states):
            end = len(self.states)
            for number in range(start, end):
                self._extend(number)
            if len(self.states) > end:
                self.depth += 1
            if self.findings.violations and self.stop_at_first:
                return
            start = end
        self.complete = True

    def _begin(self) -> bool:
        """Discover the initial states; false if there are none because of a model error."""
        try:
            initial = starts(self.model)
        except ModelError as error:
            self.findings.model_error(error, ())
            return False
        for state in initial:
            number = self._discover(state, -1)
            for images in self.images:
                self._judge_start(images, number)
        if self.graph is not None:
            self.graph.initial = len(self.states)
        return not (self.findings.violations and self.stop_at_first)

    def _extend(self, number: int) -> None:
        """Take every step from a state."""
        self.watch.tick(
            len(self.states), self.transitions, self.depth, len(self.states) - self.extended
        )
        targets: dict[int, None] = {}
        if number not in self.not_extended:
            targets = self._targets(number)
        if self.graph is not None:
            self.graph.close()
        self.extended += 1
        targets.pop(number, None)
        if targets and self.plan.step_properties:
            self._judge_steps(number, list(targets))
        for images in self.images:
            self._judge_images(images, number, list(targets))

    def _targets(self, number: int) -> dict[int, None]:
        """Where the steps from a state lead; judges deadlock."""
        state, model, graph = self.states[number], self.model, self.graph
        model.pruned = False
        try:
            successors = model.successors(state)
        except ModelError as error:
            self.findings.model_error(error, self.path(number))
            self.not_extended.add(number)
            return {}
        pruned = model.pruned
        if pruned:
            self._cut(number)
        taken, numbers = self.taken, self.numbers
        targets: dict[int, None] = {}
        for action, args, after in successors:
            label = (action, args)
            taken[label] = taken.get(label, 0) + 1
            self.transitions += 1
            target = numbers.get(after)
            if target is None:
                target = self._discover(after, number)
            targets[target] = None
            if graph is not None:
                graph.add(action, args, target)
        if self.unused.watching:
            self.unused.see_steps(state, successors)
        if self.plan.deadlock and not pruned and not targets.keys() - {number}:
            self._judge_deadlock(number, bool(targets))
        return targets

    def _discover(self, state: State, parent: int) -> int:
        """Give a new state its number, and judge it."""
        number = len(self.states)
        self.watch.admit(number)
        self.parents.append(parent)
        self.states.append(state)
        self.numbers[state] = number
        self.model.load(state)
        self._judge_state(number)
        for images in self.images:
            try:
                images.place(state)
            except ModelError as error:
                images.skip()
                self.findings.add(images.error(error, self.path(number)))
        return number

    def _cut(self, number: int) -> None:
        self.bounded = True
        if self.graph is not None:
            self.graph.cut.add(number)

    # ------------------------------------------------------------- judging states and steps

    def _judge_state(self, number: int) -> None:
        """Invariants, goals and constraints, of the state that the machine holds."""
        evaluate, findings = self.model.evaluate, self.findings
        try:
            for what, args in self.plan.invariants:
                if not evaluate(what, args) and not findings.violated(what.name):
                    findings.invariant(what, args, self.path(number))
                    self.model.load(self.states[number])
            if self.goals:
                self._judge_goals()
            for constraint in self.model.constraints:
                if not all(evaluate(constraint, args) for args in constraint.bindings()):
                    self.not_extended.add(number)
                    self._cut(number)
        except ModelError as error:
            if not findings.violated(MODEL_ERROR):
                findings.model_error(error, self.path(number))
                self.model.load(self.states[number])
        if self.unused.premises:
            self.unused.see_state()

    def _judge_goals(self) -> None:
        met = [goal for goal in self.goals if self.model.evaluate(*goal)]
        if met:
            self.findings.reached.update(met)
            self.goals = [goal for goal in self.goals if goal not in self.findings.reached]

    def _judge_deadlock(self, number: int, stutters: bool) -> None:
        if self.findings.violated(DEADLOCK):
            return
        self.model.load(self.states[number])
        try:
            for final in self.model.final:
                if any(self.model.evaluate(final, args) for args in final.bindings()):
                    return
        except ModelError as error:
            self.findings.model_error(error, self.path(number))
        else:
            self.findings.deadlock(self.path(number), stutters)

    def _judge_steps(self, before: int, targets: list[int]) -> None:
        """Step properties, of the steps from one state that change something."""
        self.model.load_old(self.states[before])
        for after in targets:
            self.model.load(self.states[after])
            for what, args in self.plan.step_properties:
                if self.findings.violated(what.name):
                    continue
                try:
                    if self.model.evaluate(what, args):
                        continue
                    self.findings.step_property(what, args, self.path(before, after))
                except ModelError as error:
                    self.findings.model_error(error, self.path(before, after))
                # Building the path moved the machine.
                self.model.load_old(self.states[before])
                self.model.load(self.states[after])

    def _judge_start(self, images: Images, number: int) -> None:
        """A refinement, of an initial state."""
        image = images.of[number]
        try:
            if image not in images.initial and image != NO_IMAGE:
                self.findings.add(images.wrong_start(image, self.path(number)))
        except ModelError as error:
            self.findings.add(images.error(error, self.path(number)))

    def _judge_images(self, images: Images, before: int, targets: list[int]) -> None:
        """A refinement, of the steps from one state that change something."""
        if self.findings.violated(images.refinement.name):
            return
        image, of = images.of[before], images.of
        for after in targets:
            try:
                if not images.allows(image, of[after]):
                    steps = self.path(before, after)
                    self.findings.add(images.wrong_step(image, of[after], steps))
            except ModelError as error:
                self.findings.add(images.error(error, self.path(before, after)))

    # ------------------------------------------------------------- judging the whole

    def _judge_the_whole(self) -> None:
        self._outcome().judge_the_whole()
        if self.graph is not None and self.plan.liveness and self._may_judge_liveness():
            self.liveness_judged = judge_liveness(
                self.graph, self.plan.liveness, self.findings, self.watch
            )

    def _may_judge_liveness(self) -> bool:
        """A step that is a model error leads nowhere: runs through it are not known."""
        return not self.findings.violated(MODEL_ERROR)

    # ------------------------------------------------------------- the answer

    def path(self, number: int, after: int | None = None) -> tuple[Step, ...]:
        """A shortest run to a state, and then on to `after`."""
        numbers = [number]
        while self.parents[numbers[-1]] >= 0:
            numbers.append(self.parents[numbers[-1]])
        numbers.reverse()
        if after is not None:
            numbers.append(after)
        return run_through(self.model, [self.states[n] for n in numbers])

    def result(self) -> Result:
        outcome = self._outcome()
        outcome.seconds = self.watch.seconds
        return outcome.result(self.unused.warnings(used_values(self.taken)))

    def _outcome(self) -> Outcome:
        return Outcome(
            engine="python",
            model=self.model,
            plan=self.plan,
            findings=self.findings,
            distinct_states=len(self.states),
            extended=self.extended,
            depth=self.depth,
            seconds=self.watch.seconds,
            actions=self._actions(),
            complete=self.complete,
            bounded=self.bounded,
            stopped=self.stopped,
            liveness_judged=self.liveness_judged,
        )

    def _actions(self) -> dict[str, int]:
        counts = {action.name: 0 for action in self.model.actions}
        for (action, _), times in self.taken.items():
            counts[action.name] += times
        return counts


def run_through(model: Model, states: list[State]) -> tuple[Step, ...]:
    """The run through these states: the first action, in the model's order, for each step."""
    steps = [Step(None, (), states[0])]
    for before, after in pairwise(states):
        action, args = next(
            (action, args) for action, args, target in model.successors(before) if target == after
        )
        steps.append(Step(action.name, args, after))
    return tuple(steps)


def explore_graph(
    model: Model, *, limits: Limits | None = None, progress: ProgressCallback | None = None
) -> tuple[Graph, Result]:
    """The whole graph, judging no property.  `LimitReached` is in the result."""
    plan = Plan.of(model, ())
    search = Search(model, plan, Watch(limits or Limits(), progress), True, graph=True)
    search.run()
    assert search.graph is not None
    return search.graph, search.result()
