"""A lasso that was found natively, as a lasso of the reference engine.

The graph that it gets holds the states of the lasso with all their steps, and where these lead:
what the explanation of a counterexample asks for, and nothing else.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from checker.engines.python.fairness import Assumption, Fair
from checker.engines.python.graph import Graph
from checker.engines.python.lasso import Lasso
from checker.lang.model import Model, State

Served = tuple[str, tuple[Any, ...]] | None
"""The assumption that a step serves: an action, and values of its parameters."""


@dataclass(frozen=True)
class Run:
    """A lasso as its states: the stem from the initial state on, and the steps of the loop."""

    stem: list[State]
    loop: list[tuple[Served, State]]


def lasso_of(model: Model, run: Run) -> tuple[Fair, Lasso]:
    """The run in a graph of its own.  Of steps that serve the same, the model's first is shown."""
    graph = graph_of(model, [*run.stem, *(state for _, state in run.loop)])
    numbers = {state: number for number, state in enumerate(graph.states)}
    fair = Fair(graph)
    stem = [
        next(e for e in graph.edges(numbers[before]) if graph.targets[e] == numbers[after])
        for before, after in pairwise(run.stem)
    ]
    loop = []
    at = numbers[run.stem[-1]]
    for served, state in run.loop:
        loop.append(_edge(fair, at, numbers[state], served))
        at = numbers[state]
    return fair, Lasso(graph, numbers[run.stem[0]], stem, loop)


def graph_of(model: Model, states: list[State]) -> Graph:
    """The steps from these states."""
    whole = list(dict.fromkeys(states))
    numbers = {state: number for number, state in enumerate(whole)}
    graph = Graph(model, [*whole], array("i"))
    for state in whole:
        for action, args, after in model.successors(state):
            if after not in numbers:
                numbers[after] = len(numbers)
                graph.states.append(after)
            graph.add(action, args, numbers[after])
        graph.close()
    graph.finish()
    return graph


def _edge(fair: Fair, source: int, target: int, served: Served) -> int:
    graph = fair.graph
    for edge in graph.edges(source):
        if graph.targets[edge] == target and _served(fair, edge) == served:
            return edge
    raise AssertionError("the native engine takes a step that the spec does not have")


def _served(fair: Fair, edge: int) -> Served:
    number = fair.of_edge[edge]
    if number < 0:
        return None
    assumption: Assumption = fair.assumptions[number]
    return assumption.action.name, assumption.values
