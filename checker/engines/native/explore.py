"""The native engine: the same search as the reference engine's, by generated code on all cores.

Python compiles, watches over limits, and explains: what the search reports, as packed states, is
shown by running the spec itself there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from checker.engines.native.checkpoint import Checkpoints, Identity, Saved
from checker.engines.native.disk import DiskFile, most_in_memory
from checker.engines.native.explain import Explain
from checker.engines.native.fingerprints import risk, with_run
from checker.engines.native.generate import generate
from checker.engines.native.generated import What
from checker.engines.native.library import NO_ROOM, Library, Search, Seen, Status
from checker.engines.native.options import Options
from checker.engines.native.unused import unused_warnings
from checker.engines.outcome import Outcome
from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.plan import MODEL_ERROR, Findings, Plan, starts
from checker.engines.python.vacuity import Used
from checker.engines.python.watch import Watch, memory_bytes
from checker.engines.result import Limits, Load, ProgressCallback, Result
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Model

SLICE_SECONDS = 0.1
"""How long the search runs before it returns to Python, which looks at limits."""
NEEDS_MEMORY = "needs all states in memory"


def explore(
    model: Model,
    options: Options | None = None,
    *,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
    spent: float = 0.0,
) -> Result:
    """Check `properties` (names; `None`: all) in every reachable state.

    `spent`: the seconds that were used before.  `NotNativeError`: this spec has no native form.
    """
    plan = Plan.of(model, properties)
    options = options or Options()
    options.allow(plan)
    watch = Watch(limits or Limits(), progress, spent)
    result = _explored(model, plan, watch, options, stop_at_first)
    if options.fingerprint is None or result.verdict != "violated":
        return result
    exactly = replace(options, fingerprint=None)
    return with_run(result, lambda: _explored(model, plan, watch, exactly, stop_at_first))


def _explored(
    model: Model, plan: Plan, watch: Watch, options: Options, stop_at_first: bool
) -> Result:
    library = Library(generate(model, plan, options), options.fingerprint)
    run = _Run(model, plan, watch, library, options, stop_at_first)
    try:
        run.explore()
        return run.result()
    finally:
        run.search.close()
        run.disk.close()


@dataclass
class _Run:
    """One exploration."""

    model: Model
    plan: Plan
    watch: Watch
    library: Library
    options: Options
    stop_at_first: bool
    status: Status | None = None
    """What the search returned last."""
    complete: bool = False
    stopped: str = ""
    began: float = 0.0
    """When the search began, in seconds of the watch."""

    def __post_init__(self) -> None:
        self.generated = self.library.generated
        self.findings = Findings(self.plan)
        limits, options = self.watch.limits, self.options
        identity = Identity.of(self.model, self.plan, self.generated, self.stop_at_first)
        self.saved = Saved(options.resume, identity) if options.resume else None
        self.checkpoints: Checkpoints | None = None
        if options.checkpoint:
            self.checkpoints = Checkpoints(
                options.checkpoint, identity, options.checkpoint_seconds, self.watch
            )
        self.disk = DiskFile(options.disk)
        held = options.most_in_memory
        if held is None:
            held = most_in_memory(self.library, options, limits.max_memory_bytes)
        self.search = Search(
            self.library, options.threads, self.plan.deadlock, limits.max_states, held
        )
        self.explain = Explain(
            self.model, self.plan, self.findings, self.search, runs=options.fingerprint is None
        )

    def explore(self) -> None:
        try:
            self._explore()
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED
        if self.checkpoints is None:
            return
        if not self.stopped:
            self.checkpoints.remove()
        elif self.status in (Status.RUNNING, Status.LEVEL_DONE):
            self._write_checkpoint(self.checkpoints)

    def _explore(self) -> None:
        try:
            initial = starts(self.model)
        except ModelError as error:
            self.findings.model_error(error, ())
            return
        self.explain.initial_images(initial)
        self.began = self.watch.seconds
        if self.saved is not None:
            self.watch.earlier_seconds = self.saved.seconds
            self.status = self.saved.restore(self.search, self.disk)
        else:
            packed = [self.generated.packing.encode(state) for state in initial]
            self.status = self.search.begin(packed)
        if self.findings.violations and self.stop_at_first:
            return
        while not (self.status == Status.LEVEL_DONE and self.stop_at_first):
            if self.status == Status.COMPLETE:
                # The level in which the first violation was found has ended, and it was the last.
                self.complete = not (self.stop_at_first and any(self._seen()))
                return
            self._mend()
            self._look_at_the_time()
            if self.checkpoints is not None and self.checkpoints.due:
                self._write_checkpoint(self.checkpoints)
            self.status = self.search.run(SLICE_SECONDS)

    def _mend(self) -> None:
        """See to it that the search can go on, or raise `LimitReached`."""
        if self.status == Status.NEED_DISK:
            if self.options.por:
                raise LimitReached(f"memory is full, and partial-order reduction {NEEDS_MEMORY}")
            if self.options.fingerprint:
                raise LimitReached("memory is full, and fingerprints are not kept on disk")
            self.status = self.disk.begin(self.search)
        if self.status == Status.DISK_FAILED:
            raise self.disk.failed(self.search.disk_error())
        if self.status == Status.FULL:
            most = self.watch.limits.max_states
            raise LimitReached(f"the limit of {most or 0:,} states was reached")
        if self.status == Status.NO_MEMORY:
            raise LimitReached("there is no more memory for states")

    def _write_checkpoint(self, checkpoints: Checkpoints) -> None:
        """Unless the search meets a limit while it finishes what was begun."""
        try:
            while (status := self.search.settle()) != Status.LEVEL_DONE:
                self.status = status
                self._mend()
        except LimitReached as reached:
            self.stopped = self.stopped or str(reached)
            return
        checkpoints.write(self.search)

    def _look_at_the_time(self) -> None:
        numbers = self.search.numbers()
        self.watch.weigh()
        if self.watch.progress is not None:
            left = self._seconds_left(numbers.states, numbers.extended)
            self.watch.load = Load(memory_bytes(), numbers.table_load, self.disk.bytes, left)
        frontier = numbers.states - numbers.extended
        self.watch.tick(numbers.states, 0, numbers.depth, frontier)

    def _seconds_left(self, states: int, extended: int) -> float | None:
        """If the levels go on shrinking by the factor of the last two."""
        before, this = self.search.level_sizes()
        if this >= before or not extended:
            return None
        to_come = this * this / (before - this)
        return (states - extended + to_come) * self.watch.seconds / extended

    def _seen(self) -> Iterable[tuple[What, Seen]]:
        """Everything that was reported."""
        for number, what in enumerate(self.search.whats):
            seen = self.search.found(number)
            if seen is not None:
                yield what, seen

    # ------------------------------------------------------------- the answer

    def result(self) -> Result:
        numbers = self.search.numbers()
        counts, taken = self.search.actions()
        names = (action.name for action in self.model.actions)
        actions = dict(zip(names, counts, strict=False))
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
            search_seconds=seconds - self.began,
            reductions=self._reductions(),
            notes=(
                *self._risk(numbers.states),
                *self._not_symmetric(),
                *(self.checkpoints.trouble if self.checkpoints else ()),
            ),
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
            warnings = unused_warnings(
                self.model,
                self.search,
                numbers.states,
                used,
                reduced=self.options.por,
                kept=self.options.fingerprint is None,
            )
            unused = tuple(warnings)
        outcome.seconds = self.watch.seconds
        return outcome.result(unused)

    def _reductions(self) -> tuple[str, ...]:
        found = ["partial order"] if self.options.por else []
        if self.generated.symmetry and self.generated.symmetry.sorts:
            found.append(f"symmetry of {' and '.join(self.generated.symmetry.sorts)}")
        if self.options.fingerprint:
            found.append(f"fingerprints of {self.options.fingerprint} bits")
        return tuple(found)

    def _risk(self, states: int) -> tuple[str, ...]:
        bits = self.options.fingerprint
        return (risk(bits, states),) if bits else ()

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
        if self.disk.bytes:
            outcome.stopped = f"memory was full, and judging liveness {NEEDS_MEMORY}"
            return
        from checker.engines.native.liveness import judge_liveness_natively  # few specs need it

        try:
            outcome.liveness_judged = judge_liveness_natively(
                self.model, self.plan, self.findings, self.search, self.watch
            )
        except LimitReached as reached:
            outcome.stopped = str(reached)
        except KeyboardInterrupt:
            outcome.stopped = INTERRUPTED
