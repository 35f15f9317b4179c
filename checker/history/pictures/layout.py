"""Where operations stand on a time line.

Only the order of events counts, so the axis has no clock: each event that is drawn, and each
linearization point, has a place of its own, as far from the last one as it takes to tell them
apart, and a return as far from its invocation as the label takes.

A linearization point may be anywhere between the invocation and the return of its operation, as
long as points stand in the order in which the operations take effect.  Time between two events
that are drawn is a *gap*.  From the last operation to the first, the latest gap of each follows
from that of the next one; then, from the first to the last, each goes as near to the middle of its
operation as those before it and its own limits allow.  There always is such a gap if the order
keeps real time, since each operation returns after all before it are invoked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checker.history.history import OPEN

STEP: Final = 12.0
"""Pixels between two places."""


@dataclass(frozen=True)
class Interval:
    """An operation: positions of its events (OPEN: none), pixels of its label."""

    invoked: int
    returned: int
    label: float


@dataclass(frozen=True)
class Bar:
    """`begin`, `end`, `point`: pixels from the left; `point` None: it has none."""

    begin: float
    end: float
    point: float | None


@dataclass(frozen=True)
class Placed:
    """`bars`: one for each interval; `width` of all; pixels of the marks that were asked for."""

    bars: tuple[Bar, ...]
    width: float
    marks: tuple[float, ...]
    breaks: tuple[float, ...]


def placed(
    intervals: Sequence[Interval],
    orders: Sequence[tuple[Sequence[int], int]],
    *,
    marks: Sequence[int] = (),
    breaks: Mapping[int, float] | None = None,
) -> Placed:
    """Places for operations.

    `orders`: of each object the intervals (by index) as they take effect, and the position before
    which all of them do.  `marks`: positions to be told in pixels.  `breaks`: positions of
    invocations before which something is left out, and pixels for that.
    """
    events = sorted(
        [(one.invoked, i) for i, one in enumerate(intervals)]
        + [(one.returned, i) for i, one in enumerate(intervals) if one.returned < OPEN]
    )
    rank = {position: at for at, (position, _) in enumerate(events)}
    points: list[list[int]] = [[] for _ in range(len(events) + 1)]
    for order, until in orders:
        end = sum(position < until for position, _ in events)
        for i, gap in zip(order, _gaps([intervals[i] for i in order], rank, end), strict=True):
            points[gap].append(i)
    return _walked(intervals, events, points, marks, breaks or {})


def _gaps(order: Sequence[Interval], rank: dict[int, int], end: int) -> list[int]:
    """Gap g lies before the event of rank g."""
    last, latest = end, [end] * len(order)
    for k in range(len(order) - 1, -1, -1):
        last = latest[k] = min(last, rank.get(order[k].returned, end))
    found, before = [], 0
    for one, most in zip(order, latest, strict=True):
        first = rank[one.invoked] + 1
        wanted = (first + rank[one.returned]) // 2 if one.returned < OPEN else first
        before = min(max(before, first, wanted), most)
        assert before >= first, "an order that does not keep real time was drawn"
        found.append(before)
    return found


def _walked(
    intervals: Sequence[Interval],
    events: Sequence[tuple[int, int]],
    points: Sequence[Sequence[int]],
    marks: Sequence[int],
    breaks: Mapping[int, float],
) -> Placed:
    begin, end, point = dict[int, float](), dict[int, float](), dict[int, float]()
    marked, broken = dict[int, float](), list[float]()
    waiting = sorted(set(marks))
    before = 0.0
    for gap, (position, i) in enumerate(events):
        now = [at for at in waiting if at <= position]
        waiting = waiting[len(now) :]
        more = STEP * len(now) + breaks.get(position, 0.0)
        x = before + STEP * (len(points[gap]) + 1) + more
        if i in begin:
            x = end[i] = max(x, begin[i] + intervals[i].label)
        else:
            begin[i] = x
        point |= _spread(points[gap], before, x - more)
        marked |= {at: x - more + STEP * k for k, at in enumerate(now)}
        if position in breaks:
            broken.append(x - STEP / 2 - breaks[position] / 2)
        before = x
    # Arrows of what never returned end together, and their labels have room.
    is_open = [i for i in begin if i not in end]
    edge = before + STEP * (len(points[-1]) + 1)
    marked |= {at: edge + STEP * k for k, at in enumerate(waiting)}
    x = edge + STEP * len(waiting)
    x = max([x, *(begin[i] + intervals[i].label for i in is_open)])
    end |= dict.fromkeys(is_open, x)
    point |= _spread(points[-1], before, edge)
    bars = tuple(Bar(begin[i], end[i], point.get(i)) for i in range(len(intervals)))
    return Placed(bars, x + STEP, tuple(marked[p] for p in marks), tuple(broken))


def _spread(which: Sequence[int], begin: float, end: float) -> dict[int, float]:
    """Evenly between two places."""
    step = (end - begin) / (len(which) + 1)
    return {i: begin + step * at for at, i in enumerate(which, 1)}


__all__ = ["Bar", "Interval", "Placed", "placed"]
