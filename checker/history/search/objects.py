"""Many small objects: is each linearizable?  What their searches share is prepared once.

To prepare a search of fifty operations takes ten times as long as it takes to search.  The objects
are keys of one history, or histories of one model, each with an object of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from checker.history.budget import LimitReached
from checker.history.history import OPEN
from checker.history.search.native import Engine, NoKernelError, Prepared, Search, Status
from checker.history.search.problem import Problem
from checker.history.search.trials import SLICE

LINEARIZABLE = -1
MOST_WORDS = 4
"""Of a configuration.  Objects that have little in common would make those of all others large."""


class Objects:
    """The operations of a problem by the object, 0 to count - 1, that each is on.  `close` it.

    `is_useful`: whether what they share is small enough; if not, search each by itself.
    """

    def __init__(self, problem: Problem, object_of: NDArray[Any], count: int) -> None:
        order = np.argsort(object_of, kind="stable")
        object_of, problem = object_of[order], problem.part(order)
        self._first = np.searchsorted(object_of, np.arange(count + 1))
        closed = np.flatnonzero(problem.returned < OPEN)
        # One object after another, so that no more is pending at a time than on one of them.
        position = np.concatenate([problem.invoked, problem.returned[closed]])
        event_of = np.concatenate([object_of, object_of[closed]])
        order = np.lexsort((position, event_of))
        self._position, event_of = position[order], event_of[order]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        returned = np.full(problem.operations, OPEN, dtype=np.int64)
        returned[closed] = place[problem.operations :]
        self._prepared: Prepared | None = None
        try:
            one_by_one = problem.at(place[: problem.operations], returned)
            self._prepared = Prepared(one_by_one, object_of)
        except (LimitReached, KeyboardInterrupt):
            raise
        except NoKernelError:
            return
        except Exception:  # a model need not know the operations of one object in states of another
            return
        bounds = np.searchsorted(event_of, np.arange(count + 1))
        self._bounds = np.searchsorted(self._prepared.positions, bounds)

    @property
    def is_useful(self) -> bool:
        p = self._prepared
        return p is not None and p.is_complete and p.mask_words + p.used_words <= MOST_WORDS

    def close(self) -> None:
        if self._prepared is not None:
            self._prepared.close()

    def refuted(self, one: int, deadline: float, memory_bytes: int) -> int | None:
        """The position of the return that no order explains; LINEARIZABLE: all are explained.

        By the frontier.  None: one slice of its work does not tell, or a limit came.
        """
        assert self._prepared is not None
        first, last = self._bounds[one : one + 2].tolist()
        if first == last:
            return LINEARIZABLE
        operations = slice(*self._first[one : one + 2].tolist())
        events = self._prepared.events[first:last] - np.uint32(2 * operations.start)
        search = Search(
            self._prepared,
            Engine.FRONTIER,
            with_order=False,
            events=events,
            operations=operations,
        )
        try:
            status = search.run(SLICE, deadline, memory_bytes)
            if status is not Status.VIOLATED:
                return LINEARIZABLE if status is Status.LINEARIZABLE else None
            at = self._prepared.positions[first + search.numbers().furthest]
            return int(self._position[at])
        finally:
            search.close()


__all__ = ["LINEARIZABLE", "Objects"]
