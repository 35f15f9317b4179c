"""`conform`: a spec and a system in, a `Conformance` out.

    1  the spec's graph, up to its bounds and the limits given
    2  every edge on the system, by one or more processes        explore.py, workers.py
    3  a sample of edges again, without snapshots                replays.py
    4  what was found is followed again in a fresh process       fresh.py, follow.py
    5  and made as short as it can be                            shrink.py

The fourth step keeps the explorer honest: what it reports must diverge again where nothing is
restored, nothing remembered, and the spec itself is asked.  If it does not, the paths of the sample
are followed there too, until one diverges.  If none does, the report says so: then something
outlives `restore` or `reset`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from checker.conform.compare import Comparison, Spotted, made
from checker.conform.divergence import Divergence, explained
from checker.conform.explore import Covered, Explorer, Part
from checker.conform.follow import NotAPath
from checker.conform.fresh import Fresh
from checker.conform.graph import Graph, build
from checker.conform.replays import Sample, replay
from checker.conform.result import Conformance, Progress, ProgressCallback
from checker.conform.shrink import path_of
from checker.conform.system import System, SystemFactory
from checker.conform.workers import Crew, Share, Shared, in_turn, shares
from checker.engines.check import checked_model
from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.watch import Watch, no_garbage
from checker.engines.result import Limits
from checker.engines.result import Progress as SpecProgress
from checker.lang.errors import ModelError, SpecError
from checker.lang.model import Model
from checker.lang.spec import Spec

REPLAYS = 1000
PROGRESS_SECONDS = 0.25
NO_EDGE = 1 << 62
MOST_PATHS = 20
CONFIRM_SECONDS = 10.0
"""So many paths of the sample, for so long, are followed in fresh processes."""
NOT_AGAIN = (
    "\nFound only with state that {what} does not hold: the same steps, from the start in a fresh "
    "process, show nothing.  So something of the system outlives it (a variable of a module or a "
    "class, an object that two share, a cache, a file, a timer), or the system is not "
    "deterministic.  Let {mend} take care of it, or take it out of the system{without}."
)


def conform(
    spec: Spec | type[Spec],
    system: SystemFactory,
    *,
    workers: int = 1,
    replays: int = REPLAYS,
    seed: int = 0,
    max_states: int | None = None,
    max_seconds: float | None = None,
    max_memory: int | None = None,
    native: bool | None = None,
    progress: ProgressCallback | None = None,
    name: str = "",
) -> Conformance:
    """Take every edge of the spec's state graph on the system, and compare both sides.

    `system`: what makes a `System` for a spec: its class.  `workers`: processes.  `replays`: so
    many edges are taken again without snapshots, chosen by `seed`.  `max_memory`: bytes, of the
    spec's graph.  `native`: as for `graph.build`.  `name`: of the system, for the report.

    `SpecError` and `ModelError`: the spec is wrong; `AdapterError`: the system cannot be driven.
    """
    run = _Run(spec if isinstance(spec, Spec) else spec(), system, workers, progress)
    with Fresh(run.model, run.made) as fresh:
        run.first_look()
        run.read_spec(Limits(max_states, max_seconds, max_memory), native)
        run.explore(replays, seed, max_seconds)
        return run.result(name or getattr(system, "__name__", "the system"), fresh)


class _Run:
    """One check."""

    def __init__(
        self, spec: Spec, factory: SystemFactory, workers: int, progress: ProgressCallback | None
    ) -> None:
        self.model, self.spec, self.factory = checked_model(spec), spec, factory
        self.workers, self.progress = workers, progress
        self.started = time.perf_counter()
        self.spec_seconds = 0.0
        self.stopped = ""
        self.replays = 0

    def made(self) -> System:
        return made(self.factory, self.spec)

    def first_look(self) -> None:
        """Before any work: can the system be made, and are its declarations right?"""
        system = self.made()
        try:
            Comparison(self.model, system)
            self.snapshots, self.unobserved = system.snapshots, dict(system.unobserved)
        finally:
            system.close()

    def read_spec(self, limits: Limits, native: bool | None) -> None:
        def show(now: SpecProgress) -> None:
            if self.progress is not None:
                done = now.distinct_states
                self.progress(Progress("reading the spec", done, 0, now.depth, now.seconds))

        began = time.perf_counter()
        try:
            self.graph = build(self.model, Watch(limits, show), native=native)
        except ModelError as error:
            raise SpecError(
                f"the spec itself is wrong, before anything is compared with it:\n{error}",
                "see `quorate check`",
            ) from error
        self.spec_seconds = time.perf_counter() - began
        self.stopped = self.graph.stopped

    # ------------------------------------------------------------- the work

    def explore(self, replays: int, seed: int, max_seconds: float | None) -> None:
        graph = self.graph
        deadline = float("inf") if max_seconds is None else self.started + max_seconds
        self.sample = sample = Sample(graph, replays if not self.stopped else 0, seed)
        shared = Shared(self.workers)
        parts, poll = shares(graph, self.workers), self._poll(shared)
        task = Task(graph, self.made, parts, shared, sample, deadline, self._tick(poll))
        if self.workers == 1:
            done = [task.work(0)]
        else:
            crew = Crew[Work](self.workers, shared, poll)
            done = crew.run(task.work)
            if crew.interrupted:
                self.stopped = INTERRUPTED
        self._gather(done, len(sample.edges), max_seconds)

    def _poll(self, shared: Shared) -> Callable[[], None]:
        began, graph = time.perf_counter(), self.graph

        def poll() -> None:
            if self.progress is not None:
                seconds, covered = time.perf_counter() - began, sum(shared.counts)
                phase = "edges" if covered < graph.edges else "replays"
                depth = graph.level(graph.source(min(covered, max(0, graph.edges - 1))))
                self.progress(Progress(phase, covered, graph.edges, depth, seconds))

        return poll

    def _tick(self, poll: Callable[[], None]) -> Callable[[], None]:
        """What a worker calls after each state: shows progress where nobody else does."""
        last = time.perf_counter()

        def tick() -> None:
            nonlocal last
            if time.perf_counter() - last > PROGRESS_SECONDS:
                last = time.perf_counter()
                poll()

        return tick if self.workers == 1 and self.progress is not None else lambda: None

    def _gather(self, done: list[Work], sampled: int, max_seconds: float | None) -> None:
        graph = self.graph
        found = [one.covered.first for one in done if one.covered.first]
        self.replays = sum(one.replays for one in done)
        self.steps = sum(one.covered.steps for one in done)
        self.covered = sum(one.covered.edges for one in done)
        self.spotted: Spotted | None = None
        if found:
            edge, self.spotted = min(found, key=lambda one: one[0])
            self.covered = edge + 1
            self.steps = sum(_cost(graph, edge, self.snapshots) for edge in range(edge + 1))
            self.replays = 0
            return
        replayed = [one.differing for one in done if one.differing]
        if replayed:
            number, self.spotted = min(replayed, key=lambda one: one[0])
            self.replays = number + 1
            self.steps = self.covered
        elif any(one.interrupted for one in done):
            self.stopped = self.stopped or INTERRUPTED
        elif not self.stopped and (self.covered < graph.edges or self.replays < sampled):
            self.stopped = f"the limit of {max_seconds or 0:g} seconds was reached"

    # ------------------------------------------------------------- the answer

    def result(self, name: str, fresh: Fresh) -> Conformance:
        graph = self.graph
        divergence = self._confirmed(self.spotted, fresh) if self.spotted else None
        verdict = "violated" if divergence else "undecided" if self.stopped else "holds"
        return Conformance(
            model=self.model,
            system=name,
            verdict=verdict,  # type: ignore[arg-type]
            states=graph.states,
            edges=graph.edges,
            edges_covered=self.covered,
            steps=self.steps,
            seconds=time.perf_counter() - self.started,
            depth=graph.depth,
            replays=self.replays,
            workers=self.workers,
            spec_seconds=self.spec_seconds,
            divergence=divergence,
            undecided_because="" if divergence else self.stopped,
            bounded=bool(graph.cut or graph.pruned),
            snapshots=self.snapshots,
            unobserved=self.unobserved,
        )

    def _confirmed(self, spotted: Spotted, fresh: Fresh) -> Divergence:
        """The divergence as a fresh process shows it, by a path as short as can be."""
        again = follow_again(fresh, spotted) or self._elsewhere(fresh)
        return confirmed(self.model, fresh, spotted, again, snapshots=self.snapshots)

    def _elsewhere(self, fresh: Fresh) -> Spotted | None:
        """The first divergence that a path of the sample shows in a process of its own."""
        graph, deadline = self.graph, time.perf_counter() + CONFIRM_SECONDS
        for number in range(min(len(self.sample.edges), MOST_PATHS)):
            if time.perf_counter() > deadline:
                break
            edges = self.sample.path(number)
            start = graph.state(graph.source(edges[0]))
            if found := fresh.follow(start, graph.path(edges)):
                return found
        return None


def follow_again(fresh: Fresh, spotted: Spotted) -> Spotted | None:
    """What the slow way finds on the same path, in a fresh process; `None` if nothing."""
    try:
        return fresh.follow(spotted.start, path_of(spotted))
    except NotAPath:
        raise AssertionError("the explorer took a step that the spec does not allow") from None


def confirmed(
    model: Model, fresh: Fresh, spotted: Spotted, again: Spotted | None, *, snapshots: bool
) -> Divergence:
    """What is reported: what a fresh process shows, shortened; else that it shows nothing."""
    if again is not None:
        return explained(model, fresh.shrink(again))
    found = explained(model, spotted)
    if snapshots:
        not_again = NOT_AGAIN.format(
            what="the snapshot",
            mend="`save`, `restore` and `reset` of the adapter",
            without="; `snapshots = False` checks without them",
        )
    else:
        not_again = NOT_AGAIN.format(what="`reset`", mend="it", without="")
    return replace(found, explanation=found.explanation + not_again, confirmed=False)


# --------------------------------------------------------------------------- one worker


@dataclass
class Work:
    """What one worker did."""

    covered: Covered = field(default_factory=Covered)
    replays: int = 0
    differing: tuple[int, Spotted] | None = None
    """The first replay that differed, and its number."""
    interrupted: bool = False


@dataclass(frozen=True)
class Task:
    """What all workers do together."""

    graph: Graph
    make: Callable[[], System]
    shares: list[Share]
    shared: Shared
    sample: Sample
    deadline: float
    tick: Callable[[], None]
    """Called after each state and each replay."""

    def work(self, number: int) -> Work:
        """What one worker does, from making its system to closing it."""
        work = Work()
        system = self.make()
        try:
            with no_garbage():
                self._work(work, system, number)
        except KeyboardInterrupt:
            work.interrupted = True
        finally:
            system.close()
        return work

    def _work(self, work: Work, system: System, number: int) -> None:
        explorer = Explorer(self.graph, system)
        work.covered = explorer.covered
        shared, share = self.shared, self.shares[number]

        def progress(covered: int) -> None:
            shared.counts[number] = covered
            self.tick()

        explorer.run(Part(share.owned, share.passed, shared.until, self.deadline, progress))
        if work.covered.first:
            shared.first[number] = work.covered.first[0]
        if work.covered.complete:
            self._replay(work, explorer, number)

    def _replay(self, work: Work, explorer: Explorer, number: int) -> None:
        for at in in_turn(len(self.sample.edges), number, len(self.shares)):
            if self.shared.until() < NO_EDGE or time.perf_counter() > self.deadline:
                return
            spotted = replay(explorer, self.sample, at)
            work.replays += 1
            if spotted:
                work.differing = (at, spotted)
                return
            self.tick()


def _cost(graph: Graph, edge: int, snapshots: bool) -> int:
    """The steps that an edge takes: one, and those to get to its source."""
    source = graph.source(edge)
    first = edge == graph.first[source]
    if snapshots or not (first or graph.targets[edge - 1] != source):
        return 1
    return 1 + graph.level(source)
