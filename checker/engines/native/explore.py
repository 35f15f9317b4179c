"""The native engine: the same search as the reference engine's, by generated code on all cores.

Python compiles, watches over limits, and explains: what the search reports, as packed states, is
shown by running the spec itself there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.native.explain import Explain
from checker.engines.native.generate import generate
from checker.engines.native.generated import What
from checker.engines.native.library import NO_ROOM, Library, Search, Seen, Status
from checker.engines.native.liveness import judge_liveness_natively
from checker.engines.native.options import Options
from checker.engines.native.unused import unused_warnings
from checker.engines.outcome import Outcome
from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.plan import MODEL_ERROR, Findings, Plan
from checker.engines.python.vacuity import Used
from checker.engines.python.watch import Watch
from checker.engines.result import Limits, ProgressCallback, Result
from checker.lang.errors import LimitReached, ModelError, SpecError
from checker.lang.model import Model

SLICE_SECONDS = 0.1
"""How long the search runs before it returns to Python, which looks at limits."""
ADDRESS_SPACE = 1 << 40
"""Bytes that are set aside for states; memory is used only as states come."""


def explore(
    model: Model,
    options: Options | None = None,
    *,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
) -> Result:
    """Check `properties` (names; `None`: all) in every reachable state.

    `NotNativeError`: this spec has no native form.
    """
    plan = Plan.of(model, properties)
    options = options or Options()
    options.allow(plan)
    watch = Watch(limits or Limits(), progress)
    library = Library(generate(model, plan, options))
    run = _Run(model, plan, watch, library, options, stop_at_first)
    try:
        run.explore()
        return run.result()
    finally:
        run.search.close()


@dataclass
class _Run:
    """One exploration."""

    model: Model
    plan: Plan
    watch: Watch
    library: Library
    options: Options
    stop_at_first: bool
    complete: bool = False
    stopped: str = ""

    def __post_init__(self) -> None:
        self.generated = self.library.generated
        self.findings = Findings(self.plan)
        most = self.watch.limits.max_states
        self.search = Search(
            self.library, self.options.threads, self.plan.deadlock, most, ADDRESS_SPACE
        )
        self.explain = Explain(self.model, self.plan, self.findings, self.search)

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
        self.explain.initial_images(initial)
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
        for number, what in enumerate(self.search.whats):
            seen = self.search.found(number)
            if seen is not None:
                yield what, seen

    # ------------------------------------------------------------- the answer

    def result(self) -> Result:
        numbers = self.search.numbers()
        names = [action.name for action in self.model.actions]
        actions, taken = self.search.actions(names)
        seconds = self.watch.seconds
        symmetry = self.generated.symmetry
        unreached = set(self.search.open_goals())
        for number, (name, args) in enumerate(self.generated.goals):
            if number not in unreached:
                goal = self.model.property(name)
                images = symmetry.images(args) if symmetry else {args}
                self.findings.reached.update((goal, image) for image in images)
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
            reductions=self._reductions(),
            notes=self._not_symmetric(),
        )
        for what, seen in list(self._seen()):
            if what == NO_ROOM:
                outcome.stopped = "a container without a bound got too large: give it AtMost(...)"
            else:
                self.explain.violation(what, seen)
        if self.complete:
            outcome.judge_the_whole()
            self._judge_liveness(outcome)
        unused: Iterable[str] = ()
        if self.complete and not self.findings.violations:
            used = self._with_images(self.generated.used(taken))
            reduced = bool(outcome.reductions)
            unused = unused_warnings(self.model, self.search, numbers.states, used, reduced)
        outcome.seconds = self.watch.seconds
        return outcome.result(unused)

    def _reductions(self) -> tuple[str, ...]:
        found = ["partial order"] if self.options.por else []
        if self.generated.symmetry and self.generated.symmetry.sorts:
            found.append(f"symmetry of {' and '.join(self.generated.symmetry.sorts)}")
        return tuple(found)

    def _with_images(self, used: Used) -> Used:
        """What was taken in one state of an orbit can be taken in the others with other members."""
        symmetry = self.generated.symmetry
        if symmetry is None:
            return used
        return {
            action: [
                {image for value in values for (image,) in symmetry.images((value,))}
                for values in by_param
            ]
            for action, by_param in used.items()
        }

    def _not_symmetric(self) -> tuple[str, ...]:
        """Where symmetry was asked for: the Sorts that are not symmetric, and why."""
        held = self.generated.symmetry
        reasons = held.reasons if held else {}
        return tuple(f"{sort} is not symmetric: {why}" for sort, why in reasons.items())

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
