"""Places for the states of a graph, without Graphviz: layers, and few crossings.

A state's layer is its distance from the initial states, so every step goes down by one layer
at most.  Inside a layer, states are ordered by the mean place of their neighbours in the layer
above, then below, a few times over (the barycentre heuristic of Sugiyama, Tagawa and Toda,
1981, without its dummy nodes: breadth-first layers leave only edges that go up or stay).
"""

from __future__ import annotations

from itertools import pairwise

import networkx as nx

SWEEPS = 8
COUNTED = 3000
"""With more edges than this, crossings are not counted: the last order is taken, not the best."""


def layers_of(graph: nx.DiGraph[int]) -> list[list[int]]:
    """The states of each layer, from left to right."""
    starts = [number for number, node in graph.nodes(data=True) if node["initial"]]
    layers = [list(layer) for layer in nx.bfs_layers(graph, starts)] if starts else []
    best, least = [list(layer) for layer in layers], None
    if graph.number_of_edges() <= COUNTED:
        least = crossings(graph, layers)
    for sweep in range(SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        for above, layer in pairwise(order):
            _sort(graph, above, layer)
        if least is not None and (found := crossings(graph, layers)) < least:
            best, least = [list(layer) for layer in layers], found
    return layers if least is None else best


def _sort(graph: nx.DiGraph[int], fixed: list[int], layer: list[int]) -> None:
    """Order `layer` in place by the neighbours in `fixed`; those without keep their place."""
    place = {number: (index + 0.5) / len(fixed) for index, number in enumerate(fixed)}
    own = {number: (index + 0.5) / len(layer) for index, number in enumerate(layer)}

    def mean(number: int) -> float:
        near = {*graph.predecessors(number), *graph.successors(number)}
        found = [place[one] for one in near if one in place]
        return sum(found) / len(found) if found else own[number]

    means = {number: mean(number) for number in layer}
    layer.sort(key=lambda number: (means[number], own[number]))


def crossings(graph: nx.DiGraph[int], layers: list[list[int]]) -> int:
    """How many pairs of edges between neighbouring layers cross."""
    total = 0
    for above, below in pairwise(layers):
        upper = {number: index for index, number in enumerate(above)}
        lower = {number: index for index, number in enumerate(below)}
        edges = [
            (upper[source], lower[target])
            for source in above
            for target in graph.successors(source)
            if target in lower
        ]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(edges) for c, d in edges[:i])
    return total
