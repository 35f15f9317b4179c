"""Lassos: from a fair component to a short run that a person can follow.

The stem is shortest.  The loop begins where the stem ends; while going round it would break an
assumption, it is led on to the nearest step or state that mends that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from checker.engines.python.fairness import Fair, unmet
from checker.engines.python.graph import Graph
from checker.engines.result import Step

NEAREST = 8
"""So many components, the nearest ones, are tried for the shortest lasso."""


@dataclass(frozen=True)
class Lasso:
    """A run to `entry` and round a loop back to it; an empty loop: the run stays there."""

    graph: Graph
    root: int
    stem: list[int]
    loop: list[int]

    @property
    def entry(self) -> int:
        return self.graph.targets[self.stem[-1]] if self.stem else self.root

    @property
    def start(self) -> int:
        """The position of the loop's first state in `steps`."""
        return len(self.stem)

    def __len__(self) -> int:
        return len(self.stem) + len(self.loop)

    def steps(self) -> tuple[Step, ...]:
        return self.graph.run(self.root, self.stem + self.loop)


class Reach:
    """The states reached from the triggers inside a region, each by a shortest run."""

    def __init__(
        self, graph: Graph, next_states: list[list[int]], triggers: list[int], region: set[int]
    ) -> None:
        self.graph = graph
        self.distance: dict[int, int] = {}
        """How long the run is, in steps from an initial state."""
        self.before: dict[int, int] = {}
        """The state before, in the region; none for a trigger."""
        depth = _depths(graph)
        waiting = deque(sorted(triggers, key=lambda state: (depth[state], state)))
        edge = deque[tuple[int, int, int]]()
        while waiting or edge:
            # Triggers and reached states, both in order of distance: take the nearer one.
            if waiting and (not edge or depth[waiting[0]] <= edge[0][0]):
                state = waiting.popleft()
                distance, before = depth[state], -1
            else:
                distance, state, before = edge.popleft()
            if state in self.distance:
                continue
            self.distance[state] = distance
            if before >= 0:
                self.before[state] = before
            for target in next_states[state]:
                if target in region and target not in self.distance:
                    edge.append((distance + 1, target, state))

    def stem(self, state: int) -> tuple[int, list[int]]:
        """The initial state and the edges of the run to a state."""
        edges: list[int] = []
        while (before := self.before.get(state)) is not None:
            edges.append(_edge(self.graph, before, state))
            state = before
        return self.graph.root_of(state), self.graph.edges_to(state) + edges[::-1]


def _depths(graph: Graph) -> list[int]:
    depth: list[int] = []
    for parent in graph.parents:
        depth.append(depth[parent] + 1 if parent >= 0 else 0)
    return depth


def _edge(graph: Graph, before: int, after: int) -> int:
    return next(edge for edge in graph.edges(before) if graph.targets[edge] == after)


def best_lasso(
    graph: Graph, fair: Fair, reach: Reach, components: list[set[int]], visit: set[int] | None
) -> Lasso:
    """A short lasso into one of these fair components."""
    found = []
    nearest = sorted((min((reach.distance[s], s) for s in part), part) for part in components)
    for (_, entry), part in nearest[:NEAREST]:
        found.append(_lasso(graph, reach, entry, _Loop(graph, fair, part, visit, entry).find()))
    still = [
        (reach.distance[state], state)
        for part in components
        for state in (part if visit is None else part & visit)
        if not fair.possible[state]
    ]
    if still:
        found.append(_lasso(graph, reach, min(still)[1], []))
    return min(found, key=len)


def _lasso(graph: Graph, reach: Reach, entry: int, loop: list[int]) -> Lasso:
    root, stem = reach.stem(entry)
    return Lasso(graph, root, stem, loop)


class _Loop:
    """A short fair loop in a fair component, from `entry` back to it, as edges."""

    def __init__(
        self, graph: Graph, fair: Fair, part: set[int], visit: set[int] | None, entry: int
    ) -> None:
        self.graph = graph
        self.fair = fair
        self.part = part
        self.visit = visit
        self.entry = entry

    def find(self) -> list[int]:
        path: list[int] = []
        while True:
            at = self.graph.targets[path[-1]] if path else self.entry
            closed = path if at == self.entry else path + self._way(at, self._is_entry)
            states = {self.entry, *(self.graph.targets[edge] for edge in closed)}
            broken = unmet(self.fair, states, {self.fair.of_edge[edge] for edge in closed})
            must_visit = self.visit is not None and self.visit.isdisjoint(states)
            if not broken and not must_visit:
                return closed
            path = path + self._way(at, self._mends(broken, must_visit))

    def _is_entry(self, edge: int) -> bool:
        return self.graph.targets[edge] == self.entry

    def _mends(self, broken: frozenset[int], must_visit: bool) -> Callable[[int], bool]:
        weak = {number for number in broken if not self.fair.assumptions[number].strong}

        def mends(edge: int) -> bool:
            target = self.graph.targets[edge]
            if must_visit and self.visit is not None and target in self.visit:
                return True
            return self.fair.of_edge[edge] in broken or bool(weak - self.fair.possible[target])

        return mends

    def _way(self, start: int, good: Callable[[int], bool]) -> list[int]:
        """The edges of a shortest way inside the component whose last edge is `good`."""
        came: dict[int, int] = {}
        queue = deque([start])
        while queue:
            state = queue.popleft()
            for edge in self.graph.edges(state):
                target = self.graph.targets[edge]
                if target not in self.part or target == state:
                    continue
                if good(edge):
                    return [*self._back(came, start, state), edge]
                if target != start and target not in came:
                    came[target] = edge
                    queue.append(target)
        raise AssertionError("a fair component has no way to what makes it fair")

    def _back(self, came: dict[int, int], start: int, state: int) -> list[int]:
        edges: list[int] = []
        while state != start:
            edge = came[state]
            edges.append(edge)
            state = self.graph.source(edge)
        return edges[::-1]
