"""The alternating bit protocol: every message arrives once and in order, over links that lose.

Source: K. A. Bartlett, R. A. Scantlebury and P. T. Wilkinson, "A note on reliable full-duplex
transmission over half-duplex links" (1969); as a TLA+ spec, L. Lamport, TLA+ Video Course,
lecture 9.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from typing import Generic, TypeVar

from checker.lang import *

M = TypeVar("M")
Bit = Annotated[int, Range(2)]
Datum = Annotated[int, Range("data")]


class Packet(Record):
    datum: Datum
    bit: Bit


class Link(Spec, Generic[M]):
    """Keeps the order, may lose, and is full at `capacity`."""

    capacity: int = const(2)
    line: Annotated[Seq[M], AtMost("capacity", beyond="block")]

    def send(self, m: M) -> None:
        self.line.append(m)

    def receive(self) -> M:
        require(len(self.line) > 0)
        m = self.line.pop(0)
        return m

    @action
    def lose(self, i: Annotated[int, Range("capacity")]) -> None:
        require(i < len(self.line))
        del self.line[i]


class AlternatingBit(Spec):
    """Each datum arrives, once, and before the next is sent."""

    data: int = const(2)

    forth: Link[Packet] = part()
    back: Link[Bit] = part()
    sending: Packet
    received: Packet

    @init
    def begin(self, d: Datum) -> None:
        self.sending = Packet(d, 0)
        self.received = Packet(d, 0)

    @action
    def choose(self, d: Datum) -> None:
        """What was sent is acknowledged, so there is a next."""
        bit = self.back.receive()
        require(bit == self.sending.bit)
        self.sending = Packet(d, 1 - bit)

    @action(fairness=strong())
    def discard(self) -> None:
        bit = self.back.receive()
        require(bit != self.sending.bit)

    @action(fairness=weak())
    def send(self) -> None:
        self.forth.send(self.sending)

    @action(fairness=strong())
    def receive(self) -> None:
        packet = self.forth.receive()
        if packet.bit != self.received.bit:
            self.received = packet

    @action(fairness=weak())
    def acknowledge(self) -> None:
        self.back.send(self.received.bit)

    @invariant
    def what_is_acknowledged_has_arrived(self) -> bool:
        return self.sending.bit != self.received.bit or self.sending == self.received

    @leads_to
    def what_is_sent_arrives(self, p: Packet) -> tuple[bool, bool]:
        return self.sending == p, self.received == p


class FairChoice(AlternatingBit):
    """There is always a next datum."""

    @action(fairness=strong())
    def choose(self, d: Datum) -> None:
        super().choose(d)

    @infinitely_often
    def it_goes_on(self, b: Bit) -> bool:
        return self.received.bit == b


class WeaklyFair(FairChoice):
    """Weak fairness of the receivers: each packet may be lost before it is read."""

    @action(fairness=weak())
    def receive(self) -> None:
        super().receive()


class NoBit(AlternatingBit):
    """The sender takes any acknowledgement for its own."""

    def choose(self, d: Datum) -> None:
        self.back.receive()
        self.sending = Packet(d, 1 - self.sending.bit)
