"""The explored graph: what liveness and `quorate graph` work on.

States are numbered in the order of their discovery, which is breadth first: a state's number
is larger than those of all states nearer to the initial ones.  The edges of state `i` are
`first[i] .. first[i + 1] - 1`, in the order in which the model gives them; several edges may
lead to the same state, and an edge may lead back to where it starts (a stuttering step).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checker.engines.result import Step
from checker.lang.errors import ModelError
from checker.lang.model import Action, Model, State

Label = tuple[Action, tuple[Any, ...]]


class WrongIn(Exception):
    """A model error in a state of a finished graph."""

    def __init__(self, state: int, error: ModelError) -> None:
        super().__init__(state, error)
        self.state = state
        self.error = error


@dataclass(eq=False)
class Graph:
    """States by number, initial ones first, and labelled edges between them."""

    model: Model
    states: list[State]
    parents: array[int]
    """The state from which each was first reached; -1 for an initial state."""
    initial: int = 0
    """How many initial states there are: `0 .. initial - 1`."""
    labels: list[Label] = field(default_factory=list)
    first: array[int] = field(default_factory=lambda: array("q", [0]))
    targets: array[int] = field(default_factory=lambda: array("i"))
    named: array[int] = field(default_factory=lambda: array("i"))
    """The label of each edge, by its number in `labels`."""
    cut: set[int] = field(default_factory=set)
    """States of which some steps were cut off, by a constraint or a pruned bound."""
    _numbers: dict[Label, int] = field(default_factory=dict)

    def add(self, action: Action, args: tuple[Any, ...], target: int) -> None:
        """One more edge of the state that is being extended."""
        label = (action, args)
        number = self._numbers.get(label)
        if number is None:
            number = self._numbers[label] = len(self.labels)
            self.labels.append(label)
        self.targets.append(target)
        self.named.append(number)

    def close(self) -> None:
        """The state that is being extended has no more edges."""
        self.first.append(len(self.targets))

    def finish(self) -> None:
        """After a search that was stopped: the states left have no edges, and are cut."""
        del self.targets[self.first[-1] :], self.named[self.first[-1] :]
        for state in range(len(self.first) - 1, len(self.states)):
            self.cut.add(state)
            self.close()

    def edges(self, source: int) -> range:
        return range(self.first[source], self.first[source + 1])

    def source(self, edge: int) -> int:
        """The state that an edge starts from."""
        return bisect_right(self.first, edge) - 1

    def steps(self, source: int) -> Iterator[tuple[Action, tuple[Any, ...], int]]:
        """`(action, args, target)` of each edge of a state."""
        for edge in self.edges(source):
            action, args = self.labels[self.named[edge]]
            yield action, args, self.targets[edge]

    def next_states(self, source: int) -> list[int]:
        """The targets of a state's edges, each once, in order."""
        return list(dict.fromkeys(self.targets[self.first[source] : self.first[source + 1]]))

    @property
    def edge_count(self) -> int:
        return len(self.targets)

    # ------------------------------------------------------------- runs

    def edges_to(self, state: int) -> list[int]:
        """The edges of a shortest run from an initial state to this one."""
        found: list[int] = []
        while (parent := self.parents[state]) >= 0:
            found.append(next(e for e in self.edges(parent) if self.targets[e] == state))
            state = parent
        return found[::-1]

    def run(self, start: int, edges: list[int]) -> tuple[Step, ...]:
        """The run that takes these edges from the state `start`."""
        steps = [Step(None, (), self.states[start])]
        for edge in edges:
            action, args = self.labels[self.named[edge]]
            steps.append(Step(action.name, args, self.states[self.targets[edge]]))
        return tuple(steps)

    def path(self, state: int) -> tuple[Step, ...]:
        """A shortest run to a state."""
        return self.run(self.root_of(state), self.edges_to(state))

    def root_of(self, state: int) -> int:
        """The initial state from which a state was first reached."""
        while self.parents[state] >= 0:
            state = self.parents[state]
        return state
