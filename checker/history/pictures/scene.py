"""All that is drawn of one history and its result, before it is HTML or SVG.

A *view* is a time line of one object (or of few small ones): lanes of clients, operations as bars,
linearization points with their place in the order, and the state before and after each.

Rules of this file:

* Operations are named by their indices (`row`) in the history that was read, and look as they were
  read; orders and states are of what counts of them (rules.py), as the model wants it.
* The view of the witness has the order of the witness, taken by itself; the others have that of
  all operations of their object.  What has no order says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from rich.cells import cell_len

from checker.history.budget import Spending
from checker.history.history import FAIL, INFO, NO_RESULT, OK, OPEN, History, Integers
from checker.history.models.model import Model, State
from checker.history.pictures.choose import MOST, Chosen, choose
from checker.history.pictures.layout import Bar, Interval, placed
from checker.history.pictures.order import (
    MOST_SEARCHED,
    Order,
    TooFar,
    begun_before,
    ordered,
    replayed,
)
from checker.history.pictures.words import label_of, state_of
from checker.history.result import Result
from checker.history.rules import Failed, Null, checked
from checker.history.values import text_of

CHAR: Final = 7.3
"""Pixels of a character of a label: monospace, 12 px."""
ASIDE: Final = 1 << 26
"""Work of a search for the order of an object that is not that of the witness: a second."""
MOST_WITNESS: Final = 300
"""Operations of a witness that is drawn by itself."""
WITNESS_SECONDS: Final = 2.0
"""For its order; it was verified, so this is ample."""
TOGETHER_KEYS: Final = 8
TOGETHER: Final = 160
"""Keys and operations that are also drawn on one time line."""
SMALL_BREAK: Final = 20
"""Operations: fewer that are left out get a narrower place."""

SHARES: Final = (1 / 4, 1 / 2, 1)
"""Of what was verified before a limit, whose order is looked for, one after the other."""
QUIET: Final = 0.8
"""Of such a share at least; where fewest operations are pending, an order is found soonest."""

KINDS: Final = ("ok", "open", "failed", "refused", "ignored")


@dataclass(frozen=True)
class Mark:
    """An operation in a view.  `place`: in the order, from 1, None: it has none.  `pending`: its
    answer came after the end of the order, which says nothing of that."""

    row: int
    lane: int
    bar: Bar
    place: int | None
    before: str
    after: str
    pending: bool


@dataclass(frozen=True)
class Group:
    """An object in a view.  `key`: as in Chosen; `note`: what its order is, or why it has none."""

    key: int | None
    total: int
    drawn: int
    note: str
    failed: int | None
    """The row of the operation at whose return no order is left."""


@dataclass(frozen=True)
class View:
    """`lanes`: (process, group), as indices, from the top; `breaks`: (pixels, operations left
    out); `until`: pixels behind which the order ends, one for each group."""

    groups: tuple[Group, ...]
    lanes: tuple[tuple[int, int], ...]
    marks: tuple[Mark, ...]
    width: float
    breaks: tuple[tuple[float, int], ...]
    until: tuple[float | None, ...]


@dataclass(frozen=True)
class Scene:
    """`kinds`: of each row that is drawn one of KINDS; `labels`: its label."""

    history: History
    model: Model
    result: Result
    witness: View | None
    views: tuple[View, ...]
    together: bool
    """Whether the first view is of all keys; the others are of one each."""
    kinds: Mapping[int, str]
    labels: Mapping[int, str]
    marked: frozenset[int]
    """The rows of the witness."""

    @property
    def drawn(self) -> int:
        return len(self.kinds)


def scene(
    history: History,
    result: Result,
    model: Model,
    *,
    failed: Failed = "evidence",
    null: Null = "empty",
    spending: Spending | None = None,
    most: int = MOST,
) -> Scene:
    """What is drawn of `history`, for which `linearize` gave `result` with the same rules."""
    counted = model.prepare(checked(history, model, failed=failed, null=null))
    return _Making(history, result, model, counted, spending or Spending(), most).scene()


@dataclass(frozen=True)
class _Steps:
    """The order of an object: of each drawn row its place and the states around it."""

    note: str
    until: int = OPEN
    failed: int | None = None
    places: Mapping[int, tuple[int, str, str]] = field(default_factory=dict)
    """In the order in which they take effect."""


@dataclass
class _Making:
    history: History
    result: Result
    model: Model
    counted: History
    spending: Spending
    most: int

    def scene(self) -> Scene:
        witness = self.result.witness
        marked = [] if witness is None else witness.origin.tolist()
        by_key = self.model.independent_by_key
        key, around = self.middle(marked)
        chosen = choose(self.history, by_key=by_key, key=key, around=around, most=self.most)
        rows = np.unique(np.concatenate([*(one.rows for one in chosen), np.array(marked, int)]))
        self.kinds = self.kinds_of(rows)
        self.labels = {
            row: self.label(row, refused=self.kinds[row] == "refused") for row in rows.tolist()
        }
        steps = [self.steps(self.part(one.key), one.rows, key == one.key) for one in chosen]
        views = [self.view([one], [its]) for one, its in zip(chosen, steps, strict=True)]
        together = 1 < len(chosen) <= TOGETHER_KEYS and len(self.history) <= min(
            TOGETHER, self.most
        )
        if together:
            views.insert(0, self.view(chosen, steps))
        return Scene(
            history=self.history,
            model=self.model,
            result=self.result,
            witness=self.witness(),
            views=tuple(views),
            together=together,
            kinds=self.kinds,
            labels=self.labels,
            marked=frozenset(marked),
        )

    def label(self, row: int, *, refused: bool = False) -> str:
        alike, reads = self.model.independent_by_key, self.model.reads
        return label_of(self.history.operation(row), alike=alike, reads=reads, refused=refused)

    def middle(self, marked: Sequence[int]) -> tuple[int | None, Sequence[int]]:
        """The key that matters most, and the operations around which it is shown."""
        if marked:
            return int(self.history.key[marked[0]]), marked
        if self.result.verified:
            at = np.flatnonzero(self.history.returned == self.result.verified)
            if len(at):
                return int(self.history.key[at[0]]), at.tolist()
        return None, ()

    def kinds_of(self, rows: Integers) -> dict[int, str]:
        counts = np.isin(rows, self.counted.origin)
        found = {}
        for row, counted in zip(rows.tolist(), counts.tolist(), strict=True):
            status = int(self.history.status[row])
            if not counted:
                found[row] = "failed" if status == FAIL else "ignored"
            else:
                found[row] = {OK: "ok", INFO: "open", FAIL: "refused"}[status]
        return found

    def part(self, key: int | None) -> History:
        return self.counted if key is None else compact(self.counted.of_key(key))

    # ------------------------------------------------------------------- orders

    def steps(self, part: History, rows: Integers, is_middle: bool) -> _Steps:
        """Of one object."""
        verdict, until = self.result.verdict, None
        decided = verdict == "linearizable" or is_middle
        work = MOST_SEARCHED if decided else ASIDE
        if verdict == "unknown":
            order = self.verified_ones(part, work)
        else:
            if is_middle and self.result.witness is not None:
                ends = self.result.witness.returned
                until = int(ends[ends < OPEN].max())
            order = ordered(part, self.model, self.spending, until=until, work=work)
            if order is None and verdict == "linearizable":
                order = self.first_ones(part, rows)
        if order is None:
            return _Steps(_no_order(verdict))
        return self.replayed(part, order, rows)

    def verified_ones(self, part: History, work: int) -> Order | None:
        """The order of the verified beginning, or of as much of it as time allows."""
        found, verified = None, self.result.verified or 0
        for at in [*(quietest(part, int(verified * share)) for share in SHARES), verified]:
            order = begun_before(part, at, self.model, self.spending, work=work)
            if order is None:
                break
            found = order
        return found

    def first_ones(self, part: History, rows: Integers) -> Order | None:
        """The order of those that are drawn, if no order of all was found."""
        after = part.invoked[~np.isin(part.origin, rows)]
        if not len(after):
            return None
        return begun_before(part, int(after.min()), self.model, self.spending, work=ASIDE)

    def replayed(self, part: History, order: Order, rows: Iterable[int]) -> _Steps:
        wanted, places = set(rows), dict[int, tuple[int, str, str]]()
        origin = part.origin.tolist()
        last = max((p for p, i in enumerate(order.operations, 1) if origin[i] in wanted), default=0)
        before: State = self.model.initial()
        known: tuple[State, str] = (before, state_of(self.model, before))
        try:
            for place, (i, state) in enumerate(replayed(part, self.model, order), 1):
                if origin[i] in wanted:
                    first = known[1] if before is known[0] else state_of(self.model, before)
                    then = first if state is before else state_of(self.model, state)
                    known = (state, then)
                    places[origin[i]] = (place, first, then)
                before = state
                if place >= last:
                    break
        except TooFar:
            return _Steps(
                "No order is drawn: these operations are too far from the beginning for their "
                "states to be followed."
            )
        failed = None if order.failed is None else origin[order.failed]
        return _Steps(self.order_note(order, part, failed), order.until, failed, places)

    def order_note(self, order: Order, part: History, failed: int | None) -> str:
        if order.until == OPEN:
            never = len(part) - len(order.operations)
            more = f" ({never:,} that never returned need not have happened)" if never else ""
            return (
                f"The numbered points are an order in which {len(order.operations):,} operations "
                f"can take effect, one at a time, each while it lasts{more}."
            )
        if failed is None and self.result.verdict == "linearizable":
            return (
                f"The numbered points are an order of the first {len(order.operations):,} "
                "operations by themselves; of all together none was looked for."
            )
        if failed is None and order.until < (self.result.verified or 0):
            return (
                f"The numbered points are an order of the first {len(order.operations):,} "
                "operations; there was no time for more."
            )
        if failed is None:
            return (
                f"The numbered points are an order of the {len(order.operations):,} operations "
                "that were verified; what comes after them was not decided."
            )
        line = int(self.history.ended_line[failed])
        return (
            "The numbered points are an order that goes as far as any can: none explains the "
            f"answer of {self.label(failed)} in line {line}."
        )

    def witness(self) -> View | None:
        witness = self.result.witness
        if witness is None or len(witness) > MOST_WITNESS:
            return None
        spending = Spending(memory_bytes=self.spending.memory_bytes).until(WITNESS_SECONDS)
        witness = compact(witness)
        order = ordered(witness, self.model, spending)
        steps = (
            _Steps(_no_order("unknown"))
            if order is None
            else self.replayed(witness, order, witness.origin.tolist())
        )
        rows = witness.origin.astype(np.int64)
        keys = set(witness.key.tolist())
        key = keys.pop() if len(keys) == 1 and self.model.independent_by_key else None
        return self.view([Chosen(key, rows, len(rows), np.zeros(len(rows), int), 0)], [steps])

    # ------------------------------------------------------------------- places

    def view(self, chosen: Sequence[Chosen], steps: Sequence[_Steps]) -> View:
        rows = [(row, g) for g, one in enumerate(chosen) for row in one.rows.tolist()]
        index = {row: i for i, (row, _) in enumerate(rows)}
        orders = [([index[row] for row in its.places], its.until) for its in steps]
        ends = [self.end_of(its, one) for its, one in zip(steps, chosen, strict=True)]
        skipped = {
            int(self.history.invoked[row]): count
            for one in chosen
            for row, count in zip(one.rows.tolist(), one.skipped.tolist(), strict=True)
            if count
        }
        lay = placed(
            [self.interval(row) for row, _ in rows],
            orders,
            marks=[end for end in ends if end is not None],
            breaks={at: _break_width(count) for at, count in skipped.items()},
        )
        marks_at = iter(lay.marks)
        breaks = list(zip(lay.breaks, (skipped[at] for at in sorted(skipped)), strict=True))
        width = lay.width
        after = sum(one.after for one in chosen)
        if after:
            breaks.append((width + _break_width(after) / 2, after))
            width += _break_width(after)
        lanes = self.lanes(chosen)
        lane_of = {lane: at for at, lane in enumerate(lanes)}
        marks = []
        for (row, g), bar in zip(rows, lay.bars, strict=True):
            place, before, after_it = steps[g].places.get(row, (None, "", ""))
            lane = lane_of[int(self.history.process[row]), g]
            pending = place is not None and int(self.history.returned[row]) >= steps[g].until
            marks.append(Mark(row, lane, bar, place, before, after_it, pending))
        groups = tuple(
            Group(one.key, one.total, len(one.rows), its.note, its.failed)
            for one, its in zip(chosen, steps, strict=True)
        )
        until = tuple(None if end is None else next(marks_at) for end in ends)
        return View(groups, lanes, tuple(marks), width, tuple(breaks), until)

    def end_of(self, steps: _Steps, chosen: Chosen) -> int | None:
        """The position at which the order ends, if that is among what is drawn."""
        if steps.until == OPEN or not len(chosen.rows) or not steps.places:
            return None
        returned = self.history.returned[chosen.rows]
        last = max(int(self.history.invoked[chosen.rows].max()), _last(returned))
        return steps.until if steps.until <= last else None

    def interval(self, row: int) -> Interval:
        label = max(26.0, cell_len(self.labels[row]) * CHAR + 10)
        returned = int(self.history.returned[row])
        return Interval(int(self.history.invoked[row]), returned, label)

    def lanes(self, chosen: Sequence[Chosen]) -> tuple[tuple[int, int], ...]:
        """Clients by name: numbers first."""
        names = self.history.processes
        found = []
        for g, one in enumerate(chosen):
            processes = np.unique(self.history.process[one.rows]).tolist()
            processes.sort(key=lambda p: (isinstance(names[p], str), names[p]))
            found += [(process, g) for process in processes]
        return tuple(found)


def quietest(part: History, position: int) -> int:
    """Of the positions near this one, and not after it, the last at which fewest are pending."""
    begins = part.invoked[part.invoked < position]
    ends = np.sort(part.returned[part.returned < position])
    near = np.unique(np.concatenate([ends[ends >= QUIET * position] + 1, [position]]))
    pending = np.searchsorted(begins, near) - np.searchsorted(ends, near)
    return int(near[len(near) - 1 - int(np.argmin(pending[::-1]))])


def compact(part: History) -> History:
    """The same with a table of only its own values: what looks at each is quick on a small part."""
    if len(part.values) <= 4 * len(part):
        return part
    used = np.unique(np.concatenate([part.argument, part.result[part.result != NO_RESULT]]))
    result = np.where(part.result == NO_RESULT, NO_RESULT, np.searchsorted(used, part.result))
    return part.with_columns(
        argument=np.searchsorted(used, part.argument),
        result=result,
        values=[part.values[code] for code in used.tolist()],
    )


def _last(returned: Integers) -> int:
    closed = returned[returned < OPEN]
    return int(closed.max()) if len(closed) else -1


def _break_width(count: int) -> float:
    return 30.0 if count < SMALL_BREAK else 40.0 + CHAR * len(f"{count:,}")


def _no_order(verdict: str) -> str:
    if verdict == "linearizable":
        return "No order is drawn: a limit of time or memory was reached before one was found."
    if verdict == "unknown":
        return "No order is drawn: none was found before the limit."
    return (
        "No order is drawn: operations before these contradict each other, too, or a limit was "
        "reached."
    )


def key_name(history: History, key: int | None) -> str:
    """As JSON; "" if there are no keys."""
    return "" if key is None or history.keys[key] is None else text_of(history.keys[key])


__all__ = ["KINDS", "Group", "Mark", "Scene", "View", "key_name", "scene"]
