"""The states and steps of a small instance, with what a person wants to see of each.

Rules of this file:

* A node is a state, numbered in the order of discovery, so breadth first.
* An edge is a pair of states: its `actions` are all the steps that lead from one to the other.
  Steps that change nothing are edges only if asked for.
* `violates` names the invariants that are false in a state, `deadlock` where nothing more can
  happen and no @final says that this is right, and on an edge the step properties that it breaks.
"""

from __future__ import annotations

from typing import Any

import networkx as nx

from checker.engines.python.explore import explore_graph
from checker.engines.python.graph import Graph
from checker.engines.result import Limits, Progress, ProgressCallback, Result
from checker.lang.errors import QuorateError
from checker.lang.model import Model, Property, State

LABEL = 44
"""A state whose text is longer than this is shown by its number."""


class TooLarge(QuorateError):
    """The graph has more states than can be looked at."""


def build(
    model: Model,
    max_states: int,
    *,
    stutters: bool = False,
    progress: ProgressCallback | None = None,
    limits: Limits | None = None,
) -> nx.DiGraph[int]:
    """The graph; `TooLarge` if it has more than `max_states` states."""
    held = limits or Limits()
    bounds = Limits(max_states, held.max_seconds, held.max_memory_bytes)
    explored, result = explore_graph(model, limits=bounds, progress=progress)
    if result.undecided_because:
        raise TooLarge(result.undecided_because)
    graph: nx.DiGraph[int] = nx.DiGraph(name=model.name)
    broken = _errors(explored, result)
    for number, state in enumerate(explored.states):
        graph.add_node(number, **_node(model, explored, number, state, broken))
    for number in range(len(explored.states)):
        _add_edges(graph, model, explored, number, stutters)
    return graph


def _errors(explored: Graph, result: Result) -> dict[State, str]:
    """States whose steps go wrong."""
    return {
        one.steps[-1].state: one.property
        for one in result.counterexamples
        if one.kind == "model error" and one.steps
    }


def _node(
    model: Model, explored: Graph, number: int, state: State, broken: dict[State, str]
) -> dict[str, Any]:
    shown = model.show(state)
    progresses = any(target != number for target in explored.next_states(number))
    declared = _any(model, model.final, state)
    violates = [what.name for what in model.properties if _is_broken(model, what, state)]
    if state in broken:
        violates.append(broken[state])
    elif not progresses and not declared and number not in explored.cut:
        violates.append("deadlock")
    parent = explored.parents[number]
    lines = [f"{name}: {value}" for name, value in shown.items()]
    return {
        "label": "\n".join(lines) if sum(map(len, lines)) <= LABEL else str(number),
        "tooltip": "\n".join(lines),
        "state": model.json(state),
        "initial": parent < 0,
        "final": not progresses or (bool(model.final) and declared),
        "violates": violates,
    }


def _any(model: Model, whats: tuple[Property, ...], state: State) -> bool:
    return any(bool(model.holds(what, state, args)) for what in whats for args in what.bindings())


def _is_broken(model: Model, what: Property, state: State) -> bool:
    if what.kind != "invariant":
        return False
    return not all(bool(model.holds(what, state, args)) for args in what.bindings())


def _add_edges(
    graph: nx.DiGraph[int], model: Model, explored: Graph, number: int, stutters: bool
) -> None:
    for action, args, target in explored.steps(number):
        if target == number and not stutters:
            continue
        if not graph.has_edge(number, target):
            violates = [] if target == number else _steps_broken(model, explored, number, target)
            graph.add_edge(number, target, actions=[], names=[], violates=violates)
        edge = graph.edges[number, target]
        edge["actions"].append(action.text(args))
        if action.name not in edge["names"]:
            edge["names"].append(action.name)


def _steps_broken(model: Model, explored: Graph, before: int, after: int) -> list[str]:
    states = explored.states
    return [
        what.name
        for what in model.properties
        if what.kind == "step_property"
        and not all(
            model.holds_step(what, states[before], states[after], args) for args in what.bindings()
        )
    ]


def plain_copy(graph: nx.DiGraph[int]) -> nx.DiGraph[int]:
    """The same with text, numbers and truth values only, as GraphML takes them."""
    copy: nx.DiGraph[int] = nx.DiGraph(name=graph.name)
    for number, node in graph.nodes(data=True):
        copy.add_node(
            number,
            label=node["label"],
            state=node["tooltip"],
            initial=node["initial"],
            final=node["final"],
            violates=", ".join(node["violates"]),
        )
    for source, target, edge in graph.edges(data=True):
        copy.add_edge(
            source,
            target,
            label="\n".join(edge["actions"]),
            action=", ".join(edge["names"]),
            violates=", ".join(edge["violates"]),
        )
    return copy


def role(node: dict[str, Any]) -> str:
    """The one word that a state's colour says."""
    if node["violates"]:
        return "violating"
    if node["initial"]:
        return "initial"
    return "final" if node["final"] else "other"


__all__ = ["Progress", "TooLarge", "build", "plain_copy", "role"]
