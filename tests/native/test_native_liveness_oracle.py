"""The native search for lassos against the obvious one, on random small graphs with fairness.

Many random graphs are one spec, whose initial states choose among them: a compiler's run is long,
and a search is short.  The obvious search is that of `tests/engines/test_liveness_oracle.py`.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Annotated, Any

import pytest

from checker.engines.native.generate import generate
from checker.engines.native.library import Library, Search, Status
from checker.engines.native.liveness.graph import LivenessGraph
from checker.engines.native.liveness.lasso import Run
from checker.engines.python.plan import Plan
from checker.engines.python.watch import Watch
from checker.engines.result import Limits
from checker.lang import (
    Range,
    Set,
    Spec,
    action,
    const,
    eventually,
    eventually_always,
    infinitely_often,
    init,
    leads_to,
    require,
)
from checker.lang.declare import Fairness
from checker.lang.model import Model
from tests.engines.test_liveness_oracle import FAIRNESS, NAMES, Oracle, Place, random_case

GRAPHS = 24
Graph = Annotated[int, Range(GRAPHS)]


def walker(first: Fairness | None, second: Fairness | None) -> type[Spec]:
    class Walker(Spec):
        """Walks on one of many graphs, each given by two sets of edges."""

        one: Set[tuple[Graph, Place, Place]] = const()
        two: Set[tuple[Graph, Place, Place]] = const()
        p: Set[tuple[Graph, Place]] = const()
        q: Set[tuple[Graph, Place]] = const()

        graph: Graph = 0
        place: Place = 0

        @init
        def begin(self, graph: Graph, start: Annotated[int, Range(2)]) -> None:
            self.graph = graph
            self.place = start

        @action(fairness=first, optional=True)
        def go(self, to: Place) -> None:
            require((self.graph, self.place, to) in self.one)
            self.place = to

        @action(fairness=second, optional=True)
        def leap(self, to: Place) -> None:
            require((self.graph, self.place, to) in self.two)
            self.place = to

        @eventually
        def some_p(self, g: Graph) -> bool:
            return self.graph != g or (g, self.place) in self.p

        @infinitely_often
        def often_p(self, g: Graph) -> bool:
            return self.graph != g or (g, self.place) in self.p

        @eventually_always
        def always_p(self, g: Graph) -> bool:
            return self.graph != g or (g, self.place) in self.p

        @leads_to
        def p_to_q(self, g: Graph) -> tuple[bool, bool]:
            return (
                self.graph == g and (g, self.place) in self.p,
                self.graph != g or (g, self.place) in self.q,
            )

    return Walker


def assert_real(run: Run, name: str, oracle: Oracle) -> None:
    """The run is one of the graph, is fair, and does what the property forbids."""
    stem = [state[1] for state in run.stem]
    loop = [stem[-1], *(state[1] for _, state in run.loop)]
    places = stem + loop[1:]
    assert places[0] in {0, 1}
    assert all(pair in oracle.edges for pair in pairwise(places))
    assert loop[0] == loop[-1]
    for fairness, group in oracle.assumptions:
        possible = {a for a, b in group} & set(loop)
        owed = possible == set(loop) if fairness.strength == "weak" else bool(possible)
        assert not owed or any(step in group for step in pairwise(loop))
    match name:
        case "some_p":
            assert not set(places) & oracle.p
        case "often_p":
            assert not set(loop) & oracle.p
        case "always_p":
            assert set(loop) - oracle.p
        case "p_to_q":
            starts = [i for i, place in enumerate(stem) if place in oracle.p - oracle.q]
            assert any(not set(places[i:]) & oracle.q for i in starts)


@pytest.mark.parametrize("seed", range(0, len(FAIRNESS) ** 2, 4))
def test_random_graphs(seed: int) -> None:
    first, second = FAIRNESS[seed % len(FAIRNESS)], FAIRNESS[seed // len(FAIRNESS)]
    chance = random.Random(seed)
    cases = [random_case(chance) for _ in range(GRAPHS)]
    constants: dict[str, Any] = {
        name: {(g, *edge) for g, case in enumerate(cases) for edge in case[name]}
        for name in ("one", "two")
    }
    constants |= {
        name: {(g, place) for g, case in enumerate(cases) for place in case[name]}
        for name in ("p", "q")
    }
    model = Model.of(walker(first, second)(**constants))
    plan = Plan.of(model, NAMES)
    library = Library(generate(model, plan))
    search = Search(library, 2, False, None, None)
    states = [library.generated.packing.encode(state) for state in model.initial_states()]
    status = search.begin(states)
    while status != Status.COMPLETE:
        status = search.run(1.0)
    graph = LivenessGraph(search, plan.liveness, Watch(Limits(), None))
    try:
        assert graph.build() is None
        searcher = graph.searcher(1)
        for number, (what, (g,)) in enumerate(plan.liveness):
            oracle = Oracle(cases[g], first, second)
            run = graph.search_for(searcher, number).run
            assert (run is not None) == oracle.violated()[what.name], cases[g]
            if run is not None:
                assert_real(run, what.name, oracle)
    finally:
        graph.close()
        search.close()
