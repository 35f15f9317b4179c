"""Every edge of the spec's graph, taken on the system.

    for each state, nearest to the start first:
        for each of its edges:
            bring the system to the state;  take the step;  compare the state it leads to
            if that is seen for the first time:  compare the steps possible there;  save it

Rules of this file:

* A state is reached along its tree edge and saved there; so an edge costs one step.  A system
  without snapshots is brought there from the start, by the tree.
* What is reported is shortest: edges stand in the order of their distance from the start.
* Nothing is checked twice, nothing is skipped: `edges_covered` counts edges whose step was taken
  and whose target was compared.
* Several processes share the edges by parts of the tree.  Each says which edge was the first to
  diverge; the first of all is the answer.  So it is the same however many they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checker.conform.compare import Comparison, Fault, Spotted
from checker.conform.graph import Graph
from checker.conform.system import System
from checker.lang.errors import QuorateError

BEGIN = -1
"""The number of the edge that leads to the initial states, which is none."""
_NEVER = object()
"""Not equal to what any system observes."""


@dataclass
class Part:
    """What one process has to do, and where it is told to stop."""

    owned: set[int] | None = None
    """The states whose edges it takes; `None`: all."""
    passed: set[int] = field(default_factory=set)
    """States that it only has to pass through."""
    until: Callable[[], int] = lambda: 1 << 62
    """An edge that is known to diverge: those after it need not be taken."""
    deadline: float = float("inf")
    """When to stop, by `time.perf_counter`."""
    progress: Callable[[int], None] = lambda covered: None
    """Called with the edges covered so far."""

    def needs(self, state: int) -> bool:
        """Whether this process has to be in a state."""
        return self.owned is None or state in self.owned or state in self.passed


@dataclass
class Covered:
    """What one process did."""

    edges: int = 0
    steps: int = 0
    first: tuple[int, Spotted] | None = None
    """The first divergence, and its edge."""
    complete: bool = False


class Explorer:
    """Drives one system along the edges of one graph."""

    def __init__(self, graph: Graph, system: System) -> None:
        self.graph = graph
        self.system = system
        self.compare = Comparison(graph.model, system)
        self.expected: list[Any] = [_NEVER] * graph.states
        """By state: what the system observed there, when it was right."""
        self.saved: dict[int, Any] = {}
        """Snapshots of states whose edges are still to be taken."""
        self.idle: list[int] = []
        """Edges that led back to a state where a system without snapshots has stayed since."""
        self.covered = Covered()

    # ------------------------------------------------------------- all edges

    def run(self, part: Part) -> Covered:
        """Take the edges of a part.  `AdapterError` if the system cannot be driven."""
        covered, graph = self.covered, self.graph
        for number in range(graph.initial):
            fault = self.begin(number) or self.arrived(number)
            if fault:
                covered.first = (BEGIN, fault.after(graph.state(number), ()))
                return covered
            self._save(number, part)
        for number in range(graph.extended):
            if part.owned is None or number in part.owned:
                if graph.first[number] > part.until():
                    return covered
                if time.perf_counter() > part.deadline:
                    return covered
                self._extend(number, part)
                if covered.first:
                    return covered
                part.progress(covered.edges)
            elif number in self.saved:
                self._pass(number, part)
        covered.complete = True
        return covered

    def begin(self, number: int) -> Fault | None:
        """Put the system into an initial state, and compare it."""
        self.to_start(number)
        return self.look(number)

    def to_start(self, number: int) -> None:
        if self.graph.initial == 1:
            self.compare.adapter("reset", self.system.reset)
            return
        names = [f.name for f in self.graph.model.fields]
        start = dict(zip(names, self.graph.state(number), strict=True))
        self.compare.adapter("reset_to", lambda: self.system.reset_to(start))

    def look(self, number: int) -> Fault | None:
        """Compare the system's state with the state `number`."""
        seen = self.compare.adapter("observe", self.system.observe)
        if seen == self.expected[number]:
            return None
        fault = self.compare.state(self.graph.state(number))
        if fault is None:
            self.expected[number] = seen
        return fault

    def arrived(self, number: int) -> Fault | None:
        """Compare what is possible in a state, in which the system is."""
        graph = self.graph
        if number >= graph.extended or number in graph.cut:
            return None
        expected = [graph.steps[graph.labels[edge]] for edge in graph.edges_of(number)]
        return self.compare.enabled(expected, lambda: graph.state(number), number in graph.pruned)

    def _save(self, number: int, part: Part) -> None:
        """Keep the system as it is, if it will be needed."""
        if not self.system.snapshots or number >= self.graph.extended:
            return
        if part.needs(number):
            self.saved[number] = self.compare.adapter("save", self.system.save)

    def _extend(self, number: int, part: Part) -> None:
        """Take every edge of a state.  The inner loop: nothing is called here that need not be."""
        graph, system, expected, covered = self.graph, self.system, self.expected, self.covered
        steps, labels, targets, tree = graph.steps, graph.labels, graph.targets, graph.tree
        saved = self.saved.pop(number, None)
        there = False
        self.idle.clear()
        for edge in graph.edges_of(number):
            step, target = steps[labels[edge]], targets[edge]
            if saved is not None:
                try:
                    system.restore(saved)
                except Exception as error:
                    raise self.compare.blamed("restore", error) from error
            elif not there and not self._bring(number):
                return
            covered.steps += 1
            try:
                system.step(step)
            except Exception as error:
                return self._diverged(edge, self.compare.failed(step, error), taken=False)
            try:
                seen = system.observe()
            except Exception as error:
                raise self.compare.blamed("observe", error) from error
            if seen != expected[target]:
                fault = self.look(target)
                if fault:
                    return self._diverged(edge, fault)
            covered.edges += 1
            if tree[target] == edge:
                fault = self.arrived(target)
                if fault:
                    return self._diverged(edge, fault)
                self._save(target, part)
            there = saved is None and target == number
            if there:
                self.idle.append(edge)

    def _diverged(self, edge: int, fault: Fault, *, taken: bool = True) -> None:
        """The first divergence of this part: in the step of an edge, or where it leads."""
        graph = self.graph
        source = graph.source(edge)
        edges = [*graph.edges_to(source), *self.idle, *[edge] * taken]
        spotted = fault.after(graph.state(graph.root(source)), graph.path(edges))
        self.covered.first = (edge, spotted)

    def _bring(self, number: int) -> bool:
        """Bring a system without snapshots to a state; false if it failed on the way there."""
        graph = self.graph
        self.idle.clear()
        self.to_start(graph.root(number))
        edges = graph.edges_to(number)
        for at, edge in enumerate(edges):
            fault = self.compare.take(graph.steps[graph.labels[edge]])
            if fault:  # it did not when this edge was covered
                start = graph.state(graph.root(number))
                spotted = fault.after(start, graph.path(edges[:at]))
                self.covered.first = (graph.first[number], spotted)
                return False
            self.covered.steps += 1
        return True

    def _pass(self, number: int, part: Part) -> None:
        """From a state whose edges another process takes, go on to where this one works."""
        graph, saved = self.graph, self.saved.pop(number)
        for edge in graph.edges_of(number):
            target = graph.targets[edge]
            if graph.tree[target] != edge or not part.needs(target):
                continue
            try:
                self.system.restore(saved)
                self.system.step(graph.steps[graph.labels[edge]])
            except QuorateError:
                raise
            except Exception:
                continue  # whoever takes this edge reports it
            self._save(target, part)
