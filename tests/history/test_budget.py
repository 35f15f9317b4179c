"""Limits, where nobody looks at them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from checker.history import budget
from checker.history.budget import (
    LimitReached,
    Spending,
    called_by_c,
    looking,
    preparing,
    resident_bytes,
)
from checker.history.check import linearize
from checker.history.models import Model
from tests.history.test_check import one_by_one


def for_ever(work: Callable[[], object] = lambda: None) -> None:
    while True:
        work()


def test_time_ends_what_does_not_look() -> None:
    begun = time.monotonic()
    spending = Spending(begun + 0.2)
    with pytest.raises(LimitReached) as reached, spending.watched():
        for_ever()
    assert reached.value.limit == "time"
    assert 0.2 <= time.monotonic() - begun < 1
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_looks_by_itself_is_waited_for_but_not_for_ever() -> None:
    spending = Spending(time.monotonic() + 0.05)
    said: list[str] = []

    def search() -> None:
        with looking():
            time.sleep(0.2)  # the machine is busy: the search hears late that it is over
            said.append("how far it came")
        for_ever()

    with pytest.raises(LimitReached), spending.watched():
        search()
    assert said
    with pytest.raises(LimitReached), spending.watched(), looking():
        for_ever()


def test_what_is_prepared_does_not_look_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "PATIENT_SECONDS", 10**6)
    spending = Spending(time.monotonic() + 0.05)
    until = time.monotonic() + 60

    def prepare() -> None:
        while time.monotonic() < until:
            pass

    with pytest.raises(LimitReached), spending.watched(), looking(), preparing():
        prepare()


def test_the_lines_of_what_c_calls_are_not_ended() -> None:
    begun = time.monotonic()

    @called_by_c
    def callback() -> float:
        while time.monotonic() < begun + 0.3:
            pass
        return time.monotonic()

    ended: list[float] = []
    with pytest.raises(LimitReached), Spending(begun + 0.05).watched():
        for_ever(lambda: ended.append(callback()))
    assert ended[0] >= begun + 0.3


def test_memory_ends_what_does_not_look() -> None:
    limit = resident_bytes() + 50 * 2**20
    held: list[bytes] = []
    with pytest.raises(LimitReached) as reached, Spending(memory_bytes=limit).watched():
        for_ever(lambda: held.append(bytes([1]) * 2**20))
    assert reached.value.limit == "memory"
    assert resident_bytes() < limit * 1.5
    held.clear()


def test_where_it_cannot_watch_it_does_nothing() -> None:
    spent = Spending(time.monotonic() - 1)
    threads = [threading.Thread(target=in_a_thread, args=(spent,))]
    for thread in threads:
        thread.start()
        thread.join()
    before = signal.signal(signal.SIGALRM, lambda *_: None)  # somebody else's
    try:
        with spent.watched():
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGALRM, before)
    with Spending().watched():
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def in_a_thread(spending: Spending) -> None:
    with spending.watched():
        time.sleep(0.05)


class Slow(Model):
    """A user's model that thinks long about each operation."""

    seconds = 0.0

    def initial(self) -> Any:
        return 0

    def step(self, state: Any, f: str, argument: Any, result: Any) -> Any:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            pass
        return state + 1


def test_a_slow_model_is_interrupted() -> None:
    history = one_by_one(*[(0, "f", n, None) for n in range(200)])
    slow = Slow()
    linearize(history, slow)  # the kernel is compiled
    slow.seconds = 0.05
    begun = time.monotonic()
    result = linearize(history, slow, seconds=0.5)
    assert (result.verdict, result.limit) == ("unknown", "time")
    assert time.monotonic() - begun < 2
