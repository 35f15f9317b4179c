"""A lease: a lock that its holder loses after a while, unless it is renewed.

    acquire  [owner, duration] -> null or true: owner has it from now on; false: another has it
    renew    [owner, duration] -> null or true: from now on again; false: owner does not have it
    release  owner -> null or true: it is free; false: owner did not have it
    holder   null -> the owner that has it, null if nobody does

Durations are in the unit of `time`, that must be on every line and of one clock.  To acquire what
one has is to renew it, and it may also be had again after it expired.

Theory.  An operation happens at an instant between its invocation and its answer.  Granted at
the instant g for a duration d, the lease is held at all t with g <= t < g + d.  Given an order
of the operations, do instants exist?  Let `asked` be the latest invocation so far: no later
operation may happen before it.  A state holds all that can be known: the owner, the duration,
and the instants [low, high] at which it may have been granted.  For a fixed g it is best to let
everything after happen as early as it can, at max(g, asked), for all that is to come only wants
to be later.  So with a new invocation at a and answer at b:

* the lease is still held: max(g, asked) <= b and max(g, asked) < g + d, so g is between
  asked - d + 1 and b;
* it has expired: the operation happens at g + d or later, so g + d <= b; a new grant may be
  at any instant from max(low + d, asked) to b, for the earliest g leaves the most room;
* another's lease is neither renewed nor released: it may be held or not, and g is at most b.

All are intervals of g, so the intervals are exact and not an approximation.  (For integers; time
is counted in nanoseconds.)  C. Gray and D. Cheriton, "Leases", 1989; R. Dechter, I. Meiri and
J. Pearl, "Temporal constraint networks", 1991, for instants that are bound by differences.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import numpy as np

from checker.history.history import OPEN, History
from checker.history.models.model import Model, State, show, stored
from checker.history.models.shapes import ANYTHING, DONE_OR_NOT, NOTHING, SOMETHING, Kind, Shape
from checker.history.values import Value


def _is_grant(value: Value) -> bool:
    return (
        type(value) is tuple
        and len(value) == 2
        and value[0] is not None
        and type(value[1]) is int
        and value[1] > 0
    )


GRANT = Kind("a list [owner, duration] with a duration above 0", _is_grant)

EVER = OPEN
"""A time after all others."""


class Timed(NamedTuple):
    """An argument, and between which times the operation happened."""

    value: Value
    invoked: int
    ended: int


class Leased(NamedTuple):
    """See the top of this file.  Without an owner, only `asked` counts."""

    owner: Value
    duration: int
    low: int
    high: int
    asked: int
    """The latest time that something before this happened, as far as its invocation tells."""


def _free(since: int) -> Leased:
    return Leased(None, 0, 0, 0, since)


class Lease(Model):
    """A lease that expires by the clock of the history."""

    name = "lease"
    functions: ClassVar = {
        "acquire": Shape(GRANT, DONE_OR_NOT),
        "renew": Shape(GRANT, DONE_OR_NOT),
        "release": Shape(SOMETHING, DONE_OR_NOT),
        "holder": Shape(NOTHING, ANYTHING),
    }
    needs_time = True

    def initial(self) -> State:
        return _free(-EVER)

    def prepare(self, history: History) -> History:
        """Each operation gets an argument of its own, with its times."""
        values = list(history.values)
        first = len(values)
        ends = np.where(history.returned == OPEN, EVER, history.ended_time)
        rows = zip(
            history.argument.tolist(), history.invoked_time.tolist(), ends.tolist(), strict=True
        )
        values += [Timed(values[code], invoked, ended) for code, invoked, ended in rows]
        return history.with_columns(argument=np.arange(first, first + len(history)), values=values)

    def step(self, state: State, f: str, argument: Timed, result: Value) -> State | None:
        match f:
            case "acquire" | "renew":
                owner, duration = argument.value
                if result is not False:
                    return _grant(state, f, stored(owner), duration, argument)
                if f == "acquire":
                    return _held(state, argument) if state.owner != stored(owner) else None
                return _not_by(state, stored(owner), argument)
            case "release":
                owner = stored(argument.value)
                if result is False:
                    return _not_by(state, owner, argument)
                held = _held(state, argument)
                mine = held is not None and held.owner == owner
                return _free(max(held.low, held.asked)) if held is not None and mine else None
            case _:
                if result is None:
                    return _expired(state, argument)
                return _held(state, argument) if stored(result) == state.owner else None

    def steps(self, state: State, f: str, argument: Timed) -> Iterable[State]:
        """One that is refused leaves all as it is, and so does one that never happens."""
        after = None if f == "holder" else self.step(state, f, argument, True)
        return () if after is None else (after,)

    def show(self, state: State) -> str:
        return "free" if state.owner is None else f"leased to {show(state.owner)}"


def _held(state: Leased, argument: Timed) -> Leased | None:
    """Something happened while the lease was held; None if it cannot."""
    asked = max(state.asked, argument.invoked)
    if state.owner is None or asked > argument.ended:
        return None
    low, high = max(state.low, asked - state.duration + 1), min(state.high, argument.ended)
    return state._replace(low=low, high=high, asked=asked) if low <= high else None


def _expired(state: Leased, argument: Timed) -> Leased | None:
    """Something happened while nobody had the lease; None if it cannot."""
    asked = max(state.asked, argument.invoked)
    if state.owner is not None:
        asked = max(asked, state.low + state.duration)
    return _free(asked) if asked <= argument.ended else None


def _not_by(state: Leased, owner: Value, argument: Timed) -> Leased | None:
    """Something happened while `owner` did not have the lease; another may have, or nobody."""
    if state.owner is None or state.owner == owner:
        return _expired(state, argument)
    asked, high = max(state.asked, argument.invoked), min(state.high, argument.ended)
    possible = asked <= argument.ended and state.low <= high
    return state._replace(high=high, asked=asked) if possible else None


def _grant(state: Leased, f: str, owner: Value, duration: int, argument: Timed) -> Leased | None:
    """It is granted, at any instant that may be now."""
    if state.owner != owner:
        free = _expired(state, argument) if f == "acquire" else None
        if free is None:
            return None
        return Leased(owner, duration, free.asked, argument.ended, free.asked)
    low, high = max(state.low, state.asked, argument.invoked), argument.ended
    if f == "renew":
        high = min(high, state.high + state.duration - 1)
    return Leased(owner, duration, low, high, low) if low <= high else None


__all__ = ["Lease", "Leased", "Timed"]
