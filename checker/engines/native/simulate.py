"""Random walks by generated code, on all cores.  What a walk finds, Python explains.

Differences from the reference engine's walks (`python/simulate.py`):

* One seed gives other walks here than there, but the same for any number of workers: a walk has
  its own generator, seeded by the seed and the walk's number.  The violation that is reported,
  and what is counted, is that of the walks up to the first that goes wrong.
* A step property is judged for every step that is possible where a walk comes, not only for the
  step that it takes.
* Of very many distinct states (`walks.py`: `MOST_SLOTS`) only the first are counted; the result
  warns of that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from checker.engines.errors import NotNativeError
from checker.engines.native.explore import SLICE_SECONDS
from checker.engines.native.general import NotInCError, general
from checker.engines.native.generate import MOST_UNROLLED
from checker.engines.native.unrolled import unrolled
from checker.engines.native.walks import Labelled, Numbers, Status, Walking, Walks
from checker.engines.python.explore import INTERRUPTED, run_through
from checker.engines.python.judge import Judge, Wrong
from checker.engines.python.plan import Plan
from checker.engines.python.watch import Watch
from checker.engines.result import Limits, ProgressCallback, Step
from checker.engines.walked import Choice, Simulation, Walked
from checker.ground.lower import lowered
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.errors import LimitReached, ModelError
from checker.lang.ir import Program
from checker.lang.model import Model, State

MOST_LABELS = 1 << 16


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
    workers: int | None = None,
) -> Simulation:
    """Walk `walks` times, at most `depth` steps each, and stop at the first violation.

    `workers`: threads; `None`: one for each core.  `NotNativeError`: this spec has no native form.
    """
    plan = Plan.of(model, properties)
    choice = choice or Choice()
    walker = _Walker(model, plan, Watch(limits or Limits(), progress))
    how = Walking(
        walks,
        depth,
        seed,
        plan.deadlock,
        choice.by == "steps",
        tuple(choice.weights.get(action.name, 1) for action in model.actions),
    )
    walker.run(how, workers or len(os.sched_getaffinity(0)))
    return walker.result("native simulation", seed)


def labelled(model: Model, plan: Plan) -> Labelled:
    """The C of a model, with labels.  `NotNativeError` where there is none."""
    program = compile_model(model)
    try:
        return _labelled(program, plan)
    except NotGroundError:
        pass
    try:
        made = general(program, plan.names)
    except NotInCError as error:
        raise NotNativeError(str(error)) from error
    return Labelled(made, tuple(range(len(program.actions))))


def _labelled(program: Program, plan: Plan) -> Labelled:
    """From the ground form, where each binding is a label."""
    ground = lowered(program)
    made = unrolled(program, ground, plan.names, range(len(ground.bindings)))
    if len(made.source) > MOST_UNROLLED or len(ground.bindings) > MOST_LABELS:
        raise NotGroundError(f"{len(made.source):,} bytes of C when every binding is written out")
    others = tuple(unrolled(r.other, lowered(r.other), ()) for r in made.refinements)
    names = [action.name for action in program.actions]
    action_of = tuple(names.index(binding.action) for binding in ground.bindings)
    return Labelled(replace(made, others=others), action_of)


class _Walker(Walked):
    """One simulation."""

    def run(self, how: Walking, workers: int) -> None:
        try:
            self._run(how, workers)
        except ModelError as error:
            self.findings.model_error(error, ())
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED

    def _run(self, how: Walking, workers: int) -> None:
        judge = Judge(self.model, self.plan)
        with self.watch.alarm():
            made = labelled(self.model, self.plan)
            packing = made.generated.packing
            starts = self.starts()
            if self._wrong_start(judge, starts):
                return
            encoded = [packing.encode(state) for state in starts]
        walks = Walks(made, encoded, how, workers)
        try:
            self._walk(walks)
            path = walks.wrong_path()
            self._count(walks.numbers(), made)
        finally:
            walks.close()
        if path:
            self._explain(judge, [packing.decode(words) for words in path])

    def _wrong_start(self, judge: Judge, starts: list[State]) -> bool:
        """Whether an initial state is wrong for a refinement, which C does not judge there."""
        for state in starts if self.plan.refinements else ():
            try:
                wrong = judge.arrived(None, state)
            except ModelError as error:
                wrong = judge.raised(error)
            if wrong:
                self.record([Step(None, (), state)], wrong)
                return True
        return False

    def _walk(self, walks: Walks) -> None:
        try:
            while (status := walks.run(SLICE_SECONDS)) == Status.RUNNING:
                now = walks.numbers()
                self.watch.weigh()
                self.watch.tick(now.distinct_states, now.steps, now.depth, 0, "walking")
            if status == Status.NO_ROOM:
                raise NotNativeError("a value became too large for the generated C")
        except LimitReached as reached:
            self.stopped = str(reached)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED

    def _count(self, numbers: Numbers, made: Labelled) -> None:
        self.walks = numbers.walks
        self.steps = numbers.steps
        self.depth = numbers.depth
        self.distinct_states = numbers.distinct_states
        self.bounded = numbers.cut
        self.actions = dict(zip(self.actions, numbers.actions, strict=True))
        for number, (name, args) in enumerate(made.generated.goals):
            if number not in numbers.open_goals:
                self.findings.reached.add((self.model.property(name), args))
        if not numbers.counted_all:
            self.warnings += (f"only the first {numbers.distinct_states:,} states were counted",)

    def _explain(self, judge: Judge, states: list[State]) -> None:
        """Show what is wrong at the end of a walk as a run of the spec itself."""
        run = list(run_through(self.model, states))
        self.record(run, _wrong(self.model, judge, run))


def _wrong(model: Model, judge: Judge, run: list[Step]) -> Wrong:
    """What is wrong with the last state of a run, or with the step to it."""
    before, state = run[-2].state if len(run) > 1 else None, run[-1].state
    try:
        judge.goals_met(state)
        wrong = judge.arrived(before, state)
        if wrong is None and not judge.cut_off(state):
            wrong = judge.extended(state, model.successors(state))
    except ModelError as error:
        return judge.raised(error)
    if wrong is None:
        raise AssertionError("the native engine reports something wrong that the spec has not")
    return wrong
