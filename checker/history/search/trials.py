"""Many small parts of one problem: is each linearizable?  What they share is prepared once.

To explain a violation takes some fifteen searches of ten operations, and preparing each would take
ten times as long as it takes to search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.history.search.native import Engine, NoKernelError, Prepared, Search, Status
from checker.history.search.problem import Problem

SLICE = 1 << 16
"""Of work, as the first one of a search; a small part that takes more is not for here."""

_REFUTED = {Status.LINEARIZABLE: False, Status.VIOLATED: True}


class Trials:
    """Parts of some operations of a problem, `base`: indices, ascending.  `close` it."""

    def __init__(self, problem: Problem, base: Sequence[int]) -> None:
        self._place = {operation: place for place, operation in enumerate(base)}
        self._prepared: Prepared | None = None
        try:
            self._prepared = Prepared(problem.part(base))
        except NoKernelError:
            return
        self._operation = self._prepared.events >> 1

    def close(self) -> None:
        if self._prepared is not None:
            self._prepared.close()

    def refuted(self, some: Sequence[int], deadline: float, memory_bytes: int) -> bool | None:
        """Whether these operations, of the base, are *not* linearizable.

        None: one slice of the frontier does not tell, or a limit came, or there is no compiler.
        """
        if self._prepared is None:
            return None
        chosen = np.zeros(len(self._place), dtype=np.bool_)
        chosen[[self._place[operation] for operation in some]] = True
        events = self._prepared.events[chosen[self._operation]]
        if not len(events):
            return False
        search = Search(self._prepared, Engine.FRONTIER, with_order=False, events=events)
        try:
            return _REFUTED.get(search.run(SLICE, deadline, memory_bytes))
        finally:
            search.close()


__all__ = ["Trials"]
