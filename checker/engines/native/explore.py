"""The native engine: the same search as the reference engine's, by generated code on all cores.

Python compiles, watches over limits, and explains: what the search reports, as packed states, is
shown by running the spec itself there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from checker.engines.native.generate import generate
from checker.engines.native.generated import Generated, What, Words
from checker.engines.native.library import Library, Search, Seen, Status
from checker.engines.native.liveness import judge_liveness_natively
from checker.engines.native.unused import unused_warnings
from checker.engines.outcome import Outcome
from checker.engines.python.explore import INTERRUPTED, run_through
from checker.engines.python.plan import COVERAGE, DEADLOCK, MODEL_ERROR, Findings, Plan
from checker.engines.python.refinement import Images
from checker.engines.python.watch import Watch
from checker.engines.result import Limits, ProgressCallback, Result, Step
from checker.lang.errors import LimitReached, ModelError, SpecError
from checker.lang.model import Model, State

SLICE_SECONDS = 0.1
"""How long the search runs before it returns to Python, which looks at limits."""
ADDRESS_SPACE = 1 << 40
"""Bytes that are set aside for states; memory is used only as states come."""


def explore(
    model: Model,
    *,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
    workers: int | None = None,
    por: bool = False,
) -> Result:
    """Check `properties` (names; `None`: all) in every reachable state.

    `workers`: threads; `None`: one for each core.  `NotNativeError`: this spec has no native form.
    `por`: partial-order reduction, in as many states as it needs; runs may not be shortest.
    """
    plan = Plan.of(model, properties)
    if por:
        refuse_what_needs_all_steps(plan)
    watch = Watch(limits or Limits(), progress)
    library = Library(generate(model, plan, por))
    threads = workers or len(os.sched_getaffinity(0))
    run = _Run(model, plan, watch, library, stop_at_first, threads, por)
    try:
        run.explore()
        return run.result()
    finally:
        run.search.close()


def refuse_what_needs_all_steps(plan: Plan) -> None:
    """A reduced search keeps what is true of single states, not every step and every run."""
    judged = [*plan.step_properties, *plan.liveness]
    others = list(dict.fromkeys(what.name for what, _ in judged))
    others += [refinement.name for refinement in plan.refinements]
    if not others:
        return
    kept = [name for name in plan.names if name not in others]
    kept += [DEADLOCK] * plan.deadlock + [COVERAGE] * plan.coverage
    raise SpecError(
        "partial-order reduction leaves out steps and runs, and so it cannot judge "
        + ", ".join(f"`{name}`" for name in others),
        f"with it, check only {', '.join(f'`{name}`' for name in kept)}"
        if kept
        else "check without it",
    )


class _Run:
    """One exploration."""

    def __init__(
        self,
        model: Model,
        plan: Plan,
        watch: Watch,
        library: Library,
        stop_at_first: bool,
        workers: int,
        por: bool,
    ) -> None:
        self.por = por
        self.model = model
        self.plan = plan
        self.watch = watch
        self.generated: Generated = library.generated
        self.stop_at_first = stop_at_first
        self.findings = Findings(plan)
        self.search = Search(
            library, workers, plan.deadlock, watch.limits.max_states, ADDRESS_SPACE
        )
        self.complete = False
        self.stopped = ""

    def explore(self) -> None:
        try:
            self._explore()
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED

    def _explore(self) -> None:
        try:
            initial = self.model.initial_states()
        except ModelError as error:
            self.findings.model_error(error, ())
            return
        if not initial:
            raise SpecError(
                f"`{self.model.name}` has no initial state",
                "some @init must be possible: weaken its guards",
            )
        self._judge_starts(initial)
        status = self.search.begin([self.generated.packing.encode(state) for state in initial])
        if self.findings.violations and self.stop_at_first:
            return
        while not (status == Status.LEVEL_DONE and self.stop_at_first):
            if status == Status.COMPLETE:
                # The level in which the first violation was found has ended, and it was the last.
                self.complete = not (self.stop_at_first and any(self._seen()))
                return
            if status == Status.FULL:
                most = self.watch.limits.max_states
                raise LimitReached(f"the limit of {most or 0:,} states was reached")
            if status == Status.NO_MEMORY:
                raise LimitReached("there is no more memory for states")
            self._look_at_the_time()
            status = self.search.run(SLICE_SECONDS)

    def _look_at_the_time(self) -> None:
        numbers = self.search.numbers()
        self.watch.weigh()
        self.watch.tick(numbers.states, 0, numbers.depth, numbers.states - numbers.extended)

    def _seen(self) -> Iterable[tuple[What, Seen]]:
        """Everything that was reported."""
        others = [What("deadlock", "deadlock", ()), What("model error", "model error", ())]
        for number, what in enumerate([*self.generated.whats, *others]):
            seen = self.search.found(number)
            if seen is not None:
                yield what, seen

    # ------------------------------------------------------------- the answer

    def result(self) -> Result:
        numbers = self.search.numbers()
        names = [action.name for action in self.model.actions]
        actions, taken = self.search.actions(names)
        seconds = self.watch.seconds
        unreached = set(self.search.open_goals())
        for number, (name, args) in enumerate(self.generated.goals):
            if number not in unreached:
                self.findings.reached.add((self.model.property(name), args))
        outcome = Outcome(
            engine="native",
            model=self.model,
            plan=self.plan,
            findings=self.findings,
            distinct_states=numbers.states,
            extended=numbers.extended,
            depth=numbers.depth,
            seconds=seconds,
            actions=actions,
            complete=self.complete,
            bounded=numbers.cut,
            stopped=self.stopped,
            reductions=("partial order",) if self.por else (),
        )
        for what, seen in list(self._seen()):
            self._explain(what, seen)
        if self.complete:
            outcome.judge_the_whole()
            self._judge_liveness(outcome)
        unused: Iterable[str] = ()
        if self.complete and not self.findings.violations:
            unused = unused_warnings(
                self.model, self.generated, self.search, numbers.states, taken, self.por
            )
        outcome.seconds = self.watch.seconds
        return outcome.result(unused)

    def _judge_liveness(self, outcome: Outcome) -> None:
        """What must happen in every fair run."""
        if not self.plan.liveness or self.findings.violated(MODEL_ERROR):
            return
        try:
            outcome.liveness_judged = judge_liveness_natively(
                self.model, self.plan, self.findings, self.search, self.watch
            )
        except LimitReached as reached:
            outcome.stopped = str(reached)
        except KeyboardInterrupt:
            outcome.stopped = INTERRUPTED

    def _explain(self, what: What, seen: Seen) -> None:
        """Show a violation as a run of the spec itself."""
        steps = self._run_to(seen)
        findings = self.findings
        match what.kind:
            case "invariant":
                findings.invariant(self.model.property(what.name), what.args, steps)
            case "step_property":
                findings.step_property(self.model.property(what.name), what.args, steps)
            case "refinement":
                self._explain_refinement(what.name, seen, steps)
            case "deadlock":
                state = steps[-1].state
                findings.deadlock(steps, bool(self.model.successors(state)))
            case "model error":
                findings.model_error(self._error(seen, steps), steps)

    def _explain_refinement(self, name: str, seen: Seen, steps: tuple[Step, ...]) -> None:
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

    def _judge_starts(self, initial: list[State]) -> None:
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

    def _run_to(self, seen: Seen) -> tuple[Step, ...]:
        words: list[Words] = self.search.path(seen.state, seen.level)
        if seen.after is not None:
            words.append(seen.after)
        return run_through(self.model, [self.generated.packing.decode(w) for w in words])

    def _error(self, seen: Seen, steps: tuple[Step, ...]) -> ModelError:
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
