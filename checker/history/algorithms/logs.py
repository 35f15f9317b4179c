"""Logs and fenced locks: histories that carry their own order, the *witness*.

The answers say in which order the changes took effect: a log's sends by their offsets, a lock's
acquires by their tokens.  There is one order to try, so each test is a running maximum.

**Lemma.**  Operations that must take effect in the order p(1), p(2), ... can do so exactly if for
each i the return of p(i) is after the latest invocation of p(1) .. p(i).  (Let each take effect at
that latest invocation.)  This is as early as possible for all of them at once.

*Lock.*  Tokens rise, so the order is: acquire of the lowest token, its release, acquire of the
next, and so on; all but the last token must be released.  Two acquires never have one token, nor
does a token have two releases.

A crashed release of a token that no other release returned happened if a later token was given;
the one that was invoked first stands for all of that token.  A crashed acquire is left out: what
follows it, if it happened, is a release of a token that nobody saw, which has crashed too (or else
the algorithm does not apply); without both the lock is as free, and tokens rise as before.

Does not apply: a release that answered and names no token, or one that was not seen while an
acquire crashed; a release that was refused; a crashed release that names no token.

*Log.*  Sends take effect in the order of their offsets 0, 1, 2, ....  A poll that ends with offset
e comes after send e and needs no more; an empty poll from offset s comes before send s.  So send i
must return, and so must all polls that end with i, after the latest invocation of sends 0 .. i and
of the empty polls from 0 .. i: that is the lemma with later invocations and earlier returns.  *Why
that is all*: given the points of the sends, each poll is bound on one side by one of them and on
the other by its own event, so polls do not meet each other.

A crashed send happened if its value was polled at an offset that no answered send got; of crashed
sends with one value, those invoked first get the lower offsets (they differ in nothing else, and
the lower offset is due first).  Other crashed sends are left out: they could only be at the end.

Does not apply: an offset below the highest one is of no known send (then any crashed send may be
there).  `commit` and `fetch` are a register of their own (locality), decided by `zones` where the
committed offsets that are fetched are unique.

O(n log n) for n operations and polled records.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from checker.history.algorithms import zones
from checker.history.algorithms.decision import (
    READ,
    WRITE,
    Decision,
    Ints,
    Registers,
    holds,
    one_line,
    violated,
)
from checker.history.history import History
from checker.history.values import typed

# ------------------------------------------------------------------------------------- locks


def decide_lock(history: History) -> Decision | None:
    """Decide one lock with fencing tokens; None: the witness is missing."""
    acquires, crashed = history.f_is("acquire"), history.is_open
    known = np.array([type(v) is int for v in history.values] or [False])
    refused = np.array([*(v is False for v in history.values), False])[history.result] & ~crashed
    if (~acquires & (refused | ~known[history.argument])).any():
        return None
    named = np.where(acquires, history.result, history.argument)
    taken = np.flatnonzero(acquires & ~crashed)
    order = sorted(taken.tolist(), key=lambda i: int(history.values[int(named[i])]))
    place = {int(named[i]): k for k, i in enumerate(order)}
    for one, other in pairwise(order):
        if named[one] == named[other]:
            return violated("one token was given twice", one, other)

    release = np.full(len(order), -1, dtype=np.int64)
    releases = np.flatnonzero(~acquires)
    for i in releases[np.argsort(crashed[releases], kind="stable")].tolist():
        k = place.get(int(named[i]))
        if k is None and not crashed[i]:
            if (acquires & crashed).any():
                return None
            return violated("a token was released that was never given", i)
        if k is None:
            continue
        if release[k] < 0:
            release[k] = i
        elif not crashed[i]:
            return violated("one token was released twice", order[k], release[k], i)
    missing = np.flatnonzero(release[:-1] < 0)
    if len(missing):
        k = int(missing[0])
        return violated("a token was given while the one before was held", order[k], order[k + 1])
    who = np.stack([np.array(order, dtype=np.int64), release], axis=1).ravel()
    if len(who) and (who[-1] < 0 or crashed[who[-1]]):
        who = who[:-1]
    late = _late(history.invoked[who], history.returned[who])
    if late is None:
        return holds(lambda: who)
    pairs = np.array(late) // 2
    return violated("the order of the tokens is not that of time", who[list(late)], who[2 * pairs])


def _late(invoked: Ints, returned: Ints) -> tuple[int, int] | None:
    """Places of two operations that time has in the other order; None if there are none."""
    latest = np.maximum.accumulate(invoked) if len(invoked) else invoked
    wrong = np.flatnonzero(returned < latest)
    if not len(wrong):
        return None
    return int(np.flatnonzero(invoked == latest[wrong[0]])[0]), int(wrong[0])


# -------------------------------------------------------------------------------------- logs


def decide_log(history: History) -> Decision | None:
    """Decide one log; None: the witness is missing, or the committed offsets repeat."""
    committed = np.flatnonzero(history.f_is("commit", "fetch"))
    entries = np.flatnonzero(history.f_is("send", "poll"))
    parts = [(entries, _entries(history.take(entries)))]
    if len(committed):
        parts.append((committed, _committed(history.take(committed))))
    for chosen, decision in parts:
        if decision is not None and not decision.linearizable:
            return Decision(False, chosen[decision.conflict], decision.reason)
    return None if any(decision is None for _, decision in parts) else Decision(True)


def _committed(history: History) -> Decision | None:
    commits = history.f_is("commit")
    value = np.where(commits, history.argument, history.result).astype(np.int64)
    value[value < 0] = 0
    none = [i for i, v in enumerate(history.values) if v is None]
    width = len(history.values) + 1
    given = Registers(
        kind=np.where(commits, WRITE, READ).astype(np.int64),
        value=value,
        then=np.zeros_like(value),
        times=one_line(history.invoked, history.returned),
        initial=np.array(none[:1] or [width - 1], dtype=np.int64),
        values=width,
    )
    return zones.decide(given) if zones.unambiguous(given).all() else None


def _entries(history: History) -> Decision | None:
    """Sends and polls."""
    sends, crashed = history.f_is("send"), history.is_open
    answered = np.flatnonzero(sends & ~crashed)
    offsets = {i: history.values[history.result[i]] for i in answered.tolist()}
    at: dict[int, int] = {}
    """The operation that shows what is at an offset: its send, or the first poll of it."""
    holds_value: dict[int, Any] = {}
    for i, offset in offsets.items():
        if offset in at:
            return violated("two sends got one offset", at[offset], i)
        at[offset], holds_value[offset] = i, typed(history.values[history.argument[i]])

    ends, empties, wrong = _polls(history, at, holds_value)
    if wrong is not None:
        return wrong
    count = 1 + max(holds_value, default=-1)
    send = np.full(count, -1, dtype=np.int64)
    for i, offset in offsets.items():
        send[offset] = i
    spare: dict[Any, list[int]] = {}
    for i in np.flatnonzero(sends & crashed)[::-1].tolist():
        spare.setdefault(typed(history.values[history.argument[i]]), []).append(i)
    for offset in np.flatnonzero(send < 0).tolist():
        if offset not in holds_value:
            return None if (sends & crashed).any() else _gap(at, offset)
        waiting = spare.get(holds_value[offset])
        if not waiting:
            return violated("a value was polled that nobody sent", at[offset])
        send[offset] = waiting.pop()
    return _in_time(history, send, ends, empties)


def _gap(at: dict[int, int], offset: int) -> Decision:
    above = min(o for o in at if o > offset)
    return violated("an offset was left out", at[above])


def _polls(
    history: History, at: dict[int, int], holds_value: dict[int, Any]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], Decision | None]:
    """(operation, last offset) of polls with records, (operation, offset) of empty ones; or what
    is wrong with one by itself.  `at` and `holds_value` get what polls alone know.
    """
    ends: list[tuple[int, int]] = []
    empties: list[tuple[int, int]] = []
    values = history.values
    polls = np.flatnonzero(history.f_is("poll") & ~history.is_open)
    rows = zip(
        polls.tolist(),
        history.argument[polls].tolist(),
        history.result[polls].tolist(),
        strict=True,
    )
    for i, argument, result in rows:
        start, records = values[argument], values[result]
        if not records:
            if start is not None:
                empties.append((i, start))
            continue
        first = records[0][0]
        if start is not None and first != start:
            return ends, empties, violated("a poll began at another offset", i)
        for k, (offset, value) in enumerate(records, first):
            if offset != k:
                return ends, empties, violated("a poll left out an offset", i)
            known = holds_value.get(k)
            if known is None and k not in at:
                at[k], holds_value[k] = i, typed(value)
            elif known != typed(value):
                return ends, empties, violated("two values at one offset", at[k], i)
        ends.append((i, k))
    return ends, empties, None


def _in_time(
    history: History, send: Ints, ends: list[tuple[int, int]], empties: list[tuple[int, int]]
) -> Decision:
    """The lemma, for the sends 0, 1, ... and what polls ask of them."""
    count = len(send)
    ready, due = history.invoked[send].copy(), history.returned[send].copy()
    asks, shows = send.copy(), send.copy()
    for i, start in empties:
        if start < count and history.invoked[i] > ready[start]:
            ready[start], asks[start] = history.invoked[i], i
    for i, end in ends:
        if history.returned[i] < due[end]:
            due[end], shows[end] = history.returned[i], i
    late = _late(ready, due)
    if late is None:
        return Decision(True)
    j, k = late
    return violated(
        "the order of the offsets is not that of time", asks[j], send[j], shows[k], send[k]
    )
