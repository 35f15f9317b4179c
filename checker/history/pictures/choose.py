"""Which operations stand on a page.

A page shows at most MOST operations (`most`: fewer, where their texts are long), so that it stays
small and a browser quick; a history that has no more stands there whole.  Of a larger one:

* First the object that matters: that of the witness, or where an undecided check came to, with at
  most half of them; around each operation of the witness equally many from before and after it.
* Then the other objects, in the order in which they are first used, EACH operations from the
  beginning of each, until there is no more room; an object that is alone gets all the room.
* With a window come the operations that are pending where it begins.  (Those that never returned
  only if they are in the window: they would be pending in every one after it.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from checker.history.history import OPEN, History, Integers

MOST: Final = 2_000
EACH: Final = 50
MOST_MARKED: Final = 200
"""Operations of a witness that have surroundings; of the others only they themselves."""


@dataclass(frozen=True)
class Chosen:
    """Operations of one object, by their indices in the history that was read, ascending.

    `key`: an index into `history.keys`, None if all keys are one object; `total`: the operations
    of the object; `skipped`: how many of these are left out before each row; `after`: behind all.
    """

    key: int | None
    rows: Integers
    total: int
    skipped: Integers
    after: int


def choose(
    history: History,
    *,
    by_key: bool,
    key: int | None = None,
    around: Sequence[int] = (),
    most: int = MOST,
) -> list[Chosen]:
    """The object `key` first, around the operations (indices) that are named, if any are."""
    objects = _objects(history, by_key)
    if key is not None and key in objects:
        objects = {key: objects.pop(key), **objects}
    if len(history) <= most:
        return [_chosen(name, rows, rows) for name, rows in objects.items()]
    found: list[Chosen] = []
    left = most
    for place, (name, rows) in enumerate(objects.items()):
        if left <= 0:
            break
        room = _room(place, len(objects), key is not None, left, most)
        named = around if place == 0 else ()
        chosen = _windows(history, rows, named, room)
        found.append(_chosen(name, rows, chosen))
        left -= len(chosen)
    return found


def _chosen(key: int | None, rows: Integers, chosen: Integers) -> Chosen:
    places = np.searchsorted(rows, chosen)
    skipped = np.diff(places, prepend=-1) - 1
    return Chosen(key, chosen, len(rows), skipped, len(rows) - 1 - int(places[-1]))


def _objects(history: History, by_key: bool) -> dict[int | None, Integers]:
    """The rows of each object, in the order of first use."""
    if not by_key:
        return {None: np.arange(len(history))}
    order = np.argsort(history.key, kind="stable")
    keys, begins = np.unique(history.key[order], return_index=True)
    parts = np.split(order, begins[1:])
    in_order = sorted(range(len(keys)), key=lambda i: int(parts[i][0]))
    return {int(keys[i]): parts[i] for i in in_order}


def _room(place: int, objects: int, is_known: bool, left: int, most: int) -> int:
    if objects == 1:
        return most
    if place == 0 and is_known:
        return max(1, most // 2)
    return min(left, max(EACH * most // MOST, 1))


def _windows(history: History, rows: Integers, around: Sequence[int], most: int) -> Integers:
    if len(rows) <= most:
        return rows
    if not around:
        return rows[:most]
    named = np.unique(np.asarray(around))[:most]
    centres = np.searchsorted(rows, named[:MOST_MARKED])
    # The widest windows for which there is room; where they overlap it is needed once.
    beside, most_beside = 0, most
    while beside < most_beside:
        middle = (beside + most_beside + 1) // 2
        if len(_union(len(rows), centres, middle)) + len(named) <= most:
            beside = middle
        else:
            most_beside = middle - 1
    chosen = _union(len(rows), centres, beside)
    begins = chosen[np.flatnonzero(np.diff(chosen, prepend=-2) > 1)]
    pending = [_pending(history, rows, int(begin)) for begin in begins.tolist()]
    every = np.unique(np.concatenate([rows[chosen], named, *pending]))
    return every if len(every) <= most + most // 8 else np.unique(np.append(rows[chosen], named))


def _union(count: int, centres: Integers, beside: int) -> Integers:
    inside = np.zeros(count + 1, dtype=np.int64)
    np.add.at(inside, np.maximum(centres - beside, 0), 1)
    np.add.at(inside, np.minimum(centres + beside + 1, count), -1)
    return np.flatnonzero(np.cumsum(inside)[:-1] > 0)


def _pending(history: History, rows: Integers, begin: int) -> Integers:
    """Rows before a window that return in it or behind it."""
    position = history.invoked[rows[begin]]
    before = rows[:begin]
    returned = history.returned[before]
    found: Integers = before[(returned > position) & (returned < OPEN)]
    return found


__all__ = ["EACH", "MOST", "Chosen", "choose"]
