"""What a step changed, in as little text as says it all."""

from typing import Any

import pytest

from checker.lang import Record, Sort
from checker.lang.types import (
    BagT,
    BoolT,
    IntT,
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
from checker.lang.values import Bag, Map, Set
from checker.report.changes import as_json, differences


class Node(Sort):
    pass


class Note(Record):
    to: Node
    number: int


class Stop(Record):
    pass


A, B = Node.member(0, "a"), Node.member(1, "b")
NODE = SortT(Node, (A, B))
INT = IntT(0, 9)
NOTE = RecordT(Note, (("to", NODE), ("number", INT)))
EITHER = UnionT((NOTE, RecordT(Stop, ())))

CASES: list[tuple[Type, Any, Any, list[str]]] = [
    (INT, 3, 3, []),
    (INT, 3, 4, ["x: 3 → 4"]),
    (BoolT(), False, True, ["x: False → True"]),
    (OptionT(INT), None, 0, ["x: none → 0"]),
    (OptionT(MapT(NODE, INT)), Map({A: 1, B: 2}), Map({A: 1, B: 3}), ["x[b]: 2 → 3"]),
    (MapT(NODE, INT), Map({A: 1, B: 2}), Map({A: 0, B: 2}), ["x[a]: 1 → 0"]),
    (
        MapT(NODE, MapT(NODE, INT)),
        Map({A: Map({A: 0, B: 0}), B: Map({A: 0, B: 0})}),
        Map({A: Map({A: 0, B: 7}), B: Map({A: 1, B: 0})}),
        ["x[a][b]: 0 → 7", "x[b][a]: 0 → 1"],
    ),
    (MapT(TupleT((NODE, NODE)), INT), Map({(A, B): 1}), Map({(A, B): 2}), ["x[a, b]: 1 → 2"]),
    (SetT(INT), Set({1, 2}), Set({2, 3}), ["x: − 1", "x: + 3"]),
    (MapT(NODE, SetT(INT)), Map({A: Set(), B: Set()}), Map({A: Set({4}), B: Set()}), ["x[a]: + 4"]),
    (BagT(INT), Bag([1, 1, 2]), Bag([2, 2]), ["x: − 1", "x: − 1", "x: + 2"]),
    (SeqT(INT), (1, 2), (1, 2, 3), ["x: + 3 (at the end)"]),
    (SeqT(INT), (1, 2), (0, 1, 2), ["x: + 0 (in front)"]),
    (SeqT(INT), (1, 2, 3), (2, 3), ["x: − 1 (first)"]),
    (SeqT(INT), (1, 2, 3), (1,), ["x: − 2 (last)", "x: − 3 (last)"]),
    (SeqT(INT), (4, 4), (4,), ["x: − 4"]),  # either may have gone
    (SeqT(INT), (), (5,), ["x: + 5"]),
    (SeqT(INT), (5,), (), ["x: − 5"]),
    (SeqT(INT), (1, 2, 3), (1, 7, 3), ["x[1]: 2 → 7"]),
    (SeqT(INT), (1, 2), (3, 4), ["x: [1, 2] → [3, 4]"]),
    (SeqT(INT), (1, 2), (2, 3, 4), ["x: [1, 2] → [2, 3, 4]"]),
    (TupleT((INT, INT)), (1, 2), (1, 3), ["x[1]: 2 → 3"]),
    (NOTE, Note(A, 1), Note(A, 2), ["x: Note(to=a, number=1) → Note(to=a, number=2)"]),
    (EITHER, Note(A, 1), Stop(), ["x: Note(to=a, number=1) → Stop()"]),
]


@pytest.mark.parametrize(("of", "before", "after", "texts"), CASES)
def test_only_what_differs_is_said(of: Type, before: Any, after: Any, texts: list[str]) -> None:
    assert [change.text for change in differences(of, before, after, "x")] == texts


def test_a_long_record_is_compared_field_by_field() -> None:
    of = RecordT(Note, (("to", NODE), ("number", SetT(INT))))
    before, after = Note(A, Set(range(9))), Note(A, Set(range(9)) | {9})  # type: ignore[arg-type]
    many = Note(A, Set(range(200, 260)))  # type: ignore[arg-type]
    assert [c.text for c in differences(of, before, after, "x")] == [
        "x: Note(to=a, number={0, 1, 2, 3, 4, 5, 6, 7, 8}) → "
        "Note(to=a, number={0, 1, 2, 3, 4, 5, 6, 7, 8, 9})"
    ]
    one_more = Note(A, Set(range(200, 261)))  # type: ignore[arg-type]
    assert [c.text for c in differences(of, many, one_more, "x")] == ["x.number: + 260"]


def test_as_json_keeps_values() -> None:
    of = MapT(NODE, OptionT(INT))
    found = [
        *differences(of, Map({A: None, B: 1}), Map({A: 2, B: 1}), "voted"),
        *differences(SetT(NOTE), Set({Note(A, 1)}), Set({Note(B, 1)}), "sent"),
    ]
    assert as_json(found) == {
        "voted[a]": {"from": None, "to": 2},
        "sent": {
            "added": [{"kind": "Note", "to": "b", "number": 1}],
            "removed": [{"kind": "Note", "to": "a", "number": 1}],
        },
    }
