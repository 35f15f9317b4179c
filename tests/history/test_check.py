"""`linearize` on histories made by hand: verdicts, witnesses, options, limits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checker.history import check
from checker.history.budget import Spending, resident_bytes
from checker.history.building import Builder
from checker.history.check import AlgorithmError, linearize
from checker.history.follow import Following
from checker.history.history import History
from checker.history.jsonl import Event
from checker.history.models import MODELS
from checker.history.needs import needs_of
from checker.history.result import Result
from checker.history.search import native
from tests.history.brute import Op, recorded
from tests.history.generated import assert_minimal, built

ROOT = Path(__file__).resolve().parents[2]

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


def wide(random: Random, name: str) -> list[Op]:
    """200 operations of five clients, each at a random point of its interval."""

    def call(random: Random, state: tuple[int, ...]) -> tuple[str, Any, Any, Any]:
        put, take, at = ("write", "read", -1) if name == "register" else ("enqueue", "dequeue", 0)
        if random.random() < 0.5 or not state:
            value = random.randrange(10**9)
            return put, (None, value), None, (*state, value)
        return take, (None, None), state[at], state if name == "register" else state[1:]

    return recorded(random, 200, (), call, clients=5)


def test_a_stale_read_has_a_witness_of_six() -> None:
    random, sizes = Random(1), set()
    for _ in range(40):
        operations = wide(random, "register")
        writes = [o for o in operations[:80] if o.f == "write"]
        at = random.choice([i for i, o in enumerate(operations) if o.f == "read" and i > 100])
        operations[at] = operations[at]._replace(result=random.choice(writes).argument[1])
        result = linearize(built(operations), "register")
        assert result.verdict == "not linearizable"
        sizes.add(len(witness_of(result)))
        assert_minimal(result, built(operations), MODELS["register"]())
    assert {3} <= sizes <= {2, 3, 4, 5, 6}


def test_a_swapped_pair_has_a_witness_of_four() -> None:
    random, sizes = Random(1), list[int]()
    for _ in range(40):
        operations = wide(random, "queue")
        takes = [i for i, o in enumerate(operations) if o.f == "dequeue"]
        i, j = sorted(random.sample(takes, 2))
        one, other = operations[i].result, operations[j].result
        operations[i] = operations[i]._replace(result=other)
        operations[j] = operations[j]._replace(result=one)
        result = linearize(built(operations), "queue")
        if not result:
            sizes.append(len(witness_of(result)))
            assert_minimal(result, built(operations), MODELS["queue"]())
    assert set(sizes) == {2, 4}  # two: it left before it came
    assert len(sizes) > 25


def test_a_crashed_dequeue_may_have_taken_what_is_left() -> None:
    """Without it the queue could not have been empty: it is no contradiction to leave it out."""
    rows = [(0, "enqueue", 7, None), (0, "enqueue", 8, None), (0, "dequeue", None, 8)]
    taken = history_of(
        (1, "invoke", "dequeue"), *((p, k, f, r if k == "ok" else a) for p, f, a, r in rows
        for k in ("invoke", "ok")), (0, "invoke", "dequeue"), (0, "ok", "dequeue", None),
    )  # fmt: skip
    assert linearize(taken, "queue")
    needs = needs_of(taken, MODELS["queue"]())
    assert needs is not None
    assert needs.closed([1]) == [0, 1]  # what may have been taken, and by whom
    assert needs.closed([2]) == [2, 3]
    assert needs.closed([4]) == [4]


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
    limit = resident_bytes() + 40 * 2**20
    result = linearize(hard(), "queue", memory_bytes=limit, seconds=60)
    assert result.verdict == "unknown"
    assert result.limit == "memory"
    assert resident_bytes() < limit + 40 * 2**20


def test_of_two_turns_the_limit_of_the_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SMALL_WORK", 1 << 16)
    monkeypatch.setattr(check, "TURN_WORK", 1 << 16)
    limit = resident_bytes() + 40 * 2**20
    result = linearize(hard(), "queue", memory_bytes=limit, seconds=120)
    assert result.limit == "memory"


def test_what_was_not_verified_is_not_said_to_be() -> None:
    result = linearize(hard(), "queue", seconds=0)
    assert (result.verified, result.limit) == (0, "time")
    assert result.reason == "the time limit was reached; none of 1,260 events was verified by then"


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
from tests.history.generated import *
random = Random(1)
for name in ("cas-register-few", "queue-few", "kv", "tree"):
    for _ in range(40):
        result = linearize(built(made(random, name)), model_of(name))
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


def test_a_slow_compiler_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine compiles once is no part of a trial of the explanation."""
    library = native._library

    def slowly(*words: int) -> Any:
        time.sleep(3)
        return library(*words)

    monkeypatch.setattr(native, "_library", cache(slowly))
    history = one_by_one((0, "write", 1, None), (0, "write", 2, None), (1, "read", None, 1))
    result = linearize(history, "register")
    assert len(witness_of(result)) == 3
    assert result.minimal
