"""An allocator of resources, written from the docs alone.

Clients ask for sets of resources, get them bit by bit, and give them back when they have all.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Client(Sort):
    """Who asks."""


class Resource(Sort):
    """What is asked for."""


class Allocator(Spec):
    """Each client gets all that it asked for, and no resource has two owners."""

    clients: Set[Client] = members(2)
    resources: Set[Resource] = members(2)

    wanted: Map[Client, Set[Resource]]  # asked for, and not yet given
    held: Map[Client, Set[Resource]]
    turn: Annotated[Seq[Client], AtMost("clients")]  # those who wait, in order

    @action
    def ask(self, c: Client, some: Set[Resource]) -> None:
        require(self.wanted[c] == set() and self.held[c] == set())
        require(len(some) > 0)
        self.wanted[c] = some
        self.turn.append(c)

    @action(fairness=weak(for_each="c"))
    def give(self, c: Client, some: Set[Resource]) -> None:
        require(some <= self.wanted[c] & self.free())
        require(len(some) > 0 and self.may_have(c, some))
        self.wanted[c] -= some
        self.held[c] |= some
        if self.wanted[c] == set():
            self.turn.remove(c)

    @action(fairness=weak(for_each="c"))
    def give_back(self, c: Client) -> None:
        require(self.held[c] != set() and self.wanted[c] == set())
        self.held[c] = set()

    def free(self) -> Set[Resource]:
        return {r for r in self.resources if not any(r in self.held[c] for c in self.clients)}

    def may_have(self, c: Client, some: Set[Resource]) -> bool:
        """Nobody who waited before c needs any of these."""
        earlier = self.turn[: self.turn.index(c)]
        return all(some.isdisjoint(self.wanted[d]) for d in earlier)

    @invariant
    def one_owner(self) -> bool:
        return all(
            self.held[c].isdisjoint(self.held[d])
            for c in self.clients
            for d in self.clients
            if c != d
        )

    @leads_to
    def who_asks_gets(self, c: Client, r: Resource) -> tuple[bool, bool]:
        return r in self.wanted[c], r in self.held[c]

    @reachable
    def both_can_hold(self) -> bool:
        return all(len(self.held[c]) > 0 for c in self.clients)


class FirstComeFirstServed(Allocator):
    """The mistake: to give what is free to anyone who wants it."""

    def may_have(self, c: Client, some: Set[Resource]) -> bool:
        return True
