"""Models, operation by operation; and what each of them calls malformed."""

from __future__ import annotations

import json
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checker.history import Builder, History, HistoryError
from checker.history.models import MODELS, UNKNOWN, Model, load, model
from checker.history.models.lease import EVER, Timed
from checker.history.rules import checked
from checker.history.values import freeze

DATA = Path(__file__).resolve().parents[1] / "data" / "models.txt"


class Line(NamedTuple):
    """One operation of a script."""

    f: str
    argument: Any
    result: Any
    possible: bool


def line_of(text: str) -> Line:
    asked, _, told = text.partition(" -> ")
    f, _, argument = asked.partition(" ")
    told, _, no = told.partition("    ")
    assert no in ("", "impossible")
    result = UNKNOWN if told == "?" else freeze(json.loads(told))
    return Line(f, freeze(json.loads(argument or "null")), result, not no)


def scripts() -> list[tuple[str, list[Line]]]:
    found = []
    for section in DATA.read_text().split("\n## ")[1:]:
        name, *parts = section.strip().split("\n\n")
        found += [(name, [line_of(line) for line in part.splitlines()]) for part in parts]
    return found


SCRIPTS = scripts()


@pytest.mark.parametrize(
    ("name", "script"), [pytest.param(*one, id=f"{one[0]}-{i}") for i, one in enumerate(SCRIPTS)]
)
def test_scripts(name: str, script: list[Line]) -> None:
    it = model(name)
    state = it.initial()
    for f, argument, result, possible in script:
        assert it.check_operation(f, argument, result) is None
        after = it.step(state, f, argument, result)
        assert (after is not None) == possible, f"{f}({argument}) -> {result} in {it.show(state)}"
        if after is not None:
            assert it.show(after)
            if f in it.reads:
                assert after == state
            if name != "lock":  # where a token that nobody saw is not the one that was told
                assert after in set(it.steps(state, f, argument))
            state = after


def test_every_model_has_a_script_and_its_name() -> None:
    assert {name for name, _ in SCRIPTS} | {"lease"} == set(MODELS)
    assert all(cls.name == name for name, cls in MODELS.items())
    named = "register cas-register kv mutex lock lease queue set log counter multi-register tree"
    assert set(named.split()) < set(MODELS)


def test_every_function_is_in_some_script() -> None:
    used = {(name, line.f) for name, script in SCRIPTS for line in script}
    for name, cls in MODELS.items():
        if name != "lease":
            assert {(name, f) for f in cls.functions} <= used


# --------------------------------------------------------------------------- malformed


def history_of(*events: tuple[Any, ...]) -> History:
    builder = Builder("test")
    for process, kind, f, value in events:
        builder.event(process, kind, f, value, time=7)
    return builder.finish()


MALFORMED: list[tuple[str, str, Any, Any, int, str]] = [
    ("register", "cas", [1, 2], None, 1, "the model register has no operation 'cas'"),
    ("register", "read", 3, None, 1, "read is invoked with null, not with 3"),
    ("register", "write", 3, 4, 2, "the ok of write has null, true or the"),
    ("cas-register", "cas", 5, None, 1, "cas is invoked with a list [from, to], not with 5"),
    ("kv", "append", 5, None, 1, "append is invoked with a text, not with 5"),
    ("lock", "acquire", None, True, 2, "the ok of acquire has an integer, not true"),
    ("lease", "acquire", ["p", 0], None, 1, "acquire is invoked with a list [owner"),
    ("queue", "enqueue", None, None, 1, "enqueue is invoked with any value but null, not"),
    ("set", "contains", 1, 1, 2, "the ok of contains has true or false, not 1"),
    ("log", "poll", -1, [], 1, "poll is invoked with an offset or null, not with -1"),
    ("log", "poll", 0, [[1]], 2, "the ok of poll has a list of [offset, value], not [[1]]"),
    ("counter", "add", 1.0, None, 1, "add is invoked with an integer, not with 1.0"),
    ("multi-register", "txn", [["x", 1, 2]], [], 1, "txn is invoked with a list of [op"),
    ("multi-register", "txn", [["r", 1, None]], [], 2, "the ok of txn is not the list"),
    ("multi-register", "txn", [["w", 1, 1]], [["w", True, 1]], 2, "the ok of txn is not the"),
    ("tree", "get", "a", None, 1, 'get is invoked with a path, not with "a"'),
    ("tree", "get", "/a//b", None, 1, 'get is invoked with a path, not with "/a//b"'),
    ("tree", "get", "/a", {"error": "x"}, 2, "the ok of get has [data, version], or an"),
    ("consensus", "propose", None, None, 1, "propose is invoked with any value but null, not"),
]


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_operations(case: tuple[str, str, Any, Any, int, str]) -> None:
    name, f, argument, result, line, reason = case
    good = history_of((1, "invoke", f, argument), (1, "ok", f, result))
    with pytest.raises(HistoryError) as caught:
        checked(good, model(name))
    assert (caught.value.line, caught.value.reason[: len(reason)]) == (line, reason)
    assert caught.value.mend.startswith(f"the model {name} has ")


def test_the_first_malformed_operation_is_told() -> None:
    history = history_of(
        (1, "invoke", "read", None), (2, "invoke", "wrong", 1), (3, "invoke", "read", 4)
    )
    with pytest.raises(HistoryError) as caught:
        checked(history, model("register"))
    assert caught.value.line == 2


def test_a_lease_needs_times() -> None:
    builder = Builder("test")
    builder.event(1, "invoke", "holder", time=5)
    builder.event(1, "ok", "holder")
    with pytest.raises(HistoryError, match="test:2: the model lease needs the time of every"):
        checked(builder.finish(), model("lease"))


# --------------------------------------------------------------------------- what counts


def test_what_counts() -> None:
    history = history_of(
        (1, "invoke", "write", 1),
        (2, "invoke", "read", None),
        (3, "invoke", "cas", [1, 2]),
        (4, "invoke", "write", 4),
        (5, "invoke", "read", None),
        (1, "ok", "write", 1),
        (2, "ok", "read", None),
        (3, "fail", "cas", [1, 2]),
        (4, "fail", "write", 4),
        (5, "info", "read", None),
    )

    def counted(**options: Any) -> list[str]:
        return [str(one) for one in checked(history, model("cas-register"), **options)]

    write, read = "process 1: write(1) -> 1", "process 2: read() -> null"
    cas = "process 3: cas([1, 2]) -> false"
    assert counted() == [write, read, cas]
    assert counted(failed="ignored") == [write, read]
    assert counted(null="unknown") == [write, cas]
    assert counted(failed="ignored", null="unknown") == [write]


# --------------------------------------------------------------------------- leases


Op = tuple[str, Any, Any, int, int]


class ByTheBook:
    """A lease of which every operation is at one known instant."""

    def __init__(self) -> None:
        self.owner: str | None = None
        self.until = 0

    def answer(self, f: str, argument: Any, now: int) -> Any:
        if now >= self.until:
            self.owner = None
        if f == "holder":
            return self.owner
        who, duration = argument if f != "release" else (argument, 0)
        granted = self.owner == who or (self.owner is None and f == "acquire")
        if granted:
            self.owner, self.until = (who, now + duration) if f != "release" else (None, 0)
        return granted


def possible(order: list[Op], instants: tuple[int, ...]) -> bool:
    lease = ByTheBook()
    return all(
        invoked <= now <= ended and lease.answer(f, argument, now) == result
        for (f, argument, result, invoked, ended), now in zip(order, instants, strict=True)
    )


ASKED: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(
        st.sampled_from(["acquire", "renew"]),
        st.tuples(st.sampled_from("ppq"), st.integers(1, 3)),
    ),
    st.tuples(st.just("release"), st.sampled_from("pq")),
    st.tuples(st.just("holder"), st.none()),
)


@st.composite
def orders(draw: st.DrawFn) -> list[Op]:
    """Operations in the order of their instants, with what they were told: one may be wrong."""
    lease, now = ByTheBook(), 2
    order: list[Op] = []
    for f, argument in draw(st.lists(ASKED, min_size=2, max_size=5)):
        now += draw(st.integers(0, 3))
        result = lease.answer(f, argument, now)
        begun, ended = now - draw(st.integers(0, 2)), now + draw(st.integers(0, 2))
        order.append((f, argument, result, begun, ended))
    if draw(st.booleans()):
        i = draw(st.integers(0, len(order) - 1))
        f, argument, result, begun, ended = order[i]
        wrong = draw(st.sampled_from([None, "p", "q"])) if f == "holder" else not result
        order[i] = (f, argument, wrong, begun, ended)
    return order


def ascending(order: list[Op], low: int) -> Any:
    """All ways to choose instants that do not decrease."""
    if not order:
        yield ()
        return
    for now in range(max(low, order[0][3]), order[0][4] + 1):
        for rest in ascending(order[1:], now):
            yield (now, *rest)


@settings(max_examples=2500, deadline=None)
@given(orders())
@example(
    [
        ("acquire", ("p", 1), True, 2, 2),
        ("renew", ("p", 3), True, 2, 4),  # so at 2, and not at 4
        ("holder", None, "p", 5, 5),
    ]
)
@example(
    [
        ("acquire", ("p", 2), True, 2, 6),
        ("release", "q", False, 2, 3),  # so it was granted at 3 at the latest
        ("holder", None, "p", 6, 6),
    ]
)
def test_a_lease_is_possible_exactly_if_some_instants_are(order: list[Op]) -> None:
    lease = model("lease")
    state: Any = lease.initial()
    for f, argument, result, invoked, ended in order:
        if state is not None:
            state = lease.step(state, f, Timed(argument, invoked, ended), result)
    expected = any(possible(order, instants) for instants in ascending(order, 0))
    assert (state is not None) is expected


@settings(max_examples=300, deadline=None)
@given(orders(), st.integers(0, 4))
def test_an_open_lease_operation(order: list[Op], opened: int) -> None:
    """One that nobody was told of: what is possible after it with some answer is so without."""
    opened %= len(order)
    lease = model("lease")
    states = {lease.initial()}
    for i, (f, argument, result, invoked, ended) in enumerate(order):
        timed = Timed(argument, invoked, EVER if i == opened else ended)
        if i == opened:
            states |= {after for s in states for after in lease.steps(s, f, timed)}
        else:
            states = {
                after for s in states if (after := lease.step(s, f, timed, result)) is not None
            }
    f, argument, _, invoked, _ = order[opened]
    results = [None, "p", "q"] if f == "holder" else [True, False]
    ways = [order[:opened] + order[opened + 1 :]] + [
        [*order[:opened], (f, argument, told, invoked, 22), *order[opened + 1 :]]
        for told in results
    ]
    expected = any(possible(way, at) for way in ways for at in ascending(way, 0))
    assert bool(states) is expected


def test_a_prepared_lease_has_its_times() -> None:
    builder = Builder("test")
    builder.event(1, "invoke", "acquire", ["p", 5], time=10)
    builder.event(2, "invoke", "acquire", ["q", 5], time=11)
    builder.event(2, "ok", "acquire", None, time=12)
    lease = model("lease")
    prepared = lease.prepare(checked(builder.finish(), lease))
    assert prepared.operation(0).argument == Timed(("p", 5), 10, EVER)
    assert prepared.operation(1).argument == Timed(("q", 5), 11, 12)
    possible_orders = 0
    for order in permutations(prepared):
        states = {lease.initial()}
        for one in order:
            states = {
                after
                for state in states
                for after in (
                    lease.steps(state, one.f, one.argument)
                    if one.result is UNKNOWN
                    else filter(None, [lease.step(state, one.f, one.argument, one.result)])
                )
            }
        possible_orders += bool(states)
    # Granted to p at 10 at the earliest, so not to q at 12; but to p after q.
    assert possible_orders == 1


# --------------------------------------------------------------------------- a user's own


def written(tmp_path: Path, source: str) -> str:
    file = tmp_path / "mine.py"
    file.write_text(source)
    return str(file)


GOOD = """
from checker.history.models import UNKNOWN, Model

class Highest(Model):
    def initial(self):
        return 0

    def step(self, state, f, argument, result):
        if f == "write":
            return max(state, argument)
        return state if result is UNKNOWN or result == state else None
"""


def test_a_users_model(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    for target in (path, f"{path}:Highest"):
        mine = model(target)
        assert isinstance(mine, Model)
        assert mine.step(3, "write", 2, None) == 3
        assert mine.check_operation("anything", 1, 2) is None
        mine.check(history_of((1, "invoke", "whatever", 5)))


@pytest.mark.parametrize(
    ("source", "name", "reason"),
    [
        (GOOD, ":Lowest", "mine.py: has no model Lowest"),
        ("", "", "mine.py: has no model"),
        (GOOD + GOOD.replace("Highest", "Other"), "", "mine.py: has several models"),
        ("def", "", "mine.py:1: this is not Python: invalid syntax"),
        ("\n1 / 0", "", "mine.py:2: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "", "mine.py:1: SystemExit: 0"),
        (GOOD.replace("def step", "def stop"), "", "mine.py: Highest has no method `step`"),
        (GOOD.replace("return 0", "return []"), "", "mine.py: Highest cannot be used: TypeError:"),
        (
            GOOD.replace("return 0", "return None"),
            "",
            "mine.py: the initial state of Highest is No",
        ),
    ],
)
def test_a_users_model_that_cannot_be_used(
    tmp_path: Path, source: str, name: str, reason: str
) -> None:
    with pytest.raises(HistoryError) as caught:
        load(written(tmp_path, source) + name)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(reason)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"no\.py: cannot be read: No such file"):
        load(f"{tmp_path}/no.py:Model")


def test_states_are_pairwise_comparable() -> None:
    """Values that Python calls equal lead to states that are not."""
    register = model("register")
    states = [register.step("x", "write", value, None) for value in (1, True, 1.0, None, (1,))]
    states += [register.step("x", "write", (True,), None)]
    assert len(set(states)) == 6
    assert all(one != other for one, other in pairwise(states))
