"""Several histories, and several keys, decided together: as each by itself."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from checker.history import check, several
from checker.history.budget import Spending
from checker.history.building import Builder
from checker.history.check import linearize
from checker.history.errors import HistoryError
from checker.history.history import History, Operation
from checker.history.models import Model
from checker.history.result import Result
from checker.history.several import joined, linearize_each
from tests.history.generated import EVERY, assert_minimal, built, made, model_of

ALONE = {"lease"}
"""Models for which time counts: each history by itself."""


def one_key(random: Random, name: str) -> History:
    operations = made(random, name)
    keys = {o.argument[0] for o in operations}
    key = random.choice(sorted(keys))
    return built([o for o in operations if o.argument[0] == key])


def said(result: Result) -> dict[str, Any]:
    data = result.to_json()
    return {name: data[name] for name in data if name not in ("seconds", "peak_memory_bytes")}


@pytest.fixture
def by_itself(monkeypatch: pytest.MonkeyPatch) -> list[History]:
    """The histories that were decided by themselves."""
    found: list[History] = []

    def counted(history: History, *rest: Any, **more: Any) -> Result:
        found.append(history)
        return linearize(history, *rest, **more)

    monkeypatch.setattr(several, "linearize", counted)
    return found


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize("name", EVERY)
def test_each_is_decided_as_by_itself(name: str, explain: bool, by_itself: list[History]) -> None:
    random, verdicts = Random(name), set()
    for count in (2, 5, 40, 40):
        histories = [one_key(random, name) for _ in range(count)]
        found = list(linearize_each(histories, model_of(name), explain=explain))
        for history, result in zip(histories, found, strict=True):
            verdicts.add(result.verdict)
            assert said(result) == said(linearize(history, model_of(name), explain=explain))
    assert verdicts == {"linearizable", "not linearizable"}
    if name in ("register", "cas-register", "mutex"):  # others may have too many states
        assert not by_itself
    elif name in ALONE:
        assert len(by_itself) == 87


def test_what_a_history_says_is_not_changed_by_others(by_itself: list[History]) -> None:
    """Failed cas, reads of null and crashed operations, by the rules that were asked for."""
    random = Random(3)
    histories = [one_key(random, "cas-register-few") for _ in range(60)]
    rules: dict[str, Any] = {"failed": "ignored", "null": "unknown"}
    found = list(linearize_each(histories, "cas-register", **rules))
    for history, result in zip(histories, found, strict=True):
        assert said(result) == said(linearize(history, "cas-register", **rules))
    assert not by_itself


def test_histories_of_other_kinds_in_between(by_itself: list[History]) -> None:
    random = Random(4)
    small = [one_key(random, "register") for _ in range(6)]
    large = Builder("large")
    for n in range(400):
        large.event(1, "invoke", "write", n)
        large.event(1, "ok", "write")
    unread = linearize(small[0], "register")
    empty = Builder("empty").finish()
    given: list[History | Result] = [
        small[0],
        small[1],
        large.finish(),
        small[2],
        unread,
        empty,
        *small[3:],
    ]
    found = list(linearize_each(given, "register"))
    assert found[4] is unread
    assert [one.operations for one in found] == [
        one.operations if isinstance(one, Result) else len(one) for one in given
    ]
    assert {len(one) for one in by_itself} >= {400, 0}


def test_joined_histories_keep_what_they_say() -> None:
    random = Random(5)
    histories = [built(made(random, name)) for name in ("register", "queue", "tree", "register")]
    whole = joined(histories)
    assert len(whole) == sum(map(len, histories))
    assert (whole.invoked[1:] > whole.invoked[:-1]).all()
    for place, history in enumerate(histories):
        begun = sum(one.events for one in histories[:place])
        for mine, one in zip(whole.of_key(place), history, strict=True):

            def told(o: Operation) -> tuple[Any, ...]:
                return o.f, o.argument, o.result, o.status, o.invoked_line, o.origin

            assert told(mine) == told(one)
            assert mine.invoked == one.invoked + begun
            assert mine.returned == one.returned + begun * (not one.is_open)


def test_who_is_malformed_is_named() -> None:
    def history(source: str, f: str) -> History:
        builder = Builder(source)
        builder.event(1, "invoke", "read")
        builder.event(1, "ok", "read")
        builder.event(1, "invoke", f)
        return builder.finish()

    found = linearize_each([history("one", "read"), history("two", "push")], "register")
    assert next(found)
    with pytest.raises(HistoryError, match=r"two:3: .*no operation 'push'"):
        next(found)


class Highest(Model):
    """Fails where values of two histories meet."""

    def initial(self) -> Any:
        return 0

    def step(self, state: Any, f: str, argument: Any, result: Any) -> Any:
        if f == "write":
            return argument if state == 0 else max(state, argument)
        return state if result == state else None


def test_a_model_need_not_know_the_values_of_another_history() -> None:
    def history(*values: Any) -> History:
        builder = Builder("test")
        for value in values:
            builder.event(1, "invoke", "write", value)
            builder.event(1, "ok", "write")
        builder.event(1, "invoke", "read")
        builder.event(1, "ok", "read", values[-1])
        return builder.finish()

    found = list(linearize_each([history(1, 2), history("a", "b"), history("b", "a")], Highest()))
    assert [bool(one) for one in found] == [True, True, False]


def test_a_limit_holds_for_all() -> None:
    histories = [one_key(Random(n), "register") for n in range(9)]
    late = Spending(deadline=time.monotonic() - 1)
    found = list(linearize_each(histories, "register", spending=late))
    assert [one.limit for one in found] == ["time"] * 9


@pytest.mark.parametrize("name", ["register-few", "cas-register-few", "kv", "queue-few", "tree"])
def test_small_keys_are_decided_as_each_by_itself(name: str) -> None:
    random, seen = Random(6), set()
    for _ in range(40):
        operations = [
            o._replace(argument=(f"{n} {o.argument[0]}", o.argument[1]))
            for n in range(random.randint(1, 4))
            for o in made(random, name)
        ]
        history = built(operations)
        expected = {
            key: bool(linearize(part, model_of(name), algorithm="search"))
            for key, part in history.split()
        }
        result = linearize(history, model_of(name), algorithm="search")
        assert bool(result) is all(expected.values())
        seen.add(bool(result))
        if not result:
            assert_minimal(result, history, model_of(name))
            assert result.witness is not None
            assert result.witness.key[0] == min(k for k in expected if not expected[k])
    assert len(seen) == 2


def test_many_small_keys_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is prepared by itself."""
    builder = Builder("test")
    for key in range(3000):
        for value in (1, 1, 2):
            builder.event(key, "invoke", "write", value, key=key)
            builder.event(key, "ok", "write", key=key)
    history = builder.finish()

    def nobody(*_: Any, **__: Any) -> Any:
        raise AssertionError("a key was searched by itself")

    monkeypatch.setattr(check, "search_problem", nobody)
    assert linearize(history, "register", algorithm="search")
