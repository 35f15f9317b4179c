"""The graph of a spec: by generated C and by the reference it is the same, and it is the spec's."""

from __future__ import annotations

import itertools
import random
from typing import Annotated

import pytest

from checker import check
from checker.conform.graph import Graph, build
from checker.conform.replays import Sample
from checker.conform.system import Step
from checker.conform.workers import shares
from checker.engines.python.watch import Watch
from checker.engines.result import Limits
from checker.lang import Range, Spec, action, constraint, final, init, require
from checker.lang.model import Model
from spec import catalogue
from tests.conform.mutex import Mutex


class Starts(Spec):
    """Several initial states, steps that change nothing, a constraint and a bound that prunes."""

    x: Annotated[int, Range(12, beyond="prune")]
    y: Annotated[int, Range(4)] = 0

    @init
    def somewhere(self, at: Annotated[int, Range(3)]) -> None:
        self.x = 4 * at

    @action
    def up(self, by: Annotated[int, Range(1, 3)]) -> None:
        self.x += by

    @action
    def turn(self) -> None:
        require(self.x % 2 == 0)
        self.y = (self.y + 2) % 4

    @action
    def rest(self) -> None:
        self.y = self.y

    @constraint
    def near(self) -> bool:
        return self.x != 7

    @final
    def may_stop(self) -> bool:
        return True


def graph_of(spec: type[Spec], limit: int | None = None, *, native: bool = False) -> Graph:
    return build(Model(spec, {}), Watch(Limits(limit), None), native=native)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("two_phase", None),
        ("paxos", None),
        pytest.param("paxos_nodes", None, marks=pytest.mark.slow),
        ("Starts", None),
        ("Starts", 7),
        ("Starts", 2),
    ],
)
def test_both_builders_make_the_same_graph(name: str, limit: int | None) -> None:
    spec = Starts if name == "Starts" else catalogue()[name]
    slow, fast = graph_of(spec, limit), graph_of(spec, limit, native=True)
    assert [slow.steps[label] for label in slow.labels] == [fast.steps[n] for n in fast.labels]
    assert slow.targets == fast.targets
    assert (slow.first, slow.tree, slow.levels) == (fast.first, fast.tree, fast.levels)
    assert (slow.cut, slow.pruned, slow.stopped) == (fast.cut, fast.pruned, fast.stopped)
    assert [slow.state(n) for n in range(slow.states)] == [
        fast.state(n) for n in range(fast.states)
    ]
    assert bool(slow.stopped) == (limit is not None)


@pytest.mark.parametrize("spec", [Mutex, Starts, catalogue()["two_phase"]])
def test_it_is_the_graph_of_the_spec(spec: type[Spec]) -> None:
    graph, model = graph_of(spec), Model(spec, {})
    result = check(spec, properties=[])
    assert (graph.states, graph.edges) == (result.distinct_states, result.transitions)
    assert graph.depth == result.depth
    for state in range(graph.states):
        said = {
            Step(action.name, args): after
            for action, args, after in model.successors(graph.state(state))
        }
        found = {
            graph.steps[graph.labels[e]]: graph.state(graph.targets[e])
            for e in graph.edges_of(state)
        }
        assert found == ({} if state in graph.cut else said)
        ways = [graph.targets[edge] != state for edge in graph.edges_of(state)]
        assert ways == sorted(ways), "steps that change nothing stand first"


@pytest.mark.parametrize("limit", [None, 9])
def test_the_tree_has_shortest_paths(limit: int | None) -> None:
    graph = graph_of(Starts, limit)
    distance = dict.fromkeys(range(graph.initial), 0)
    for edge in range(graph.edges):
        distance.setdefault(graph.targets[edge], distance[graph.source(edge)] + 1)
    for state in range(graph.states):
        assert len(graph.edges_to(state)) == graph.level(state) == distance[state]
        assert graph.root(state) < graph.initial
    assert graph.depth == max(distance.values())


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_shares_cover_each_state_once(workers: int) -> None:
    graph = graph_of(catalogue()["two_phase"])
    parts = shares(graph, workers)
    owned = [part.owned if part.owned is not None else set(range(288)) for part in parts]
    assert sorted(state for some in owned for state in some) == list(range(graph.extended))
    for part in parts:
        reached = (part.owned or set()) | part.passed
        for state in part.owned or ():
            before = graph.tree[state]
            assert before < 0 or graph.source(before) in reached
    loads = [sum(len(graph.edges_of(state)) for state in some) for some in owned]
    assert max(loads) - min(loads) <= graph.edges // 10


def test_sampled_paths_are_paths() -> None:
    graph = graph_of(Starts)
    sample = Sample(graph, 50, seed=3)
    assert len(set(sample.edges)) == len(sample.edges) == min(50, graph.edges)
    other = 0
    for number in range(len(sample.edges)):
        path = sample.path(number)
        assert path[-1] == sample.edges[number]
        assert graph.source(path[0]) < graph.initial
        for before, after in itertools.pairwise(path):
            assert graph.targets[before] == graph.source(after)
        moves = [edge for edge in path[:-1] if graph.targets[edge] != graph.source(edge)]
        assert len(moves) == graph.level(graph.source(path[-1]))
        other += moves != graph.edges_to(graph.source(path[-1]))
    assert other, "no path but those of the tree"
    assert Sample(graph, 50, seed=4).edges != sample.edges
    random.seed(1)
    assert Sample(graph, 50, seed=3).edges == sample.edges
