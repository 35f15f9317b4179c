"""Several histories of one model: the small ones are decided together.

    from checker.history.several import linearize_each
    for result in linearize_each(map(read_history, paths), "cas-register"):
        print(result.source, result.verdict)

Linearizability is local, so that a history is one object among others: small histories with one
key are joined, and the search prepares once what they share (search/objects.py).  What is not
decided so is decided by itself, and so is everything if more is asked for than a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from checker.history.budget import LimitReached, Spending
from checker.history.check import (
    SMALL,
    Found,
    Violation,
    answer,
    explained,
    grouped,
    is_easy,
    linearize,
)
from checker.history.errors import HistoryError
from checker.history.history import COLUMNS, OPEN, History, Integers
from checker.history.models import Model
from checker.history.models import model as model_named
from checker.history.result import Result
from checker.history.rules import Failed, Null, checked
from checker.history.search import Objects, problem_of
from checker.history.search.objects import LINEARIZABLE
from checker.history.values import typed, untyped

MOST = 256
"""Histories that are read before the first of them is decided."""


def linearize_each(
    histories: Iterable[History | Result],
    model: Model | str,
    *,
    failed: Failed = "evidence",
    null: Null = "empty",
    explain: bool = True,
    spending: Spending | None = None,
    **more: Any,
) -> Iterator[Result]:
    """The result of each history, in their order.  Options and errors: as of `linearize`.

    A Result among them is passed on: that of a history that could not be read within the limits.
    """
    if isinstance(model, str):
        model = model_named(model)
    together = _Together(model, failed, null, explain, spending or Spending())
    options = {"failed": failed, "null": null, "explain": explain, "spending": spending, **more}
    by_itself = any(more.get(name, asked) != asked for name, asked in _VERDICT.items())
    by_itself |= type(model).prepare is not Model.prepare
    waiting: list[History] = []

    def decided() -> Iterator[Result]:
        found = together.decided(waiting) if len(waiting) > 1 else {}
        for place, history in enumerate(waiting):
            yield found[place] if place in found else linearize(history, model, **options)
        waiting.clear()

    for one in histories:
        if not by_itself and isinstance(one, History) and len(one) <= SMALL:
            waiting.append(one)
            if len(waiting) == MOST:
                yield from decided()
            continue
        yield from decided()
        yield one if isinstance(one, Result) else linearize(one, model, **options)
    yield from decided()


_VERDICT: Mapping[str, Any] = {
    "consistency": "linearizable",
    "algorithm": None,
    "per_key": False,
    "seconds": None,
    "memory_bytes": None,
}
"""Where nothing else is asked for, histories may be decided together."""


class _Together:
    def __init__(
        self, model: Model, failed: Failed, null: Null, explain: bool, spending: Spending
    ) -> None:
        self.model, self.explain, self.spending = model, explain, spending
        self.rules: Any = {"failed": failed, "null": null}

    def decided(self, histories: Sequence[History]) -> dict[int, Result]:
        """The results of some of the histories, by their places."""
        easy = [
            place
            for place, history in enumerate(histories)
            if len(history.keys_here) == 1 and is_easy(history)
        ]
        results: dict[int, Result] = {}
        for group in grouped(easy, [len(histories[place]) for place in easy]):
            try:
                with self.spending.watched():
                    found = self.group([histories[place] for place in group])
            except (HistoryError, LimitReached):  # who is to blame is seen when each is decided
                break
            if found is None:
                break
            results |= {group[one]: result for one, result in found.items()}
        return results

    def group(self, histories: Sequence[History]) -> dict[int, Result] | None:
        """None: they have too little in common."""
        begun = time.monotonic()
        whole = joined(histories)
        model = self.model.fitted(whole)
        counted = checked(whole, model, **self.rules)
        problem = problem_of(counted, model)
        bounds = np.searchsorted(counted.key, np.arange(len(histories) + 1)).tolist()
        results: dict[int, Result] = {}
        with closing(Objects(problem, counted.key, len(histories))) as objects:
            if not objects.is_useful:
                return None
            share = (time.monotonic() - begun) / len(histories)
            for one, (history, (first, last)) in enumerate(
                zip(histories, pairwise(bounds), strict=True)
            ):
                begun = time.monotonic()
                limits = self.spending.deadline, self.spending.memory_bytes or 0
                position = objects.refuted(one, *limits)
                if position is None:
                    continue
                found = Found(algorithms={"frontier"})
                if position != LINEARIZABLE:
                    found.violation = Violation(history)
                    if self.explain:
                        part = checked(history, model, **self.rules)
                        mine = problem.part(range(first, last)).at(part.invoked, part.returned)
                        before = counted.invoked[first] - part.invoked[0]
                        at = int(position - before)
                        found.violation = Violation(part, position=at, problem=mine)
                        explained(found, found.violation, model, "linearizable", self.spending)
                spent = share + time.monotonic() - begun
                results[one] = answer(history, model, found, spent)
        return results


def joined(histories: Sequence[History]) -> History:
    """Histories one after the other as one, in which the key says which of them it was."""
    functions: dict[Any, int] = {}
    values: dict[Any, int] = {}
    columns: dict[str, list[Integers]] = {name: [] for name in COLUMNS}
    processes: list[int | str] = []
    begun = [0, *accumulate(history.events for history in histories)]
    for place, history in enumerate(histories):
        value = _places(values, map(typed, history.values))
        changed = {
            "process": history.process + len(processes),
            "f": _places(functions, history.functions)[history.f],
            "key": np.full(len(history), place),
            "argument": value[history.argument],
            "result": value[history.result],
            "invoked": history.invoked + begun[place],
            "returned": np.where(history.is_open, OPEN, history.returned + begun[place]),
            "ended": np.where(history.ended == OPEN, OPEN, history.ended + begun[place]),
        }
        processes += history.processes
        for name, parts in columns.items():
            parts.append(changed[name] if name in changed else getattr(history, name))
    whole: dict[str, Any] = {
        name: np.concatenate(parts).astype(COLUMNS[name], copy=False)
        for name, parts in columns.items()
    }
    return History(
        **whole,
        processes=processes,
        functions=list(functions),
        keys=range(len(histories)),
        values=list(map(untyped, values)),
        events=begun[-1],
    )


def _places(table: dict[Any, int], some: Iterable[Any]) -> Integers:
    """Of each its place in the table; that of NO_RESULT, which is -1, is itself."""
    return np.array([*(table.setdefault(one, len(table)) for one in some), -1])


__all__ = ["joined", "linearize_each"]
