"""Networks: what becomes of a message between its sender and its receiver.

| part | order | loss | repetition | what is in the state |
| --- | --- | --- | --- | --- |
| `Lossy` | none | yes | yes | the set of all messages ever sent |
| `Reliable` | none | no | no | a bag of those in flight |
| `LossyBag` | none | so many | so many | a bag of those in flight, and what was spent |
| `Fifo` | of each pair | no | no | a sequence for each ordered pair of nodes |
| `LossyFifo` | of each pair | so many | no | the same, and what was spent |

Choose the weakest that the protocol needs to be right, and of two that will do, the one with
the fewer states.  `Lossy` has the fewest transitions, and knows no loss as a step: a message
that is lost is one that nobody reads.  For the same reason nothing forces its delivery: where
"it arrives in the end" matters, say so by fairness on the action that reads.  A budget (`losses`,
`duplications`) bounds what the network may do in one run; the verdict is about such runs.

To read from a set or a bag, begin an action with the message as parameter and

    require(m in self.net.sent)          # Lossy
    require(m in self.net.in_flight)     # Reliable, LossyBag; and then self.net.receive(m)

so that the message ranges over what is there.
"""

from typing import Generic, TypeVar

from checker.lang import *

N = TypeVar("N", bound=Sort)
M = TypeVar("M")


class Lossy(Spec, Generic[M]):
    """Unordered; may lose, and may deliver again and again: the set of all that was sent."""

    sent: Set[M]

    def send(self, m: M) -> None:
        self.sent.add(m)

    def receive(self, m: M) -> None:
        """It stays where it is, and may be received again."""
        require(m in self.sent)


class Reliable(Spec, Generic[M]):
    """Unordered; delivers each message at most once, and never loses one.

    With fairness on the actions that receive, exactly once.  Nobody can send while `capacity`
    messages are in flight.
    """

    capacity: int = const(3)

    in_flight: Annotated[Bag[M], AtMost("capacity", beyond="block")]

    def send(self, m: M) -> None:
        self.in_flight.add(m)

    def receive(self, m: M) -> None:
        require(m in self.in_flight)
        self.in_flight.remove(m)


class LossyBag(Reliable[M], Generic[M]):
    """Unordered; may lose `losses` messages, and repeat `duplications`, in one run."""

    losses: int = const(1)
    duplications: int = const(1)

    lost: Annotated[int, Range("losses + 1")] = 0
    duplicated: Annotated[int, Range("duplications + 1")] = 0

    @action(optional=True)
    def lose(self, m: M) -> None:
        require(m in self.in_flight)
        require(self.lost < self.losses)
        self.in_flight.remove(m)
        self.lost += 1

    @action(optional=True)
    def duplicate(self, m: M) -> None:
        require(m in self.in_flight)
        require(self.duplicated < self.duplications)
        self.in_flight.add(m)
        self.duplicated += 1


class Fifo(Spec, Generic[N, M]):
    """One link for each ordered pair of nodes, which keeps the order and loses nothing.

    Nobody can send on a link that holds `capacity` messages.  A node may send to itself.
    """

    nodes: Set[N] = members()
    capacity: int = const(2)

    links: Map[tuple[N, N], Annotated[Seq[M], AtMost("capacity", beyond="block")]]

    def send(self, source: N, target: N, m: M) -> None:
        self.links[source, target].append(m)

    def broadcast(self, source: N, m: M) -> None:
        """To every other node; only if there is room on all those links."""
        for target in self.nodes:
            if target != source:
                self.links[source, target].append(m)

    def receive(self, source: N, target: N) -> M:
        """The oldest message on the link, which leaves it."""
        require(len(self.links[source, target]) > 0)
        m = self.links[source, target].pop(0)
        return m


class LossyFifo(Fifo[N, M], Generic[N, M]):
    """As `Fifo`, but `losses` messages may be lost in one run.  The others keep their order.

    A message is lost when it is the oldest of its link, which is when its loss can first be
    told from its being late.
    """

    losses: int = const(1)

    lost: Annotated[int, Range("losses + 1")] = 0

    @action(optional=True)
    def lose(self, source: N, target: N) -> None:
        require(len(self.links[source, target]) > 0)
        require(self.lost < self.losses)
        self.links[source, target].pop(0)
        self.lost += 1
