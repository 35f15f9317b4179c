"""Random walks: for instances too large to exhaust.

Each walk begins in an initial state and takes, again and again, one of the steps that change
something there (every binding of every action is one step); `Choice` says how likely each is.
It ends after `depth` steps, where nothing changes any more, or where a constraint cuts it off.

A walk that finds nothing proves nothing: without a violation the verdict is `undecided`, except
that a goal (`@reachable`) that was reached is reached.  What a walk finds is real, and is made
short before it is shown: first by leaving out what is not needed, then by a small search from
the start.  The same seed gives the same walks.

Liveness and coverage are not judged: both speak of all runs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.judge import Judge, Successors, Wrong
from checker.engines.python.plan import Plan
from checker.engines.python.watch import Watch, no_garbage
from checker.engines.result import Limits, ProgressCallback, Step
from checker.engines.walked import Choice, Simulation, Walked
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Model, State


def simulate(
    model: Model,
    *,
    walks: int = 1000,
    depth: int = 100,
    seed: int = 0,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    choice: Choice | None = None,
) -> Simulation:
    """Walk `walks` times, at most `depth` steps each, and stop at the first violation."""
    plan = Plan.of(model, properties)
    watch = Watch(limits or Limits(), progress)
    walker = Walker(model, plan, watch, choice or Choice(), random.Random(seed))
    walker.run(walks, depth)
    return walker.result("simulation", seed)


class Walker(Walked):
    """Walks one model, and judges every state and step on the way."""

    def __init__(
        self, model: Model, plan: Plan, watch: Watch, choice: Choice, chance: random.Random
    ) -> None:
        super().__init__(model, plan, watch)
        self.choice = choice
        self.chance = chance
        self.judge = Judge(model, plan)
        self.seen: set[int] = set()
        """The hashes of the states seen: what is counted, and need not be kept whole."""

    def run(self, walks: int, depth: int) -> None:
        try:
            with self.watch.alarm(), no_garbage():
                initial = self.starts()
                while self.walks < walks and not self.findings.violations:
                    self.walk(self.chance.choice(initial), depth)
                    self.walks += 1
        except ModelError as error:
            self.findings.model_error(error, ())
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED
        self.distinct_states = len(self.seen)

    def walk(self, state: State, depth: int) -> None:
        """One walk.  It stops at a violation, and shortens and records it."""
        run = [Step(None, (), state)]
        try:
            wrong = self._walk_on(run, depth)
        except ModelError as error:
            wrong = self.judge.raised(error)
        self.depth = max(self.depth, len(run) - 1)
        if wrong:
            self.record(run, wrong)

    def _walk_on(self, run: list[Step], depth: int) -> Wrong | None:
        """Extend a run until something is wrong or it has to end."""
        state = run[0].state
        wrong = self._arrive(None, state)
        while wrong is None and len(run) <= depth and not self._is_cut_off(state):
            possible = self._possible(state)
            wrong = self.judge.extended(state, possible)
            changes = [step for step in possible if step[2] != state]
            if wrong:
                break
            chosen = self.choice.pick(changes, self.chance)
            if not chosen:
                break
            ((action, args, after),) = chosen
            run.append(Step(action.name, args, after))
            self.actions[action.name] += 1
            self.steps += 1
            wrong = self._arrive(state, after)
            state = after
        return wrong

    def _arrive(self, before: State | None, state: State) -> Wrong | None:
        self.watch.tick(len(self.seen), self.steps, self.depth, 0, "walking")
        self.seen.add(hash(state))
        self.findings.reached.update(self.judge.goals_met(state))
        return self.judge.arrived(before, state)

    def _is_cut_off(self, state: State) -> bool:
        cut = self.judge.cut_off(state)
        self.bounded |= cut
        return cut

    def _possible(self, state: State) -> Successors:
        self.model.pruned = False
        possible = self.model.successors(state)
        self.bounded |= self.model.pruned
        return possible
