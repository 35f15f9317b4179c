"""The keys of `--json` are a contract; values come back from it as they were."""

import json
from enum import Enum
from typing import Any

import pytest

from checker.lang import Record, Sort
from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
)
from checker.report.decode import NotOfType, from_json
from checker.report.json import result_json
from tests.report.runs import result_of

KEYS = [
    "spec",
    "constants",
    "engine",
    "verdict",
    "undecided_because",
    "bounded",
    "reductions",
    "distinct_states",
    "transitions",
    "depth",
    "frontier",
    "seconds",
    "search_seconds",
    "states_per_second",
    "peak_memory_bytes",
    "bytes_per_state",
    "actions",
    "properties",
    "warnings",
    "fairness",
    "violation",
    "counterexample",
    "violations",
]


def test_keys_are_pinned() -> None:
    data = result_json(result_of("election"), "election.py")
    assert list(data) == KEYS
    assert json.loads(json.dumps(data)) == data
    assert list(data["violation"]) == ["property", "kind", "explanation", "loop"]
    for step in data["counterexample"]:
        assert list(step) == ["action", "parameters", "state", "changed"]


def test_values() -> None:
    data = result_json(result_of("election"), "election.py")
    assert data["constants"] == {"nodes": 3, "rounds": 2}
    assert data["verdict"] == "violated"
    assert data["states_per_second"] == data["distinct_states"] / 2
    assert data["violation"]["property"] == "one_winner"
    assert data["violation"]["loop"] is None
    start, ask, _, vote = data["counterexample"][:4]
    assert start == {
        "action": None,
        "parameters": {},
        "state": {"joined": {"n1": None, "n2": None, "n3": None}, "won": [], "sent": []},
        "changed": {},
    }
    assert ask["parameters"] == {"r": 0}
    assert vote["parameters"] == {"n": "n1", "m": {"kind": "Ask", "round": 0}}
    assert vote["changed"] == {
        "joined[n1]": {"from": None, "to": 0},
        "sent": {"added": [{"kind": "Yes", "node": "n1", "round": 0}], "removed": []},
    }


def test_without_a_violation_the_keys_are_the_same() -> None:
    data = result_json(result_of("inboxes", "loud=true", "nodes=ada,bob"), "x")
    assert list(data) == KEYS
    assert (data["violation"], data["counterexample"], data["violations"]) == (None, [], [])
    assert data["constants"]["nodes"] == ["ada", "bob"]


class Node(Sort):
    pass


class Mood(Enum):
    CALM = 1
    HASTY = 2


class Left(Record):
    to: Node


class Right(Record):
    kind: bool


NODE = SortT(Node, (Node.member(0, "a"), Node.member(1, "b")))
LEFT, RIGHT = RecordT(Left, (("to", NODE),)), RecordT(Right, (("kind", BoolT()),))

TYPES: list[Type] = [
    BoolT(),
    IntT(-2, 3),
    EnumT(Mood),
    LabelT("p", ("idle", "busy")),
    NODE,
    OptionT(IntT(0, 2)),
    LEFT,
    UnionT((LEFT, RIGHT)),
    TupleT((NODE, BoolT())),
    SetT(OptionT(NODE)),
    MapT(TupleT((NODE, NODE)), BoolT()),
    MapT(IntT(0, 1), SetT(NODE)),
    SeqT(NODE, 2),
    BagT(EnumT(Mood), 3),
]


@pytest.mark.parametrize("of", TYPES, ids=str)
def test_every_value_comes_back(of: Type) -> None:
    for value in of.values():
        assert from_json(of, json.loads(json.dumps(of.json(value)))) == value


WRONG: list[tuple[Type, Any, str]] = [
    (IntT(0, 3), 7, "7 is outside int[0..3]"),
    (IntT(0, 3), True, "True is not a value of int[0..3]"),
    (NODE, "c", "'c' is no Node: there are a, b"),
    (SetT(NODE), "a", "'a' is not a list"),
    (SetT(NODE), ["a", "c"], "at [1]: 'c' is no Node: there are a, b"),
    (MapT(NODE, BoolT()), {"c": True}, "'c' is no Node: there are a, b"),
    (MapT(NODE, BoolT()), {"a": 3, "b": True}, "at [a]: 3 is not a value of bool"),
    (TupleT((NODE, NODE)), ["a"], "['a'] is not a list of 2"),
    (LEFT, {"kind": "Right", "to": "a"}, "'Right' is not the kind Left"),
    (LEFT, {"kind": "Left"}, "{'kind': 'Left'} is not an object with the fields to"),
    (UnionT((LEFT, RIGHT)), {"x": 1}, "{'x': 1} is not one of the kinds Left, Right"),
]


@pytest.mark.parametrize(("of", "data", "said"), WRONG)
def test_what_is_no_value_is_refused_with_its_place(of: Type, data: Any, said: str) -> None:
    with pytest.raises(NotOfType) as error:
        from_json(of, data)
    assert str(error.value) == said


def test_a_map_needs_every_key() -> None:
    with pytest.raises(NotOfType, match="no value for b"):
        from_json(MapT(NODE, BoolT()), {"a": True})
