"""Dining philosophers: a circle of forks, each shared by two.

Source: E. W. Dijkstra, "Hierarchical ordering of sequential processes" (EWD 310, 1971).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Seat = Annotated[int, Range("seats")]


class Dining(Spec):
    """Each takes its left fork, then its right: a deadlock."""

    seats: int = const(3)

    taken: Set[Seat]  # forks; the left one of seat p is p

    def first(self, p: Seat) -> Seat:
        return p

    def second(self, p: Seat) -> Seat:
        return (p + 1) % self.seats

    @process(fairness=strong(for_each="p"))
    def philosopher(self, p: Seat) -> Steps:
        while True:
            yield "first fork"
            require(self.first(p) not in self.taken)
            self.taken.add(self.first(p))
            yield "second fork"
            require(self.second(p) not in self.taken)
            self.taken.add(self.second(p))
            yield "eat"
            self.taken -= {self.first(p), self.second(p)}

    def eats(self, p: Seat) -> bool:
        return self.philosopher.at[p] == "eat"

    @invariant
    def neighbours_do_not_eat_together(self, p: Seat) -> bool:
        return not (self.eats(p) and self.eats((p + 1) % self.seats))

    @infinitely_often
    def nobody_starves(self, p: Seat) -> bool:
        return self.eats(p)


class Ordered(Dining):
    """One of them takes its right fork first: forks are taken in the order of their numbers."""

    def first(self, p: Seat) -> Seat:
        return min(p, (p + 1) % self.seats)

    def second(self, p: Seat) -> Seat:
        return max(p, (p + 1) % self.seats)


class OrderedWeak(Ordered):
    """Under weak fairness a neighbour may always be faster."""

    @process(fairness=weak(for_each="p"))
    def philosopher(self, p: Seat) -> Steps:
        while True:
            yield "first fork"
            require(self.first(p) not in self.taken)
            self.taken.add(self.first(p))
            yield "second fork"
            require(self.second(p) not in self.taken)
            self.taken.add(self.second(p))
            yield "eat"
            self.taken -= {self.first(p), self.second(p)}
