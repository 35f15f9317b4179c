"""Nodes of one decision in a network that tests decide about, and what must always be true of it.

All that was ever sent is kept, as in the spec: a message is delivered, again or never.  A node's
disk is the list of its records; a crash takes what is in memory, and a write that is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from impl.paxos.instance import (
    Decide,
    Effect,
    Event,
    Instance,
    Persist,
    Receive,
    Send,
    Start,
    Timeout,
    Written,
)
from impl.paxos.messages import Accepted, Message, Value
from impl.paxos.node import Node

KEY = "x"

Flight = tuple[int, int, Message]
"""From, to, what."""


@dataclass
class Cluster:
    size: int
    nodes: list[Node] = field(init=False)
    disks: list[list[bytes]] = field(init=False)
    unsynced: list[bytes | None] = field(init=False)
    flying: list[Flight] = field(default_factory=list)  # sent and not yet delivered
    sent: dict[Flight, None] = field(default_factory=dict)  # all, in the order sent
    wished: set[Value] = field(default_factory=set)
    decisions: list[tuple[int, Value]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes = [Node(i, self.size) for i in range(self.size)]
        self.disks = [[] for _ in range(self.size)]
        self.unsynced = [None] * self.size

    def instance(self, i: int) -> Instance:
        return self.nodes[i].instance(KEY)

    def take(self, i: int, event: Event) -> list[Effect]:
        """One event at node i, and what must be true after it."""
        effects = self.nodes[i].handle(KEY, event)
        for effect in effects:
            if isinstance(effect, Persist):
                assert self.unsynced[i] is None
                self.unsynced[i] = effect.record
            elif isinstance(effect, Send):
                self.flying.append((i, effect.to, effect.message))
                self.sent[i, effect.to, effect.message] = None
            elif isinstance(effect, Decide):
                self.decisions.append((i, effect.value))
        self.check(i)
        return effects

    def start(self, i: int, wish: Value | None) -> list[Effect]:
        if wish is not None:
            self.wished.add(wish)
        return self.take(i, Start(wish))

    def deliver(self, flight: Flight) -> list[Effect]:
        sender, to, message = flight
        return self.take(to, Receive(sender, message))

    def write(self, i: int) -> list[Effect]:
        record = self.unsynced[i]
        assert record is not None
        self.disks[i].append(record)
        self.unsynced[i] = None
        return self.take(i, Written())

    def time_out(self, i: int) -> list[Effect]:
        return self.take(i, Timeout())

    def crash(self, i: int, *, on_disk: bool = False) -> None:
        """And start again.  A write under way may have reached the disk, and nobody knows."""
        record = self.unsynced[i]
        if on_disk and record is not None:
            self.disks[i].append(record)
        self.unsynced[i] = None
        self.nodes[i] = Node(i, self.size)
        self.nodes[i].recover(self.disks[i])

    def settle(self) -> None:
        """Everything is written and delivered, once each, until nothing is left to do."""
        while True:
            for i in range(self.size):
                if self.unsynced[i] is not None:
                    self.write(i)
            if not self.flying:
                return
            flight = self.flying.pop(0)
            self.deliver(flight)

    def check(self, i: int) -> None:
        """Agreement, validity, and that the bytes of a node are the node."""
        decided = {value for _, value in self.decisions}
        assert len(decided) <= 1, f"agreement: {self.decisions}"
        assert decided <= self.wished, "nobody wished that"
        assert all(self.chosen(value) for value in decided)
        data = self.nodes[i].save()
        again = Node.load(data)
        assert again.save() == data
        assert again.instance(KEY) == self.instance(i)
        self.nodes[i] = again
        self.check_disk(i)

    def check_disk(self, i: int) -> None:
        """What a node goes by is on its disk."""
        disk = Node(i, self.size)
        disk.recover(self.disks[i])
        on_disk, instance = disk.instance(KEY), self.instance(i)
        assert (on_disk.promised, on_disk.voted) == (instance.promised, instance.voted)
        assert (instance.writing is None) == (self.unsynced[i] is None)

    def chosen(self, value: Value) -> bool:
        """Whether a majority has voted for it, in one ballot."""
        voters: dict[int, set[int]] = {}
        for sender, _, message in self.sent:
            if isinstance(message, Accepted) and message.value == value:
                voters.setdefault(message.ballot, set()).add(sender)
        return any(2 * len(some) > self.size for some in voters.values())
