"""A register kept by a majority of replicas: one writer, several readers.

A reader asks a majority, takes the latest, and stores it at a majority before it returns it.
Each answer is one step; asking a majority is a step with any majority, which stands for any order
of its members' answers that nothing interrupts.

Source: H. Attiya, A. Bar-Noy and D. Dolev, "Sharing memory robustly in message-passing systems"
(1995).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Replica(Sort):
    """Keeps the latest that it has seen."""


class Reader(Sort):
    """Asks."""


Time = Annotated[int, Range("writes + 1")]


class Register(Spec):
    """A read never returns less than what was written, or read, before it began."""

    replicas: Set[Replica] = members(3)
    readers: Set[Reader] = members(2)
    writes: int = const(1)
    quorums: Set[Set[Replica]] = const(lambda self: majorities(self.replicas))

    latest: Map[Replica, Time] = everywhere(0)
    written: Time = 0  # what the writer has begun
    over: Time = 0  # what it has finished
    has_read: Map[Reader, Time | None]
    last_read: Time = ghost(0)
    at_least: Map[Reader, Time] = ghost(everywhere(0))

    @action
    def write(self) -> None:
        require(self.written == self.over and self.written < self.writes)
        self.written += 1

    @action
    def store(self, n: Replica) -> None:
        require(self.latest[n] < self.written)
        self.latest[n] = self.written

    @action
    def finish_write(self, q: Set[Replica]) -> None:
        require(q in self.quorums and self.over < self.written)
        require(all(self.latest[n] == self.written for n in q))
        self.over = self.written

    @action
    def read(self, r: Reader, q: Set[Replica]) -> None:
        require(q in self.quorums and self.has_read[r] is None)
        self.has_read[r] = max(self.latest[n] for n in q)
        self.at_least[r] = max(self.over, self.last_read)

    @action
    def write_back(self, r: Reader, n: Replica) -> None:
        t = self.has_read[r]
        require(t is not None)
        assert t is not None
        require(self.latest[n] < t)
        self.latest[n] = t

    @action
    def finish_read(self, r: Reader, q: Set[Replica]) -> None:
        t = self.has_read[r]
        require(t is not None)
        assert t is not None
        require(q in self.quorums and self.is_stored(q, t))
        self.last_read = max(self.last_read, t)
        self.has_read[r] = None

    def is_stored(self, q: Set[Replica], t: Time) -> bool:
        return all(self.latest[n] >= t for n in q)

    @step_property
    def reads_are_atomic(self, r: Reader) -> bool:
        t = self.old.has_read[r]
        return t is None or self.has_read[r] is not None or t >= self.old.at_least[r]

    @invariant
    def what_is_written_is_stored(self) -> bool:
        return any(all(self.latest[n] >= self.over for n in q) for q in self.quorums)

    @reachable
    def each_can_read_each(self, r: Reader, t: Time) -> bool:
        return self.has_read[r] == t


class NoWriteBack(Register):
    """A reader returns what it has read at once."""

    def is_stored(self, q: Set[Replica], t: Time) -> bool:
        return True
