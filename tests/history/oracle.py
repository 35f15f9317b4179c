"""Linearizability by its definition: for up to about 8 operations, and obviously right.

A history is linearizable if some of its open operations and all of the others can be put in an
order in which no operation comes before one that had returned when it was invoked, and in which
the object, one operation after another, does what was recorded (Herlihy and Wing 1990).
"""

from __future__ import annotations

from checker.history.history import OPEN
from checker.history.search.problem import Problem


def is_linearizable(problem: Problem) -> bool:
    invoked, returned = problem.invoked.tolist(), problem.returned.tolist()
    everything = range(len(invoked))

    def goes_on(done: frozenset[int], state: object) -> bool:
        left = [i for i in everything if i not in done]
        if all(returned[i] >= OPEN for i in left):
            return True
        first_return = min(returned[i] for i in left)
        return any(
            goes_on(done | {i}, after)
            for i in left
            if invoked[i] < first_return
            for after in problem.step(state, int(problem.kind[i]))
        )

    return goes_on(frozenset(), problem.initial)


def explains(problem: Problem, order: tuple[int, ...]) -> bool:
    """Whether an order is a linearization: some path through the states, and real time kept."""
    invoked, returned = problem.invoked.tolist(), problem.returned.tolist()
    closed = {i for i, end in enumerate(returned) if end < OPEN}
    if len(set(order)) != len(order) or not closed <= set(order):
        return False
    latest = -1
    for i in order:
        if returned[i] < latest:  # it returned before one that precedes it was invoked
            return False
        latest = max(latest, invoked[i])
    states = {problem.initial}
    for i in order:
        states = {after for state in states for after in problem.step(state, int(problem.kind[i]))}
    return bool(states)
