"""From what a native search reports, packed states, to a run of the spec itself.

Where one state stands for its orbit, the run is a real one: each step leads to a state of the
orbit that the search saw.
"""

from __future__ import annotations

from checker.engines.native.generated import What, Words
from checker.engines.native.library import Search, Seen
from checker.engines.python.explore import run_through
from checker.engines.python.plan import Findings, Instance, Plan
from checker.engines.python.refinement import Images
from checker.engines.result import Step
from checker.lang.errors import ModelError
from checker.lang.model import Model, State

Steps = tuple[Step, ...]


class Explain:
    """Adds to the findings what a search reported.  Only when the search has ended."""

    def __init__(
        self, model: Model, plan: Plan, findings: Findings, search: Search, *, runs: bool
    ) -> None:
        """`runs`: whether the search still knows the states of each level."""
        self.model = model
        self.plan = plan
        self.findings = findings
        self.search = search
        self.runs = runs
        self.packing = search.library.generated.packing
        self.symmetric = search.library.generated.symmetry is not None

    def violation(self, what: What, seen: Seen) -> None:
        steps = self._run_to(seen)
        findings, model = self.findings, self.model
        state = steps[-1].state
        match what.kind:
            case "invariant":
                instance = model.property(what.name), what.args
                if self.symmetric:
                    instance = next(
                        (held, args)
                        for held, args in self.plan.invariants
                        if held.name == what.name and not model.holds(held, state, args)
                    )
                findings.invariant(*instance, steps)
            case "step_property":
                instance = model.property(what.name), what.args
                if self.symmetric:
                    instance = self._broken_step(what.name, steps)
                findings.step_property(*instance, steps)
            case "refinement":
                self._refinement(what.name, seen, steps)
            case "deadlock":
                findings.deadlock(steps, bool(model.successors(state)))
            case "model error":
                findings.model_error(self._error(seen, steps), steps)

    def _broken_step(self, name: str, steps: Steps) -> Instance:
        before, after = steps[-2].state, steps[-1].state
        return next(
            (held, args)
            for held, args in self.plan.step_properties
            if held.name == name and not self.model.holds_step(held, before, after, args)
        )

    def _refinement(self, name: str, seen: Seen, steps: Steps) -> None:
        """The state has no image, or the step is none there, or what is possible there fails."""
        refinement = next(r for r in self.plan.refinements if r.name == name)
        images = Images(self.model, refinement)
        try:
            after = images.image(steps[-1].state)
            if seen.after is not None:
                before = images.image(steps[-2].state)
                images.allows(before, after)
                self.findings.add(images.wrong_step(before, after, steps))
        except ModelError as error:
            self.findings.add(images.error(error, steps))

    def initial_images(self, initial: list[State]) -> None:
        """Whether each initial state is one of each program that is refined."""
        for refinement in self.plan.refinements:
            images = Images(self.model, refinement)
            for state in initial:
                start = (Step(None, (), state),)
                try:
                    image = images.image(state)
                    if image not in images.initial:
                        self.findings.add(images.wrong_start(image, start))
                except ModelError as error:
                    self.findings.add(images.error(error, start))

    # ------------------------------------------------------------- runs

    def _run_to(self, seen: Seen) -> Steps:
        """The run to what was seen; without runs, its last states."""
        words = self.search.path(seen.state, seen.level) if self.runs else [seen.state]
        if seen.after is not None:
            words.append(seen.after)
        if self.symmetric and self.runs:
            return self._run_through_orbits([self.search.canonical(w) for w in words])
        return run_through(self.model, [self.packing.decode(w) for w in words])

    def _run_through_orbits(self, orbits: list[Words]) -> Steps:
        first, *rest = orbits
        start = next(s for s in self.model.initial_states() if self._orbit(s) == first)
        steps = [Step(None, (), start)]
        for orbit in rest:
            action, args, after = next(
                (action, args, after)
                for action, args, after in self.model.successors(steps[-1].state)
                if after != steps[-1].state and self._orbit(after) == orbit
            )
            steps.append(Step(action.name, args, after))
        return tuple(steps)

    def _orbit(self, state: State) -> Words:
        return self.search.canonical(self.packing.encode(state))

    def _error(self, seen: Seen, steps: Steps) -> ModelError:
        """The model error that a state, or the step to it, raises."""
        model, state = self.model, steps[-1].state
        before = steps[-2].state if seen.after is not None else None
        try:
            for what, args in (*self.plan.invariants, *self.plan.reachable):
                model.holds(what, state, args)
            for what in (*model.constraints, *model.final):
                for args in what.bindings():
                    model.holds(what, state, args)
            if before is not None:
                for what, args in self.plan.step_properties:
                    model.holds_step(what, before, state, args)
            model.successors(state)
        except ModelError as error:
            return error
        raise AssertionError("the native engine reports a model error that the spec does not have")
