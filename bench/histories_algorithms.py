"""The special algorithms at a million operations: seconds and memory, after loading.

    .venv/bin/python bench/histories_algorithms.py [OPERATIONS]

Each history is of `clients` that are never idle, linearizable by construction: every operation
takes effect at the middle of its time.  `broken` is the same with two answers exchanged near its
end.  `order` is the time for the linearization, which is made when it is asked for.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from checker.history.algorithms import chains, queues, switches, zones
from checker.history.algorithms.decision import (
    CAS,
    READ,
    WRITE,
    Decision,
    Ints,
    Registers,
    Times,
    one_line,
    side_by_side,
)

SEED = 5


def spans(count: int, clients: int) -> tuple[Ints, Ints, Ints]:
    """Invocations, returns, and operations in the order in which they take effect."""
    random = np.random.default_rng(SEED)
    each = count // clients
    steps = random.exponential(1.0, (clients, 2 * each)).cumsum(axis=1)
    begin, end = steps[:, 0::2].ravel(), steps[:, 1::2].ravel()
    places = np.empty(2 * len(begin), dtype=np.int64)
    places[np.argsort(np.concatenate([begin, end]))] = np.arange(2 * len(begin))
    invoked, returned = places[: len(begin)], places[len(begin) :]
    sort = np.argsort(invoked)
    effect = np.argsort(((begin + end) / 2)[sort])
    return invoked[sort], returned[sort], effect


def registers(count: int, clients: int, *, cas: bool = False, keys: int = 1) -> Registers:
    """Half reads; the rest writes of new values, or compare-and-sets to new values."""
    random = np.random.default_rng(SEED)
    invoked, returned, effect = spans(count, clients)
    count = len(invoked)
    objects = random.integers(0, keys, count)
    kind = np.where(random.random(count) < 0.5, READ, WRITE)
    value, then = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    held = list(range(keys))
    fresh = keys
    for i in effect.tolist():
        o = objects[i]
        value[i] = held[o]
        if kind[i] == WRITE:
            if cas:
                kind[i], then[i] = CAS, fresh
            else:
                value[i] = fresh
            held[o] = fresh
            fresh += 1
    times = side_by_side(objects, keys, invoked, returned)
    return Registers(kind, value, then, times, np.arange(keys, dtype=np.int64), fresh)


def a_queue(count: int, clients: int) -> queues.Queue:
    random = np.random.default_rng(SEED)
    invoked, returned, effect = spans(count, clients)
    enqueues = random.random(len(invoked)) < 0.5
    kind, value = np.where(enqueues, queues.ENQUEUE, queues.EMPTY), np.zeros_like(invoked)
    first, last = 0, 0
    for i in effect.tolist():
        if enqueues[i]:
            value[i], last = last, last + 1
        elif first < last:
            kind[i], value[i], first = queues.DEQUEUE, first, first + 1
    return queues.Queue(kind, value, one_line(invoked, returned), last + 1)


def a_mutex(count: int, clients: int, objects: int = 1) -> switches.Switches:
    """Half of the operations are refused: `acquire` of what is held; sets are many of these."""
    random = np.random.default_rng(SEED)
    invoked, returned, effect = spans(count, clients)
    kind = random.integers(0, 2, len(invoked))
    which = random.integers(0, objects, len(invoked))
    held = [False] * objects
    for i in effect.tolist():
        o = which[i]
        up = kind[i] == switches.UP
        if held[o] == up:
            kind[i] = switches.ON if up else switches.OFF
        else:
            held[o] = up
    return switches.Switches(kind, which, side_by_side(which, objects, invoked, returned))


def held_in_turn(count: int, clients: int) -> switches.Switches:
    """A mutex for which all clients wait: each acquire ends when the holder before has released."""
    invoked, returned, kind = [], [], []
    waiting_since = list(range(clients))
    at = clients
    for turn in range(count // 2):
        client = turn % clients
        invoked += [waiting_since[client], at + 1]
        returned += [at, at + 2]
        kind += [switches.UP, switches.DOWN]
        waiting_since[client] = at + 3
        at += 4
    sort = np.argsort(invoked)
    times = one_line(np.array(invoked)[sort], np.array(returned)[sort])
    return switches.Switches(np.array(kind)[sort], np.zeros(len(kind), dtype=np.int64), times)


def broken(value: Ints, which: Any) -> Ints:
    """Two of these values, near the end and some apart, exchanged."""
    places = np.flatnonzero(which)[[-300, -270]]
    value = value.copy()
    value[places] = value[places[::-1]]
    return value


def measure(name: str, decide: Callable[[], Decision], expected: bool) -> None:
    begin = time.perf_counter()
    decided = decide()
    seconds = time.perf_counter() - begin
    assert decided.linearizable is expected, decided
    told = f"conflict of {len(decided.conflict)}"
    if decided.order is not None:
        begin = time.perf_counter()
        length = len(decided.order())
        told = f"order of {length:,} in {time.perf_counter() - begin:.2f} s"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:44} {seconds:6.2f} s   {told:32} peak {peak:5.0f} MB", flush=True)


def main(count: int) -> None:
    for clients in (4, 10):
        given = registers(count, clients)
        measure(f"zones, {clients} clients", partial(zones.decide, given), True)
        wrong = replace(given, value=broken(given.value, given.kind == READ))
        measure(f"zones, {clients} clients, broken", partial(zones.decide, wrong), False)
    given = registers(count, 50, keys=1000)
    measure("zones, 50 clients, 1,000 keys", lambda: zones.decide(given), True)
    cas = registers(count, 10, cas=True)
    measure("chains, 10 clients", lambda: chains.decide(cas), True)
    bad = replace(cas, value=broken(cas.value, cas.kind == READ))
    measure("chains, 10 clients, broken", lambda: chains.decide(bad), False)
    for clients in (4, 50):
        queue = a_queue(count, clients)
        measure(f"queues, {clients} clients", partial(queues.decide, queue), True)
        swapped = replace(queue, value=broken(queue.value, queue.kind == queues.DEQUEUE))
        measure(f"queues, {clients} clients, broken", partial(queues.decide, swapped), False)
    crashed = with_crashes(a_queue(count, 10), 0.01)
    measure("queues, 10 clients, 1% crashed", lambda: queues.decide(crashed), True)
    mutex = held_in_turn(count, 10)
    measure("switches, mutex, 10 clients waiting", lambda: switches.decide(mutex), True)
    tried = a_mutex(count, 10)
    measure("switches, mutex, 10 clients trying", lambda: switches.decide(tried), True)
    elements = a_mutex(count, 10, objects=1000)
    measure("switches, 1,000 elements of a set", lambda: switches.decide(elements), True)


def with_crashes(queue: queues.Queue, share: float) -> queues.Queue:
    """Some operations without an answer."""
    random = np.random.default_rng(SEED)
    crashed = random.random(len(queue.kind)) < share
    times: Times = queue.times
    returned = np.where(crashed, np.int64(2**62), times.returned)
    value = np.where(crashed & (queue.kind != queues.ENQUEUE), 0, queue.value)
    kind = np.where(crashed & (queue.kind == queues.EMPTY), queues.DEQUEUE, queue.kind)
    return queues.Queue(kind, value, one_line(times.invoked, returned), queue.values)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
