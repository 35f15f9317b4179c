"""Is a history linearizable?  The cheapest algorithm that applies decides each key.

    from checker.history import read_history
    from checker.history.check import linearize
    result = linearize(read_history("run.jsonl"), "kv")
    print(result.verdict, result.reason)

Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable exactly if
the operations on each key are.  So:

1. `rules.checked` says which operations count; the model looks at their values.
2. The special algorithm of the model (`algorithms/special.py`) decides, in one pass, all keys to
   which it applies.  A small history is left to the search, which is quicker than any theorem.
3. The general search decides the other keys: each gets a short turn first, so that one hard key
   hides no violation of another; then those that are left get all the time there is.
4. What is not linearizable is explained (explain.py).

Every step has the same budget; where it ends, the verdict is "unknown" and says how far it came.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeVar

import numpy as np

from checker.errors import QuorateError
from checker.history.budget import LimitReached, Spending, looking, peak_bytes, preparing
from checker.history.history import NO_TIME, History
from checker.history.models import Model
from checker.history.models import model as model_named
from checker.history.native import missing
from checker.history.result import Consistency, Limit, Result, Verdict
from checker.history.rules import Failed, Null, checked
from checker.history.search import Budget, Objects, Problem, problem_of, search_problem
from checker.history.search import Verdict as Searched
from checker.history.search.objects import LINEARIZABLE
from checker.history.values import Value

T = TypeVar("T")

SMALL: Final = 300
"""Operations of a history that the search decides sooner than numpy sorts it."""
SMALL_WIDTH: Final = 24
"""Of these at most so many pending at one time, and so many open: no clock says which algorithm
decides, so that the same history is told of in the same words."""
SMALL_WORK: Final = 1 << 20
"""Of the search of a small one, some 20 ms: what takes longer a special algorithm may do sooner."""
TURN_WORK: Final = 1 << 26
"""Of the first turn of each key: about a second's."""

TOGETHER: Final = 1 << 14
"""Operations of small keys that are decided together: what is prepared for them stays small."""

SPECIAL: Final = ("zones", "chains", "queues", "switches", "witness", "revisions")
GENERAL: Final = {"search": None, "frontier": "frontier", "depth-first": "depth first"}
ALGORITHMS: Final = (*SPECIAL, *GENERAL)
"""What `algorithm` may name; `search` is both general ones."""


class AlgorithmError(QuorateError):
    """The algorithm that was asked for cannot decide this history."""


def linearize(
    history: History,
    model: Model | str,
    *,
    failed: Failed = "evidence",
    null: Null = "empty",
    consistency: Consistency = "linearizable",
    algorithm: str | None = None,
    explain: bool = True,
    per_key: bool = False,
    workers: int = 1,
    seconds: float | None = None,
    memory_bytes: int | None = None,
    spending: Spending | None = None,
) -> Result:
    """Decide a history.  `failed`, `null`: see rules.py.  `algorithm`: one of ALGORITHMS.

    `per_key`: a verdict for each key.  `seconds`, `memory_bytes` (of the whole process): limits;
    or both as `spending`.  Errors: HistoryError, for an operation that the model does not know;
    AlgorithmError.
    """
    begun = time.monotonic()
    if isinstance(model, str):
        model = model_named(model)
    if spending is None:
        deadline = float("inf") if seconds is None else begun + seconds
        spending = Spending(deadline, memory_bytes)
    found = Found()
    try:
        with spending.watched():
            model = model.fitted(history)
            counted = checked(history, model, failed=failed, null=null)
            prepared = model.prepare(counted)
            if consistency == "sequential":
                _sequential(prepared, model, found, spending, per_key)
            else:
                _Portfolio(prepared, model, spending, found, algorithm, per_key, workers).run()
    except LimitReached as reached:
        found.limit = reached.limit
    except KeyboardInterrupt:
        found.limit = "interrupted"
    if found.violation is not None:
        if explain:
            explained(found, found.violation, model, consistency, spending)
    elif found.limit is not None:
        _not_decided(found, history, consistency)
    return answer(history, model, found, time.monotonic() - begun, consistency)


def answer(
    history: History,
    model: Model,
    found: Found,
    seconds: float,
    consistency: Consistency = "linearizable",
) -> Result:
    """What was found of a history, as it is told."""
    return Result(
        model=model.name or type(model).__name__,
        operations=len(history),
        verdict=found.verdict,
        algorithm=" and ".join(sorted(found.algorithms)),
        seconds=seconds,
        peak_memory_bytes=peak_bytes(),
        witness=found.witness,
        minimal=found.minimal,
        reason=found.reason,
        verified=found.verified if found.verdict == "unknown" else None,
        limit=found.limit if found.verdict == "unknown" else None,
        consistency=consistency,
        source=history.source,
        keys=found.keys,
        warnings=slowly(),
    )


def slowly() -> tuple[str, ...]:
    """The warning that Python did what C should have done."""
    why = missing()
    return () if why is None else (f"Python did what C does faster: {why}",)


@dataclass(frozen=True)
class Violation:
    """Where explaining begins: a history of one object, and what its algorithm said of it."""

    history: History
    conflict: Sequence[int] = ()
    position: int | None = None
    reason: str = ""
    problem: Problem | None = None
    """If it is known."""


class Part:
    """Operations on one key, of which none failed."""

    def __init__(self, history: History, model: Model) -> None:
        self.history, self.model = history, model

    @cached_property
    def problem(self) -> Problem:
        with preparing():
            return problem_of(self.history, self.model)


@dataclass
class Found:
    """What is known of a history so far."""

    algorithms: set[str] = field(default_factory=set)
    violation: Violation | None = None
    limit: Limit | None = None
    verified: int | None = None
    keys: dict[Value, Verdict] = field(default_factory=dict)
    witness: History | None = None
    minimal: bool = True
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.violation is not None:
            return "not linearizable"
        return "linearizable" if self.limit is None else "unknown"


# --------------------------------------------------------------------------- which algorithm


@dataclass
class _Portfolio:
    history: History
    model: Model
    spending: Spending
    found: Found
    algorithm: str | None
    per_key: bool
    workers: int
    again: bool = True
    """Whether what is not decided in a first turn gets all the time there is."""

    def run(self) -> None:
        """Until a violation is found (with `per_key`: of each key), or all is decided."""
        if self.algorithm is not None and self.algorithm not in ALGORITHMS:
            raise AlgorithmError(f"there is no algorithm {self.algorithm!r}: {_all_algorithms()}")
        self.spending.look()
        if not self.model.independent_by_key:
            whole = self.history.with_columns(key=np.zeros(len(self.history)))
            if self.algorithm in GENERAL or self.revised(whole, [0]):
                if self.algorithm in SPECIAL:
                    raise self.not_applicable()
                self.searched({0: self.history}, ())
            return
        if self.per_key:
            for key, part in self.history.split():
                before, self.found.violation = self.found.violation, None
                self.decided(part)
                value = self.history.keys[key]
                self.found.keys[value] = self.found.verdict
                self.found.violation = before or self.found.violation
            return
        self.decided(self.history)

    def decided(self, history: History) -> None:
        if self.small(history):
            return
        left = self.special(history)
        if self.found.violation is None and len(left):
            left = self.revised(history, left)
        if self.found.violation is None and len(left):
            if self.algorithm in SPECIAL:
                raise self.not_applicable()
            self.general(history, left)

    def small(self, history: History) -> bool:
        """Whether the search decided it: it was asked for, or the history is small."""
        keys = history.keys_here
        if self.algorithm in GENERAL:
            self.general(history, keys)
            return True
        if self.algorithm is not None or len(keys) > 1 or not is_easy(history):
            return False
        part = Part(history, self.model)
        verdict = self.one(part, SMALL_WORK)
        if verdict.kind == "unknown":
            return False
        self.take(part, verdict)
        return True

    def revised(self, history: History, keys: Sequence[int]) -> Sequence[int]:
        """Of these keys, those of which revisions do not prove that they are linearizable."""
        if self.algorithm not in (None, "revisions"):
            return keys
        if not (history.revision != NO_TIME).any():
            return keys
        from checker.history.algorithms import revisions

        left = [
            key
            for key in keys
            if revisions.decide(history.of_key(key), self.model, self.spending) is None
        ]
        if len(left) < len(keys):
            self.found.algorithms.add("revisions")
        return left

    def special(self, history: History) -> Sequence[int]:
        """The keys that it leaves."""
        from checker.history.algorithms.special import special

        if self.algorithm == "revisions":
            return history.keys_here
        answer = special(history, self.model)
        if answer is None:
            if self.algorithm is not None:
                raise self.not_applicable()
            return history.keys_here
        if self.algorithm not in (None, answer.algorithm):
            raise self.not_applicable(answer.algorithm)
        decision = answer.decision
        if len(answer.keys):
            self.found.algorithms.add(answer.algorithm)
        if not decision.linearizable:
            self.found.violation = _of_one_key(history, decision.conflict.tolist(), decision.reason)
        left: list[int] = answer.left.tolist()
        return left

    def not_applicable(self, instead: str = "") -> AlgorithmError:
        name = self.model.name or type(self.model).__name__
        return AlgorithmError(
            f"the algorithm {self.algorithm} does not apply to this history of the model {name}"
            + (f"; {instead} does, at least to some keys" if instead else "")
            + "\n  mend: leave --algorithm out, or take --algorithm search, which always applies"
        )

    # ------------------------------------------------------------------- the general search

    def one(self, part: Part, work: int | None) -> Searched:
        budget = Budget(memory_bytes=self.spending.memory_bytes, work=work)
        engine = GENERAL.get(self.algorithm or "search")
        deadline = self.spending.deadline
        return search_problem(
            part.problem, budget, with_last=False, engine=engine, deadline=deadline
        )

    def general(self, history: History, keys: Iterable[int]) -> None:
        keys = list(keys)
        if len(keys) > 1 and self.algorithm != "depth-first":
            with looking():
                keys = self.small_keys(history, keys)
            if self.found.violation is not None or not keys:
                return
        if len(keys) == 1 and (history.key == keys[0]).all():
            self.searched({keys[0]: history}, ())
        else:
            self.searched({}, [(key, history) for key in keys])

    def small_keys(self, history: History, keys: list[int]) -> list[int]:
        """Decides those with few operations together; the keys that are left."""
        count = np.bincount(history.key)
        few = [key for key in keys if count[key] <= SMALL]
        decided: set[int] = set()
        for group in grouped(few, count[few].tolist()):
            place = np.full(len(count), -1)
            place[group] = np.arange(len(group))
            part = history.take(place[history.key] >= 0)
            with preparing():
                problem = problem_of(part, self.model)
                objects = Objects(problem, place[part.key], len(group))
            with closing(objects):
                if not objects.is_useful:
                    break
                limits = self.spending.deadline, self.spending.memory_bytes or 0
                for one, key in enumerate(group):
                    position = objects.refuted(one, *limits)
                    if position is None:
                        continue
                    decided.add(key)
                    self.found.algorithms.add("frontier")
                    if position != LINEARIZABLE:
                        self.found.violation = Violation(history.of_key(key), position=position)
                        return []
        return [key for key in keys if key not in decided]

    def searched(self, parts: dict[int, History], more: Iterable[tuple[int, History]]) -> None:
        """Each key in turn, and again those that took long."""

        def every() -> Iterator[Part]:
            for history in parts.values():
                yield Part(history, self.model)
            for key, history in more:
                yield Part(history.of_key(key), self.model)

        with looking():
            self.all_searched(every())

    def all_searched(self, parts: Iterable[Part]) -> None:
        again: list[tuple[Part, Searched]] = []
        for part, verdict in self.turns(parts, TURN_WORK):
            if verdict.kind == "unknown":
                again.append((part, verdict))
            elif self.take(part, verdict):
                return
        if not again:
            return
        waiting = {id(part): verdict for part, verdict in again}
        for part, verdict in self.turns([part for part, _ in again if self.again], None):
            if verdict.verified >= waiting[id(part)].verified:
                waiting[id(part)] = verdict
            if verdict.kind != "unknown":
                del waiting[id(part)]
                if self.take(part, verdict):
                    return
        for verdict in waiting.values():
            self.found.algorithms.update(verdict.engine.split(" and "))
            self.found.limit = "memory" if verdict.limit == "memory" else "time"
            known = self.found.verified
            self.found.verified = (
                verdict.verified if known is None else min(known, verdict.verified)
            )

    def turns(self, parts: Iterable[Part], work: int | None) -> Iterator[tuple[Part, Searched]]:
        def of(part: Part) -> tuple[Part, Searched]:
            return part, self.one(part, work)

        if self.workers <= 1:
            yield from map(of, parts)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.workers) as pool:
            running = [pool.submit(of, part) for part in parts]
            try:
                for future in running:
                    yield future.result()
            finally:
                for future in running:
                    future.cancel()

    def take(self, part: Part, verdict: Searched) -> bool:
        """Whether it is a violation."""
        self.found.algorithms.update(verdict.engine.split(" and "))
        if verdict.kind == "linearizable":
            return False
        found = Violation(part.history, position=verdict.position, problem=part.problem)
        self.found.violation = found
        return True


def grouped(what: Sequence[T], operations: Sequence[int]) -> Iterator[list[T]]:
    """In their order, in groups of about TOGETHER operations; `operations`: those of each."""
    group: list[T] = []
    held = 0
    for one, count in zip(what, operations, strict=True):
        group.append(one)
        held += count
        if held >= TOGETHER:
            yield group
            group, held = [], 0
    if group:
        yield group


def is_easy(history: History) -> bool:
    """Whether the search is asked first."""
    if len(history) > SMALL or int(history.is_open.sum()) > SMALL_WIDTH:
        return False
    ended = np.sort(history.returned)
    pending = np.arange(1, len(history) + 1) - np.searchsorted(ended, history.invoked)
    return int(pending.max(initial=0)) <= 2 * SMALL_WIDTH


def _of_one_key(history: History, conflict: Sequence[int], reason: str) -> Violation:
    """The history of the key of a conflict; the conflict in its numbers."""
    if len(conflict) == 0:
        return Violation(history, reason=reason)
    key = int(history.key[conflict[0]])
    mine = np.flatnonzero(history.key == key)
    part = history if len(mine) == len(history) else history.take(mine)
    places = np.searchsorted(mine, np.asarray(conflict))
    return Violation(part, tuple(places.tolist()), reason=reason)


def _all_algorithms() -> str:
    return "there are " + ", ".join(ALGORITHMS)


# --------------------------------------------------------------------------- the others


def _sequential(
    history: History, model: Model, found: Found, spending: Spending, per_key: bool
) -> None:
    """If it is linearizable, it is; if the operations on one key are not, it is not; or both are
    undecided, and all keys are searched together."""
    from checker.history.sequential import sequential

    if per_key:
        for key, part in history.split():
            one = Found()
            _sequential(part, model, one, spending, per_key=False)
            found.keys[history.keys[key]] = one.verdict
    tried = Found()
    _Portfolio(history, model, spending, tried, None, False, 1, again=False).run()
    if tried.verdict == "linearizable":
        found.algorithms |= tried.algorithms
        return
    found.algorithms.add("depth first")
    if model.independent_by_key and len(history.keys_here) > 1:
        for _, part in history.split():
            if sequential(part, model, spending, work=TURN_WORK).kind == "not linearizable":
                found.violation = Violation(part)
                return
    with looking():
        answer = sequential(history, model, spending)
        if answer.kind == "not linearizable":
            found.violation = Violation(history)
        elif answer.kind == "unknown":
            found.limit = answer.limit
            came = f"{answer.furthest:,} of {len(history):,} operations"
            found.reason = f"one order came to have {came}"


def explained(
    found: Found,
    violation: Violation,
    model: Model,
    consistency: Consistency,
    spending: Spending,
) -> None:
    """A witness, unless a limit comes first."""
    from checker.history.explain import explain, explain_sequential

    witness = None
    try:
        with spending.watched():
            if consistency == "sequential":
                witness = explain_sequential(violation.history, model, spending)
            else:
                witness = explain(
                    violation.history,
                    model,
                    spending,
                    conflict=violation.conflict,
                    position=violation.position,
                    reason=violation.reason,
                    problem=violation.problem,
                )
    except LimitReached:
        pass
    if witness is None:
        found.minimal = False
        found.reason = violation.reason or UNEXPLAINED
        return
    found.witness, found.minimal, found.reason = witness.history, witness.minimal, witness.reason


UNEXPLAINED: Final = "the limit was reached before it was explained"

LIMITS: Final[dict[Limit, str]] = {
    "time": "the time limit was reached",
    "memory": "the memory limit was reached",
    "interrupted": "it was interrupted",
}


def _not_decided(found: Found, history: History, consistency: Consistency) -> None:
    assert found.limit is not None
    if consistency == "linearizable":
        found.verified = found.verified or 0
        begun = int((history.invoked < found.verified).sum())
        more = f"none of {history.events:,} events was verified by then"
        if found.verified:
            more = (
                f"the first {found.verified:,} of {history.events:,} events "
                f"({begun:,} operations) are linearizable"
            )
    else:
        more = found.reason
    found.reason = f"{LIMITS[found.limit]}; {more}" if more else LIMITS[found.limit]


__all__ = ["ALGORITHMS", "AlgorithmError", "linearize"]
