"""What is decided for a model is what the model says, tried in every order; for all models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.algorithms.special import special
from checker.history.history import COLUMNS, INFO, NO_RESULT, OK, OPEN, History
from checker.history.models import MODELS
from checker.history.models.model import UNKNOWN, Model
from checker.history.models.register import CasRegister, Register
from checker.history.values import typed, untyped
from tests.history.brute import Op, legal, linearizable, recorded

KEYS = ("x", "y")
MOST = 40
TRIED = [*range(MOST), None, True, False, ""]


def number(random: Random, _: Any = None) -> int:
    return random.randrange(MOST)


def replacing(random: Random, state: Any) -> tuple[Any, int]:
    """The arguments of a cas: most often of one that succeeds."""
    held = untyped(state)
    return (held if random.random() < 0.8 else number(random)), number(random)


def nothing(_: Random, __: Any) -> None:
    return None


def polled(random: Random, _: Any) -> list[Any]:
    first = random.randrange(3)
    values = [number(random) for _ in range(random.randrange(3))]
    return [tuple((first + i, v) for i, v in enumerate(values)), ()]


def anything(random: Random, _: Any) -> list[Any]:
    return random.sample(TRIED, len(TRIED))


def log_state(random: Random, state: Any) -> list[Any]:
    """A piece of the log as it is; or a wrong one."""
    values = state[1]
    first = random.randrange(len(values) + 1)
    last = random.randint(first, len(values))
    return [tuple((i, values[i]) for i in range(first, last)), *polled(random, state)]


Call = tuple[str, Callable[[Random, Any], Any], Callable[[Random, Any], list[Any]]]
CALLS: dict[str, list[Call]] = {
    "register": [
        ("write", lambda r, _: r.randrange(3, 8), lambda _r, _s: [None]),
        ("read", nothing, anything),
    ],
    "cas-register": [
        ("write", number, lambda _r, _s: [None]),
        ("read", nothing, anything),
        ("cas", replacing, lambda _r, _s: [None, False]),
    ],
    "kv": [
        (
            "put",
            lambda r, _: r.choice([*[number(r)] * 9, None, ""]),
            lambda _r, _s: [None],
        ),
        ("get", nothing, anything),
        ("cas", replacing, lambda _r, _s: [None, False]),
        ("delete", nothing, lambda r, _s: r.sample([*[None] * 9, True, False], 11)),
    ],
    "queue": [
        ("enqueue", lambda r, _: r.randrange(20), lambda _r, _s: [None]),
        ("dequeue", nothing, lambda _r, s: [s[0] if s else None]),
    ],
    "mutex": [
        ("acquire", nothing, lambda _r, _s: [None, False]),
        ("release", nothing, lambda _r, _s: [None, False]),
    ],
    "set": [
        ("add", lambda r, _: r.randrange(3), lambda r, _s: r.sample([None, True, False], 3)),
        ("remove", lambda r, _: r.randrange(3), lambda r, _s: r.sample([None, True, False], 3)),
        ("contains", lambda r, _: r.randrange(3), lambda _r, _s: [True, False]),
    ],
    "lock": [
        ("acquire", nothing, lambda _r, s: [0 if s.last is None else max(0, s.last) + 1]),
        ("release", lambda r, _: r.choice([0, 1, 2, 3, 4]), lambda _r, _s: [None]),
    ],
    "log": [
        ("send", lambda r, _: r.randrange(20), lambda _r, _s: list(range(10))),
        ("poll", lambda r, _: r.choice([None, 0, 1]), log_state),
        ("commit", number, lambda _r, _s: [None]),
        ("fetch", nothing, anything),
    ],
}


def history_of(operations: Sequence[Op]) -> History:
    """The argument of each is (key, argument)."""
    codes: dict[Any, int] = {}
    values: list[Any] = []

    def code(value: Any) -> int:
        if typed(value) not in codes:
            codes[typed(value)] = len(values)
            values.append(value)
        return codes[typed(value)]

    functions = sorted({o.f for o in operations})
    zeros = [0] * len(operations)
    columns: dict[str, Any] = dict.fromkeys(COLUMNS, zeros)
    columns |= {
        "f": [functions.index(o.f) for o in operations],
        "key": [KEYS.index(o.argument[0]) for o in operations],
        "argument": [code(o.argument[1]) for o in operations],
        "result": [NO_RESULT if o.returned is None else code(o.result) for o in operations],
        "status": [INFO if o.returned is None else OK for o in operations],
        "invoked": [o.invoked for o in operations],
        "returned": [OPEN if o.returned is None else o.returned for o in operations],
        "origin": range(len(operations)),
    }
    arrays: dict[str, Any] = {
        name: np.array(columns[name], dtype=dtype) for name, dtype in COLUMNS.items()
    }
    return History(
        **arrays, processes=[0], functions=functions, keys=KEYS, values=values, source="test"
    )


def steps_of(model: Model) -> Callable[[Any, Op], Iterable[Any]]:
    """For operations of one key."""

    def steps(state: Any, o: Op) -> Iterable[Any]:
        if o.returned is None:
            return model.steps(state, o.f, o.argument[1])
        after = model.step(state, o.f, o.argument[1], o.result)
        return [] if after is None else [after]

    return steps


def call_of(model: Model, calls: list[Call]) -> Callable[[Random, Any], tuple[str, Any, Any, Any]]:
    def call(random: Random, states: Any) -> tuple[str, Any, Any, Any]:
        while True:
            k = int(random.random() < 0.3)
            f, argument, results = random.choice(calls)
            given = argument(random, states[k])
            for result in results(random, states[k]):
                after = model.step(states[k], f, given, result)
                if after is not None and model.check_operation(f, given, result) is None:
                    following = (after, states[1]) if k == 0 else (states[0], after)
                    return f, (KEYS[k], given), result, following

    return call


def damaged(random: Random, operations: list[Op]) -> list[Op]:
    """Two operations change places, or one has the answer of another one of its kind."""
    i, j = random.randrange(len(operations)), random.randrange(len(operations))
    o, p = operations[i], operations[j]
    if o.returned is not None and p.returned is not None:
        if random.random() < 0.7:
            operations[i], operations[j] = Op(*p[:3], *o[3:]), Op(*o[:3], *p[3:])
        elif o.f == p.f:
            operations[i] = o._replace(result=p.result)
    return operations


def compare(operations: Sequence[Op], model: Model) -> tuple[bool | None, int]:
    """The verdict, and to how many keys the algorithm did not apply."""
    history = history_of(operations)
    found = special(history, model)
    assert found is not None
    steps = steps_of(model)
    verdicts = []
    for k in found.keys.tolist():
        part = [o for o in operations if o.argument[0] == KEYS[k]]
        verdicts.append(linearizable(part, model.initial(), steps))
    assert found.decision.linearizable == all(verdicts), (operations, found)
    assert sorted([*found.keys, *found.left]) == sorted(set(history.key.tolist()))
    if found.decision.order is not None:
        order = [operations[i] for i in found.decision.order()]
        for k in found.keys.tolist():
            part = [o for o in order if o.argument[0] == KEYS[k]]
            assert legal(part, model.initial(), steps), (operations, part)
            must = {o for o in operations if o.argument[0] == KEYS[k] and o.returned is not None}
            assert must <= set(part)
    if not found.decision.linearizable:
        named = {operations[i].argument[0] for i in found.decision.conflict}
        assert len(named) == 1
    return (found.decision.linearizable if verdicts else None), len(found.left)


@pytest.mark.parametrize("name", CALLS)
def test_the_verdict_is_that_of_the_model(name: str) -> None:
    model = MODELS[name]()
    random = Random(name)
    call = call_of(model, CALLS[name])
    verdicts, left = [], 0
    for _ in range(700):
        history = recorded(
            random,
            random.randint(1, 9),
            (model.initial(), model.initial()),
            call,
            clients=random.randint(1, 4),
            crash=random.choice([0, 0, 0.2]),
        )
        # The result of what crashed is not known.
        for _ in range(random.choice([0, 1, 2, 3])):
            history = damaged(random, history)
        verdict, without = compare(history, model)
        verdicts.append(verdict)
        left += without
    assert verdicts.count(True) > 100
    assert verdicts.count(False) > 20
    assert left < 900


def test_a_lock_that_is_given_while_it_is_held() -> None:
    lock = MODELS["lock"]()
    taken = [Op("acquire", ("x", None), 1, 0, 1), Op("acquire", ("x", None), 2, 2, 3)]
    found = special(history_of(taken), lock)
    assert found is not None
    assert not found.decision.linearizable
    assert found.decision.conflict.tolist() == [0, 1]
    between = Op("release", ("x", 1), None, 2, None)
    late = taken[1]._replace(invoked=3, returned=4)
    found = special(history_of([taken[0], between, late]), lock)
    assert found is not None
    assert found.decision.linearizable


@pytest.mark.parametrize("initial", [0, None, False, (1, True)])
def test_the_first_value_may_be_named_by_a_cas_only(initial: Any) -> None:
    model = CasRegister(initial=initial)
    swap = Op("cas", ("x", (initial, 1)), None, 0, 1)
    found = special(history_of([swap, Op("read", ("x", None), 1, 2, 3)]), model)
    assert found is not None
    assert found.decision.linearizable
    found = special(history_of([swap, Op("read", ("x", None), initial, 2, 3)]), model)
    assert found is not None
    assert not found.decision.linearizable


def test_a_model_without_an_algorithm() -> None:
    assert special(history_of([]), MODELS["counter"]()) is None


def test_a_subclass_may_mean_something_else() -> None:
    class Stale(Register):
        """Reads may return anything."""

        def step(self, state: Any, f: str, argument: Any, result: Any) -> Any:
            return state if f == "read" else super().step(state, f, argument, result)

    read = Op("read", ("x", None), 5, 0, 1)
    assert special(history_of([read]), Stale()) is None
    found = special(history_of([read]), MODELS["register"]())
    assert found is not None
    assert not found.decision.linearizable


def test_what_crashed_has_an_unknown_result() -> None:
    assert history_of([Op("read", ("x", None), None, 0, None)]).operation(0).result is UNKNOWN
