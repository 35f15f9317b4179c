"""Why a history is not linearizable: a few operations that contradict each other.

A *witness* is a sub-history, closed in the sense of needs.py, that is not linearizable, and
1-minimal: take any one of its operations away, with those that need it, and the rest is
linearizable.  Both are verified by the general search, which knows nothing of the special
algorithms, before a witness is given.

So the witness of a stale read has the write whose value was read, and it is no excuse that
without the write "the read is wrong anyhow"; and that of two values that left a queue in the wrong
order has the two enqueues and the two dequeues.

Where a model does not say which operations need each other (`needs_of` gives None), a
sub-history must be *sensible*: if its operations had all been concurrent it would be
linearizable, so that only their order is wrong.  (Unless none is found that is: a value that
nobody wrote.)  A rest that is not sensible counts as being linearizable.

Finding one.  A special algorithm names a conflict: it is closed and, as a rule, is all but
minimal.  The general search says at which return no order was left.  Most often the operations
just before that are to blame, so the last 4, 8, 16, ... before it are taken until they are a
contradiction: what is long ago is never searched.  Then delta debugging: leave out chunks, then
smaller ones, and at last single operations (A. Zeller and R. Hildebrandt, "Simplifying and
isolating failure-inducing input", IEEE Trans. Software Eng. 28(2), 2002).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checker.history.budget import LimitReached, Spending
from checker.history.history import OPEN, History, Operation
from checker.history.models.model import Model
from checker.history.needs import Needs, needs_of
from checker.history.search import Budget, Problem, Trials, Verdict, problem_of, search_problem

FIRST_CHUNK = 4
REBASED = 4
"""When so few are left of what was prepared for trials, less is prepared."""
MOST_SENSIBLE = 40
"""Operations that are tried in all orders, at most; more are taken to be sensible."""
SENSIBLE_WORK = 1 << 23
"""And so are those that take more than this, about a tenth of a second."""
TRIAL_WORK = 1 << 27
"""For one search, about two seconds: a sub-history that is harder than this is not taken.  No clock
says so: a witness is the same in every run."""


@dataclass(frozen=True)
class Witness:
    """`history` is the sub-history; `failed`: the index in it of the operation that fails last."""

    history: History
    minimal: bool
    reason: str


def explain(
    history: History,
    model: Model,
    spending: Spending,
    *,
    conflict: Sequence[int] = (),
    position: int | None = None,
    reason: str = "",
    problem: Problem | None = None,
) -> Witness | None:
    """A witness in the history of one object that is not linearizable.

    `conflict`: indices of operations that cannot be ordered; or `position`: of the return that no
    order explains.  `reason` begins the words.  `problem`: that of the history, if it is known.
    None if the limit came before anything was found.
    """
    return _Explaining(history, model, spending, problem).witness(conflict, position, reason)


def explain_sequential(history: History, model: Model, spending: Spending) -> Witness | None:
    """The same for a history that is not sequentially consistent, all its keys together."""
    return _ExplainingSequential(history, model, spending).witness((), None, "")


class _Explaining:
    """Sub-histories are lists of indices, ascending."""

    def __init__(
        self, history: History, model: Model, spending: Spending, problem: Problem | None = None
    ) -> None:
        self.history, self.model, self.spending = history, model, spending
        self.problem = problem_of(history, model) if problem is None else problem
        self.base: list[int] = []
        """All that is tried is among these."""
        self.trials: Trials | None = None
        """Of the base, when it is first asked."""
        known = self.known_needs()
        self.guarded = known is None
        self.needs = known or Needs()
        self.tried: dict[tuple[int, ...], bool] = {}

    def known_needs(self) -> Needs | None:
        return needs_of(self.history, self.model)

    def witness(self, conflict: Sequence[int], position: int | None, reason: str) -> Witness | None:
        some: list[int] | None = None
        try:
            some = self.first(conflict, position)
            if some is None:
                return None
            self.shrunk_to(some)
            for step in self.smaller(some):
                some, minimal = step
                if REBASED * len(some) < len(self.base):
                    self.shrunk_to(some)
        except LimitReached:
            minimal = False
        finally:
            self.shrunk_to([])
        return None if some is None else self.told(some, minimal, reason)

    def shrunk_to(self, base: list[int]) -> None:
        if self.trials is not None:
            self.trials.close()
        self.base, self.trials = base, None

    # ------------------------------------------------------------------- where to begin

    def first(self, conflict: Sequence[int], position: int | None) -> list[int] | None:
        """Some operations that contradict each other; None: not even all do."""
        if len(conflict):
            some = self.needs.closed(map(int, conflict))
            if self.contradict(some):
                return some
        if position is None:
            found = self.searched(list(range(len(self.history))), None)
            if found.kind != "not linearizable":
                return None
            position = found.position
        assert position is not None
        before = np.flatnonzero(self.history.invoked <= position).tolist()
        last = np.flatnonzero(self.history.returned == position).tolist()
        count = FIRST_CHUNK
        while count < len(before):
            some = self.needs.closed([*before[-count:], *last])
            if self.contradict(some):
                return some
            count *= 2
        if self.guarded and not self.is_sensible(before):
            self.guarded = False
            self.tried.clear()
        some = self.needs.closed(before)
        return some if self.contradict(some) else None

    # ------------------------------------------------------------------- smaller and smaller

    def smaller(self, some: list[int]) -> Iterator[tuple[list[int], bool]]:
        """Ever smaller sub-histories that contradict; the last one is 1-minimal."""
        yield some, False
        size = len(some) // 2
        while size >= 1:
            at = len(some)
            while at > 0:
                # From the end: what was last is seldom needed by others.
                chunk = some[max(0, at - size) : at]
                rest = self.needs.without(some, chunk)
                at -= size
                if rest and len(rest) < len(some) and self.contradict(rest):
                    some = rest
                    yield some, False
                    at = min(at, len(some))
            size //= 2
        while True:
            for one in reversed(some):
                rest = self.needs.without(some, [one])
                if rest and self.contradict(rest):
                    some = rest
                    yield some, False
                    break
            else:
                yield some, True
                return

    def contradict(self, some: list[int]) -> bool:
        """Whether these operations, closed, are a witness by themselves."""
        key = tuple(some)
        found = self.tried.get(key)
        if found is None:
            found = self.refuted(some)
            if found and self.guarded:
                found = self.is_sensible(some)
            self.tried[key] = found
        return found

    def refuted(self, some: list[int]) -> bool:
        if self.base:
            self.trials = self.trials or Trials(self.problem, self.base)
            limits = self.spending.deadline, self.spending.memory_bytes or 0
            found = self.trials.refuted(some, *limits)
            if found is not None:
                return found
        return self.searched(some, TRIAL_WORK).kind == "not linearizable"

    def searched(
        self,
        some: list[int],
        work: int | None,
        part: Problem | None = None,
        *,
        with_last: bool = False,
    ) -> Verdict:
        """`part`: these operations, with other times."""
        self.spending.look()
        verdict = search_problem(
            part or self.problem.part(some),
            Budget(memory_bytes=self.spending.memory_bytes, work=work),
            with_last=with_last,
            deadline=self.spending.deadline,
        )
        if verdict.limit is not None:
            raise LimitReached(verdict.limit)
        return verdict

    def is_sensible(self, some: list[int]) -> bool:
        """Whether these would be linearizable if all were concurrent."""
        if len(some) > MOST_SENSIBLE:
            return True
        part = self.problem.part(some)
        now = np.arange(len(some))
        together = part.at(now, np.where(part.returned >= OPEN, OPEN, len(some) + now))
        return self.searched(some, SENSIBLE_WORK, together).kind != "not linearizable"

    # ------------------------------------------------------------------- in words

    def told(self, some: list[int], minimal: bool, reason: str) -> Witness:
        part = self.history.take(some)
        try:
            verdict = self.searched(some, TRIAL_WORK, with_last=True)
            words = in_words(part, self.model, verdict)
        except LimitReached:
            words = ""
        sentences = [_sentence(reason), words]
        return Witness(part, minimal, " ".join(filter(None, sentences)))


class _ExplainingSequential(_Explaining):
    """Which order is asked for does not change what a contradiction is."""

    def known_needs(self) -> Needs | None:
        return None

    def first(self, conflict: Sequence[int], position: int | None) -> list[int] | None:
        some = list(range(len(self.history)))
        self.guarded = self.is_sensible(some)
        return some

    def refuted(self, some: list[int]) -> bool:
        part = self.history.take(some)
        from checker.history.sequential import sequential

        found = sequential(part, self.model, self.spending, work=TRIAL_WORK)
        if found.limit is not None:
            raise LimitReached(found.limit)
        return found.kind == "not linearizable"

    def is_sensible(self, some: list[int]) -> bool:
        """Whether these would be sequentially consistent if each had a process of its own."""
        if len(some) > MOST_SENSIBLE:
            return True
        part = self.history.take(some)
        from checker.history.sequential import sequential

        alone = part.with_columns(process=np.arange(len(part)), processes=list(range(len(part))))
        return (
            sequential(alone, self.model, self.spending, work=SENSIBLE_WORK).kind
            != "not linearizable"
        )

    def told(self, some: list[int], minimal: bool, reason: str) -> Witness:
        words = (
            "No order of these operations is legal in which those of each process stand as it "
            "issued them."
        )
        return Witness(self.history.take(some), minimal, words)


def in_words(part: History, model: Model, verdict: Verdict) -> str:
    """What a search of a small history found: which operation has no place, and why."""
    if verdict.kind != "not linearizable" or verdict.failed_at is None:
        return ""
    failed = part.operation(verdict.failed_at)
    states = dict.fromkeys(model.show(one.state) for one in verdict.last)
    said = f"{_named(failed)} cannot have been answered so."
    if states:
        listed = _listed(list(states))
        before = "By then all that had returned before leaves"
        said += f" {before} {'the state' if len(states) == 1 else 'one of the states'} {listed}"
        waiting = {i for one in verdict.last for i in (*one.waiting, *one.linearized)}
        others = [i for i in sorted(waiting) if i != verdict.failed_at]
        if others:
            said += f", and {_listed([_short(part.operation(i)) for i in others])} may come in"
            said += " between, or have done so"
        said += "."
    return said


def _named(one: Operation) -> str:
    at = f" (line {one.ended_line})" if one.ended_line else ""
    return f"{one}{at}"


def _short(one: Operation) -> str:
    return f"{one.f} of process {one.process}"


def _listed(words: Sequence[str], most: int = 6) -> str:
    shown = list(words[:most])
    if len(words) > most:
        shown.append(f"{len(words) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _sentence(text: str) -> str:
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


__all__ = ["Witness", "explain", "explain_sequential", "in_words"]
