"""Verdicts and witnesses of `linearize`, of all models, against every order of the operations.

QUORATE_HISTORIES=100000 makes as many histories of each model as that; few by default.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checker.history.budget import Spending
from checker.history.building import Builder
from checker.history.check import AlgorithmError, linearize
from checker.history.follow import Following
from checker.history.history import History
from checker.history.jsonl import Event
from checker.history.models import MODELS, Model
from checker.history.needs import Needs, needs_of
from checker.history.result import Result
from checker.history.rules import checked
from checker.history.values import to_json
from tests.history.brute import Op, linearizable, recorded
from tests.history.test_algorithms_special import (
    CALLS,
    Call,
    call_of,
    damaged,
    nothing,
    steps_of,
)

COUNT = int(os.environ.get("QUORATE_HISTORIES", "120"))
ROOT = Path(__file__).resolve().parents[2]

MORE: dict[str, list[Call]] = {
    "register-few": [
        ("write", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, _s: [None, 0, 1, 2]),
    ],
    "cas-register-few": [
        ("write", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, _s: [None, 0, 1, 2]),
        ("cas", lambda r, _: (r.randrange(3), r.randrange(3)), lambda _r, _s: [None, False]),
    ],
    "kv-append": [
        ("append", lambda r, _: r.choice("abc"), lambda _r, _s: [None]),
        ("put", lambda r, _: r.choice("abc"), lambda _r, _s: [None]),
        ("get", nothing, lambda _r, s: [s if isinstance(s, str) else None]),
        ("delete", nothing, lambda r, _s: r.sample([None, True, False], 3)),
    ],
    "queue-few": [
        ("enqueue", lambda r, _: r.randrange(2), lambda _r, _s: [None]),
        ("dequeue", nothing, lambda _r, s: [s[0] if s else None]),
    ],
    "counter": [
        ("add", lambda r, _: r.randrange(1, 3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, s: [s]),
        ("increment-and-get", nothing, lambda _r, s: [s + 1]),
    ],
    "consensus": [
        ("propose", lambda r, _: r.randrange(3), lambda _r, _s: [0, 1, 2]),
        ("learn", nothing, lambda _r, _s: [None, 0, 1, 2]),
    ],
    "set-read": [
        ("add", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, s: [tuple(sorted(s))]),
    ],
}
EVERY = CALLS | MORE


def built(operations: Sequence[Op]) -> History:
    """With as many processes as needed; those that crashed do nothing more."""
    builder, free, mine = Builder("test"), list(range(50)), dict[int, int]()
    for event in events_of(operations, free, mine):
        builder.event(event.process, event.type, event.f, event.value, key=event.key)
    return builder.finish()


def events_of(operations: Sequence[Op], free: list[int], mine: dict[int, int]) -> list[Event]:
    places: list[tuple[int, int, bool]] = []
    for i, o in enumerate(operations):
        places.append((o.invoked, i, False))
        if o.returned is not None:
            places.append((o.returned, i, True))
    found = []
    for _, i, is_end in sorted(places):
        o = operations[i]
        key, argument = o.argument
        if is_end:
            process = mine.pop(i)
            free.insert(0, process)
            found.append(Event(process, "ok", o.f, key, to_json(o.result)))
        else:
            mine[i] = free.pop(0)
            found.append(Event(mine[i], "invoke", o.f, key, to_json(argument)))
    return found


def brute(history: History, model: Model) -> bool:
    """Of all its keys."""
    operations = [
        Op(o.f, (o.key, o.argument), o.result, o.invoked, None if o.is_open else o.returned)
        for o in history
    ]
    return all(
        linearizable(
            [o for o in operations if o.argument[0] == key], model.initial(), steps_of(model)
        )
        for key in {o.argument[0] for o in operations}
    )


def together(history: History) -> History:
    """The same, all concurrent."""
    count = len(history)
    returned = [int(r) if r > 2**50 else count + i for i, r in enumerate(history.returned)]
    return history.with_columns(invoked=range(count), returned=returned)


def assert_minimal(result: Result, history: History, model: Model) -> None:
    """The witness is not linearizable; without any one of them it is."""
    witness = result.witness
    assert witness is not None
    assert result.minimal
    assert not brute(witness, model), result.reason
    key = int(witness.key[0])
    assert (witness.key == key).all()
    whole = history.of_key(key)
    needs = needs_of(whole, model)
    some = [whole.origin.tolist().index(i) for i in witness.origin.tolist()]
    guarded = needs is None and brute(together(witness), model)
    if needs is None:
        needs = Needs()
    else:
        assert set(needs.closed(some)) == set(some)
    for i in some:
        rest = whole.take(needs.without(some, [i]))
        senseless = guarded and not brute(together(rest), model)
        assert brute(rest, model) or senseless, f"without {whole.operation(i)}"


@pytest.mark.parametrize("name", EVERY)
def test_all_algorithms_agree_with_every_order(name: str) -> None:
    model = MODELS[next(m for m in (name, name.rpartition("-")[0]) if m in MODELS)]()
    random = Random(name)
    call = call_of(model, EVERY[name])
    verdicts = []
    for _ in range(COUNT):
        operations = recorded(
            random,
            random.randint(1, 9),
            (model.initial(), model.initial()),
            call,
            clients=random.randint(1, 4),
            crash=random.choice([0, 0, 0.2]),
        )
        for _ in range(random.choice([0, 1, 2, 3])):
            operations = damaged(random, operations)
        history = checked(built(operations), model)
        expected = brute(history, model)
        verdicts.append(expected)
        result = linearize(built(operations), model)
        assert bool(result) is expected
        for algorithm in ("frontier", "depth-first"):
            assert bool(linearize(history, model, algorithm=algorithm, explain=False)) is expected
        assert followed(operations, model).verdict == result.verdict
        if expected:
            for _, part in history.split():
                needs = needs_of(part, model)
                if needs is not None and name != "mutex":  # the rule of needs.py
                    some = random.sample(range(len(part)), random.randint(0, len(part)))
                    assert brute(part.take(needs.closed(some)), model)
        if not expected:
            assert_minimal(result, history, model)
            # From the conflict of a special algorithm, too.
            found = linearize(history, model, per_key=True)
            assert sorted(map(str, found.keys)) == sorted({str(o.key) for o in history})
            assert_minimal(found, history, model)
    assert verdicts.count(True) > COUNT // 10
    assert verdicts.count(False) > COUNT // 30


def followed(operations: Sequence[Op], model: Model) -> Result:
    following = Following(model, Spending())
    for line, event in enumerate(events_of(operations, list(range(50)), {}), 1):
        following.add(event, line)
        if following.violated:
            break
    following.finish()
    return following.result(explained=False)


# --------------------------------------------------------------------------- by hand


def history_of(*rows: tuple[Any, ...]) -> History:
    builder = Builder("test")
    for process, kind, f, *value in rows:
        builder.event(process, kind, f, value[0] if value else None)
    return builder.finish()


def one_by_one(*calls: tuple[int, str, Any, Any]) -> History:
    """(process, function, argument, result), none at the time of another."""
    return history_of(
        *(
            row
            for process, f, argument, result in calls
            for row in ((process, "invoke", f, argument), (process, "ok", f, result))
        )
    )


def witness_of(result: Result) -> list[str]:
    assert result.witness is not None
    return [f"{o.f} {o.argument} {o.result}" for o in result.witness]


def test_a_stale_read_keeps_the_write_that_it_saw() -> None:
    rows = [(0, "write", n, None) for n in range(40)]
    history = one_by_one(*rows, (1, "read", None, 37), (1, "read", None, 39))
    for algorithm in (None, "zones", "search"):
        result = linearize(history, "register", algorithm=algorithm)
        assert result.verdict == "not linearizable"
        assert len(witness_of(result)) == 3
        assert witness_of(result)[0] == "write 37 None"
        assert witness_of(result)[-1] == "read None 37"


def test_a_pair_that_left_the_queue_in_the_wrong_order() -> None:
    put = [(0, "enqueue", n, None) for n in range(40)]
    order = [*range(20), 21, 20, *range(22, 40)]
    took = [(1, "dequeue", None, n) for n in order]
    for algorithm in (None, "queues", "search"):
        result = linearize(one_by_one(*put, *took), "queue", algorithm=algorithm)
        assert witness_of(result) == [
            "enqueue 20 None", "enqueue 21 None", "dequeue None 21", "dequeue None 20",
        ]  # fmt: skip


def test_two_holders_of_a_mutex() -> None:
    rows = [(n % 3, f, None, None) for n in range(50) for f in ("acquire", "release")]
    history = one_by_one(*rows, (0, "acquire", None, None), (1, "acquire", None, None), *rows[4:])
    result = linearize(history, "mutex")
    assert result.verdict == "not linearizable"
    assert 2 <= len(witness_of(result)) <= 4


def test_a_value_from_nowhere_is_a_witness_by_itself() -> None:
    history = one_by_one((0, "write", 1, None), (0, "read", None, 7), (0, "write", 2, None))
    assert witness_of(linearize(history, "register")) == ["read None 7"]


def test_a_lost_increment() -> None:
    rows = [(0, "increment", None, None)] * 5
    history = one_by_one(*rows, (0, "read", None, 4))
    result = linearize(history, "counter")
    assert len(witness_of(result)) == 6


def test_sequential_consistency_has_no_clock() -> None:
    stale = [(0, "write", 1, None), (0, "write", 2, None), (1, "read", None, 1)]
    assert not linearize(one_by_one(*stale), "register")
    assert linearize(one_by_one(*stale), "register", consistency="sequential")
    back = [*stale[:2], (1, "read", None, 2), (1, "read", None, 1), (2, "read", None, 2)]
    result = linearize(one_by_one(*back), "register", consistency="sequential")
    assert result.verdict == "not linearizable"
    assert len(witness_of(result)) == 4
    assert result.minimal


def test_an_algorithm_that_does_not_apply() -> None:
    history = one_by_one((0, "write", 1, None), (0, "write", 1, None), (0, "read", None, 1))
    assert linearize(history, "register", algorithm="search")
    with pytest.raises(AlgorithmError, match="zones does not apply"):
        linearize(history, "register", algorithm="zones")
    with pytest.raises(AlgorithmError, match="zones does, at least"):
        linearize(history, "register", algorithm="queues")
    with pytest.raises(AlgorithmError, match="there is no algorithm"):
        linearize(history, "register", algorithm="magic")


def hard(clients: int = 20, rounds: int = 30) -> History:
    """Many concurrent writes of few values, enqueued and taken out in a wrong order."""
    random, rows = Random(5), list[tuple[Any, ...]]()
    for n in range(rounds):
        order = list(range(clients))
        rows += [(c, "invoke", "enqueue", random.randrange(6)) for c in order]
        random.shuffle(order)
        rows += [(c, "ok", "enqueue") for c in order]
        rows += [(clients, "invoke", "dequeue"), (clients, "ok", "dequeue", n % 6)]
    return history_of(*rows)


def test_a_limit_of_time_is_kept() -> None:
    linearize(hard(), "queue", seconds=0.1)  # the kernels are compiled once on a machine
    begun = time.monotonic()
    result = linearize(hard(), "queue", seconds=0.5)
    took = time.monotonic() - begun
    assert result.verdict == "unknown"
    assert result.limit == "time"
    assert 0.45 < took < 2
    assert result.verified is not None
    assert 0 < result.verified < hard().events
    assert "the time limit was reached; the first" in result.reason


def test_a_limit_of_memory_is_kept() -> None:
    from checker.history.budget import resident_bytes

    limit = resident_bytes() + 40 * 2**20
    result = linearize(hard(), "queue", memory_bytes=limit, seconds=60)
    assert result.verdict == "unknown"
    assert result.limit == "memory"
    assert resident_bytes() < limit + 40 * 2**20


def test_workers_change_nothing() -> None:
    rows = [(k, "write", n, None) for n in range(50) for k in range(4)]
    builder = Builder("test")
    for process, f, argument, result in rows:
        for kind, value in (("invoke", argument), ("ok", result)):
            builder.event(process, kind, f, value, key=process)
    history = builder.finish()
    for workers in (1, 3):
        assert linearize(history, "register", algorithm="search", workers=workers)


def test_a_violation_on_another_key_is_not_hidden_by_a_hard_one() -> None:
    builder = Builder("test")
    for o in (*hard(), *one_by_one((90, "enqueue", 1, None), (90, "dequeue", None, 2))):
        key = "easy" if o.process == 90 else "hard"
        builder.event(f"{key}{o.index}", "invoke", o.f, o.argument, key=key)
        builder.event(f"{key}{o.index}", "ok", o.f, o.result, key=key)
    result = linearize(builder.finish(), "queue", seconds=5)
    assert result.verdict == "not linearizable"


HASHED = """
from tests.history.test_check import *
random = Random(1)
for name in ("cas-register-few", "queue-few", "kv"):
    model = MODELS[next(m for m in (name, name.rpartition("-")[0]) if m in MODELS)]()
    for _ in range(25):
        made = recorded(random, 9, (model.initial(),) * 2, call_of(model, EVERY[name]), clients=4)
        result = linearize(built(damaged(random, damaged(random, made))), model)
        print(result.verdict, result.algorithm, result.reason, result.to_json()["witness"])
"""


def test_the_same_under_any_hash_seed() -> None:
    said = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", HASHED], capture_output=True, text=True, check=True, cwd=ROOT,
            env=environment,
        )  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1
    assert "not linearizable" in said.pop()


def test_a_late_answer_makes_the_verdict_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.history.follow.MOST_WAITING", 8)
    following = Following(MODELS["register"](), Spending())
    lines = [Event(9, "invoke", "write", None, 5)]
    for n in range(10):
        lines += [Event(0, "invoke", "write", None, n), Event(0, "ok", "write", None, None)]
    lines.append(Event(9, "ok", "write", None, None))
    for at, line in enumerate(lines, 1):
        following.add(line, at)
    following.finish()
    result = following.result()
    assert (result.verdict, following.violated) == ("unknown", False)
    assert "1 operations were answered so late" in result.reason


def test_what_is_followed_is_explained() -> None:
    following = Following(MODELS["register"](), Spending())
    at = 0
    for f, argument, result in [
        *[("write", n, None) for n in range(30)], ("read", None, 28), ("write", 1, None),
    ]:  # fmt: skip
        for event in (Event(0, "invoke", f, None, argument), Event(0, "ok", f, None, result)):
            at += 1
            following.add(event, at)
        if following.violated:
            break
    assert at == 62
    assert witness_of(following.result()) == [
        "write 28 None", "write 29 None", "read None 28",
    ]  # fmt: skip
