"""Checking while a test runs: events one at a time, in memory that does not grow with them.

Theory: the frontier of search/engine.py, in plain Python and with events as they come.  A
configuration is a state of the object, the pending operations that have taken effect, and how many
open operations of each kind have.  When an operation returns, each configuration is extended by as
few steps as make it take effect; those in which it cannot are dropped.  None left: a violation.

Rules:

* What an operation was answered must be known when its turn comes, so events wait until those
  before them are answered.  Where more than MOST_WAITING wait, the first is taken to be open, which
  allows more: a violation is one all the same, but the verdict at the end is at best "unknown".
* A pending read that agrees with the state takes effect at once (R1 of search/engine.py), and a
  configuration that did the same with fewer open operations replaces the others (R4).
* The last MOST_RECENT events are kept, to explain a violation with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from checker.history.budget import Spending, peak_bytes
from checker.history.building import Builder
from checker.history.errors import HistoryError
from checker.history.explain import Witness, explain
from checker.history.history import UNKNOWN
from checker.history.jsonl import Event
from checker.history.models.model import Model
from checker.history.result import Result
from checker.history.rules import Failed, Null, checked
from checker.history.search.front import Front
from checker.history.values import Value, freeze, typed

MOST_WAITING: Final = 50_000
MOST_RECENT: Final = 20_000
LOOK_EVERY: Final = 500

Kind = tuple[str, Any, Any]
"""Function, argument and result, `typed`."""


@dataclass(eq=False)
class _Call:
    """An operation.  `answer` is None while nobody knows it."""

    f: str
    argument: Value
    process: int | str
    answer: str | None = None
    result: Value = UNKNOWN
    invoked_at: int = 0
    assumed: bool = False
    """It was taken to be open before it was answered."""


Configuration = tuple[Any, frozenset[int], tuple[tuple[Kind, int], ...]]
"""State; calls that have taken effect; of open calls how many of each kind, sorted by kind."""


class Online:
    """One object.  `failed` is the call that no order explains, once there is one."""

    def __init__(self, model: Model, spending: Spending) -> None:
        self.model, self.spending = model, spending
        self.front: list[Configuration] = [(model.initial(), frozenset(), ())]
        self.pending: dict[int, _Call] = {}
        self.open: dict[Kind, int] = {}
        self.failed: _Call | None = None
        self.failed_at = 0
        self.assumed = 0
        self._waiting: deque[tuple[_Call, int, bool]] = deque()

    def add(self, call: _Call, at: int, *, is_return: bool) -> None:
        """An event at a position.  Works through all whose turn it is."""
        self._waiting.append((call, at, is_return))
        self._advance(at_end=False)

    def finish(self) -> None:
        """There are no more events: what was not answered is open."""
        self._advance(at_end=True)

    def _advance(self, *, at_end: bool) -> None:
        while self._waiting and self.failed is None:
            call, at, is_return = self._waiting[0]
            if call.answer is None:
                if not at_end and len(self._waiting) < MOST_WAITING:
                    return
                call.answer, call.assumed = "info", not at_end
                self.assumed += call.assumed
            self._waiting.popleft()
            if not is_return:
                self._invoke(call)
            elif call.answer == "ok":
                self._return(call, at)

    def _invoke(self, call: _Call) -> None:
        if call.answer == "ok":
            self.pending[id(call)] = call
        elif call.answer == "info" and call.f not in self.model.reads:
            kind = (call.f, call.argument, None)
            self.open[kind] = self.open.get(kind, 0) + 1

    def _return(self, call: _Call, at: int) -> None:
        if call.assumed:
            return
        me, after = id(call), Front[Configuration]()
        seen = Front[Configuration]()
        # Those that used fewer open operations first: they replace the others.
        layers: dict[int, list[Configuration]] = {}
        for one in self.front:
            layers.setdefault(_taken(one), []).append(one)
        steps = 0
        while layers:
            least = min(layers)
            layer = layers.pop(least)
            while layer:
                one = self._with_reads(layer.pop())
                if not seen.add(one):
                    continue
                steps += 1
                if steps % LOOK_EVERY == 0:
                    self.spending.look()
                if me in one[1]:
                    after.add((one[0], one[1] - {me}, one[2]))
                    continue
                for new in self._following(one):
                    taken = _taken(new)
                    (layer if taken == least else layers.setdefault(taken, [])).append(new)
        del self.pending[me]
        if not after.kept:
            self.failed, self.failed_at = call, at
        self.front = after.kept

    def _with_reads(self, one: Configuration) -> Configuration:
        state, done, used = one
        more = [
            number
            for number, call in self.pending.items()
            if call.f in self.model.reads
            and number not in done
            and self.model.step(state, call.f, call.argument, call.result) is not None
        ]
        return (state, done.union(more), used) if more else one

    def _following(self, one: Configuration) -> Iterable[Configuration]:
        state, done, used = one
        for number, call in self.pending.items():
            if number not in done:
                after = self.model.step(state, call.f, call.argument, call.result)
                if after is not None:
                    yield after, done | {number}, used
        counts = dict(used)
        for kind, available in self.open.items():
            taken = counts.get(kind, 0)
            if taken < available:
                for after in self.model.steps(state, kind[0], kind[1]):
                    if after != state:
                        more = sorted((counts | {kind: taken + 1}).items(), key=repr)
                        yield after, done, tuple(more)


def _taken(one: Configuration) -> int:
    """Open operations that have taken effect."""
    return sum(count for _, count in one[2])


@dataclass
class Following:
    """All keys.  `add` events until `violated`, or until there are no more; then `result`."""

    model: Model
    spending: Spending
    failed: Failed = "evidence"
    null: Null = "empty"
    source: str = ""
    events: int = 0
    operations: int = 0
    """That were invoked."""
    _objects: dict[Any, Online] = field(default_factory=dict)
    _calls: dict[int | str, tuple[_Call, Any]] = field(default_factory=dict)
    _recent: deque[tuple[int, int, Event]] = field(
        default_factory=lambda: deque(maxlen=MOST_RECENT)
    )
    _violated: tuple[Any] | None = None
    """The key, in a tuple: None is a key."""
    _late: int = 0

    def __post_init__(self) -> None:
        if self.model.needs_time:
            raise HistoryError(
                f"the model {self.model.name} cannot be followed", mend="leave --follow out"
            )

    @property
    def violated(self) -> bool:
        return self._violated is not None

    def add(self, event: Event, line: int) -> None:
        """HistoryError if it does not fit to those before."""
        if event.process == "nemesis":
            return
        at = self.events
        self.events += 1
        if at % LOOK_EVERY == 0:
            self.spending.look()
        self._recent.append((at, line, event))
        try:
            value, key = freeze(event.value), freeze(event.key)
        except ValueError as error:
            raise HistoryError(str(error), line=line, source=self.source) from None
        if event.type == "invoke":
            self._invoke(event, value, typed(key), at, line)
        else:
            self._answer(event, value, at, line)

    def _invoke(self, event: Event, value: Value, key: Any, at: int, line: int) -> None:
        if event.process in self._calls:
            raise HistoryError(
                f"process {event.process} invokes {event.f}, but its last operation has no answer",
                line=line,
                source=self.source,
                mend="end an operation that nobody will answer with a line of type info",
            )
        self._check(event, value, UNKNOWN, line)
        call = _Call(event.f, value, event.process, invoked_at=at)
        if not self.model.independent_by_key:
            key = None
        self._calls[event.process] = call, key
        self.operations += 1
        self._add(key, call, at, is_return=False)

    def _answer(self, event: Event, value: Value, at: int, line: int) -> None:
        found = self._calls.pop(event.process, None)
        if found is None or found[0].f != event.f:
            raise HistoryError(
                f"process {event.process} is answered ({event.type} of {event.f}), but has not "
                "invoked that",
                line=line,
                source=self.source,
                mend="record the invocation before the call; each has one answer",
            )
        call, key = found
        if call.assumed:
            self._late += event.type != "info"
            return
        call.answer, call.result = event.type, value if event.type == "ok" else UNKNOWN
        if event.type == "ok":
            self._check(event, call.argument, value, line)
            unknown = self.null == "unknown" and call.f in self.model.values_read
            if unknown and value is None:
                call.answer = "fail"
        evidence = self.failed == "evidence" and call.f in self.model.conditional
        if event.type == "fail" and evidence:
            call.answer, call.result = "ok", False
        self._add(key, call, at, is_return=True)

    def _check(self, event: Event, argument: Value, result: Value, line: int) -> None:
        reason = self.model.check_operation(event.f, argument, result)
        if reason is not None:
            raise HistoryError(reason, line=line, source=self.source)

    def _add(self, key: Any, call: _Call, at: int, *, is_return: bool) -> None:
        one = self._objects.get(key)
        if one is None:
            one = self._objects[key] = Online(self.model, self.spending)
        one.add(call, at, is_return=is_return)
        if one.failed is not None:
            self._violated = (key,)

    def finish(self) -> None:
        """There are no more events."""
        for key, one in self._objects.items():
            one.finish()
            if one.failed is not None:
                self._violated = (key,)
                return

    def result(self, *, explained: bool = True, limit: Any = None) -> Result:
        """What is known now."""
        witness: Witness | None = None
        reason, assumed = "", self._late
        if self._violated is not None:
            verdict = "not linearizable"
            witness = self._witness() if explained else None
            failed = self._objects[self._violated[0]].failed
            assert failed is not None
            reason = f"no order explains what {failed.f} of process {failed.process} was answered"
            if witness is not None:
                reason = witness.reason or reason
        elif limit is not None:
            verdict, reason = "unknown", f"the {limit} limit was reached"
        elif assumed:
            verdict = "unknown"
            reason = f"{assumed} operations were answered so late that they were taken to be open"
        else:
            verdict = "linearizable"
        return Result(
            model=self.model.name or type(self.model).__name__,
            operations=self.operations,
            verdict=verdict,  # type: ignore[arg-type]
            algorithm="frontier",
            seconds=self.spending.spent,
            peak_memory_bytes=peak_bytes(),
            witness=None if witness is None else witness.history,
            minimal=witness is not None and witness.minimal,
            reason=reason,
            limit=limit,
            source=self.source,
        )

    def _witness(self) -> Witness | None:
        """From the last events; None if what explains it is longer ago."""
        assert self._violated is not None
        builder, begun, last = Builder(self.source), set[int | str](), -1
        failed_at = self._objects[self._violated[0]].failed_at
        count = 0
        for at, line, event in self._recent:
            if event.type == "invoke":
                begun.add(event.process)
            elif event.process not in begun:
                continue
            if at == failed_at:
                last = count
            count += 1
            builder.event(
                event.process,
                event.type,
                event.f,
                event.value,
                key=event.key,
                time=event.time,
                revision=event.revision,
                line=line,
            )
        if last < 0:
            return None
        history = checked(builder.finish(), self.model, failed=self.failed, null=self.null)
        if self.model.independent_by_key:
            mine = [i for i, key in enumerate(history.keys) if typed(key) == self._violated[0]]
            history = history.of_key(mine[0])
        return explain(history, self.model, self.spending.until(10.0), position=last)


__all__ = ["Following", "Online"]
