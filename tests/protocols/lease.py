"""Leases and a clock: a cached file may be used while its lease runs.

The clock of a client may be late by `skew`.  So the server grants anew only when a lease has ended
for every clock.

Source: C. G. Gray and D. R. Cheriton, "Leases: an efficient fault-tolerant mechanism for
distributed file cache consistency" (1989).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Client(Sort):
    """Who uses the file."""


Time = Annotated[int, Range("end + 1", beyond="block")]  # here time ends


class Lease(Spec):
    """At no time do two clients hold a lease, by their own clocks."""

    clients: Set[Client] = members(2)
    end: int = const(5)
    length: int = const(2)
    skew: int = const(1)

    now: Time = 0
    late: Map[Client, Annotated[int, Range("skew + 1")]] = everywhere(0)
    promised: Time = 0  # the server has granted a lease up to here
    lease: Map[Client, Annotated[int, Range("end + length + 1")] | None]

    @init
    def any_clocks(self, late: Map[Client, Annotated[int, Range("skew + 1")]]) -> None:
        self.late = late

    @action(fairness=weak())
    def tick(self) -> None:
        self.now += 1

    @action
    def grant(self, c: Client) -> None:
        require(self.has_ended())
        self.promised = self.now + self.length
        self.lease[c] = self.promised

    def has_ended(self) -> bool:
        return self.now >= self.promised + self.skew or self.promised == 0

    @action
    def notice(self, c: Client) -> None:
        """A client that has noticed forgets its lease."""
        require(self.lease[c] is not None and not self.holds(c))
        self.lease[c] = None

    def holds(self, c: Client) -> bool:
        until = self.lease[c]
        return until is not None and self.now - self.late[c] < until

    @invariant
    def one_holds_it(self) -> bool:
        return sum(self.holds(c) for c in self.clients) <= 1

    @eventually_always
    def time_ends(self) -> bool:
        return self.now == self.end

    @final
    def over(self) -> bool:
        return self.now == self.end


class TrustsClocks(Lease):
    """The server goes by its own clock."""

    def has_ended(self) -> bool:
        return self.now >= self.promised
