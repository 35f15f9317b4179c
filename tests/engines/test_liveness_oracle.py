"""The liveness check against an obvious one, on random small graphs with random fairness.

The obvious one: a run's infinitely visited part is a set of states and a set of edges between
them, strongly connected by those edges (or one state, with no edge: staying there).  Try every
set of states; as for edges, take all of them inside the set, since more edges serve more
assumptions and enable none.  The run is fair and violates the property if the set says so, and
if a way leads there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import pytest

from checker import Result
from checker.engines.python.explore import explore
from checker.lang import (
    Annotated,
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
    strong,
    weak,
)
from checker.lang.declare import Fairness
from checker.lang.model import Model

STATES = 5
Place = Annotated[int, Range(STATES)]
Edge = tuple[int, int]
Edges = set[Edge]

FAIRNESS: list[Fairness | None] = [
    None,
    weak(),
    strong(),
    weak(for_each="to"),
    strong(for_each="to"),
    weak(when=lambda self, to: to > 1),
    strong(for_each="to", when=lambda self, to: self.place != to + 1),
]


def walker(first: Fairness | None, second: Fairness | None) -> type[Spec]:
    class Walker(Spec):
        """Walks on a graph given by two sets of edges."""

        one: Set[tuple[Place, Place]] = const()
        two: Set[tuple[Place, Place]] = const()
        p: Set[Place] = const()
        q: Set[Place] = const()

        place: Place = 0

        @init
        def begin(self, start: Annotated[int, Range(2)]) -> None:
            self.place = start

        @action(fairness=first, optional=True)
        def go(self, to: Place) -> None:
            require((self.place, to) in self.one)
            self.place = to

        @action(fairness=second, optional=True)
        def leap(self, to: Place) -> None:
            require((self.place, to) in self.two)
            self.place = to

        @eventually
        def some_p(self) -> bool:
            return self.place in self.p

        @infinitely_often
        def often_p(self) -> bool:
            return self.place in self.p

        @eventually_always
        def always_p(self) -> bool:
            return self.place in self.p

        @leads_to
        def p_to_q(self) -> tuple[bool, bool]:
            return (self.place in self.p, self.place in self.q)

    return Walker


NAMES = ["some_p", "often_p", "always_p", "p_to_q"]


class Oracle:
    """Decides by trying every set of states."""

    def __init__(self, case: dict[str, Any], first: Fairness | None, second: Fairness | None):
        self.p, self.q = case["p"], case["q"]
        self.edges: Edges = case["one"] | case["two"]
        self.assumptions = [
            (fairness, group)
            for fairness, edges in ((first, case["one"]), (second, case["two"]))
            if fairness
            for group in _groups(fairness, {(a, b) for a, b in edges if a != b})
        ]

    def reached(self, starts: set[int], inside: set[int]) -> set[int]:
        found = starts & inside
        while True:
            more = {b for a, b in self.edges if a in found and b in inside} - found
            if not more:
                return found
            found |= more

    def fair_sets(self) -> Iterator[set[int]]:
        for size in range(1, STATES + 1):
            for chosen in combinations(range(STATES), size):
                part = set(chosen)
                if all(self.reached({s}, part) == part for s in part) and self.is_fair(part):
                    yield part

    def is_fair(self, part: set[int]) -> bool:
        for fairness, group in self.assumptions:
            possible = {a for a, b in group} & part
            if any(a in part and b in part for a, b in group):
                continue
            if possible == part or (fairness.strength == "strong" and possible):
                return False
        return True

    def violated(self) -> dict[str, bool]:
        everything = set(range(STATES))
        reachable = self.reached({0, 1}, everything)
        not_p, not_q = everything - self.p, everything - self.q
        ways = {
            "some_p": (self.reached({0, 1}, not_p), not_p),
            "often_p": (reachable, not_p),
            "always_p": (reachable, everything),
            "p_to_q": (self.reached(reachable & self.p & not_q, not_q), not_q),
        }
        found = dict.fromkeys(ways, False)
        for part in self.fair_sets():
            for name, (reached, region) in ways.items():
                if part & reached and part <= region and (name != "always_p" or part & not_p):
                    found[name] = True
        return found


def _groups(fairness: Fairness, edges: Edges) -> Iterator[Edges]:
    """The edges of each assumption."""

    class At:
        def __init__(self, place: int) -> None:
            self.place = place

    if fairness.when is not None:
        edges = {(a, b) for a, b in edges if fairness.when(At(a), b)}
    if fairness.for_each:
        yield from ({(a, b) for a, b in edges if b == to} for to in range(STATES))
    else:
        yield edges


def random_case(chance: random.Random) -> dict[str, Any]:
    pairs = [(a, b) for a in range(STATES) for b in range(STATES)]
    return {
        "one": set(chance.sample(pairs, chance.randrange(1, 7))),
        "two": set(chance.sample(pairs, chance.randrange(0, 6))),
        "p": set(chance.sample(range(STATES), chance.randrange(0, 4))),
        "q": set(chance.sample(range(STATES), chance.randrange(0, 4))),
    }


def assert_real(result: Result, oracle: Oracle) -> None:
    """Each lasso is a run, is fair, and does what its property forbids."""
    for found in result.counterexamples:
        assert found.loop is not None
        places = [step.state[0] for step in found.steps]
        assert places[0] in {0, 1}
        assert all(pair in oracle.edges for pair in pairwise(places))
        assert places[-1] == places[found.loop]
        assert_fair(result, places, found.loop, oracle)
        loop, stem = set(places[found.loop :]), places[: found.loop + 1]
        if found.property == "some_p":
            assert not (loop | set(stem)) & oracle.p
        elif found.property == "often_p":
            assert not loop & oracle.p
        elif found.property == "always_p":
            assert loop - oracle.p
        else:
            starts = [i for i, place in enumerate(places) if place in oracle.p - oracle.q]
            assert any(not set(places[i:]) & oracle.q for i in starts)
            assert not loop & oracle.q


def assert_fair(result: Result, places: list[int], loop: int, oracle: Oracle) -> None:
    steps = list(zip(places[loop:], places[loop + 1 :], strict=False))
    visited = set(places[loop:])
    for fairness, group in oracle.assumptions:
        possible = {a for a, b in group} & visited
        owed = possible == visited if fairness.strength == "weak" else bool(possible)
        assert not owed or any(step in group for step in steps), result


@pytest.mark.parametrize("seed", range(len(FAIRNESS) ** 2))
def test_random_graphs(seed: int) -> None:
    """Each pair of fairness declarations, with a few random graphs."""
    first, second = FAIRNESS[seed % len(FAIRNESS)], FAIRNESS[seed // len(FAIRNESS)]
    made = walker(first, second)
    chance = random.Random(seed)
    for _ in range(8):
        case = random_case(chance)
        oracle = Oracle(case, first, second)
        result = explore(Model.of(made(**case)), properties=NAMES, stop_at_first=False)
        found = {name: result.properties[name] == "violated" for name in NAMES}
        assert found == oracle.violated(), case
        assert_real(result, oracle)
