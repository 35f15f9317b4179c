"""Random walks: for instances too large to exhaust.

Each walk begins in an initial state and takes, again and again, one of the steps that change
something there, all equally likely (every binding of every action is one step).  It ends after
`depth` steps, where nothing changes any more, or where a constraint cuts it off.

A walk that finds nothing proves nothing: without a violation the verdict is `undecided`, except
that a goal (`@reachable`) that was reached is reached.  What a walk finds is real, and is made
short before it is shown: first by leaving out what is not needed, then by a small search from
the start.  The same seed gives the same walks.

Liveness and coverage are not judged: both speak of all runs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.python.explore import INTERRUPTED, explore
from checker.engines.python.judge import Judge, Successors, Wrong, shorten
from checker.engines.python.plan import MODEL_ERROR, Findings, Plan
from checker.engines.python.watch import Watch, peak_memory_bytes
from checker.engines.result import Limits, ProgressCallback, Result, Step
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Model, State

FOUND_NOTHING = "random walks can show a violation, never that there is none"
"""Why a simulation that found nothing is undecided."""

SEARCHED_STATES = 10_000
SEARCH_SECONDS = 10.0
"""How far a shorter run is searched for, breadth first, after a walk has found something."""


@dataclass(repr=False)
class Simulation(Result):
    """A `Result` of random walks.  `transitions` are the steps walked."""

    walks: int = 0
    seed: int = 0

    @property
    def steps_per_second(self) -> float:
        return self.transitions / self.seconds if self.seconds > 0 else 0.0


def simulate(
    model: Model,
    *,
    walks: int = 1000,
    depth: int = 100,
    seed: int = 0,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
) -> Simulation:
    """Walk `walks` times, at most `depth` steps each, and stop at the first violation."""
    plan = Plan.of(model, properties)
    walker = Walker(model, plan, Watch(limits or Limits(), progress), random.Random(seed))
    walker.run(walks, depth)
    return walker.result(seed)


class Walker:
    """Walks one model, and judges every state and step on the way."""

    def __init__(self, model: Model, plan: Plan, watch: Watch, chance: random.Random) -> None:
        self.model = model
        self.plan = plan
        self.watch = watch
        self.chance = chance
        self.findings = Findings(plan)
        self.judge = Judge(model, plan)
        self.actions = {action.name: 0 for action in model.actions}
        self.seen: set[int] = set()
        """The hashes of the states seen: what is counted, and need not be kept whole."""
        self.walks = self.steps = self.depth = 0
        self.bounded = False
        self.stopped = ""

    def run(self, walks: int, depth: int) -> None:
        try:
            with self.watch.alarm():
                initial = self.model.initial_states()
                while self.walks < walks and not self.findings.violations:
                    self.walk(self.chance.choice(initial), depth)
                    self.walks += 1
        except ModelError as error:
            self.findings.model_error(error, ())
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED

    def walk(self, state: State, depth: int) -> None:
        """One walk.  It stops at a violation, and shortens and records it."""
        run = [Step(None, (), state)]
        try:
            wrong = self._walk_on(run, depth)
        except ModelError as error:
            wrong = self.judge.raised(error)
        self.depth = max(self.depth, len(run) - 1)
        if wrong:
            wrong.record(self.findings, shorten(self.model, run, wrong))
            self._search_a_shorter_one()

    def _search_a_shorter_one(self) -> None:
        """Look through the states near the start: what is found there is shortest."""
        for name, found in list(self.findings.violations.items()):
            limits = Limits(max_states=SEARCHED_STATES, max_seconds=SEARCH_SECONDS)
            names = [name] if name != MODEL_ERROR else []
            for other in explore(self.model, limits=limits, properties=names).counterexamples:
                if other.property == name and len(other.steps) < len(found.steps):
                    self.findings.violations[name] = other

    def _walk_on(self, run: list[Step], depth: int) -> Wrong | None:
        """Extend a run until something is wrong or it has to end."""
        state = run[0].state
        wrong = self._arrive(None, state)
        while wrong is None and len(run) <= depth and not self._is_cut_off(state):
            possible = self._possible(state)
            wrong = self.judge.extended(state, possible)
            changes = [step for step in possible if step[2] != state]
            if wrong or not changes:
                break
            action, args, after = self.chance.choice(changes)
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

    def result(self, seed: int) -> Simulation:
        judged = {*self.plan.names} - self.findings.violations.keys()
        verdicts = self.findings.verdicts(False, judged)
        violated = bool(self.findings.violations)
        return Simulation(
            model=self.model,
            engine="simulation",
            verdict="violated" if violated else "undecided",
            distinct_states=len(self.seen),
            transitions=self.steps,
            depth=self.depth,
            seconds=self.watch.seconds,
            peak_memory_bytes=peak_memory_bytes(),
            actions=self.actions,
            properties=verdicts,
            counterexamples=self.findings.counterexamples(),
            bounded=self.bounded,
            undecided_because="" if violated else self.stopped or FOUND_NOTHING,
            constants={name: c.value for name, c in self.model.constants.items()},
            walks=self.walks,
            seed=seed,
        )
