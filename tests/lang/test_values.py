"""Values are immutable, equal by content and kind, and walked in one canonical order."""

from __future__ import annotations

import pickle
import subprocess
import sys
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.lang.errors import ModelError, NotEnabled
from checker.lang.values import Bag, Map, Record, Seq, Set, Sort, change, in_order
from checker.lang.words import require


class Node(Sort):
    pass


class Ping(Record):
    to: int
    count: int | None


class Pong(Record):
    to: int
    count: int | None


ANY_PING: Any = Ping
ANY_SET: Any = Set
ANY_NODE: Any = Node
NODES = [Node.member(i, f"n{i + 1}") for i in range(3)]

numbers = st.integers(0, 4)
one_type = st.sampled_from(
    [
        numbers,
        st.builds(Set, st.frozensets(numbers, max_size=3)),
        st.builds(Bag, st.lists(numbers, max_size=3)),
        st.lists(numbers, max_size=3).map(tuple),
        st.one_of(st.none(), st.builds(Ping, numbers, st.none() | numbers)),
        st.frozensets(st.builds(Set, st.frozensets(numbers, max_size=2)), max_size=2).map(Set),
    ]
)
items_of_one_type = one_type.flatmap(lambda of: st.lists(of, max_size=5))


def test_records_of_different_kinds_with_equal_fields_differ() -> None:
    ping: Record = Ping(1, None)
    pong: Record = Pong(1, None)
    assert ping != pong
    assert len({ping, pong, Ping(1, None)}) == 2


def test_equal_records_are_the_same_object() -> None:
    assert Ping(1, None) is Ping(to=1, count=None)
    assert Ping(1, None).replace(count=2) is Ping(1, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ANY_PING(1), "Ping needs count"),
        (lambda: ANY_PING(1, 2, 3), "Ping has the fields to, count"),
        (lambda: ANY_PING(1, number=2), "Ping has the fields to, count"),
        (lambda: ANY_NODE(0), "Node is a Sort: its members come from a spec's constant"),
    ],
)
def test_wrong_construction_says_what_is_right(wrong: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        wrong()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: setattr(Ping(1, 2), "to", 3),
        lambda: setattr(NODES[0], "name", "x"),
        lambda: Map({1: 2}).__setitem__(1, 3),
        lambda: Map({1: 2}).update({1: 3}),
        lambda: Bag([1]).__setitem__(1, 3),
        lambda: Bag([1]).pop(1),
        lambda: ANY_SET([1]).add(2),
    ],
)
def test_nothing_changes_in_place(attempt: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        attempt()


def test_sorts_have_no_order() -> None:
    with pytest.raises(TypeError):
        assert NODES[0] < NODES[1]  # type: ignore[operator]


def test_iteration_is_canonical() -> None:
    assert list(Set(reversed(NODES))) == NODES
    assert list(Map(dict.fromkeys(reversed(NODES), 0))) == NODES
    assert list(Bag([2, 1, 2])) == [1, 2, 2]
    assert list(Set([Ping(2, 1), Pong(0, 0), Ping(1, None), Ping(1, 0)])) == [
        Ping(1, None),
        Ping(1, 0),
        Ping(2, 1),
        Pong(0, 0),
    ]


@given(items_of_one_type.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))))
def test_a_set_does_not_depend_on_how_it_was_made(pair: tuple[list[Any], list[Any]]) -> None:
    same_type, shuffled = pair
    first, second = Set(same_type), Set(shuffled)
    assert first == second
    assert hash(first) == hash(second)
    assert list(first) == list(second)
    assert Bag(same_type) == Bag(shuffled)
    assert hash(Bag(same_type)) == hash(Bag(shuffled))
    assert list(Bag(same_type)) == list(Bag(shuffled))


@given(items_of_one_type)
def test_pickling_gives_equal_values(items: list[Any]) -> None:
    for item in (*items, Ping(1, None), NODES[1], Map({NODES[0]: Set([1])})):
        assert pickle.loads(pickle.dumps(item)) == item


@given(st.sets(st.integers(0, 5)), st.integers(0, 5))
def test_changes_of_sets_are_pythons(items: set[int], item: int) -> None:
    ours: Any = Set(items)
    assert change(ours, "add", item) == items | {item}
    assert change(ours, "discard", item) == items - {item}
    if item in items:
        assert change(ours, "remove", item) == items - {item}
    else:
        with pytest.raises(KeyError):
            change(ours, "remove", item)
    assert ours == items, "the old value is as it was"


@given(st.lists(st.integers(0, 3), max_size=4), st.integers(-5, 5), st.integers(0, 3))
@pytest.mark.parametrize("method", ["append", "insert", "remove", "pop", "set", "delete"])
def test_changes_of_sequences_are_pythons(
    method: str, items: list[int], index: int, item: int
) -> None:
    expected = list(items)
    name, args = {
        "append": ("append", (item,)),
        "insert": ("insert", (index, item)),
        "remove": ("remove", (item,)),
        "pop": ("pop", (index,)),
        "set": ("__setitem__", (index, item)),
        "delete": ("__delitem__", (index,)),
    }[method]
    try:
        getattr(expected, name)(*args)
    except (IndexError, ValueError) as error:
        with pytest.raises(type(error)):
            change(tuple(items), name, *args)
    else:
        assert change(tuple(items), name, *args) == tuple(expected)


def test_changes_of_bags_and_maps() -> None:
    assert change(Bag([1, 1]), "remove", 1) == Bag([1])
    assert change(Bag([1]), "remove", 1) == Bag()
    assert change(Bag(), "add", 1).count(1) == 1
    with pytest.raises(KeyError):
        change(Bag(), "remove", 1)
    assert change(Map({1: 2, 2: 3}), "__setitem__", 2, 0) == {1: 2, 2: 0}
    with pytest.raises(KeyError):
        change(Map({1: 2}), "__setitem__", 3, 0)
    with pytest.raises(TypeError, match="a Seq has no change named `add`"):
        change((), "add", 1)


def test_seq_makes_a_tuple() -> None:
    assert Seq([1, 2]) == (1, 2)
    assert type(Seq()) is tuple


def test_set_operations_stay_sets() -> None:
    a, b = Set([1, 2]), Set([2, 3])
    for result in (a | b, a & b, a - b, a ^ b, a.union(b), a.intersection(b), a.difference(b)):
        assert type(result) is Set
    assert [list(s) for s in Set([1, 2]).subsets()] == [[], [1], [2], [1, 2]]


def test_a_records_invariant_is_checked_at_construction() -> None:
    from checker.lang.declare import invariant
    from checker.lang.resolve import prepare_record

    class Vote(Record):
        ballot: int
        below: int

        @invariant
        def ordered(self) -> bool:
            return self.below < self.ballot

    prepare_record(Vote)
    assert Vote(2, 1).below == 1
    with pytest.raises(ModelError, match="breaks the invariant `ordered`"):
        Vote(1, 1)


def test_the_order_is_the_same_under_any_hash_seed() -> None:
    code = (
        "from enum import Enum\n"
        "from checker.lang.values import *\n"
        "class E(Enum):\n    B = 1\n    A = 2\n"
        "class R(Record):\n    e: E\n    n: int | None\n"
        "print(list(Set([R(E.A, 1), R(E.B, None), R(E.A, None)])), in_order(E))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert "R(e=<E.B: 1>, n=None), R(e=<E.A: 2>, n=None)" in outputs.pop()


def test_in_order_mixes_none_first() -> None:
    assert in_order([Ping(1, 1), None]) == (None, Ping(1, 1))


def test_a_guard_that_fails_often_keeps_no_frames() -> None:
    """A search meets millions of them; what they keep would be most of its memory."""
    lengths = []
    for _ in range(3):
        with pytest.raises(NotEnabled) as caught:
            require(False)
        lengths.append(len(list(traceback.walk_tb(caught.value.__traceback__))))
    assert lengths == [2, 2, 2]
