"""A lock that hands out fencing tokens: each holder's token is higher than all before.

    acquire  any value -> the token, an integer
    release  the token (or null: of whoever holds it) -> null: it is free now;
             false: that token does not hold it

A storage that remembers the highest token it has seen can refuse the writes of a holder that
lost the lock without noticing (Burrows, "The Chubby lock service", 2006, section 2.4, there
called sequencers).

An open acquire got a token that nobody saw.  The lowest that is possible stands for it: later
tokens only have to be higher.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from checker.history.models.model import UNKNOWN, Model, State
from checker.history.models.shapes import ANYTHING, DONE_OR_NOT, INTEGER, Kind, Shape
from checker.history.values import Value

TOKEN = Kind("the token, an integer, or null", lambda value: value is None or type(value) is int)


class Held(NamedTuple):
    """Who may have it: tokens so far, the last one, and whether it was seen."""

    last: int | None
    """The highest token, or the lowest that it can be; None before the first."""
    held: bool
    seen: bool
    """False: the token of the last acquire is not known; it is `last` at least."""


class Lock(Model):
    """A lock with fencing tokens."""

    name = "lock"
    functions: ClassVar = {
        "acquire": Shape(ANYTHING, INTEGER),
        "release": Shape(TOKEN, DONE_OR_NOT),
    }

    def initial(self) -> State:
        return Held(None, held=False, seen=True)

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if f == "acquire":
            return _acquire(state, result)
        return _release(state, argument, result)

    def show(self, state: State) -> str:
        if state.last is None:
            return "free, no token yet"
        token = str(state.last) if state.seen else f"at least {state.last}"
        return f"{'held with' if state.held else 'free, last'} token {token}"


def _acquire(state: Held, token: Value) -> Held | None:
    if token is UNKNOWN:
        # Held by another: the call waits, and has not happened yet.
        lowest = LOWEST if state.last is None else state.last + 1
        return None if state.held else Held(lowest, held=True, seen=False)
    if state.held or (state.last is not None and token <= state.last):
        return None
    return Held(token, held=True, seen=True)


LOWEST = -(2**63)
"""What stands for a first token that nobody saw."""


def _release(state: Held, token: Value, result: Value) -> Held | None:
    if not state.held:
        mine = False
    elif token is None or token == state.last:
        mine = True
    else:
        mine = not state.seen and state.last is not None and token > state.last
    if result is not UNKNOWN and mine is (result is False):
        return None
    if not mine:
        return state
    last = state.last if token is None else token
    return Held(last, held=False, seen=state.seen or token is not None)


__all__ = ["Held", "Lock"]
