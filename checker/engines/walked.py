"""Random walks: how they choose, what they did, and how they are answered.

The same for every engine, so that they differ in how they walk and in nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from checker.engines.python.explore import explore
from checker.engines.python.judge import Successors, Wrong, shorten
from checker.engines.python.plan import MODEL_ERROR, Findings, Plan, starts
from checker.engines.python.watch import Watch, peak_memory_bytes
from checker.engines.result import Limits, Result, Step
from checker.lang.errors import SpecError
from checker.lang.model import Model, State

FOUND_NOTHING = "random walks can show a violation, never that there is none"
"""Why a simulation that found nothing is undecided."""

SEARCHED_STATES = 10_000
SEARCH_SECONDS = 10.0
"""How far a shorter run is searched for, breadth first, after a walk has found something."""

CHOICES = ("steps", "actions")
MOST_WEIGHT = 1_000_000


@dataclass(frozen=True)
class Choice:
    """Which step a walk takes next: first an action by chance, then any step of it."""

    by: str = "steps"
    """`actions`: an action's chance is its weight; `steps`: its weight, for each of its steps."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """By action; 1 where none is given.  An action of weight 0 is never taken."""

    def check(self, model: Model) -> None:
        """`SpecError` where it does not fit the model."""
        if self.by not in CHOICES:
            raise SpecError(
                f"a walk cannot choose by `{self.by}`", f"choose by {' or by '.join(CHOICES)}"
            )
        names = [action.name for action in model.actions]
        for name, weight in self.weights.items():
            if name not in names:
                raise SpecError(
                    f"`{model.name}` has no action `{name}` to weigh",
                    f"its actions are: {', '.join(names)}",
                )
            if not 0 <= weight <= MOST_WEIGHT:
                raise SpecError(
                    f"the weight of `{name}` is {weight:,}",
                    f"give a whole number from 0 to {MOST_WEIGHT:,}",
                )

    def pick(self, possible: Successors, chance: random.Random) -> Successors:
        """One of the steps; none if all have weight 0."""
        steps: dict[str, Successors] = {}
        for step in possible:
            steps.setdefault(step[0].name, []).append(step)
        weights = [
            self.weights.get(name, 1) * (len(some) if self.by == "steps" else 1)
            for name, some in steps.items()
        ]
        if not any(weights):
            return []
        (name,) = chance.choices(list(steps), weights)
        return [chance.choice(steps[name])]


@dataclass(repr=False)
class Simulation(Result):
    """A `Result` of random walks.  `transitions` are the steps walked."""

    walks: int = 0
    seed: int = 0

    @property
    def steps_per_second(self) -> float:
        return self.transitions / self.seconds if self.seconds > 0 else 0.0


class Walked:
    """What the walks of one simulation did and found so far."""

    def __init__(self, model: Model, plan: Plan, watch: Watch) -> None:
        self.model = model
        self.plan = plan
        self.watch = watch
        self.findings = Findings(plan)
        self.actions = {action.name: 0 for action in model.actions}
        self.walks = self.steps = self.depth = self.distinct_states = 0
        self.bounded = False
        self.stopped = ""
        self.warnings: tuple[str, ...] = ()

    def starts(self) -> list[State]:
        """The initial states.  Raises `ModelError`."""
        return starts(self.model)

    def record(self, run: list[Step], wrong: Wrong) -> None:
        """A run at whose end something is wrong: made short, then kept."""
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

    def result(self, engine: str, seed: int) -> Simulation:
        judged = {*self.plan.names} - self.findings.violations.keys()
        verdicts = self.findings.verdicts(False, judged)
        violated = bool(self.findings.violations)
        seconds = self.watch.seconds
        return Simulation(
            model=self.model,
            engine=engine,
            verdict="violated" if violated else "undecided",
            distinct_states=self.distinct_states,
            transitions=self.steps,
            depth=self.depth,
            seconds=seconds,
            search_seconds=seconds,
            peak_memory_bytes=peak_memory_bytes(),
            actions=self.actions,
            properties=verdicts,
            counterexamples=self.findings.counterexamples(),
            warnings=self.warnings,
            bounded=self.bounded,
            undecided_because="" if violated else self.stopped or FOUND_NOTHING,
            constants={name: c.value for name, c in self.model.constants.items()},
            walks=self.walks,
            seed=seed,
        )
