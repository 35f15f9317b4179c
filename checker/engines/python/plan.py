"""What is to be checked, and what has been found out about it so far."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from checker.engines.result import Counterexample, Step, Verdict
from checker.lang.errors import SpecError
from checker.lang.model import LIVENESS_KINDS, Action, Model, Property, Refinement, State

DEADLOCK, COVERAGE, MODEL_ERROR = "deadlock", "coverage", "model error"
ALWAYS = (DEADLOCK, COVERAGE, MODEL_ERROR)
"""What every check looks for, whatever the spec declares; named like properties."""

Instance = tuple[Property, tuple[Any, ...]]
"""A property with values for its parameters."""


def starts(model: Model) -> list[State]:
    """The initial states.  `SpecError` if there are none, `ModelError` if finding them fails."""
    initial = model.initial_states()
    if not initial:
        raise SpecError(
            f"`{model.name}` has no initial state",
            "some @init must be possible: weaken its guards",
        )
    return initial


@dataclass
class Plan:
    """The properties to check, by what has to be done for them."""

    names: tuple[str, ...]
    invariants: list[Instance]
    reachable: list[Instance]
    step_properties: list[Instance]
    liveness: list[Instance]
    refinements: list[Refinement]
    deadlock: bool
    coverage: bool

    @classmethod
    def of(cls, model: Model, properties: Iterable[str] | None = None) -> Plan:
        """Everything, or the properties of these names; `SpecError` for an unknown one."""
        known = [what.name for what in model.properties]
        known += [refinement.name for refinement in model.refinements]
        wanted = [*known, *ALWAYS] if properties is None else list(properties)
        for name in wanted:
            if name not in known and name not in ALWAYS:
                raise SpecError(
                    f"`{model.name}` has no property `{name}`",
                    f"its properties are: {', '.join([*known, *ALWAYS])}",
                )

        def of_kind(*kinds: str) -> list[Instance]:
            return [
                (what, args)
                for what in model.properties
                if what.kind in kinds and what.name in wanted
                for args in what.bindings()
            ]

        return cls(
            tuple(name for name in known if name in wanted),
            of_kind("invariant"),
            of_kind("reachable"),
            of_kind("step_property"),
            of_kind(*LIVENESS_KINDS),
            [refinement for refinement in model.refinements if refinement.name in wanted],
            DEADLOCK in wanted,
            COVERAGE in wanted,
        )


@dataclass
class Findings:
    """Violations by property, the shortest and first found of each; goals that were reached."""

    plan: Plan
    violations: dict[str, Counterexample] = field(default_factory=dict)
    reached: set[Instance] = field(default_factory=set)
    vacuous: list[str] = field(default_factory=list)
    """Leads-tos whose first part is never true."""

    def violated(self, name: str) -> bool:
        return name in self.violations

    def add(self, counterexample: Counterexample) -> None:
        held = self.violations.get(counterexample.property)
        if held is None or len(counterexample.steps) < len(held.steps):
            self.violations[counterexample.property] = counterexample

    def invariant(self, what: Property, args: tuple[Any, ...], steps: tuple[Step, ...]) -> None:
        said = f"`{what.text(args)}` does not hold in the last state.{_doc(what)}"
        self.add(Counterexample(what.name, what.kind, said, steps))

    def step_property(self, what: Property, args: tuple[Any, ...], steps: tuple[Step, ...]) -> None:
        said = f"`{what.text(args)}` does not hold of the last step.{_doc(what)}"
        self.add(Counterexample(what.name, what.kind, said, steps))

    def deadlock(self, steps: tuple[Step, ...], stutters: bool) -> None:
        what = (
            "Every step from the last state changes nothing"
            if stutters
            else "No step is possible from the last state"
        )
        said = f"{what}, and no @final says that this is right."
        self.add(Counterexample(DEADLOCK, DEADLOCK, said, steps))

    def model_error(self, error: Exception, steps: tuple[Step, ...]) -> None:
        self.add(Counterexample(MODEL_ERROR, MODEL_ERROR, str(error), steps))

    def unreached(self) -> list[Instance]:
        return [goal for goal in self.plan.reachable if goal not in self.reached]

    def judge_reachable(self) -> None:
        """After a complete search: what was not reached cannot be."""
        missing: dict[str, list[str]] = {}
        for what, args in self.unreached():
            missing.setdefault(what.name, []).append(f"`{what.text(args)}`")
        for name, texts in missing.items():
            said = f"No reachable state satisfies {', '.join(texts)}."
            self.add(Counterexample(name, "reachable", said, ()))

    def judge_coverage(self, never: list[Action]) -> None:
        """After a complete search: actions that were never taken."""
        if never:
            names = ", ".join(f"`{action.name}`" for action in never)
            said = (
                f"Never taken: {names}. What is never done cannot go wrong, so the other verdicts "
                "say nothing about it. Mend its guard, or declare @action(optional=True)."
            )
            self.add(Counterexample(COVERAGE, COVERAGE, said, ()))

    def verdicts(self, complete: bool, open_names: set[str]) -> dict[str, Verdict]:
        """The verdict of each property.

        `complete`: every reachable state was extended; `open_names`: what was not judged even so.
        """
        unreached = {what.name for what, _ in self.unreached()}
        goals = {what.name for what, _ in self.plan.reachable}
        found: dict[str, Verdict] = {}
        for name in self.names():
            if name in self.violations:
                found[name] = "violated"
            elif name in goals:
                found[name] = "undecided" if name in unreached else "holds"
            else:
                found[name] = "holds" if complete and name not in open_names else "undecided"
        return found

    def names(self) -> tuple[str, ...]:
        """Everything that gets a verdict, in order."""
        wanted = {DEADLOCK: self.plan.deadlock, COVERAGE: self.plan.coverage, MODEL_ERROR: True}
        return (*self.plan.names, *(name for name, judged in wanted.items() if judged))

    def counterexamples(self) -> tuple[Counterexample, ...]:
        """Shortest first; runs for ever after those; what has no run to show, last."""
        order = self.names()

        def key(found: Counterexample) -> tuple[bool, bool, int, int]:
            index = order.index(found.property)
            return (not found.steps, found.loop is not None, len(found.steps), index)

        return tuple(sorted(self.violations.values(), key=key))


def _doc(what: Property) -> str:
    """The first line of a property's docstring, which says what it means."""
    text = inspect.getdoc(what.function.run) or ""
    first = text.partition("\n")[0].strip()
    return f" It says: {first}" if first else ""
