"""A distributed snapshot: what was recorded could have been the state at one time.

Banks send money to each other.  One records what it has and sends a marker on every link; who gets
its first marker does the same.  What comes on a link between the own record and the marker was on
its way.

Source: K. M. Chandy and L. Lamport, "Distributed snapshots: determining global states of
distributed systems" (1985).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *
from spec.parts.networks import Fifo


class Bank(Sort):
    """Has money, and sends it."""


Money = Annotated[int, Range("money + 1")]


class Transfer(Record):
    amount: Money


class Marker(Record):
    pass


class Snapshot(Spec):
    """The snapshot finds all the money."""

    banks: Set[Bank] = members(2)
    money: int = const(2)

    net: Fifo[Bank, Transfer | Marker] = part(capacity=2)
    has: Map[Bank, Money] = everywhere(0)
    recorded: Map[Bank, Money | None]
    on_its_way: Map[tuple[Bank, Bank], Money] = everywhere(0)
    closed: Set[tuple[Bank, Bank]]  # links whose marker has come

    @init
    def begin(self, b: Bank) -> None:
        self.has[b] = self.money

    @action
    def send(self, a: Bank, b: Bank) -> None:
        require(a != b and self.has[a] > 0)
        self.has[a] -= 1
        self.net.send(a, b, Transfer(1))

    @action(fairness=strong())
    def start(self, b: Bank) -> None:
        require(all(self.recorded[c] is None for c in self.banks))
        self.record(b)

    @action(fairness=weak(for_each=("a", "b")))
    def receive(self, a: Bank, b: Bank) -> None:
        m = self.net.receive(a, b)
        match m:
            case Transfer(amount=n):
                self.has[b] += n
                if self.recorded[b] is not None and (a, b) not in self.closed:
                    self.on_its_way[a, b] += n
            case Marker():
                if self.recorded[b] is None:
                    self.record(b)
                self.closed.add((a, b))

    def record(self, b: Bank) -> None:
        self.recorded[b] = self.has[b]
        self.net.broadcast(b, Marker())

    def is_complete(self) -> bool:
        return len(self.closed) == len(self.banks) * (len(self.banks) - 1)

    def found(self) -> int:
        there = sum(n for n in self.recorded.values() if n is not None)
        return there + sum(self.on_its_way.values())

    @invariant
    def all_the_money_is_found(self) -> bool:
        return not self.is_complete() or self.found() == self.money

    @eventually
    def the_snapshot_is_complete(self) -> bool:
        return self.is_complete()


class IgnoresLinks(Snapshot):
    """Only what the banks have is counted."""

    def found(self) -> int:
        return sum(n for n in self.recorded.values() if n is not None)
