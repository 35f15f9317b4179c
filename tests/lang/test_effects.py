"""Read and write sets, and the Sorts that are proved symmetric."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checker.lang import (
    Annotated,
    Map,
    Range,
    Record,
    Set,
    Sort,
    Spec,
    action,
    const,
    everywhere,
    ir,
    members,
    require,
)
from checker.lang import values as v
from checker.lang.compile import compile_model
from checker.lang.effects import Access, effects, renamed, singled_out, symmetric_sorts
from checker.lang.model import Model
from spec.paxos import Paxos
from tests.lang.constructs import Team


class Node(Sort):
    pass


def ring_of(nodes: list[Node]) -> dict[Node, Node]:
    return {node: nodes[index - 1] for index, node in enumerate(nodes)}


class Sent(Record):
    to: Node
    by: Node | None


class Ring(Spec):
    """A ring: `after` tells the nodes apart, unless every node is its own."""

    nodes: Set[Node] = members(3)
    after: Map[Node, Node] = const(lambda self: ring_of(list(self.nodes)))
    token: Map[Node, bool]
    grid: Map[tuple[Node, Node], Annotated[int, Range(3)]] = everywhere(0)
    gone: Set[Node]

    @action
    def pass_on(self, n: Node, m: Node) -> None:
        require(self.token[n])
        self.token[n] = False
        self.token[self.after[n]] = True
        self.grid[n, m] = 1
        self.mark(m)

    def mark(self, n: Node) -> None:
        self.gone.add(n)

    @action
    def everyone(self) -> None:
        for n in self.nodes:
            self.token[n] = len(self.gone) > 1


@pytest.mark.parametrize(
    ("spec", "action_", "reads", "writes"),
    [
        (Paxos(), "prepare", [], ["sent"]),
        (Paxos(), "promise", ["promised[a]", "sent", "voted[a]"], ["promised[a]", "sent"]),
        (Paxos(), "accept", ["promised[a]", "sent"], ["promised[a]", "sent", "voted[a]"]),
        (Ring(), "pass_on", ["token[n]"], ["gone", "grid[n, m]", "token[map.get(after, n)]",
                                           "token[n]"]),
        (Ring(), "everyone", ["gone"], ["token[*]"]),
        (Team(), "net.lose", ["net.lost", "net.sent"], ["net.lost", "net.sent"]),
        (Team(), "ask", ["net.sent", "token"], ["grid[n][*]", "net.sent", "token"]),
    ],
)  # fmt: skip
def test_what_an_action_reads_and_writes(
    spec: Spec, action_: str, reads: list[str], writes: list[str]
) -> None:
    program = compile_model(Model.of(spec))
    found = effects(program, program.action(action_).function)
    assert found.texts() == (reads, writes)


def test_a_write_that_only_adds_is_told_from_others() -> None:
    program = compile_model(Model.of(Paxos()))
    assert Access("sent", (), "add") in effects(program, "prepare").writes
    ring = compile_model(Model.of(Ring()))
    assert Access("gone", (), "add") in effects(ring, "pass_on").writes
    team = compile_model(Model.of(Team()))
    # This bag has bounded room: whether there is room depends on what was added before.
    assert Access("net.sent", (), "assign") in effects(team, "ask").writes


def test_cells_with_different_literals_do_not_meet() -> None:
    one, two = Access("f", (ir.number(1),)), Access("f", (ir.number(2),), "assign")
    any_ = Access("f", (None,))
    assert not one.meets(two)
    assert one.meets(one)
    assert one.meets(any_)
    assert any_.meets(Access("f"))
    assert not any_.meets(Access("g"))


def test_symmetric_sorts() -> None:
    paxos = compile_model(Model.of(Paxos()))
    assert [str(sort) for sort in symmetric_sorts(paxos)] == ["Acceptor", "Value"]


def test_a_constant_that_tells_members_apart() -> None:
    ring = compile_model(Model.of(Ring()))
    assert symmetric_sorts(ring) == ()
    assert singled_out(ring, ring.sorts[0]) == "the constant `after`"


def test_quorums_that_single_a_member_out() -> None:
    model = Model.of(Paxos())
    a = list(model.constants["acceptors"].value)
    chosen = Model(Paxos, {"quorums": {frozenset({a[0]}), frozenset({a[0], a[1]})}})
    program = compile_model(chosen)
    assert [str(sort) for sort in symmetric_sorts(program)] == ["Value"]


def test_a_default_that_singles_a_member_out() -> None:
    program = compile_model(Model.of(Ring()))
    first, *_ = program.sorts[0].members or ()
    fields = tuple(
        replace(field, default=type(field.default)({first})) if field.name == "gone" else field
        for field in program.fields
    )
    led = replace(program, fields=fields, constants={})
    assert singled_out(led, program.sorts[0]) == "the first value of `gone`"


def test_renaming_reaches_every_kind_of_value() -> None:
    a, b = Node.member(0, "n1"), Node.member(1, "n2")
    swap = {a: b, b: a}
    value = (v.Set({a}), v.Map({a: (a, 1), b: (b, 2)}), v.Bag([a, a]), Sent(a, None))
    other = (v.Set({b}), v.Map({b: (b, 1), a: (a, 2)}), v.Bag([b, b]), Sent(b, None))
    assert renamed(value, swap) == other
    assert renamed(other, swap) == value
