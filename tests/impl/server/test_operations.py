"""What clients wait for: who is told what and when, by hand and at random."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.server.history import History
from impl.server.lines import read_lines
from impl.server.operations import Client, Operations
from impl.transport.payloads import (
    Answer,
    Chosen,
    Learn,
    NothingChosen,
    Propose,
    Request,
    Unknown,
)


@dataclass
class Told:
    """Keeps what was answered."""

    answers: list[tuple[Client, Answer]] = field(default_factory=list)

    def __call__(self, client: Client, answer: Answer) -> None:
        self.answers.append((client, answer))

    def take(self) -> list[tuple[Client, Answer]]:
        found, self.answers = self.answers, []
        return found


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def operations(told: Told) -> Operations:
    return Operations(told, None, 30.0)


def test_a_decision_answers_all_who_wait_for_its_key(operations: Operations, told: Told) -> None:
    assert not operations.ask("ada", Propose(1, "x", "red"), 0)
    assert operations.ask("bob", Learn(7, "x"), 0)
    assert not operations.ask("bob", Learn(8, "y"), 0)
    operations.decided("x", "blue")
    assert told.take() == [("ada", Chosen(1, "blue")), ("bob", Chosen(7, "blue"))]
    assert not operations.waits("x")
    assert operations.waits("y")
    operations.decided("x", "blue")
    assert told.take() == []


def test_an_attempt_is_for_the_oldest_wish(operations: Operations) -> None:
    operations.ask("ada", Learn(1, "x"), 0)
    assert operations.begin("x") is None
    operations.ask("bob", Propose(1, "x", "red"), 0)
    operations.ask("bob", Propose(2, "x", "blue"), 0)
    assert operations.begin("x") == "red"
    assert operations.attempts("x") == 1
    operations.vanished("bob")
    assert operations.begin("x") is None


def test_nothing_chosen_is_told_to_those_who_asked_before_the_attempt(
    operations: Operations, told: Told
) -> None:
    operations.ask("ada", Learn(1, "x"), 0)
    operations.begin("x")
    operations.ask("bob", Learn(1, "x"), 0)
    assert operations.nothing_chosen("x"), "bob needs an attempt of his own"
    assert told.take() == [("ada", NothingChosen(1))]
    operations.begin("x")
    assert not operations.nothing_chosen("x")
    assert told.take() == [("bob", NothingChosen(1))]
    assert not operations.nothing_chosen("x")


def test_nothing_chosen_is_no_answer_to_a_proposal(operations: Operations, told: Told) -> None:
    operations.ask("ada", Learn(1, "x"), 0)
    operations.begin("x")
    operations.ask("bob", Propose(1, "x", "red"), 0)
    assert operations.nothing_chosen("x")
    assert operations.begin("x") == "red"
    assert not told.take()[1:]


def test_who_waits_too_long_is_told_so(operations: Operations, told: Told) -> None:
    operations.ask("ada", Propose(1, "x", "red"), 0.0)
    operations.ask("bob", Propose(1, "x", "blue"), 10.0)
    operations.expire("x", 29.0)
    assert told.take() == []
    operations.expire("x", 30.0)
    ((client, answer),) = told.take()
    assert (client, type(answer)) == ("ada", Unknown)
    assert operations.begin("x") == "blue"
    operations.expire("x", 40.0)
    assert len(told.take()) == 1
    assert not operations.waits("x")
    operations.expire("x", 50.0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from("xy"), st.booleans()),
        st.tuples(st.just("vanish"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["begin", "decide", "nothing", "expire"]), st.sampled_from("xy")),
    ),
    max_size=40,
)


@given(STEPS)
def test_each_request_is_answered_once_and_truly(steps: list[tuple[object, ...]]) -> None:
    """Against a plain list of all requests; and its history is one of sequential processes."""
    told = Told()
    history = Lines()
    operations = Operations(told, history, 10.0)
    waiting: dict[tuple[Client, int], tuple[str, bool, float, bool]] = {}
    expected: list[tuple[Client, int]]
    for now, step in enumerate(steps):
        match step:
            case ("ask", int(who), str(key), bool(proposes)):
                request: Request = Propose(now, key, f"{now}") if proposes else Learn(now, key)
                known = any(one[0] == key for one in waiting.values())
                assert operations.ask(who, request, now) == known
                waiting[who, now] = (key, proposes, now + 10.0, False)
                continue
            case ("vanish", who):
                operations.vanished(who)
                waiting = {one: what for one, what in waiting.items() if one[0] != who}
                continue
            case ("begin", str(key)):
                assert operations.waits(key) == any(one[0] == key for one in waiting.values())
                if operations.waits(key):
                    wishes = [n for (_, n), one in waiting.items() if one[0] == key and one[1]]
                    assert operations.begin(key) == (str(wishes[0]) if wishes else None)
                    for one, what in waiting.items():
                        if what[0] == key:
                            waiting[one] = (*what[:3], True)
                continue
            case ("decide", str(key)):
                operations.decided(key, "v")
                expected = [one for one, what in waiting.items() if what[0] == key]
            case ("nothing", str(key)):
                operations.nothing_chosen(key)
                expected = [
                    one
                    for one, what in waiting.items()
                    if what[0] == key and what[3] and not what[1]
                ]
            case ("expire", str(key)):
                operations.expire(key, now)
                expected = [
                    one for one, what in waiting.items() if what[0] == key and what[2] <= now
                ]
        assert [(who, answer.request) for who, answer in told.take()] == expected
        for one in expected:
            del waiting[one]
    operations.stop()
    history.check()


class Lines(History):
    """A history in memory."""

    def __init__(self) -> None:
        self._nodes, self._next = 3, 1
        self.lines: list[tuple[int, str]] = []

    def _add(self, process: int, kind: str, f: str, key: str, value: str | None) -> None:
        self.lines.append((process, kind))

    def check(self) -> None:
        """Each process does one thing at a time, and nothing after an `info`."""
        busy: dict[int, bool] = {}
        for process, kind in self.lines:
            assert process % 3 == 1
            assert busy.get(process, False) == (kind != "invoke")
            busy[process] = kind != "ok"
        assert [line for line in self.lines if line[1] == "invoke"] or not self.lines
        counts = [kind for _, kind in self.lines]
        assert counts.count("invoke") == counts.count("ok") + counts.count("info")


def test_the_history_of_a_client_that_asks_for_two_things_at_once(
    tmp_path: Path, told: Told
) -> None:
    history = History(tmp_path / "h", 1, 3)
    operations = Operations(told, history, 30.0)
    operations.ask("ada", Propose(1, "x", "red"), 0)
    operations.ask("ada", Learn(2, "y"), 0)
    operations.decided("x", "blue")
    operations.ask("ada", Learn(3, "z"), 0)
    operations.stop()
    history.flush()
    history.close()
    assert [
        (line["process"], line["type"], line["f"], line["key"], line["value"])
        for line in read_lines(tmp_path / "h")
    ] == [
        (1, "invoke", "propose", "x", "red"),
        (4, "invoke", "learn", "y", None),
        (1, "ok", "propose", "x", "blue"),
        (1, "invoke", "learn", "z", None),
        (4, "info", "learn", "y", None),
        (1, "info", "learn", "z", None),
    ]
