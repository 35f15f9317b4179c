"""Walks through a spec that is too large to cover: random, or guided by what is new.

A walk takes, again and again, one of the steps that the spec allows, on both sides, and compares
as `explore.py` does: the state after each step, and what is possible where it comes.  Guided, it
prefers what has not been seen:

* a step to a state of the spec that is new, to a step that is new, to any other (`WEIGHTS`);
* half of the walks begin where an earlier one found a new state, not at the start.

So coverage of the *spec* guides the test of the implementation: what a fuzzer has to guess from
branches that were taken, the spec tells.

Rules of this file:

* A seed makes the walks, whatever the number of processes: a walk belongs to one of `STREAMS`,
  each with chance and memory of its own, and a process does whole streams.
* What is counted is that of the walks up to the first that diverges.
* A walk finds something, or nothing; it never proves anything.

Source of the idea: M. Zalewski's AFL (coverage-guided fuzzing); A. Ecoffet et al., "First return,
then explore" (2021): go back to where it was new, and on from there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checker.conform.compare import Comparison, Spotted, made
from checker.conform.fresh import Fresh
from checker.conform.graph import Source, source_of
from checker.conform.result import FOUND_NOTHING, Conformance, Progress, ProgressCallback
from checker.conform.run import NO_EDGE, PROGRESS_SECONDS, confirmed, follow_again
from checker.conform.system import System, SystemFactory
from checker.conform.workers import Crew, Shared
from checker.engines.check import checked_model
from checker.engines.python.explore import INTERRUPTED
from checker.lang.model import Model
from checker.lang.spec import Spec

STREAMS = 16
MOST_KEPT = 512
"""Places to go on from, for each stream."""
WEIGHTS = (16, 4, 1)
"""Of a step to a new state, of a step that is new, and of any other."""
KEPT_CHANCE = 0.5
"""How likely a guided walk begins at such a place."""


def walk(
    spec: Spec | type[Spec],
    system: SystemFactory,
    *,
    walks: int = 1000,
    depth: int = 100,
    seed: int = 0,
    guided: bool = True,
    workers: int = 1,
    max_seconds: float | None = None,
    native: bool | None = None,
    progress: ProgressCallback | None = None,
    name: str = "",
) -> Conformance:
    """Walk `walks` times, at most `depth` steps from the start, and stop at a divergence.

    The path of what is found is made as short as it can be.  Without it the verdict is
    `undecided`.  `SpecError`, `AdapterError`: as for `conform`.
    """
    spec = spec if isinstance(spec, Spec) else spec()
    model = checked_model(spec)
    started = time.perf_counter()
    deadline = float("inf") if max_seconds is None else started + max_seconds
    shared = Shared(workers)

    def poll() -> None:
        if progress is not None:
            done, seconds = sum(shared.counts), time.perf_counter() - started
            progress(Progress("walks", done, walks, depth, seconds))

    with Fresh(model, lambda: made(system, spec)) as fresh:
        source = source_of(model, native)
        tick = poll if workers == 1 else lambda: None
        plan = Plan(model, spec, system, source, walks, depth, seed, guided, deadline, shared, tick)
        if workers == 1:
            done = [plan.work(0)]
        else:
            done = Crew[list[Walked]](workers, shared, poll).run(plan.work)
        late = time.perf_counter() > deadline
        result = _result(plan, [one for some in done for one in some], name, fresh)
    result.seconds = time.perf_counter() - started
    result.workers = workers
    if result.verdict == "undecided" and result.walks < walks:
        stopped = f"the limit of {max_seconds:g} seconds was reached" if late else INTERRUPTED
        result.undecided_because = f"{stopped}, and {FOUND_NOTHING}"
    return result


@dataclass
class Walked:
    """One walk: what was new to its stream, and what diverged."""

    number: int
    steps: int = 0
    states: dict[int, int] = field(default_factory=dict)
    """By the hash of each state that is new: how many edges it has."""
    edges: list[int] = field(default_factory=list)
    """The hashes of the edges that are new."""
    depth: int = 0
    spotted: Spotted | None = None


@dataclass(frozen=True)
class Plan:
    """What all processes do together."""

    model: Model
    spec: Spec
    factory: SystemFactory
    source: Source
    walks: int
    depth: int
    seed: int
    guided: bool
    deadline: float
    shared: Shared
    tick: Callable[[], None]

    def work(self, worker: int) -> list[Walked]:
        """The walks of one process's streams, up to the first that diverges."""
        system = made(self.factory, self.spec)
        done: list[Walked] = []
        shared, workers = self.shared, len(self.shared.first)
        streams = [Stream(self, system, n) for n in range(worker, STREAMS, workers)]
        shown = time.perf_counter()
        try:
            for first in range(0, self.walks, STREAMS):
                for stream in streams:
                    number = first + stream.number
                    late = time.perf_counter() > self.deadline
                    if number >= self.walks or number > shared.until() or late:
                        return done
                    done.append(stream.walk(number))
                    shared.counts[worker] += 1
                    if done[-1].spotted:
                        shared.first[worker] = number
                        return done
                if time.perf_counter() - shown > PROGRESS_SECONDS:
                    shown = time.perf_counter()
                    self.tick()
        except KeyboardInterrupt:
            shared.stop.value = 1
        finally:
            system.close()
        return done


@dataclass(frozen=True)
class Kept:
    """A place to go on from."""

    state: int
    path: tuple[int, ...]
    """The labels of the steps there."""
    start: int
    saved: Any
    """A snapshot, if the system makes them."""


class Stream:
    """Walks that know of each other: what is new is new to them."""

    def __init__(self, plan: Plan, system: System, number: int) -> None:
        self.plan, self.system, self.number = plan, system, number
        self.source = plan.source
        self.compare = Comparison(plan.model, system)
        self.chance = random.Random(f"walks {plan.seed} {number}")
        self.edges: dict[int, list[tuple[int, int]]] = {}
        """By state that was visited: the label and the target of each edge."""
        self.taken: set[tuple[int, int]] = set()
        self.kept: list[Kept] = []
        self.starts = range(len(plan.model.initial_states()))

    def walk(self, number: int) -> Walked:
        """One walk.  `AdapterError` if the system cannot be driven."""
        walked = Walked(number)
        self.walked = walked
        state = self._begin()
        while walked.spotted is None and len(self.path) < self.plan.depth:
            edges = self.edges[state]
            if not edges:
                break
            label, target = self._choose(state, edges)
            state = self._take(state, label, target)
        walked.depth = len(self.path)
        return walked

    # ------------------------------------------------------------- where it begins

    def _begin(self) -> int:
        if self.plan.guided and self.chance.random() < KEPT_CHANCE:
            place = self._place()
            if place is not None:
                return self._return(place)
        self.start = self.chance.choice(self.starts)
        self.path: list[int] = []
        self._reset()
        self._arrive(self.start)
        return self.start

    def _reset(self) -> None:
        if len(self.starts) == 1:
            self.compare.adapter("reset", self.system.reset)
            return
        names = [f.name for f in self.plan.model.fields]
        start = dict(zip(names, self.source.state(self.start), strict=True))
        self.compare.adapter("reset_to", lambda: self.system.reset_to(start))

    def _place(self) -> Kept | None:
        """A place with steps that were not taken yet; the others are forgotten."""
        while self.kept:
            at = self.chance.randrange(len(self.kept))
            place = self.kept[at]
            if any((place.state, label) not in self.taken for label, _ in self.edges[place.state]):
                return place
            self.kept[at] = self.kept[-1]
            self.kept.pop()
        return None

    def _return(self, place: Kept) -> int:
        """To a place where an earlier walk was."""
        self.start, self.path = place.start, []
        if self.system.snapshots:
            self.compare.adapter("restore", lambda: self.system.restore(place.saved))
            self.path = list(place.path)
            return place.state
        self._reset()
        for label in place.path:
            self.walked.steps += 1
            fault = self.compare.take(self.source.steps[label])
            if fault:
                self._diverge(fault)
                break
            self.path.append(label)
        return place.state

    # ------------------------------------------------------------- one step

    def _choose(self, state: int, edges: list[tuple[int, int]]) -> tuple[int, int]:
        if not self.plan.guided:
            return self.chance.choice(edges)
        new, fresh, old = WEIGHTS
        weights = [
            new if target not in self.edges else old if (state, label) in self.taken else fresh
            for label, target in edges
        ]
        return self.chance.choices(edges, weights)[0]

    def _take(self, state: int, label: int, target: int) -> int:
        self.walked.steps += 1
        fault = self.compare.take(self.source.steps[label])
        if fault:
            self._diverge(fault)
            return state
        self.path.append(label)
        if (state, label) not in self.taken:
            self.taken.add((state, label))
            step = repr(self.source.steps[label])
            self.walked.edges.append(hash((self.source.key(state), step)))
        self._arrive(target)
        return target

    def _arrive(self, state: int) -> None:
        """Compare the state, and, where it is new, what is possible in it."""
        source = self.source
        fault = self.compare.state(source.state(state))
        if fault is None and state not in self.edges:
            edges = self.edges[state] = source.extend(state)
            self.walked.states[hash(source.key(state))] = len(edges)
            if state not in source.cut:
                steps = [source.steps[label] for label, _ in edges]
                pruned = state in source.pruned
                fault = self.compare.enabled(steps, lambda: source.state(state), pruned)
            if fault is None:
                self._keep(state)
        if fault:
            self._diverge(fault)

    def _keep(self, state: int) -> None:
        if not self.plan.guided or not self.path:
            return
        saved = self.system.save() if self.system.snapshots else None
        place = Kept(state, tuple(self.path), self.start, saved)
        if len(self.kept) < MOST_KEPT:
            self.kept.append(place)
        else:
            self.kept[self.chance.randrange(MOST_KEPT)] = place

    def _diverge(self, fault: Any) -> None:
        path = tuple(self.source.steps[label] for label in self.path)
        self.walked.spotted = fault.after(self.source.state(self.start), path)


# --------------------------------------------------------------------------- the answer


def _result(plan: Plan, walked: list[Walked], name: str, fresh: Fresh) -> Conformance:
    first = min((one.number for one in walked if one.spotted), default=NO_EDGE)
    counted = sorted((one for one in walked if one.number <= first), key=lambda one: one.number)
    states = {key: edges for one in counted for key, edges in one.states.items()}
    covered = {key for one in counted for key in one.edges}
    spotted = counted[-1].spotted if counted else None
    system = made(plan.factory, plan.spec)
    snapshots, unobserved = system.snapshots, dict(system.unobserved)
    system.close()
    divergence = None
    if spotted:
        again = follow_again(fresh, spotted)
        divergence = confirmed(plan.model, fresh, spotted, again, snapshots=snapshots)
    return Conformance(
        model=plan.model,
        system=name or getattr(plan.factory, "__name__", "the system"),
        verdict="violated" if divergence else "undecided",
        states=len(states),
        edges=sum(states.values()),
        edges_covered=len(covered),
        steps=sum(one.steps for one in counted),
        seconds=0.0,
        depth=max((one.depth for one in counted), default=0),
        walks=len(counted),
        seed=plan.seed,
        divergence=divergence,
        undecided_because="" if divergence else FOUND_NOTHING,
        snapshots=snapshots,
        unobserved=unobserved,
    )
