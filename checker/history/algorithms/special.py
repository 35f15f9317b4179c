"""From a history and a model to the special algorithm that decides it.

`special` looks at all keys at once.  It says for which keys an algorithm applies, decides those,
and leaves the others to the general search:

    model          algorithm   applies to a key if
    register       zones       each value that is read is written once, or is the initial one
    kv             zones       so, and no append, no delete that says whether the key was there
    cas-register   chains      each value that is read or replaced is installed once at most, and
    kv             chains      no refused cas is evidence
    queue          queues      each value that is dequeued is enqueued once at most
    mutex          switches    always
    set            switches    see sets.py
    lock, log      witness     see logs.py

Histories are as `checker.history.rules.checked` gives them: operations that answered or are open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from checker.history.algorithms.decision import (
    CAS,
    NONE,
    READ,
    WRITE,
    Bools,
    Decision,
    Ints,
    Registers,
    one_line,
    side_by_side,
)
from checker.history.history import NO_RESULT, History
from checker.history.models.kv import KeyValue
from checker.history.models.lock import Lock
from checker.history.models.log import Log
from checker.history.models.model import NULL, Model, State, stored
from checker.history.models.mutex import Mutex
from checker.history.models.queue import Queue
from checker.history.models.register import CasRegister, Register
from checker.history.models.set import Set
from checker.history.values import untyped

MOST_DENSE = 4
"""So many times the operations is a table of keys times values at most."""


@dataclass(frozen=True)
class Special:
    """What an algorithm decided.

    `decision`: of the operations on `keys` (indices into `history.keys`), by their indices in the
    history; it names the conflict of one key.  `left`: keys to which it does not apply.
    """

    algorithm: str
    keys: Ints
    left: Ints
    decision: Decision


def special(history: History, model: Model) -> Special | None:
    """Decide what a special algorithm can; None: there is none for this model."""
    for kind, decide in _ALGORITHMS:
        # A subclass may have another meaning.
        if type(model) is kind:
            return decide(history, model)
    return None


# ------------------------------------------------------------------------------- parts of it


def _split(history: History, fits: Bools) -> tuple[History, Ints]:
    """The operations on the keys that fit, and their indices."""
    if fits.all():
        return history, np.arange(len(history))
    chosen = np.flatnonzero(fits[history.key])
    return history.take(chosen), chosen


def _answer(
    algorithm: str, present: Ints, fits: Bools, chosen: Ints, decision: Decision
) -> Special:
    """Indices of a part become those of the whole."""
    order = decision.order
    told = replace(
        decision,
        conflict=chosen[decision.conflict],
        order=None if order is None else lambda: chosen[order()],
    )
    return Special(algorithm, present[fits[present]], present[~fits[present]], told)


def _codes(history: History, what: Callable[[object], bool]) -> Bools:
    """Which values (by index) are so; the last entry stands for "no result"."""
    return np.array([*map(what, history.values), False], dtype=np.bool_)


def _present(history: History) -> tuple[Ints, Bools]:
    """The keys that occur; and a mask of all keys, with none left out yet."""
    count = np.bincount(history.key, minlength=len(history.keys))
    return np.flatnonzero(count), np.ones(len(history.keys), dtype=np.bool_)


def _leave_out(fits: Bools, history: History, which: Bools) -> None:
    fits[history.key[which]] = False


# ------------------------------------------------------------------------------- registers


def _registers(history: History, model: Model) -> Special:
    present, fits = _present(history)
    answered = ~history.is_open
    refused = _codes(history, lambda v: v is False)[history.result] & answered
    cas, reads = history.f_is("cas"), history.f_is("read", "get")
    _leave_out(fits, history, cas & refused)
    value = np.where(reads, history.result, history.argument).astype(np.int64)
    value[value == NO_RESULT] = 0  # of crashed reads: without meaning
    initial = _code_of(history, model.initial())
    if isinstance(model, KeyValue):
        _leave_out(fits, history, history.f_is("append"))
        deletes = history.f_is("delete")
        says = _codes(history, lambda v: type(v) is bool)[history.result] & answered
        _leave_out(fits, history, deletes & says)
        value[deletes] = initial
        empty = _codes(history, lambda v: v == "")
        absent = reads & answered & empty[history.result]
        value[absent] = initial
        written = np.zeros(len(history.keys), dtype=np.bool_)
        written[history.key[history.f_is("put", "cas") & _installs(history, empty)]] = True
        _leave_out(fits, history, absent & written[history.key])
    kind = np.where(reads, READ, np.where(cas, CAS, WRITE)).astype(np.int64)
    then = np.zeros(len(history), dtype=np.int64)
    if cas.any():
        _replacements(history, model.initial(), cas, value, then)

    given, objects = _side_by_side(history, present, (kind, value, then), initial)
    algorithm = "chains" if cas.any() else "zones"
    module = import_module(f"checker.history.algorithms.{algorithm}")
    plain = module.unambiguous(given)
    if not plain.all():
        for codes in (given.value, given.then):
            wrong = np.zeros(len(present), dtype=np.bool_)
            wrong[objects[~plain[codes]]] = True
            fits[present[wrong]] = False
        wrong = ~plain[given.initial]
        fits[present[wrong]] = False
    chosen = np.flatnonzero(fits[history.key])
    if len(chosen) < len(history):
        given = replace(
            given,
            kind=kind[chosen],
            value=given.value[chosen],
            then=given.then[chosen],
            times=given.times.take(chosen),
        )
    return _answer(algorithm, present, fits, chosen, module.decide(given))


def _installs(history: History, empty: Bools) -> Bools:
    """Which operations have the empty text as argument, or in it (a cas)."""
    within = _codes(history, lambda v: type(v) is tuple and "" in v)
    mask: Bools = (empty | within)[history.argument]
    return mask


def _code_of(history: History, state: object) -> int:
    """The index of a state's value among the history's; one more if it does not occur."""
    value = None if state == NULL else state
    kind = type(value)
    for i, one in enumerate(history.values):
        if (one is None) if value is None else (type(one) is kind and stored(one) == state):
            return i
    return len(history.values)


def _replacements(history: History, initial: State, cas: Bools, value: Ints, then: Ints) -> None:
    """The two values of each compare-and-set, by index; those that occur nowhere else get more."""
    pairs, places = np.unique(history.argument[cas], return_inverse=True)
    parts = [history.values[pair] for pair in pairs.tolist()]
    plain = _PLAIN.issuperset(type(value) for pair in parts for value in pair)
    as_key = (lambda value: value) if plain else stored
    codes = {as_key(v): i for i, v in enumerate(history.values) if not plain or type(v) in _PLAIN}
    if not plain or type(untyped(initial)) in _PLAIN:
        codes.setdefault(untyped(initial) if plain else initial, len(history.values))
    new = len(history.values) + 1
    ends = np.array(
        [codes.setdefault(as_key(v), len(codes) + new) for pair in parts for v in pair],
        dtype=np.int64,
    ).reshape(-1, 2)
    value[cas], then[cas] = ends[places].T


_PLAIN = frozenset({int, str, type(None)})
"""Values that need no `stored` to be told apart."""


def _side_by_side(
    history: History, present: Ints, columns: tuple[Ints, Ints, Ints], initial: int
) -> tuple[Registers, Ints]:
    """The keys as objects 0, 1, ..., with values of their own.  `columns`: as in `Registers`."""
    kind, value, then = columns
    width = 1 + max(int(value.max(initial=0)), int(then.max(initial=0)), initial)
    if len(present) <= 1:
        times = one_line(history.invoked, history.returned)
        first = np.full(len(present), initial, dtype=np.int64)
        objects = np.zeros(len(history), dtype=np.int64)
        return Registers(kind, value, then, times, first, width), objects
    number = np.zeros(len(history.keys), dtype=np.int64)
    number[present] = np.arange(len(present))
    objects = number[history.key]
    times = side_by_side(objects, len(present), history.invoked, history.returned)
    value, first = objects * width + value, np.arange(len(present)) * width + initial
    then = objects * width + then
    count = width * len(present)
    if count > MOST_DENSE * (len(history) + 1000):
        parts = [value, then, first] if (kind == CAS).any() else [value, first]
        distinct, places = np.unique(np.concatenate(parts), return_inverse=True)
        places, count = places.astype(np.int64), len(distinct)
        value, first = places[: len(value)], places[len(places) - len(first) :]
        then = places[len(value) : 2 * len(value)] if len(parts) == 3 else np.zeros_like(value)
    return Registers(kind, value, then, times, first, count), objects


# ------------------------------------------------------------------------------- the others


def _queue(history: History, _: Model) -> Special:
    """Key by key: what is left in one queue says nothing of another."""
    from checker.history.algorithms import queues

    present, fits = _present(history)
    none = _codes(history, lambda v: v is None)
    decisions: list[tuple[Ints, Decision]] = []
    for key in present.tolist():
        chosen = np.flatnonzero(history.key == key) if len(present) > 1 else np.arange(len(history))
        part = history.take(chosen)
        enqueues = part.f_is("enqueue")
        empty = ~enqueues & ~part.is_open & none[part.result]
        value = np.where(enqueues, part.argument, part.result).astype(np.int64)
        value[value == NO_RESULT] = 0
        kind = np.where(enqueues, queues.ENQUEUE, np.where(empty, queues.EMPTY, queues.DEQUEUE))
        times = one_line(part.invoked, part.returned)
        given = queues.Queue(kind.astype(np.int64), value, times, len(history.values) + 1)
        if not queues.unambiguous(given).all():
            fits[key] = False
            continue
        decisions.append((chosen, queues.decide(given)))
    return _answer("queues", present, fits, np.arange(len(history)), _all_of(decisions))


def _all_of(decisions: list[tuple[Ints, Decision]]) -> Decision:
    """Of parts, each with its indices, the first that is violated; or all of them in turn."""
    for chosen, decision in decisions:
        if not decision.linearizable:
            return replace(decision, conflict=chosen[decision.conflict])

    def order() -> Ints:
        parts = [chosen[d.order()] for chosen, d in decisions if d.order is not None]
        return np.concatenate([NONE, *parts])

    # Each algorithm makes an order, or never does.
    return Decision(True, order=None if any(d.order is None for _, d in decisions) else order)


def _mutex(history: History, _: Model) -> Special:
    from checker.history.algorithms import switches

    present, fits = _present(history)
    refused = _codes(history, lambda v: v is False)[history.result] & ~history.is_open
    acquires = history.f_is("acquire")
    kind = np.where(
        acquires,
        np.where(refused, switches.ON, switches.UP),
        np.where(refused, switches.OFF, switches.DOWN),
    )
    number = np.zeros(len(history.keys), dtype=np.int64)
    number[present] = np.arange(len(present))
    objects = number[history.key]
    times = side_by_side(objects, len(present), history.invoked, history.returned)
    decision = switches.decide(switches.Switches(kind.astype(np.int64), objects, times))
    return _answer("switches", present, fits, np.arange(len(history)), decision)


def _set(history: History, _: Model) -> Special:
    from checker.history.algorithms import sets

    present, fits = _present(history)
    _leave_out(fits, history, ~sets.decidable(history))
    part, chosen = _split(history, fits)
    return _answer("switches", present, fits, chosen, sets.decide(part))


def _witness(history: History, model: Model) -> Special:
    from checker.history.algorithms import logs

    one = logs.decide_lock if type(model) is Lock else logs.decide_log
    present, fits = _present(history)
    decisions: list[tuple[Ints, Decision]] = []
    for key in present.tolist():
        chosen = np.flatnonzero(history.key == key)
        decision = one(history.take(chosen))
        fits[key] = decision is not None
        if decision is not None:
            decisions.append((chosen, decision))
    return _answer("witness", present, fits, np.arange(len(history)), _all_of(decisions))


_ALGORITHMS: tuple[tuple[type[Model], Callable[[History, Model], Special]], ...] = (
    (Register, _registers),
    (CasRegister, _registers),
    (KeyValue, _registers),
    (Queue, _queue),
    (Mutex, _mutex),
    (Set, _set),
    (Lock, _witness),
    (Log, _witness),
)

__all__ = ["Special", "special"]
