"""Sets: each element is a switch of its own.

`add(x)`, `remove(x)` and `contains(x)` look at x only, so a set is many independent objects, one
for each element, and linearizability is local (Herlihy and Wing 1990, theorem 1): the set is
linearizable exactly if each element is.  A `read` of all elements binds them together; keys with
one are left to the general search.

An add that answers true is an UP of its element, one that answers false observes ON; remove and
contains likewise.  An add without such an answer is *blind*: it turned the element up, or found it
there.  It is decided which, where that costs nothing:

* No remove may have turned it down.  Then it is turned up once: by the add that says so, if there
  is one, and blind adds found it there: ON.  Else the first to be invoked of those that are blind
  or crashed can be the one: it was invoked by the time at which any other could be, and since all
  others observe ON it does not come late.  (If it crashed it is an UP that happens if it must.)
* One add at most and one remove at most may have turned it.  The add is an UP: nothing else turns
  it up.  A blind remove is a DOWN, or it came before the add and observed OFF.  Both are tried.

Elements with blind operations of other kinds are not decided here (`decidable` is False): which
of several blind adds and removes changes something is the problem of a register with two values.

O(n log n), by `switches`.
"""

from __future__ import annotations

import numpy as np

from checker.history.algorithms import switches
from checker.history.algorithms.decision import Bools, Decision, Ints, Times, holds, side_by_side
from checker.history.algorithms.switches import DOWN, OFF, ON, UP, Switches
from checker.history.history import History
from checker.history.values import typed


def decidable(history: History) -> Bools:
    """Of each operation: can its element be decided here?"""
    element, count = _elements(history)
    ups, downs, blind = _turns(history)
    few = (_most(ups, element, count) <= 1) & (_most(downs, element, count) <= 1)
    only_added = ~_any(downs, element, count)
    fits: Bools = (few | only_added | ~_any(blind, element, count))[element]
    return fits & ~history.f_is("read")


def decide(history: History) -> Decision:
    """Decide sets whose operations are all `decidable`."""
    element, count = _elements(history)
    ups, downs, blind = _turns(history)
    sees_on = history.f_is("add") | (
        history.f_is("contains") & _is(history, True)[history.result] & ~history.is_open
    )
    kind = np.where(ups, UP, np.where(downs, DOWN, np.where(sees_on, ON, OFF))).astype(np.int64)
    told = ups & ~blind & ~history.is_open
    able = np.flatnonzero(ups & ~told)[::-1]
    first = np.full(count, -1, dtype=np.int64)
    first[element[able]] = able  # of each element the one that was invoked first
    first[element[told]] = np.flatnonzero(told)
    later = ups & blind & ~_any(downs, element, count)[element]
    later &= np.arange(len(history)) != first[element]
    kind[later] = ON

    times = side_by_side(element, count, history.invoked, history.returned)
    given = Switches(kind, element, times)
    done = switches.run(given)
    wrong = np.flatnonzero(done.failed >= 0)
    if not len(wrong):
        return holds(lambda: switches.order(given, done))

    # Once more those with a blind remove, as if it had found nothing.
    again = np.flatnonzero(np.isin(element, wrong) & _any(downs & blind, element, count)[element])
    other = np.where(downs & blind, OFF, kind)[again]
    second_given = Switches(other, element[again], times.take(again))
    second = switches.run(second_given)
    helped = np.zeros(count, dtype=np.bool_)
    helped[element[again]] = True
    still = wrong[~helped[wrong] | (second.failed[wrong] >= 0)]
    if len(still):
        one = int(still[0])
        named = switches.conflict(given, done, int(done.failed[one]))
        if helped[one]:  # two reasons, one for each reading of the remove
            everything = np.flatnonzero(element == one)
            return Decision(False, everything, named.reason)
        return _with_first(named, first[one], later)

    def order() -> Ints:
        rest = np.flatnonzero(~np.isin(element, wrong))
        parts = (given.take(rest), second_given)
        kinds = np.concatenate([p.kind for p in parts])
        both = Switches(kinds, np.concatenate([p.objects for p in parts]), _join(parts))
        where = np.concatenate([rest, again])
        sort = np.argsort(where, kind="stable")
        joined = both.take(sort)
        return where[sort][switches.order(joined, switches.run(joined))]

    return holds(order)


def _with_first(named: Decision, first: np.int64, later: Bools) -> Decision:
    """A later blind add observes ON only since the first add may have come before it."""
    if later[named.conflict].any() and first not in named.conflict:
        return Decision(False, np.sort(np.append(named.conflict, first)), named.reason)
    return named


def _join(parts: tuple[Switches, Switches]) -> Times:
    one, two = (p.times for p in parts)
    return Times(
        np.concatenate([one.invoked, two.invoked]),
        np.concatenate([one.returned, two.returned]),
        np.concatenate([one.crashed, two.crashed]),
        one.begins,
    )


def _elements(history: History) -> tuple[Ints, int]:
    """Key and argument of each operation as one number, from 0; and how many there are."""
    codes: dict[object, int] = {}
    same = np.array([codes.setdefault(typed(v), i) for i, v in enumerate(history.values)] or [0])
    both = history.key.astype(np.int64) * len(same) + same[history.argument]
    distinct, places = np.unique(both, return_inverse=True)
    return places.astype(np.int64), len(distinct)


def _turns(history: History) -> tuple[Bools, Bools, Bools]:
    """Masks: what may have turned its element up; and down; and which of them answered blindly."""
    found = ~(_is(history, False)[history.result] & ~history.is_open)
    ups, downs = history.f_is("add") & found, history.f_is("remove") & found
    says = _is(history, True)[history.result]
    blind: Bools = (ups | downs) & ~history.is_open & ~says
    return ups, downs, blind


def _is(history: History, value: bool) -> Bools:
    """Which values are this one; the last entry stands for "no result"."""
    return np.array([*(v is value for v in history.values), False], dtype=np.bool_)


def _any(mask: Bools, element: Ints, count: int) -> Bools:
    return _most(mask, element, count) > 0


def _most(mask: Bools, element: Ints, count: int) -> Ints:
    return np.bincount(element[mask], minlength=count)
