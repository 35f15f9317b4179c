"""Lamport's bakery: who comes takes a number above all that it sees, and the lowest goes first.

A number is read while others change theirs, one at a time and in the order of the numbers of the
machines.  Numbers grow without bound; here they are cut off.

Source: L. Lamport, "A new solution of Dijkstra's concurrent programming problem" (1974).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Thread = Annotated[int, Range("threads")]
Ticket = Annotated[int, Range("tickets", beyond="prune")]


class Bakery(Spec):
    """At most one is served at a time."""

    threads: int = const(2)
    tickets: int = const(4)

    choosing: Map[Thread, bool]
    number: Map[Thread, Ticket] = everywhere(0)

    @process(fairness=weak(for_each="p"))
    def customer(self, p: Thread) -> Steps:
        seen: Ticket = 0
        other: Annotated[int, Range("threads + 1")] = 0
        yield "come"
        while True:
            self.choosing[p] = True
            seen = 0
            other = 0
            yield "look"
            while other < self.threads:
                seen = max(seen, self.number[other])
                other += 1
                yield "look on"
            yield "take a number"
            self.number[p] = seen + 1
            self.choosing[p] = False
            other = 0
            yield "next"
            while other < self.threads:
                yield "wait for its choice"
                require(not self.is_choosing(other))
                yield "wait for its turn"
                require(not self.goes_first(other, p))
                other += 1
            yield "critical"
            self.number[p] = 0
            yield "come again"

    def is_choosing(self, q: Thread) -> bool:
        return self.choosing[q]

    def goes_first(self, q: Thread, p: Thread) -> bool:
        return self.number[q] != 0 and (self.number[q], q) < (self.number[p], p)

    @invariant
    def one_at_a_time(self) -> bool:
        return sum(self.customer.at[p] == "critical" for p in range(self.threads)) <= 1

    @leads_to
    def who_has_a_number_is_served(self, p: Thread) -> tuple[bool, bool]:
        return self.number[p] > 0, self.customer.at[p] == "critical"


class DoesNotWaitForChoices(Bakery):
    """Who has looked, and not yet written its number, is taken for one who has none."""

    def is_choosing(self, q: Thread) -> bool:
        return False
