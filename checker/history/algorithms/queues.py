"""FIFO queues whose values are unique.

Operations: `enqueue(v)`, `dequeue -> v`, and `dequeue -> empty`.  A value that is dequeued is
enqueued at most once (values that are never dequeued may repeat).  Write E(v) = [e1, e2] for the
events of the enqueue and D(v) = [d1, d2] for those of the dequeue; d1 = d2 = OPEN if there is none.

**Theorem** (the bad patterns of Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability
proofs", CONCUR 2013; near-linear tests: Abdulla, Grahn, Jonsson, Krishna and Mishra, "Efficient
linearizability monitoring", 2025; Lee and Mathur, "Efficient decrease-and-conquer linearizability
monitoring", 2024).  Such a history without crashed dequeues is linearizable exactly if

1. no value is dequeued that was not enqueued, or before its enqueue began, or twice;
2. no values a, b have e2(a) < e1(b) and d2(b) < d1(a): in by one order, out by the other;
3. no empty dequeue has all its time in the union of the intervals [e2(v), d1(v)], in which the
   queue surely holds v.

*Necessary* is plain.  *Sufficient*: begin each dequeue when its enqueue begins (d1 := max(d1, e1));
by rule 1 these are intervals still, and rules 2 and 3 say the same of them.  Say that a must go
before b if e2(a) < e1(b) or d2(a) < d1(b).

* "Must go before" has no circle.  Take a shortest.  Each of its two relations is transitive, so
  they alternate: a E b D c E d D ... .  For intervals, e2(a) < e1(b) and e2(c) < e1(d) give e2(a) <
  e1(d) or e2(c) < e1(b).  The latter with b D c breaks rule 2; the former is a shortcut, until the
  circle has two members and breaks rule 2.
* In any order of values that respects it, enqueue each at the latest e1 so far and dequeue each at
  the latest of the d1 so far.  That is in time: for u before v, e2(v) < e1(u) and d2(v) < d1(u)
  are excluded; and no dequeue is before its enqueue, since d1(u) >= e1(u) for all u up to v.
* Empty dequeues.  By rule 3 each has a point t outside all sure intervals.  These points cut time
  into stretches, and each value can go through the queue within one: if e2 < d1, in the one around
  its sure interval; else at any point of [d1, e2], in the stretch of such a point.  No value must
  go before one of an earlier stretch, for e1 and d1 of that are before the cut, and e2 and d2 of
  this after it.  Within a stretch the intervals are cut to it, which gives no new relation between
  intervals that meet it.  So the stretches follow one another, with the queue empty in between.

*Crashed enqueues.*  One whose value was dequeued did happen: e2 = OPEN.  Else it is left out, with
the crashed dequeue that took its value, if one did: all other values come as before.

*Crashed dequeues* may have taken a value that nobody else dequeued.  Let c(1) < c(2) < ... be
their invocations, and U the values that answered enqueues left behind.  If some v of U is given to
one with invocation c then D(v) = [c, OPEN], which the theorem covers; the sooner c the better:

* rule 2 for a = v asks for c < m(v), where m(v) is the least d2(b) of those with e1(b) > e2(v);
  OPEN if there is none; for b = v it asks nothing;
* rule 3 asks of a point t for an empty dequeue that all v with e2(v) < t have c < t.

These are deadlines, m(v) or the first such t, and crashed dequeues differ only in when they are
ready.  By Hall's theorem (earliest deadline first) they suffice exactly if, for each time T, no
more values have deadlines up to T than there are c < T.  With no t that is, for all T,

    M(T) <= C(T)   where M(T) = |{v: m(v) <= T}|, C(T) = |{c < T}|;

and a point t is possible exactly if, for all T >= t, M(T) + |{v: e2(v) < t, m(v) > T}| <= C(T).
(For a later point the condition is stronger, so each point can be judged alone.)  So for each T
the points t <= T beyond the k-th smallest e2(v) of those with m(v) > T, where k = C(T) - M(T) + 1,
are excluded: one more interval, as if the queue surely held something then.

O(n log n): sorting, and a sorted list of U where there are both crashed and empty dequeues.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from checker.history.algorithms.decision import NONE, Bools, Decision, Ints, Times, holds, violated
from checker.history.history import OPEN

ENQUEUE, DEQUEUE, EMPTY = 0, 1, 2


@dataclass(frozen=True)
class Queue:
    """Operations of one queue.

    One entry an operation: `kind` (EMPTY is a dequeue that found nothing), `value` (0 .. `values` -
    1; without meaning for EMPTY and for dequeues that crashed).
    """

    kind: Ints
    value: Ints
    times: Times
    values: int


@dataclass(frozen=True)
class _Items:
    """Values that went through the queue: one entry each, named by their enqueue.

    `enqueue`, `dequeue`: indices of operations, -1 where there is no dequeue (the set U).  The
    events are `[e1, e2]` and `[d1, d2]`, `d1` as in the proof; `d1`, `d2` are OPEN in U.
    """

    enqueue: Ints
    dequeue: Ints
    e1: Ints
    e2: Ints
    d1: Ints
    d2: Ints

    def take(self, which: Ints | Bools) -> _Items:
        return _Items(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    @property
    def taken(self) -> Bools:
        return self.dequeue >= 0

    def operations(self, *which: int | np.integer | Ints) -> Ints:
        chosen = np.concatenate([np.atleast_1d(w) for w in which])
        return np.concatenate([self.enqueue[chosen], self.dequeue[chosen]])


@dataclass(frozen=True)
class _Sure:
    """Intervals during which the queue is not empty, in order of `start`, and why.

    `item`: the value that it holds; or -1: some of U, for by `end` too few crashed dequeues began.
    """

    start: Ints
    end: Ints
    item: Ints


def unambiguous(given: Queue) -> Bools:
    """Which values (0 .. `values` - 1) are not dequeued, or are enqueued once at most."""
    dequeued = np.zeros(given.values, dtype=np.bool_)
    dequeued[given.value[(given.kind == DEQUEUE) & ~given.times.crashed]] = True
    enqueued = np.bincount(given.value[given.kind == ENQUEUE], minlength=given.values)
    return ~dequeued | (enqueued <= 1)


def decide(given: Queue) -> Decision:
    """Decide a queue whose values are `unambiguous`."""
    kind, value, times = given.kind, given.value, given.times
    enqueues = np.flatnonzero(kind == ENQUEUE)
    dequeues = np.flatnonzero((kind == DEQUEUE) & ~times.crashed)
    crashed = np.flatnonzero((kind == DEQUEUE) & times.crashed)
    empties = np.flatnonzero((kind == EMPTY) & ~times.crashed)

    enqueue_of = np.full(given.values, -1, dtype=np.int64)
    enqueue_of[value[enqueues]] = enqueues
    source = enqueue_of[value[dequeues]]
    for wrong, reason in (
        (source < 0, "a value was dequeued that was never enqueued"),
        (
            times.returned[dequeues] < times.invoked[source],
            "a value was dequeued before its enqueue began",
        ),
    ):
        if wrong.any():
            return violated(reason, dequeues[wrong][:1], source[wrong][:1])
    dequeue_of = np.full(len(kind), -1, dtype=np.int64)
    dequeue_of[source] = dequeues
    again = np.flatnonzero(dequeue_of[source] != dequeues)
    if len(again):
        first = source[again[0]]
        return violated("a value was dequeued twice", first, dequeue_of[first], dequeues[again[0]])

    kept = enqueues[~times.crashed[enqueues] | (dequeue_of[enqueues] >= 0)]
    items = _items(kept, dequeue_of[kept], times)
    return (
        _out_of_order(items)
        or _left_behind(items, crashed, times)
        or _found_empty(items, crashed, empties, times)
        or holds(lambda: _order(items, crashed, empties, times))
    )


def _items(enqueue: Ints, dequeue: Ints, times: Times) -> _Items:
    taken = dequeue >= 0
    e1, e2 = times.invoked[enqueue], times.returned[enqueue]
    d1 = np.where(taken, times.invoked[dequeue], OPEN)
    d2 = np.where(taken, times.returned[dequeue], OPEN)
    return _Items(enqueue, dequeue, e1, e2, np.maximum(d1, e1), d2)


def _out_of_order(items: _Items) -> Decision | None:
    """Rule 2 for values that were dequeued."""
    a = np.flatnonzero(items.taken)
    a = a[np.argsort(items.e2[a])]
    latest = np.maximum.accumulate(items.d1[a])
    b = np.flatnonzero(items.taken)
    before = np.searchsorted(items.e2[a], items.e1[b])  # so many of a were enqueued before b
    wrong = b[(before > 0) & (items.d2[b] < latest[before - 1])] if len(b) else b
    if not len(wrong):
        return None
    late = wrong[0]
    a = a[items.e2[a] < items.e1[late]]
    early = a[np.argmax(items.d1[a])]
    return violated(
        "of two values the one that was enqueued first was dequeued last",
        items.operations(early, late),
    )


def _deadlines(items: _Items) -> tuple[Ints, Ints, Ints]:
    """U, in order of m(v); m(v); and of each the value b with that d2(b), -1 if there is none."""
    b = np.flatnonzero(items.taken)
    b = b[np.argsort(items.e1[b])]
    # The least d2 of this and all later ones, and whose it is.
    least = np.minimum.accumulate(items.d2[b][::-1])[::-1]
    whose = b[len(b) - 1 - np.searchsorted(-least[::-1], -items.d2[b][::-1])[::-1]] if len(b) else b
    u = np.flatnonzero(~items.taken)
    after = np.searchsorted(items.e1[b], items.e2[u])
    deadline = np.append(least, OPEN)[after]
    sort = np.argsort(deadline, kind="stable")
    return u[sort], deadline[sort], np.append(whose, -1)[after][sort]


def _left_behind(items: _Items, crashed: Ints, times: Times) -> Decision | None:
    """Rule 2 for values that no dequeue returned: crashed ones must have taken those passed by."""
    u, deadline, passed = _deadlines(items)
    u, deadline = u[deadline < OPEN], deadline[deadline < OPEN]
    ready = np.append(times.invoked[crashed], np.full(len(u), OPEN))[: len(u)]
    wrong = np.flatnonzero(deadline < ready)
    if not len(wrong):
        return None
    i = int(wrong[0])
    passing = passed[: i + 1]
    return violated(
        "a value was passed by one that was enqueued after it, and never dequeued",
        items.enqueue[u[: i + 1]],
        items.operations(passing),
        crashed[:i],
    )


def _found_empty(items: _Items, crashed: Ints, empties: Ints, times: Times) -> Decision | None:
    """Rule 3."""
    if not len(empties):
        return None
    sure = _sure(items, times.invoked[crashed])
    starts, ends = _union(sure)
    x1, x2 = times.invoked[empties], times.returned[empties]
    around = np.searchsorted(starts, x1) - 1
    wrong = np.flatnonzero((around >= 0) & (x2 < np.append(ends, -1)[around]))
    if not len(wrong):
        return None
    one = wrong[0]
    named: list[Ints] = [empties[one : one + 1]]
    for j in _cover(sure, int(x1[one]), int(x2[one])):
        if sure.item[j] >= 0:
            named.append(items.operations(sure.item[j]))
            continue
        u, deadline, passed = _deadlines(items)
        due = deadline <= sure.end[j]
        there = ~due & (items.e2[u] <= sure.start[j])
        named += [items.enqueue[u[due | there]], items.operations(passed[due])]
        named.append(crashed[times.invoked[crashed] < sure.end[j]])
    return violated("a dequeue found nothing, and at no time was the queue empty", *named)


def _sure(items: _Items, ready: Ints) -> _Sure:
    """All intervals of rule 3; `ready`: when the crashed dequeues began."""
    item = np.flatnonzero(items.taken & (items.e2 < items.d1))
    start, end = _short(items, ready)
    start = np.concatenate([items.e2[item], start])
    end = np.concatenate([items.d1[item], end])
    item = np.concatenate([item, np.full(len(start) - len(item), -1)])
    sort = np.argsort(start, kind="stable")
    return _Sure(start[sort], end[sort], item[sort])


def _short(items: _Items, ready: Ints) -> tuple[Ints, Ints]:
    """When there are too few crashed dequeues for U: the intervals (k-th smallest e2, T].

    Within the times T between two crashed dequeues the last one excludes most.
    """
    u, deadline, _ = _deadlines(items)
    if not len(u):
        return NONE, NONE
    left = np.sort(items.e2[u]).tolist()
    gone = items.e2[u].tolist()
    starts, ends, due = [], [], 0
    for count, until in enumerate([*ready.tolist(), OPEN]):
        while due < len(u) and deadline[due] <= min(until, OPEN - 1):
            del left[bisect_left(left, gone[due])]
            due += 1
        if count - due < len(left):
            starts.append(left[count - due])
            ends.append(until)
    return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


def _union(sure: _Sure) -> tuple[Ints, Ints]:
    """The connected parts of the union: where they start and end."""
    if not len(sure.start):
        return NONE, NONE
    reach = np.maximum.accumulate(sure.end)
    new = np.append(True, sure.start[1:] > reach[:-1])
    return sure.start[new], np.append(reach[:-1][new[1:]], reach[-1])


def _cover(sure: _Sure, x1: int, x2: int) -> list[int]:
    """Few of the intervals, that cover [x1, x2] together."""
    reach = np.maximum.accumulate(sure.end)
    chosen, at = [], x1
    while at <= x2:
        begun = int(np.searchsorted(sure.start, at))
        j = int(np.searchsorted(reach[:begun], reach[begun - 1]))
        chosen.append(j)
        at = int(sure.end[j])
    return chosen


def _order(items: _Items, crashed: Ints, empties: Ints, times: Times) -> Ints:
    """The linearization: as in the proof."""
    starts, ends = _union(_sure(items, times.invoked[crashed]))
    x1 = times.invoked[empties]
    around = np.searchsorted(starts, x1) - 1
    point = np.maximum(x1, np.where(around >= 0, np.append(ends, -1)[around], -1)) + 1
    cuts = np.unique(point)

    # Crashed dequeues take what must be gone, the most urgent first.
    u, deadline, _ = _deadlines(items)
    cut_after = np.append(cuts, OPEN)[np.searchsorted(cuts, items.e2[u], side="right")]
    deadline = np.minimum(deadline, cut_after)
    urgent = u[np.argsort(deadline, kind="stable")][: np.count_nonzero(deadline < OPEN)]
    taker = crashed[: len(urgent)]
    dequeue, d1 = items.dequeue.copy(), items.d1.copy()
    dequeue[urgent], d1[urgent] = taker, np.maximum(times.invoked[taker], items.e1[urgent])
    items = replace(items, dequeue=dequeue, d1=d1)

    stretch = np.searchsorted(cuts, np.where(items.e2 < d1, items.e2, d1 + 1), side="right")
    rank = _first_to_last(items, stretch)
    items, stretch = items.take(rank), stretch[rank]
    begin = np.append(0, cuts)[stretch]
    enter = np.maximum(np.maximum.accumulate(items.e1) + 1, begin) if len(rank) else NONE
    leave = np.maximum(enter, np.maximum.accumulate(np.where(items.taken, items.d1, 0)) + 1)

    out = np.flatnonzero(items.taken)
    who = np.concatenate([empties, items.enqueue, items.dequeue[out]])
    part = np.concatenate([np.searchsorted(cuts, point) + 1, stretch, stretch[out]])
    later = np.arange(len(who)) >= len(empties)
    gap = np.concatenate([point, enter, leave[out]])
    place = np.concatenate([np.arange(len(empties)), np.arange(len(rank)), out])
    leaves = np.arange(len(who)) >= len(empties) + len(rank)
    return who[np.lexsort((leaves, place, gap, later, part))]


def _first_to_last(items: _Items, stretch: Ints) -> Ints:
    """The values in an order that respects "must go before"; stretch by stretch."""
    finite = (c[c < OPEN].max(initial=0) for c in (items.e1, items.e2, items.d1, items.d2))
    never = np.int64(max(finite) + 1)

    def times(column: Ints) -> tuple[list[int], list[int]]:
        """Numbers of events, higher in later stretches; and the values in that order."""
        rank = stretch * (never + 1) + np.minimum(column, never)
        return rank.tolist(), np.argsort(rank, kind="stable").tolist()

    begins, ends = (times(items.e1), times(items.d1)), (times(items.e2), times(items.d2))
    count = len(stretch)
    begun, ended, allowed, done = [0, 0], [0, 0], [0] * count, [False] * count
    ready: deque[int] = deque()
    found: list[int] = []
    while len(found) < count:
        for side in (0, 1):  # those that begin before all that remain have ended
            end, by_end = ends[side]
            while done[by_end[ended[side]]]:
                ended[side] += 1
            least = end[by_end[ended[side]]]
            begin, by_begin = begins[side]
            while begun[side] < count and begin[by_begin[begun[side]]] <= least:
                v = by_begin[begun[side]]
                begun[side] += 1
                allowed[v] += 1
                if allowed[v] == 2:
                    ready.append(v)
        v = ready.popleft()
        done[v] = True
        found.append(v)
    return np.array(found, dtype=np.int64)
