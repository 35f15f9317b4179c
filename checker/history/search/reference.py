"""Both engines in plain Python, without the rules of engine.py: what the kernel must agree with.

They follow the definition of a configuration and no more.  Nobody calls them for speed.
"""

from __future__ import annotations

from checker.history.history import OPEN
from checker.history.search.problem import Problem
from checker.history.search.transitions import State

Configuration = tuple[State, frozenset[int]]
"""The state, and the operations that have taken effect and not returned."""


def _returns(problem: Problem) -> list[tuple[int, int, list[int]]]:
    """Each return's position, its operation, and all that is pending then; in order."""
    invoked, returned = problem.invoked.tolist(), problem.returned.tolist()
    ends = sorted((end, i) for i, end in enumerate(returned) if end < OPEN)
    return [
        (end, i, [j for j in range(len(invoked)) if invoked[j] < end <= returned[j]])
        for end, i in ends
    ]


def _after(problem: Problem, one: Configuration, pending: list[int]) -> list[Configuration]:
    """What one pending operation more may make of a configuration."""
    state, done = one
    return [
        (after, done | {i})
        for i in pending
        if i not in done
        for after in problem.step(state, int(problem.kind[i]))
    ]


def frontier(problem: Problem) -> int | None:
    """The position of the first return that no order explains; None: linearizable."""
    front: set[Configuration] = {(problem.initial, frozenset())}
    for position, returning, pending in _returns(problem):
        met, left = set(front), list(front)
        while left:
            one = left.pop()
            if returning in one[1]:
                continue
            new = set(_after(problem, one, pending)) - met
            met |= new
            left += new
        front = {(state, done - {returning}) for state, done in met if returning in done}
        if not front:
            return position
    return None


def depth_first(problem: Problem) -> bool:
    """Whether the history is linearizable."""
    returns = _returns(problem)
    met: set[tuple[int, Configuration]] = set()
    left: list[tuple[int, Configuration]] = [(0, (problem.initial, frozenset()))]
    while left:
        level, (state, done) = left.pop()
        while level < len(returns) and returns[level][1] in done:
            done = done - {returns[level][1]}
            level += 1
        if level == len(returns):
            return True
        if (level, (state, done)) in met:
            continue
        met.add((level, (state, done)))
        left += [(level, one) for one in _after(problem, (state, done), returns[level][2])]
    return False
