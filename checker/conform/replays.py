"""A sample of edges, taken from the start and without snapshots.

A snapshot may miss something on which a later step depends: a cache, a timer, a buffer of the
operating system.  Then every edge looks right as long as states are restored, and a real run goes
wrong.  So some edges are taken again, each from a system that was just reset:

* every other one along the spanning tree, as the snapshots were;
* the others along another shortest path, chosen by chance, and on the way some steps that should
  change nothing (an old message, delivered again).  So the same spec state is reached with
  another past, and an implementation that tells pasts apart is found.

After every step the state is compared, and at the end what is possible.  A seed makes the sample;
the number of processes does not.
"""

from __future__ import annotations

import random
from array import array

from checker.conform.compare import Fault, Spotted
from checker.conform.explore import Explorer
from checker.conform.graph import Graph

IDLE_CHANCE = 0.25
"""How likely a step that changes nothing is taken in a state on the way."""


class Sample:
    """Edges of a graph and a path to each."""

    def __init__(self, graph: Graph, count: int, seed: int) -> None:
        self.graph = graph
        self.seed = seed
        chance = random.Random(f"sample {seed}")
        everything = range(graph.edges)
        self.edges = chance.sample(everything, min(count, graph.edges))
        self.other = _other_tree(graph, chance) if self.edges else array("q")

    def path(self, number: int) -> list[int]:
        """The edges of a path to the sampled edge of this number, and that edge."""
        graph, edge = self.graph, self.edges[number]
        if number % 2 == 0:
            return [*graph.edges_to(graph.source(edge)), edge]
        found, state = [edge], graph.source(edge)
        chance = random.Random(f"path {self.seed} {number}")
        while True:
            if chance.random() < IDLE_CHANCE:
                idle = [e for e in graph.edges_of(state) if graph.targets[e] == state]
                found += [chance.choice(idle)] if idle else []
            if (before := self.other[state]) < 0:
                return found[::-1]
            found.append(before)
            state = graph.source(before)


def _other_tree(graph: Graph, chance: random.Random) -> array[int]:
    """For each state any edge from a state one level nearer to the start, each as likely."""
    other = array("q", graph.tree)
    seen = array("i", bytes(4 * graph.states))
    ends = [*graph.levels[1:], graph.states, graph.states]
    level = 0
    for source in range(graph.extended):
        level += source == ends[level]
        for edge in graph.edges_of(source):
            target = graph.targets[edge]
            if target >= ends[level]:
                seen[target] += 1
                if seen[target] > 1 and chance.random() * seen[target] < 1:
                    other[target] = edge
    return other


def replay(explorer: Explorer, sample: Sample, number: int) -> Spotted | None:
    """Take one path from the start, comparing all the way.  Counts its steps."""
    graph, edges = sample.graph, sample.path(number)
    root = graph.source(edges[0])
    fault = explorer.begin(root)
    taken = 0
    for edge in edges:
        if fault:
            break
        fault = explorer.compare.take(graph.steps[graph.labels[edge]])
        explorer.covered.steps += 1
        if fault is None:
            taken += 1
            fault = explorer.look(graph.targets[edge])
    fault = fault or explorer.arrived(graph.targets[edges[-1]])
    return _spotted(graph, root, edges[:taken], fault) if fault else None


def _spotted(graph: Graph, root: int, edges: list[int], fault: Fault) -> Spotted:
    return fault.after(graph.state(root), graph.path(edges))
