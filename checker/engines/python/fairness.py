"""Fairness: which steps a run must take, as sets of edges of the graph.

A run may stay in its state for ever (stuttering), unless that is unfair.

    weak    if from some point on such a step is always possible, one is taken again and again
    strong  if such a step is possible again and again, one is taken again and again

Rules of this file:

* "Such a step" belongs to one *assumption*: an action with one value of each parameter named in
  `for_each`, with any values of the others (for some), where `when` holds.
* A step that changes nothing is no step: it neither counts as taken nor as possible.
* Every assumption speaks of steps that the spec itself can take, and there are finitely many.
  So from every state some run satisfies all of them: no assumption proves something by excluding
  every run.
"""

from __future__ import annotations

import ast
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checker.engines.python.graph import Graph, WrongIn
from checker.lang import failures
from checker.lang.errors import ModelError
from checker.lang.model import Action, Model
from checker.lang.source import lambda_of

NONE = -1


@dataclass(frozen=True, eq=False)
class Assumption:
    """One fairness assumption: an action, for these values of its `for_each` parameters."""

    action: Action
    values: tuple[Any, ...]

    @property
    def strong(self) -> bool:
        return self.action.fairness is not None and self.action.fairness.strength == "strong"

    def text(self) -> str:
        each = [param for param in self.action.params if param.name in for_each(self.action)]
        pairs = zip(each, self.values, strict=True)
        inside = ", ".join(f"{param.name}={param.type.text(value)}" for param, value in pairs)
        return f"`{self.action.name}({inside})`" if inside else f"`{self.action.name}`"


class Fair:
    """The assumptions of a graph's model, and the edges that each speaks of."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.assumptions: list[Assumption] = []
        self.of_label = [self._assumption(*label) for label in graph.labels]
        self.of_edge = array("i", (self.of_label[label] for label in graph.named))
        """The assumption that each edge serves; `NONE` if none."""
        self._remove_edges_that_do_not_count()
        self.possible = self._possible()
        """The assumptions of which a step is possible, by state."""

    def _assumption(self, action: Action, args: tuple[Any, ...]) -> int:
        if action.fairness is None:
            return NONE
        names = for_each(action)
        values = tuple(
            arg for param, arg in zip(action.params, args, strict=True) if param.name in names
        )
        for number, known in enumerate(self.assumptions):
            if known.action is action and known.values == values:
                return number
        self.assumptions.append(Assumption(action, values))
        return len(self.assumptions) - 1

    def _remove_edges_that_do_not_count(self) -> None:
        """Steps that change nothing, and those for which `when` is false."""
        graph, of_edge = self.graph, self.of_edge
        conditions = {
            number: condition
            for number, (action, args) in enumerate(graph.labels)
            if (condition := _condition(action, args))
        }
        for state in range(len(graph.states)):
            loaded = False
            for edge in graph.edges(state):
                if graph.targets[edge] == state:
                    of_edge[edge] = NONE
                elif graph.named[edge] in conditions and of_edge[edge] != NONE:
                    if not loaded:
                        graph.model.load(graph.states[state])
                        loaded = True
                    try:
                        if not conditions[graph.named[edge]]():
                            of_edge[edge] = NONE
                    except ModelError as error:
                        raise WrongIn(state, error) from error

    def _possible(self) -> list[frozenset[int]]:
        shared: dict[frozenset[int], frozenset[int]] = {}
        found = []
        for state in range(len(self.graph.states)):
            possible = frozenset(self.of_edge[edge] for edge in self.graph.edges(state)) - {NONE}
            found.append(shared.setdefault(possible, possible))
        return found


def for_each(action: Action) -> tuple[str, ...]:
    return action.fairness.for_each if action.fairness else ()


def _condition(action: Action, args: tuple[Any, ...]) -> Callable[[], bool] | None:
    """`when` for these arguments, of the state that the machine holds."""
    when = action.fairness.when if action.fairness else None
    if when is None:
        return None

    def holds() -> bool:
        try:
            return bool(when(action.machine, *args))
        except Exception as error:
            raise failures.explain(error, f"fairness of {action.text(args)}") from error

    return holds


def fairness_in_words(model: Model) -> list[str]:
    """What is assumed of the model's runs, a sentence for each action with fairness."""
    return [_in_words(action) for action in model.actions if action.fairness is not None]


def _in_words(action: Action) -> str:
    assert action.fairness is not None
    each = [param.name for param in action.params if param.name in for_each(action)]
    some = [param.name for param in action.params if param.name not in each]
    start = f"for each {_and(each)}: " if each else ""
    what = f"`{action.name}`" + (f" for some {_and(some)}" if some else "")
    when = _when_text(action)
    if action.fairness.strength == "weak":
        return f"{start}if {what} stays possible{when}, it is taken again and again (weak fairness)"
    return (
        f"{start}if {what} is possible again and again{when}, "
        "it is taken again and again (strong fairness)"
    )


def _when_text(action: Action) -> str:
    when = action.fairness.when if action.fairness else None
    if when is None:
        return ""
    tree = lambda_of(when)
    return f" (while {ast.unparse(tree.body)})" if tree else " (while its `when` holds)"


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def unmet(fair: Fair, loop: set[int], taken: set[int]) -> frozenset[int]:
    """The assumptions that going round the states of `loop` for ever breaks.

    `taken`: the assumptions that some step of the loop serves.
    """
    possible = [fair.possible[state] for state in loop]
    always = frozenset.intersection(*possible)
    ever = frozenset.union(*possible)
    strong = {number for number in ever if fair.assumptions[number].strong}
    return (always | strong) - taken
