"""What ties the nodes of one protocol to its spec; all else of `cluster.py` knows no protocol.

A `Binding` says

    core        how a node is made: the protocol's code itself, sans I/O
    reading     what a frame is in the words of the spec, for whom, and which step it is to read it
    offers      which events a client or a timer could bring to a node now, and which steps they are
    view        what each of the spec's variables is at a node, in its memory and on its disk

Rules for its author:

* Everything is read off the implementation: a frame's bytes, a node's saved bytes, the records on
  its disk.  What an event would do is found by trying it on a copy of the node.
* What is nothing in the words of the spec becomes an `Amiss`, which equals no value of the spec: so
  it is found by the comparison, as a wrong state or an unexpected message.
* All of these are functions of their arguments: the answers are remembered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from checker.conform.system import Step


class Amiss(str):
    """What the implementation has, in words, where that is no value of the spec."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    @property
    def _key(self) -> tuple[int, str]:
        """Where it stands among records in a set: behind them."""
        return (1, "~" + self)


class Frame(NamedTuple):
    """A frame that was sent: by and to which node, and what is in it."""

    source: int
    dest: int
    payload: bytes


class Reading(NamedTuple):
    """A frame in the words of the spec."""

    message: Any
    """What the spec's variable of messages holds for it; or an `Amiss`."""
    recipients: frozenset[int]
    """All nodes for whom such a message is: who sends it sends it to each of them."""
    step: Step | None
    """To read it, at the node to which this frame goes; None if that is no step."""


class Offer(NamedTuple):
    """An event that could come to a node now from its client or its timer."""

    event: Any
    """For `Core.fire`; plain data that msgspec can write."""
    step: Step


class Effects(NamedTuple):
    """What a node wants to be done, in order."""

    records: Sequence[tuple[str, bytes]]
    """To be written to its disk, each with the instance that waits for it."""
    sends: Sequence[tuple[int, bytes]]
    """To whom, and the bytes of a whole frame."""


class Core(Protocol):
    """The protocol's code at one node.  Any exception in it is a divergence: "failed step"."""

    def receive(self, sender: int, payload: bytes) -> Effects:
        """Read a frame that came on the connection from node `sender`."""

    def take(self, sender: int, key: str, message: Any) -> Effects:
        """The same, of a message that the implementation's own connection has read already."""

    def fire(self, event: Any) -> Effects:
        """An event of an `Offer`."""

    def written(self, key: str) -> Effects:
        """The record for which instance `key` waits is on the disk."""

    def recover(self, records: Sequence[bytes]) -> None:
        """Begin with what is on the disk, in the order in which it was written."""

    def records(self) -> Sequence[bytes]:
        """What a snapshot of the journal has to hold."""

    def save(self) -> bytes:
        """The whole of its memory; equal states give equal bytes."""


class Binding(ABC):
    """The nodes of one protocol, and their spec."""

    members: Sequence[Any]
    """The nodes in the spec: number i is `members[i]`."""
    variables: Sequence[str]
    """The spec's variables that are a Map from the nodes."""
    messages: str
    """The spec's variable that is the set of messages ever sent."""
    crashes: str
    """The spec's variable that counts crashes."""
    most_crashes: int
    """How many of them the instance has."""

    @abstractmethod
    def core(self, node: int) -> Core:
        """A new node, before `recover`."""

    @abstractmethod
    def load(self, saved: bytes) -> Core:
        """The node that `Core.save` saved."""

    def first_records(self, node: int) -> Sequence[bytes]:
        """What is on a node's disk in the initial state; of a bystander, for example."""
        return ()

    @abstractmethod
    def reading(self, frame: Frame) -> Reading:
        """What a frame is."""

    @abstractmethod
    def offers(self, node: int, memory: bytes) -> Collection[Offer]:
        """The events that could come to a node that waits for no write."""

    @abstractmethod
    def view(self, node: int, memory: bytes, disk: bytes) -> tuple[Any, ...]:
        """The values of `variables` at a node.

        `memory`: as it saved itself.  `disk`: as a node saves itself that has just recovered what
        a crash would leave on this one's disk.
        """

    @abstractmethod
    def sync(self, node: int) -> Step:
        """The step in which the node's writes reach its disk."""

    @abstractmethod
    def crash(self, node: int) -> Step:
        """The step in which it loses its memory, and starts again."""

    @abstractmethod
    def encode_event(self, event: Any) -> bytes:
        """An event of an `Offer` for another process."""

    @abstractmethod
    def decode_event(self, data: bytes) -> Any:
        """And back."""
