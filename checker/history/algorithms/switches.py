"""Switches: objects that are on or off.  A mutex is one; of a set, each element is one.

Operations turn the object `UP` (acquire; add that says "it is new") or `DOWN` (release; remove that
says "it was there"), or observe that it is `ON` (an acquire that was refused; contains -> true) or
`OFF`.  An UP succeeds only when the object is off, a DOWN only when it is on, so they alternate.
They need no values: no two acquires differ.  The object is off at the beginning.

Such histories are decided by one pass over the events:

* Nothing takes effect but just before the return of an operation that has not, and must.
* If the object has been as an observer says at some time since its invocation, that was its time.
* An UP or DOWN takes effect if the object is the other way.  If not, and for an observer that had
  no such time, another pending operation must turn the object first.  Of those that can, it is the
  one whose return is next; crashed ones come last.
* If there is none, the history is not linearizable.

**Theorem.**  This decides linearizability.

*Argument.*  That it accepts only linearizable histories is plain: it makes an order.  Conversely,
let there be a linearization, and move its points later so that each lies just before a return, in
sequences that end with the operation x that returns there (just-in-time linearization: Lowe,
"Testing for linearizability", 2017).  Let S be the sequence at x.  All of S is pending at x.

* *No more than needed.*  Let x be an UP.  If the object is off before S, then S turns it up and
  down in pairs, and then comes x.  Put x first and the pairs, turned round (down, up), after it.
  If it is on, S begins with a DOWN, then has pairs (up, down), and then x: x goes to the place
  right after that DOWN, and the pairs follow turned round.  A DOWN x is the same.  If x observes
  what the object is, or has been since its invocation, S without x may follow it; and if it waits
  for a turn, it goes to the place right after the first of S that makes it, and the rest follows.
  In all cases the object passes through the same states at that time, the same operations have
  taken effect afterwards, and so all observers of S have their time.  What follows x in S can be
  done before the next return instead.
* *The next to return.*  Let the linearization turn the object by u where v of the same kind is
  pending and returns earlier, or u crashed and v did not.  v comes later in it.  Let u and v change
  places: u is pending still at the place of v, as it returns later or never.  If it has no v, which
  crashed then, as u did, let v be used instead of u.

So some linearization makes the choices of the pass, which hence never fails when there is one.

*Crashed operations.*  A crashed observer is left out.  A crashed UP or DOWN turns the object once,
at any time after its invocation, or does not: it is kept for when it is needed.

O(n log n): two heaps of pending operations.  The pass runs in C (`switches.c`) and, without a
compiler, in Python (`_pass`), which is also what the C is tested against.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from pathlib import Path

import numpy as np

from checker.history.algorithms.decision import Decision, Ints, Times, holds, violated
from checker.history.native import library

UP, DOWN, ON, OFF = 0, 1, 2, 3
MOST_SHRUNK = 200
"""A conflict of more operations is given as it was found."""


@dataclass(frozen=True)
class Switches:
    """Operations of objects 0, 1, ..., which are off at the beginning.

    One entry an operation: `kind` (UP, DOWN, ON, OFF) and `objects`.  `times` are those of all
    objects side by side.
    """

    kind: Ints
    objects: Ints
    times: Times

    def take(self, chosen: Ints) -> Switches:
        return Switches(self.kind[chosen], self.objects[chosen], self.times.take(chosen))


@dataclass(frozen=True)
class Run:
    """What the pass found: one entry an operation, but for `failed`.

    `failed`: of each object the operation at which the pass failed, or -1.  `turn`: twice the
    number of turns that were made when the operation took effect, its own included, plus one if it
    made none; -1 if it did not take effect.  It did so just before the event `gap`.
    """

    failed: Ints
    turn: Ints
    gap: Ints


def decide(given: Switches) -> Decision:
    """Decide switches; a conflict is one object's, the first that has one."""
    done = run(given)
    wrong = done.failed[done.failed >= 0]
    return conflict(given, done, int(wrong[0])) if len(wrong) else holds(lambda: order(given, done))


def order(given: Switches, done: Run) -> Ints:
    """By time; at one time by turn: the operation that made it, then those it satisfies."""
    some = np.flatnonzero(done.turn >= 0)
    objects = given.objects[some]
    when = done.gap[some] - given.times.begins[objects]
    return some[np.lexsort((given.times.invoked[some], done.turn[some], objects, when))]


def conflict(given: Switches, done: Run, failed: int) -> Decision:
    """A few operations of the object of `failed`, where the pass failed, that it refuses as well.

    It begins with those that have not taken effect and a suffix of the turns (an even number from
    its end, since the object is off before them; doubled while the pass accepts them), and then
    leaves out pairs of turns, and single other operations, while it can.
    """
    same = np.flatnonzero(given.objects == given.objects[failed])
    same = same[given.times.invoked[same] < given.times.returned[failed]]
    turn = done.turn[same]
    number = np.where(turn >= 0, turn // 2, np.iinfo(np.int64).max)
    turns, length = int(turn.max(initial=0)) // 2, 2
    while True:
        begin = max(0, turns - length) // 2 * 2
        chosen = same[number > begin] if begin else same
        if begin == 0 or _refused(given, chosen):
            break
        length *= 2
    if len(chosen) <= MOST_SHRUNK:
        chosen = _shrunk(given, chosen, done.turn)
    return violated("no order of these operations turns the object up and down in turns", chosen)


def _shrunk(given: Switches, chosen: Ints, turn: Ints) -> Ints:
    """Without what is not needed: two operations that turned it up and down go together."""
    made = (turn[chosen] >= 0) & (turn[chosen] % 2 == 0)
    unit = np.where(made, (turn[chosen] // 2 - 1) // 2, -1 - np.arange(len(chosen)))
    for one in np.unique(unit).tolist():
        rest = unit != one
        if _refused(given, chosen[rest]):
            chosen, unit = chosen[rest], unit[rest]
    return chosen


def _refused(given: Switches, chosen: Ints) -> bool:
    return bool((run(given.take(chosen)).failed >= 0).any())


# --------------------------------------------------------------------------------- the pass


def run(given: Switches) -> Run:
    """The pass, over all objects."""
    times, count = given.times, len(given.kind)
    answered = np.flatnonzero(~times.crashed)
    at = np.concatenate([times.invoked, times.returned[answered]])
    event = np.concatenate([np.arange(count), ~answered])[np.argsort(at, kind="stable")]
    deadline = np.where(times.crashed, np.iinfo(np.int64).max, times.returned)
    columns = (event, given.kind, given.objects, times.invoked, deadline)
    packed = [np.ascontiguousarray(c, dtype=np.int64) for c in columns]
    found = Run(
        failed=np.full(len(times.begins), -1, dtype=np.int64),
        turn=np.full(count, -1, dtype=np.int64),
        gap=np.zeros(count, dtype=np.int64),
    )
    filled = (found.failed, found.turn, found.gap)
    loaded = _library()
    if loaded is None:
        _pass(*packed, *filled)
        return found
    pointers = [c.ctypes.data_as(ctypes.c_void_p) for c in (*packed, *filled)]
    if loaded.switches_pass(len(event), count, *pointers) != 0:
        raise MemoryError
    return found


@cache
def _library() -> ctypes.CDLL | None:
    loaded = library(Path(__file__).with_name("switches.c"), ("-O2",))
    if loaded is not None:
        loaded.switches_pass.restype = ctypes.c_int64
        loaded.switches_pass.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 8
    return loaded


def _pass(*columns: Ints) -> None:
    """`switches.c` in Python; the last three columns, those of `Run`, are filled."""
    event, kinds, objects, invoked, deadline, failed, turn, gap = columns
    current, state, turns = -1, 0, 0
    seen = [-1, -1]
    """When the object was last off, on, unless it is."""
    pending: list[list[tuple[int, int]]] = [[], []]

    def make(i: int, at: int) -> None:
        nonlocal state, turns
        seen[state] = at
        state = 1 - state
        turns += 1
        turn[i], gap[i] = 2 * turns, at

    def other(to: int, at: int) -> bool:
        """Let a pending operation turn the object to `to`."""
        while pending[to]:
            _, i = heappop(pending[to])
            if turn[i] < 0:
                make(i, at)
                return True
        return False

    for e in event.tolist():
        i = e if e >= 0 else ~e
        kind, at = int(kinds[i]), int(deadline[i])
        to = 1 - kind % 2  # UP and ON: 1; DOWN and OFF: 0
        if objects[i] != current:
            current, state, turns, seen = int(objects[i]), 0, 0, [-1, -1]
            pending = [[], []]
        if e >= 0:
            if kind < ON:
                heappush(pending[to], (at, i))
        elif turn[i] >= 0 or failed[current] >= 0:
            continue
        elif kind < ON:
            if state != to or other(1 - to, at):
                make(i, at)
            else:
                failed[current] = i
        elif state != to and seen[to] > invoked[i]:
            turn[i], gap[i] = 2 * turns - 1, seen[to]
        elif state == to or other(to, at):
            turn[i], gap[i] = 2 * turns + 1, at
        else:
            failed[current] = i
