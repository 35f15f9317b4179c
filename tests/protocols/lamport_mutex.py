"""Lamport's distributed mutual exclusion, by a queue of requests ordered by logical clocks.

Everyone keeps what it knows of everyone's request.  Who wants in sends its time to all, and enters
when all have answered and no request that it knows of is earlier.

Source: L. Lamport, "Time, clocks, and the ordering of events in a distributed system" (1978); the
form of the steps is that of S. Merz' TLA+ module LamportMutex (tlaplus/Examples).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *
from spec.parts.networks import Fifo


class Site(Sort):
    """Who wants in."""


Time = Annotated[int, Range("latest + 2")]  # 0: no request


class Request(Record):
    time: Time


class Acknowledge(Record):
    pass


class Release(Record):
    pass


class LamportMutex(Spec):
    """At most one is in, and whoever asks gets in."""

    sites: Set[Site] = members(2)
    latest: int = const(3)
    rank: Map[Site, int] = const(lambda self: {s: i for i, s in enumerate(self.sites)})

    net: Fifo[Site, Request | Acknowledge | Release] = part(capacity=3)
    clock: Map[Site, Time] = everywhere(1)
    request: Map[Site, Map[Site, Time]] = everywhere(0)
    acknowledged: Map[Site, Set[Site]]
    inside: Set[Site]

    @action
    def ask(self, p: Site) -> None:
        require(self.request[p][p] == 0)
        self.request[p][p] = self.clock[p]
        self.acknowledged[p] = {p}
        self.net.broadcast(p, Request(self.clock[p]))

    @action(fairness=weak(for_each=("p", "q")))
    def receive(self, p: Site, q: Site) -> None:
        m = self.net.receive(q, p)
        match m:
            case Request(time=t):
                self.request[p][q] = t
                self.clock[p] = max(t, self.clock[p]) + 1
                self.net.send(p, q, Acknowledge())
            case Acknowledge():
                self.acknowledged[p].add(q)
            case Release():
                self.request[p][q] = 0

    @action(fairness=weak(for_each="p"))
    def enter(self, p: Site) -> None:
        require(p not in self.inside)
        require(self.acknowledged[p] == self.sites)
        require(all(self.is_before(p, q) for q in self.sites if q != p))
        self.inside.add(p)

    @action(fairness=weak(for_each="p"))
    def leave(self, p: Site) -> None:
        require(p in self.inside)
        self.inside.remove(p)
        self.request[p][p] = 0
        self.acknowledged[p] = set()
        self.net.broadcast(p, Release())

    def is_before(self, p: Site, q: Site) -> bool:
        """As far as p knows."""
        mine, other = self.request[p][p], self.request[p][q]
        return other == 0 or (mine, self.rank[p]) < (other, self.rank[q])

    @constraint
    def early(self) -> bool:
        return all(self.clock[p] <= self.latest for p in self.sites)

    @invariant
    def one_at_a_time(self) -> bool:
        return len(self.inside) <= 1

    @leads_to
    def who_asks_enters(self, p: Site) -> tuple[bool, bool]:
        return self.request[p][p] > 0, p in self.inside


class NoTieBreak(LamportMutex):
    """Of two requests of the same time, either is the earlier."""

    def is_before(self, p: Site, q: Site) -> bool:
        other = self.request[p][q]
        return other == 0 or self.request[p][p] <= other
