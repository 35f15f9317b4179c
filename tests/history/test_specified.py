"""Specs as models: as the models in Python say, in C and without, with a table and without."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from checker.history.budget import LimitReached
from checker.history.building import Builder
from checker.history.check import linearize
from checker.history.errors import HistoryError, StepError
from checker.history.history import UNKNOWN, History
from checker.history.models import Model
from checker.history.models.specified import SpecModel, name_of
from checker.history.rules import checked
from checker.history.search import compiled as compiled_module
from checker.history.search import search_problem
from checker.history.search.problem import problem_of
from checker.history.several import linearize_each
from checker.history.values import freeze
from checker.lang import Spec, action, init
from tests.history.generated import assert_minimal, brute, built, made, model_of
from tests.history.specified import Bag, Counter, Everything, Mutex, Queue, Register

BOTH = {
    "register": Register,
    "register-few": Register,
    "cas-register": Register,
    "cas-register-few": Register,
    "queue": Queue,
    "queue-few": Queue,
    "counter": Counter,
    "mutex": Mutex,
}


def in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpecModel, "_library", None)


def without_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_module, "MOST_STATES", 0)


def as_it_is(_: pytest.MonkeyPatch) -> None:
    pass


WAYS = [as_it_is, in_python, without_table]


def one_by_one(*calls: tuple[str, Any, Any]) -> History:
    builder = Builder("test")
    for f, argument, result in calls:
        builder.event(1, "invoke", f, argument)
        builder.event(1, "ok", f, result)
    return builder.finish()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BOTH)
def test_a_spec_says_what_the_model_says(
    name: str, way: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)
    random, seen = Random(name), list[bool]()
    spec = SpecModel(BOTH[name])
    while len(seen) < 40 or len(set(seen)) < 2:
        history = built(made(random, name))
        if not answered_alike(history, spec):
            continue
        expected = brute(checked(history, model_of(name)), model_of(name))
        seen.append(expected)
        for algorithm in ("frontier", "depth-first"):
            result = linearize(history, spec, algorithm=algorithm)
            assert bool(result) is expected
        if not expected:
            assert_minimal(result, history, spec.fitted(history))


def answered_alike(history: History, spec: SpecModel) -> bool:
    """The models take more functions and more answers that mean "done"."""
    fitted = spec.fitted(history)
    return all(fitted.check_operation(o.f, o.argument, o.result) is None for o in history)


def outcome(model: SpecModel, state: Any, f: str, args: tuple[Any, ...]) -> Any:
    """The next state, None, or what is wrong."""
    try:
        return model._one(state, f, args)
    except StepError as error:
        return str(error)


@pytest.mark.parametrize("cls", [Register, Queue, Counter, Mutex, Everything])
def test_steps_in_c_are_those_of_python(cls: type[Spec]) -> None:
    random = Random(1)
    native, plain = SpecModel(cls), SpecModel(cls)
    plain.__dict__["_library"] = None
    assert native._library is not None
    values: dict[str, list[tuple[Any, Any]]] = {}
    for one in native._instance.actions:
        told = {param.name: list(param.type.values())[:300] for param in one.params}
        values[one.name] = [
            tuple(random.choice(found) for found in told.values()) for _ in range(80)
        ]
    kept = blocked = failed = 0
    for _ in range(20):
        state, own = native.initial(), plain.initial()
        for _ in range(40):
            f = random.choice(list(values))
            args = random.choice(values[f])
            expected, after = outcome(plain, own, f, args), outcome(native, state, f, args)
            if isinstance(expected, str):
                failed += 1
                assert after == expected
                continue
            assert (after is None) is (expected is None)
            if after is None:
                blocked += 1
                continue
            kept += 1
            assert native._unpacked(after) == expected
            assert native.show(after) == plain.show(expected)
            state, own = after, expected
    assert kept > 30
    assert blocked > 30
    assert failed > 5 or cls in (Register, Mutex, Counter)


def test_values_of_every_type() -> None:
    red, blue = {"value": "a", "colour": "RED"}, {"value": 5, "colour": "BLUE"}
    history = one_by_one(
        ("put", [red, ["a", "a"]], None),
        ("put", {"pair": blue, "also": []}, True),
        ("put", [{"value": 5, "colour": "RED"}, []], None),
        ("colours", 5, ["RED", "BLUE"]),
        ("colours", "a", ["RED"]),
        ("counted", "a", 2),
        ("swap", ["a", 5], True),
        ("counted", 5, 2),
        ("swap", ["a", "a"], False),
    )
    assert linearize(history, SpecModel(Everything))
    wrong = one_by_one(("put", [red, ["a"]], None), ("colours", "a", ["BLUE"]))
    result = linearize(wrong, SpecModel(Everything))
    assert not result
    assert result.reason.endswith("the state pairs={}, count={a: 0}.")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("put", [{"value": "a"}, []], None), "put is invoked with a list [Pair, Seq[Value]"),
        (("put", "a", None), "not with"),
        (("colours", "a", ["GREEN"]), "the ok of colours has Set[Colour], not"),
        (("counted", "a", 4), "the ok of counted has int[0..3], not 4"),
        (("counted", None, 1), "counted is invoked with Value, not with null"),
        (("swap", ["a"], True), "swap is invoked with"),
        (("pop", None, None), "has no operation 'pop'"),
    ],
)
def test_what_is_malformed_is_named(call: tuple[str, Any, Any], words: str) -> None:
    with pytest.raises(HistoryError) as error:
        linearize(one_by_one(("counted", "a", 0), call), SpecModel(Everything))
    assert words in str(error.value)
    assert error.value.line in (3, 4)


def test_any_json_value_may_be_a_member() -> None:
    values: list[Any] = [
        "a",
        "5",
        5,
        5.0,
        True,
        "true",
        "null",
        "",
        [1, "x"],
        {"k": None},
        "unused 1",
        "-",
    ]
    names = [name_of(freeze(value)) for value in values]
    assert len(set(names)) == len(values)
    calls: list[tuple[str, Any, Any]] = [("enqueue", value, None) for value in values[:9]]
    calls += [("dequeue", None, value) for value in values[:9]]
    assert linearize(one_by_one(*calls), SpecModel(Queue))
    calls[-1], calls[-2] = calls[-2], calls[-1]
    assert not linearize(one_by_one(*calls), SpecModel(Queue))


def test_members_that_are_given_by_name_are_all_there_are() -> None:
    model = SpecModel(Queue, {"values": ["a", "b"]})
    assert linearize(one_by_one(("enqueue", "a", None), ("dequeue", None, "a")), model)
    with pytest.raises(HistoryError, match=r"test:1: enqueue is invoked with Value \(a, b\), not"):
        linearize(one_by_one(("enqueue", "c", None)), model)


def test_a_history_with_many_values() -> None:
    def history(count: int) -> History:
        return one_by_one(*(("write", n, None) for n in range(count)), ("read", None, count - 1))

    assert linearize(history(500), SpecModel(Register))
    with pytest.raises(HistoryError, match="values would need 5,000 members"):
        linearize(history(5000), SpecModel(Register))


@pytest.mark.parametrize("way", WAYS)
def test_what_there_is_no_room_for_is_told(
    way: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)
    model = SpecModel(Queue, {"room": 2})
    calls = [("enqueue", 1, None), ("enqueue", 2, None), ("dequeue", None, 1), ("enqueue", 3, None)]
    assert linearize(one_by_one(*calls), model), "though some other order would need more room"
    with pytest.raises(StepError) as error:
        linearize(one_by_one(*calls, ("enqueue", 4, None)), model)
    assert "the spec Queue has no answer to enqueue(value=4): " in str(error.value)
    assert "3 items where Seq[Value] of at most 2 has room" in str(error.value)


@pytest.mark.parametrize("way", WAYS)
def test_an_operation_that_nobody_answered_may_have_had_any_answer(
    way: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)

    def history(last: Any) -> History:
        builder = Builder("test")
        for value in (1, 2, 3):
            builder.event(1, "invoke", "enqueue", value)
            builder.event(1, "ok", "enqueue")
        builder.event(2, "invoke", "dequeue")
        builder.event(2, "info", "dequeue")
        builder.event(1, "invoke", "dequeue")
        builder.event(1, "ok", "dequeue", last)
        return builder.finish()

    verdicts = [bool(linearize(history(value), SpecModel(Queue))) for value in (1, 2, 3, None)]
    assert verdicts == [True, True, False, False]
    model = SpecModel(Queue).fitted(history(1))
    full = model.step(model.initial(), "enqueue", 1, None)
    assert len(list(model.steps(full, "dequeue", None))) == 1
    assert model.step(full, "dequeue", None, UNKNOWN) == model.initial()


@pytest.mark.parametrize("way", WAYS)
def test_several_states_may_follow(
    way: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)

    def history(*left: int) -> History:
        builder = Builder("test")
        for value in (1, 2):
            builder.event(1, "invoke", "put", value)
            builder.event(1, "ok", "put")
        builder.event(2, "invoke", "take")
        builder.event(1, "invoke", "read")
        builder.event(1, "ok", "read", list(left))
        return builder.finish()

    for left, expected in (((1,), True), ((2,), True), ((1, 2), True), ((), False)):
        assert bool(linearize(history(*left), SpecModel(Bag))) is expected, left


def test_states_are_told_apart_in_c() -> None:
    """Walks over states of several words, more of them than there is room for at first."""
    random = Random(2)
    calls: list[tuple[str, Any, Any]] = [("enqueue", value, None) for value in (1, 2)]
    calls += [("dequeue", None, value) for value in (1, 2)]
    history = one_by_one(*calls)
    model = SpecModel(Queue, {"room": 60}).fitted(history)
    compiled = problem_of(history, model).compiled()
    assert compiled is not None
    asking = compiled.asking()
    numbers = {asking.state(0): 0}
    asked: dict[tuple[int, int], int] = {}
    for _ in range(150):
        state, number = model.initial(), 0
        for step in range(60):
            kind = random.choice([0, 0, 1, 1, 2, 3]) if step > 30 else 0
            expected = model.step(state, *calls[kind])
            count = compiled.library.compiled_ask(asking.asked_of, number, kind)
            asking.check()
            assert count == (expected is not None)
            if expected is not None:
                before, state, number = number, expected, asking.answers[0]
                asked[before, kind] = number
                assert asking.state(number) == state
                assert numbers.setdefault(state, number) == number
    for (before, kind), number in asked.items():
        compiled.library.compiled_ask(asking.asked_of, before, kind)
        assert asking.answers[0] == number
    assert len(numbers) > 2000
    assert len(set(numbers.values())) == len(numbers)
    assert len(compiled.initial) > 1


def test_a_state_that_follows_in_several_ways_is_told_once() -> None:
    builder = Builder("test")
    builder.event(1, "invoke", "cas", [None, None])
    problem = problem_of(builder.finish(), SpecModel(Register))
    compiled = problem.compiled()
    assert compiled is not None
    assert compiled.first.tolist() == [0, 3], "null, true and false"
    asking = compiled.asking()
    assert compiled.library.compiled_ask(asking.asked_of, 0, 0) == 1


def test_several_histories_and_workers() -> None:
    random = Random(3)
    model = SpecModel(Register)
    histories = [built(made(random, "register-few")) for _ in range(30)]
    found = [bool(one) for one in linearize_each(histories, model)]
    assert found == [bool(linearize(one, "register")) for one in histories]
    assert found == [
        bool(linearize(one, model, workers=2, algorithm="search")) for one in histories
    ]
    assert len(set(found)) == 2


def test_sequential_consistency() -> None:
    builder = Builder("test")
    builder.event(1, "invoke", "write", "a")
    builder.event(1, "ok", "write")
    builder.event(2, "invoke", "read")
    builder.event(2, "ok", "read", None)
    history = builder.finish()
    assert not linearize(history, SpecModel(Register))
    assert linearize(history, SpecModel(Register), consistency="sequential")


def test_memory_that_states_would_need_is_not_taken() -> None:
    calls = [("enqueue", value, None) for value in (1, 2)] + [("dequeue", None, None)]
    model = SpecModel(Queue, {"room": 40}).fitted(one_by_one(*calls))
    problem = problem_of(one_by_one(*calls), model)
    compiled = problem.compiled()
    assert compiled is not None
    asking = compiled.asking()
    asking.limit(1)
    held = 0
    while compiled.library.compiled_ask(asking.asked_of, held, held % 2) == 1 and held < 1 << 19:
        compiled.library.compiled_ask(asking.asked_of, held, (held + 1) % 2)
        held += 1
    with pytest.raises(LimitReached):
        asking.check()
    assert 10_000 < held < 1 << 17, "few states may always be held"


def test_an_error_while_c_searches_is_that_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    without_table(monkeypatch)
    calls = [("add", 99, None) for _ in range(21)]
    with pytest.raises(StepError, match=r"the spec Counter has no answer to add\(amount=99\): "):
        search_problem(problem_of(one_by_one(*calls), SpecModel(Counter)))


class TwoBeginnings(Spec):
    held: bool = False

    @init
    def begin(self, held: bool) -> None:
        self.held = held

    @action
    def take(self) -> None:
        self.held = True


def test_a_spec_that_is_no_model() -> None:
    with pytest.raises(HistoryError, match="TwoBeginnings begins in 2 states"):
        SpecModel(TwoBeginnings)


def test_what_a_model_shows() -> None:
    model: Model = SpecModel(Mutex)
    held = model.step(model.initial(), "acquire", None, None)
    assert (model.show(model.initial()), model.show(held)) == ("False", "True")
    assert model.step(held, "acquire", None, None) is None
    assert model.step(held, "acquire", None, False) == held
    assert SpecModel(Register).reads == {"read"}
