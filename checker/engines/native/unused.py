"""What was never tried, after a native search: the warnings of `vacuity.py`.

The search itself knows which actions were taken with which values.  Whether a premise was ever
true, or a branch ever run, is found by running the spec in states of the search, spread over all
of it, until nothing is left to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.engines.native.library import Search
from checker.engines.python.vacuity import Unused, Used
from checker.lang.errors import ModelError
from checker.lang.model import Model

MOST_LOOKED_AT = 20_000


def unused_warnings(
    model: Model, search: Search, states: int, used: Used, *, reduced: bool, kept: bool
) -> Iterator[str]:
    """After a complete search for these `states`.

    `used`: the values with which each action was taken.  `reduced`: the search left out states,
    but nothing that can be taken.  `kept`: the states can still be read.
    """
    unused = Unused(model)
    if not kept and (unused.premises or unused.watching):
        yield "branches never run and premises never true were not looked for: no states were kept"
        unused.premises.clear()
        unused.watching.clear()
    looked_at = 0
    for number in _spread(states):
        if not unused.premises and not unused.watching:
            break
        if looked_at == MOST_LOOKED_AT:
            break
        looked_at += 1
        state = search.library.generated.packing.decode(search.state(number))
        if unused.watching:
            try:
                unused.see_steps(state, model.successors(state))
            except ModelError:
                continue
        model.load(state)
        unused.see_state()
    whole = looked_at == states and not reduced
    where = "" if whole else f" (of {looked_at:,} states that were looked at)"
    yield from unused.warnings(used, where)


def _spread(count: int) -> Iterator[int]:
    """All numbers below `count`, each once, in an order that jumps about."""
    step = next(s for s in (1_000_003, 1_000_033, 7_919, 104_729) if count % s)
    number = 0
    for _ in range(count):
        yield number
        number = (number + step) % count
