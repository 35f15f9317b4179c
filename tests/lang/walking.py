"""All reachable states, the obvious way."""

from __future__ import annotations

from checker.lang.model import Model, State


def explored(model: Model) -> dict[State, int]:
    """Each reachable state, with the fewest steps to it."""
    depth = dict.fromkeys(model.initial_states(), 0)
    waiting = list(depth)
    for state in waiting:
        for _, _, after in model.successors(state):
            if after not in depth:
                depth[after] = depth[state] + 1
                waiting.append(after)
    return depth
