"""Strongly connected components of a part of the graph: Tarjan's algorithm, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

__all__ = ["components"]


def components(
    states: Iterable[int], next_states: Callable[[int], list[int]], inside: set[int]
) -> Iterator[list[int]]:
    """Each strongly connected set of the states `inside`, found from `states`.

    A state alone is one too, whether or not an edge leads from it to itself.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in states:
        if root in index:
            continue
        work = [(root, iter(next_states(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            state, targets = work[-1]
            for target in targets:
                if target not in inside:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(next_states(target))))
                    break
                if target in on_stack:
                    low[state] = min(low[state], index[target])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[state])
                if low[state] == index[state]:
                    yield _cut_off(stack, on_stack, state)


def _cut_off(stack: list[int], on_stack: set[int], state: int) -> list[int]:
    """Take the component of which `state` was found first."""
    found: list[int] = []
    while not found or found[-1] != state:
        found.append(stack.pop())
        on_stack.discard(found[-1])
    return found
