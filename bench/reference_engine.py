"""The reference engine against a search written by hand, in pairs, in one run.

    make bench            or: .venv/bin/python bench/reference_engine.py [ROUNDS]

Both explore Paxos with 3 acceptors, 3 ballots and 2 values (185,369 states) and check agreement
in every state. The search by hand knows nothing but this protocol: tuples, frozensets and
loops. It is the floor of what Python can do, and an independent count of the states.
Prints states a second of each (processor time, so that a busy machine does not count) and the
ratio of each pair; the last line has the medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from itertools import combinations

from checker import check
from spec.paxos import Paxos

ACCEPTORS, BALLOTS, VALUES = 3, 3, 2
QUORUMS = list(combinations(range(ACCEPTORS), 2))
EXPECTED = 185_369

# A message is (kind, ballot, ...): prepare, promise (acceptor, ballot and value of its vote, -1
# for none), accept (value), accepted (acceptor, value).
Message = tuple[int, ...]
PREPARE, PROMISE, ACCEPT, ACCEPTED = range(4)
State = tuple[tuple[int, ...], tuple[tuple[int, int], ...], frozenset[Message]]


def with_(items: tuple[object, ...], index: int, item: object) -> tuple[object, ...]:
    return (*items[:index], item, *items[index + 1 :])


def successors(state: State) -> Iterator[State]:
    promised, voted, sent = state
    for ballot in range(BALLOTS):
        yield promised, voted, sent | {(PREPARE, ballot)}
    for message in sent:
        if message[0] == PREPARE:
            for a in range(ACCEPTORS):
                if message[1] > promised[a]:
                    answer = (PROMISE, message[1], a, *voted[a])
                    yield with_(promised, a, message[1]), voted, sent | {answer}  # type: ignore[misc]
        elif message[0] == ACCEPT:
            ballot, value = message[1:]
            for a in range(ACCEPTORS):
                if ballot >= promised[a]:
                    yield (  # type: ignore[misc]
                        with_(promised, a, ballot),
                        with_(voted, a, (ballot, value)),
                        sent | {(ACCEPTED, ballot, a, value)},
                    )
    for ballot in range(BALLOTS):
        if any(m[0] == ACCEPT and m[1] == ballot for m in sent):
            continue
        joined = [m for m in sent if m[0] == PROMISE and m[1] == ballot]
        for quorum in QUORUMS:
            promises = [m for m in joined if m[2] in quorum]
            if {m[2] for m in promises} != set(quorum):
                continue
            highest = max(m[3] for m in promises)
            for value in range(VALUES):
                if highest < 0:
                    yield promised, voted, sent | {(ACCEPT, ballot, value)}
                for m in promises:
                    if highest >= 0 and m[3:] == (highest, value):
                        yield promised, voted, sent | {(ACCEPT, ballot, value)}


def agreement(state: State) -> bool:
    sent = state[2]
    chosen = {
        value
        for value in range(VALUES)
        for ballot in range(BALLOTS)
        if any(all((ACCEPTED, ballot, a, value) in sent for a in quorum) for quorum in QUORUMS)
    }
    return len(chosen) <= 1


def by_hand() -> tuple[int, int]:
    """Distinct states, and transitions."""
    start: State = ((-1,) * ACCEPTORS, ((-1, -1),) * ACCEPTORS, frozenset())
    seen = {start}
    waiting = [start]
    transitions = 0
    for state in waiting:
        for after in successors(state):
            transitions += 1
            if after not in seen:
                assert agreement(after)
                seen.add(after)
                waiting.append(after)
    return len(seen), transitions


def by_engine() -> tuple[int, int]:
    spec = Paxos(acceptors=ACCEPTORS, ballots=BALLOTS, values=VALUES)
    result = check(spec, properties=["agreement"])
    assert result
    return result.distinct_states, result.transitions


def everything() -> tuple[int, int]:
    result = check(Paxos(acceptors=ACCEPTORS, ballots=BALLOTS, values=VALUES))
    assert result
    return result.distinct_states, result.transitions


def main(rounds: int) -> None:
    names = {
        "by hand": by_hand,
        "engine, agreement": by_engine,
        "engine, every property": everything,
    }
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name, run in names.items():
            start = time.process_time()
            states, transitions = run()
            seconds = time.process_time() - start
            assert states == EXPECTED, f"{name} finds {states} states"
            rates[name].append(states / seconds)
            slower = rates["by hand"][-1] / rates[name][-1]
            print(
                f"round {number + 1}  {name:<24}{states / seconds:>10,.0f} states/s  "
                f"{transitions:>10,} transitions  by hand / this: {slower:.1f}",
                flush=True,
            )
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print("median   " + "   ".join(f"{name}: {rate:,.0f}" for name, rate in medians.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
