"""Who acts, and what reaches whom: no protocol is known, types and steps are enough."""

from dataclasses import replace

import pytest

from checker.engines.result import Counterexample, Step
from checker.lang import Map, Record, Set, Sort, Spec, action, members, require
from checker.lang.model import Model
from checker.report import lifelines
from checker.report.lifelines import acting_sorts, tell
from tests.report.runs import result_of, run_of


def test_a_quorum_that_no_parameter_names_is_received() -> None:
    result = result_of("election")
    story = tell(result.model, run_of("election"))
    assert story.lanes == ("system", "n1", "n2")
    win = next(event for event in story.events if event.text == "win(r=0)")
    assert [(r.text, r.lane) for r in win.received] == [
        ("Yes(node=n1, round=0)", 1),
        ("Yes(node=n2, round=0)", 2),
    ]
    assert win.lane == 0


def test_of_three_votes_two_are_needed() -> None:
    """A smallest set without which the step would not have been possible."""
    model = result_of("election").model
    state = model.initial_states()[0]
    steps = [Step(None, (), state)]
    nodes = tuple(model.constants["nodes"].value)
    ask, vote, win = model.action("ask"), model.action("vote"), model.action("win")
    state = model.step(state, ask, (0,))
    steps.append(Step("ask", (0,), state))
    (asked,) = state[2]
    for node in nodes:
        state = model.step(state, vote, (node, asked))
        steps.append(Step("vote", (node, asked), state))
    steps.append(Step("win", (0,), model.step(state, win, (0,))))
    story = tell(model, replace(run_of("election"), steps=tuple(steps)))
    assert len(story.events[-1].received) == 2


def test_a_message_that_is_a_parameter_is_named_by_it() -> None:
    story = tell(result_of("election").model, run_of("election"))
    vote = next(event for event in story.events if event.text.startswith("vote"))
    assert [(r.param, r.sent_at, r.lane) for r in vote.received] == [("m", 1, 0)]


def test_beyond_the_trials_only_parameters_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifelines, "MOST_TRIALS", 0)
    story = tell(result_of("election").model, run_of("election"))
    assert {r.param for event in story.events for r in event.received} == {"m"}


def test_letters_in_an_inbox_are_messages_and_a_log_is_not() -> None:
    story = tell(result_of("inboxes").model, run_of("inboxes"))
    texts = [r.text for event in story.events for r in event.received]
    assert texts == ["Hello(source=n2, to=n1)", "Hello(source=n1, to=n2)"]


def test_who_receives_a_message_without_naming_an_identity_is_its_addressee() -> None:
    story = tell(result_of("ring").model, run_of("ring"))
    receive = next(event for event in story.events if event.text.startswith("receive"))
    assert story.lanes[receive.lane] == "n3"


class Writer(Sort):
    pass


class Line(Record):
    by: Writer


class Diaries(Spec):
    writers: Set[Writer] = members(2)
    diary: Map[Writer, Set[Line]]
    sure: bool

    @action
    def write(self, w: Writer) -> None:
        self.diary[w].add(Line(w))

    @action
    def read(self, w: Writer, other: Writer) -> None:
        require(len(self.diary[other]) > 0)
        self.sure = True


def test_what_all_keep_for_themselves_is_no_message() -> None:
    model = Model(Diaries, {})
    (state,) = model.initial_states()
    one, two = model.constants["writers"].value
    steps = [Step(None, (), state)]
    for name, args in [("write", (one,)), ("read", (two, one))]:
        state = model.step(state, model.action(name), args)
        steps.append(Step(name, args, state))
    story = tell(model, Counterexample("x", "invariant", "", tuple(steps)))
    assert story.lanes == ("w1", "w2")
    assert [event.received for event in story.events] == [(), (), ()]


class Value(Sort):
    pass


class Client(Sort):
    pass


class Lock(Sort):
    pass


class Seen(Record):
    value: Value


class Choice(Spec):
    values: Set[Value] = members(2)
    chosen: Set[Value]

    @action
    def choose(self, v: Value) -> None:
        require(not self.chosen)
        self.chosen.add(v)


class Locks(Spec):
    clients: Set[Client] = members(2)
    locks: Set[Lock] = members(1)
    values: Set[Value] = members(2)
    holder: Map[Lock, Client | None]

    @action
    def acquire(self, c: Client, l: Lock) -> None:  # noqa: E741
        self.holder[l] = c

    @action
    def note(self, v: Value) -> None:
        require(v in self.values)


def test_which_sorts_act() -> None:
    assert acting_sorts(Model(Choice, {})) == {Value}, "no map has keys, so whoever is named"
    assert acting_sorts(Model(Locks, {})) == {Client, Lock}, "a Value is data"
