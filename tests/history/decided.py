"""What a special algorithm decides, held against the oracle `brute`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from checker.history.algorithms.decision import Decision, Times, one_line
from checker.history.history import OPEN
from tests.history.brute import Op, Steps, legal, linearizable


def times_of(operations: Sequence[Op]) -> Times:
    returned = [OPEN if o.returned is None else o.returned for o in operations]
    return one_line(
        np.array([o.invoked for o in operations], dtype=np.int64),
        np.array(returned, dtype=np.int64),
    )


def agrees(
    decided: Decision, operations: Sequence[Op], initial: Hashable, steps: Steps
) -> list[Op]:
    """The verdict is the oracle's; an order is legal, and has all that answered.  The conflict."""
    assert decided.linearizable == linearizable(operations, initial, steps), operations
    if decided.order is not None:
        order = [operations[i] for i in decided.order()]
        assert legal(order, initial, steps), (operations, order)
        assert {o for o in operations if o.returned is not None and o not in order} == set()
    return [operations[i] for i in decided.conflict]


def exchange(operations: list[Op], i: int, j: int) -> None:
    """Two operations change places in time."""
    o, p = operations[i], operations[j]
    operations[i], operations[j] = Op(*p[:3], *o[3:]), Op(*o[:3], *p[3:])
