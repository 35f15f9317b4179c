"""A fault on one edge only, for many edges: each is found, there and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Collection

import pytest

from checker.conform.compare import Kind
from checker.conform.echo import Echo
from checker.conform.graph import Graph, build
from checker.conform.run import conform
from checker.conform.system import NotPossible, Step, System
from checker.engines.python.watch import Watch
from checker.engines.result import Limits
from checker.lang import Spec
from checker.lang.model import Model, State
from spec.two_phase import TwoPhase
from tests.conform.mutex import Mutex
from tests.conform.test_conform_graph import Starts

SPECS: list[type[Spec]] = [Mutex, TwoPhase, Starts]
FAULTS = 6
"""So many edges or states of each spec have a fault, one at a time."""


def graph_of(spec: type[Spec]) -> Graph:
    return build(Model(spec, {}), Watch(Limits(), None))


class OneFault(Echo):
    """Right everywhere but for the step `at` in the state `here`."""

    here: State
    at: Step
    other: State | None
    """Where it leads instead; `None`: it is refused."""

    def step(self, step: Step) -> None:
        wrong = (self.now, step) == (self.here, self.at)
        super().step(step)
        if wrong and self.other is None:
            raise NotPossible("not this one")
        if wrong and self.other is not None:
            self.now = self.other


class OneLess(Echo):
    """Right everywhere but for what is possible in the state `here`."""

    here: State
    wrong: frozenset[Step]

    def enabled(self) -> Collection[Step]:
        return self.wrong if self.now == self.here else super().enabled()


def found(spec: type[Spec], system: type[System], workers: int) -> tuple[Kind, int, int]:
    result = conform(spec, system, workers=workers, replays=0)
    assert result.divergence is not None
    return result.divergence.kind, result.divergence.length, result.edges_covered


@pytest.mark.parametrize("snapshots", [True, False])
@pytest.mark.parametrize("spec", SPECS)
def test_a_fault_on_one_edge(spec: type[Spec], snapshots: bool) -> None:
    graph, chance = graph_of(spec), random.Random(f"{spec.__name__} {snapshots}")
    for edge in chance.sample(range(graph.edges), FAULTS):
        source, target = graph.source(edge), graph.targets[edge]
        other = chance.choice([n for n in range(graph.states) if n != target])
        for instead in (None, graph.state(other)):
            here = {"here": graph.state(source), "at": graph.steps[graph.labels[edge]]}
            system = type("S", (OneFault,), {**here, "other": instead, "snapshots": snapshots})
            length = graph.level(source) + (instead is not None)
            kind = "missing step" if instead is None else "wrong state"
            workers = chance.choice([1, 1, 2])
            assert found(spec, system, workers) == (kind, length, edge + 1)


@pytest.mark.parametrize("spec", SPECS)
def test_a_fault_in_what_is_possible_in_one_state(spec: type[Spec]) -> None:
    graph, chance = graph_of(spec), random.Random(spec.__name__)
    states = [n for n in range(graph.states) if n not in graph.cut and graph.edges_of(n)]
    for state in chance.sample(states, min(FAULTS, len(states))):
        right = frozenset(graph.path(graph.edges_of(state)))
        unlike = sorted(set(graph.steps) - right, key=repr)
        less = right - {chance.choice(sorted(right, key=repr))}
        more = right | {chance.choice(unlike)} if unlike else None
        cases: list[tuple[Kind, frozenset[Step] | None]] = [
            ("missing step", less),
            ("unexpected step", more),
        ]
        for kind, wrong in cases:
            if wrong is None or (kind == "unexpected step" and state in graph.pruned):
                continue
            system = type("S", (OneLess,), {"here": graph.state(state), "wrong": wrong})
            covered = graph.tree[state] + 1
            workers = chance.choice([1, 1, 2])
            assert found(spec, system, workers) == (kind, graph.level(state), covered)
