"""Networks and faults: small specs whose states can be counted by hand.

Each example says what a state of the whole is in one sentence; the test counts those by a
formula, and the checker must find as many.
"""

from math import comb
from typing import Any

import pytest

from checker import check
from checker.engines.python.explore import explore_graph
from checker.lang import (
    Annotated,
    AtMost,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    const,
    final,
    init,
    invariant,
    members,
    part,
    require,
)
from checker.lang.compile import compile_model
from checker.lang.model import Model
from spec.parts.faults import Crashes, Disk
from spec.parts.networks import Fifo, Lossy, LossyBag, LossyFifo, Reliable


class Node(Sort):
    """Who sends, receives and fails."""


class Item(Sort):
    """What is sent."""


class Parcel(Record):
    item: Item


class OverLossy(Spec):
    """Each item is unsent, or sent and perhaps received: 3 to the power of the items."""

    items: Set[Item] = members(3)
    net: Lossy[Parcel]
    received: Set[Item]

    @action
    def post(self, i: Item) -> None:
        self.net.send(Parcel(i))

    @action
    def take(self, m: Parcel) -> None:
        require(m in self.net.sent)
        self.net.receive(m)
        self.received.add(m.item)

    @final
    def may_stop(self) -> bool:
        return True


class OverReliable(Spec):
    """Each item is unsent, in flight or received, once each; at most `room` in flight."""

    items: Set[Item] = members(3)
    room: int = const(3)
    net: Reliable[Parcel] = part(capacity="room")
    unsent: Set[Item]
    received: Set[Item]

    @init
    def begin(self) -> None:
        self.unsent = self.items

    @action
    def post(self, i: Item) -> None:
        require(i in self.unsent)
        self.unsent.remove(i)
        self.net.send(Parcel(i))

    @action
    def take(self, m: Parcel) -> None:
        require(m in self.net.in_flight)
        self.net.receive(m)
        self.received.add(m.item)

    @invariant
    def nothing_is_lost(self) -> bool:
        return all(
            i in self.unsent or i in self.received or Parcel(i) in self.net.in_flight
            for i in self.items
        )

    @final
    def all_received(self) -> bool:
        return self.received == self.items


class OverLossyBag(OverReliable):
    """As above; or lost, so many at most.  Repetition is tested by itself."""

    losses: int = const(1)
    duplications: int = const(0)
    net: LossyBag[Parcel] = part(capacity="room", losses="losses", duplications="duplications")

    @invariant
    def nothing_is_lost(self) -> bool:
        gone = {i for i in self.items if i not in self.unsent and i not in self.received}
        return len({i for i in gone if Parcel(i) not in self.net.in_flight}) <= self.losses

    @final
    def all_received(self) -> bool:
        return len(self.unsent) == 0 and len(self.net.in_flight) == 0


class OverFifo(Spec):
    """One node counts to another: so many sent, so many of them received, in order."""

    nodes: Set[Node] = members(["ann", "bob"])
    numbers: int = const(4)
    room: int = const(2)
    net: Fifo[Node, Annotated[int, Range("numbers")]] = part(capacity="room")
    sent: Annotated[int, Range("numbers + 1")] = 0
    heard: Annotated[Seq[Annotated[int, Range("numbers")]], AtMost("numbers")]
    talker: Node
    listener: Node

    @init
    def begin(self, talker: Node, listener: Node) -> None:
        require(talker != listener)
        self.talker = talker
        self.listener = listener

    @action
    def say(self) -> None:
        require(self.sent < self.numbers)
        self.net.send(self.talker, self.listener, self.sent)
        self.sent += 1

    @action
    def hear(self) -> None:
        number = self.net.receive(self.talker, self.listener)
        self.heard.append(number)

    @invariant
    def in_order(self) -> bool:
        return all(a < b for a, b in zip(self.heard, self.heard[1:], strict=False))

    @invariant
    def all_of_it(self) -> bool:
        return self.heard == list(range(len(self.heard)))

    @final
    def all_said(self) -> bool:
        empty = len(self.net.links[self.talker, self.listener]) == 0
        return self.sent == self.numbers and empty


class OverLossyFifo(OverFifo):
    """The same, and some number in between was lost."""

    losses: int = const(1)
    net: LossyFifo[Node, Annotated[int, Range("numbers")]] = part(capacity="room", losses="losses")

    @invariant
    def all_of_it(self) -> bool:
        return True


class Gossip(Spec):
    """Everyone tells all others once; a state is who has spoken, and on which links it waits."""

    nodes: Set[Node] = members(3)
    net: Fifo[Node, bool] = part(capacity=1)
    spoke: Set[Node]

    @action
    def speak(self, n: Node) -> None:
        require(n not in self.spoke)
        self.spoke.add(n)
        self.net.broadcast(n, True)

    @action
    def listen(self, a: Node, b: Node) -> None:
        said = self.net.receive(a, b)
        assert said

    @final
    def all_spoke(self) -> bool:
        return self.spoke == self.nodes and all(
            len(self.net.links[a, b]) == 0 for a in self.nodes for b in self.nodes
        )


class Fallible(Spec):
    """Nodes that do nothing but fail."""

    nodes: Set[Node] = members(3)
    most: int = const(2)
    faults: Crashes[Node] = part(crashes="most", restarts=1)
    turns: Annotated[int, Range(2)] = 0

    @action
    def turn(self, n: Node) -> None:
        require(self.faults.up[n])
        self.turns = 1 - self.turns

    @invariant
    def crashes_are_few(self) -> bool:
        return len({n for n in self.nodes if not self.faults.up[n]}) <= self.most


class Counter(Spec):
    """A node counts on disk, and may crash and come back once."""

    nodes: Set[Node] = members(1)
    numbers: int = const(3)
    faults: Crashes[Node] = part(crashes=1, restarts=1)
    disk: Disk[Node, Annotated[int, Range("numbers")] | None]

    @action
    def count(self, n: Node) -> None:
        require(self.faults.up[n])
        before = self.disk.written[n]
        self.disk.write(n, 0 if before is None else (before + 1) % self.numbers)

    @action
    def crash(self, n: Node) -> None:
        self.faults.crash(n)
        self.disk.crash(n)

    @invariant
    def what_is_down_has_only_what_was_synced(self) -> bool:
        return all(
            self.faults.up[n] or self.disk.written[n] == self.disk.synced[n] for n in self.nodes
        )

    @final
    def may_stop(self) -> bool:
        return True


class Teller(Counter):
    """It also tells the world that it has begun to count, once the disk has it."""

    told: Set[Node]

    @action
    def tell(self, n: Node) -> None:
        require(self.faults.up[n])
        require(self.has_begun(n))
        self.told.add(n)

    def has_begun(self, n: Node) -> bool:
        return self.disk.synced[n] is not None

    @invariant
    def what_was_told_is_so(self) -> bool:
        return all(self.disk.written[n] is not None for n in self.told)


class HastyTeller(Teller):
    """It looks at what it has written, and forgets that a crash may take that back."""

    def has_begun(self, n: Node) -> bool:
        return self.disk.written[n] is not None


def reliable_states(items: int, room: int) -> int:
    """Choose what is in flight; each other item is unsent or received."""
    return sum(comb(items, k) * 2 ** (items - k) for k in range(room + 1))


def lossy_bag_states(items: int, losses: int) -> int:
    """Choose what is lost; each other item is unsent, in flight or received."""
    return sum(comb(items, k) * 3 ** (items - k) for k in range(losses + 1))


def fifo_states(numbers: int, room: int) -> int:
    """How many were sent, and how many of them are on the link; either node may talk."""
    return 2 * sum(min(sent, room) + 1 for sent in range(numbers + 1))


def lossy_fifo_states(numbers: int, room: int) -> int:
    """The same; and none was lost, or one of those that have left the link."""
    return 2 * sum(
        1 + (sent - waiting)
        for sent in range(numbers + 1)
        for waiting in range(min(sent, room) + 1)
    )


CASES: list[tuple[Spec, int]] = [
    (OverLossy(), 3**3),
    (OverReliable(), reliable_states(3, 3)),
    (OverReliable(room=1), reliable_states(3, 1)),
    (OverLossyBag(), lossy_bag_states(3, 1)),
    (OverLossyBag(losses=0), reliable_states(3, 3)),
    (OverLossyBag(losses=3), 4**3),
    (OverFifo(), fifo_states(4, 2)),
    (OverFifo(room=1, numbers=5), fifo_states(5, 1)),
    (OverLossyFifo(), lossy_fifo_states(4, 2)),
    (OverLossyFifo(losses=0), fifo_states(4, 2)),
    # Each node is silent, or has spoken and each of its two links is full or empty.
    (Gossip(), 5**3),
    # Crashed and restarted so often, which of them are down; and a bit to keep busy.
    (Fallible(), 2 * (1 + 3 + 1 + 3 + 3)),
    (Fallible(most=0), 2),
    # Nothing written, or one of 3 written and one of 3 or nothing synced; down, they agree; back.
    (Counter(), 13 + 4 + 13),
]


@pytest.mark.parametrize(("spec", "states"), CASES, ids=str)
def test_a_part_gives_as_many_states_as_counted_by_hand(spec: Spec, states: int) -> None:
    result = check(spec)
    assert result, result
    assert result.distinct_states == states


@pytest.mark.parametrize("spec", [spec for spec, _ in CASES], ids=str)
def test_specs_with_parts_compile(spec: Spec) -> None:
    compile_model(Model.of(spec))


def test_a_crash_takes_back_what_was_not_synced() -> None:
    assert check(Teller())
    result = check(HastyTeller())
    assert result.properties["what_was_told_is_so"] == "violated"
    assert result.counterexample is not None
    assert [step.action for step in result.counterexample.steps] == [
        None,
        "count",
        "tell",
        "crash",
    ]


def labels(spec: Spec) -> dict[str, int]:
    return check(spec, properties=()).actions


def test_duplication_is_spent() -> None:
    """With one repetition, one item can arrive twice: so the bag holds two of one kind."""
    graph, _ = explore_graph(Model.of(OverLossyBag(losses=0, duplications=1)))
    bags: list[Any] = [
        state[graph.model.fields.index(field)]
        for state in graph.states
        for field in graph.model.fields
        if field.name == "net.in_flight"
    ]
    assert max(bag.count(item) for bag in bags for item in bag.distinct()) == 2


def test_faults_happen_by_themselves_only_where_nobody_calls_them() -> None:
    assert set(labels(Fallible())) == {"faults.crash", "faults.restart", "turn"}
    assert set(labels(Counter())) == {"faults.restart", "disk.sync", "count", "crash"}
