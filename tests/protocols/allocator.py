"""A simple allocator: any subset that is wanted and free may be given.

Source: S. Merz, "The specification language TLA+" (2008), section 3.5, module SimpleAllocator;
the counts to compare with are published in tlaplus/Examples (allocator).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Client(Sort):
    """Who asks."""


class Resource(Sort):
    """What is asked for."""


class SimpleAllocator(Spec):
    """No resource has two owners, and each client gets what it asks for."""

    clients: Set[Client] = members(2)
    resources: Set[Resource] = members(2)

    unsatisfied: Map[Client, Set[Resource]]
    allocated: Map[Client, Set[Resource]]

    def available(self) -> Set[Resource]:
        return {r for r in self.resources if all(r not in self.allocated[c] for c in self.clients)}

    @action
    def request(self, c: Client, some: Set[Resource]) -> None:
        require(some != set() and not self.unsatisfied[c] and not self.allocated[c])
        self.unsatisfied[c] = some

    @action(fairness=strong(for_each="c"))
    def allocate(self, c: Client, some: Set[Resource]) -> None:
        require(some <= self.available() & self.unsatisfied[c])
        require(some != set())
        self.unsatisfied[c] -= some
        self.allocated[c] |= some

    @action(fairness=weak(for_each="c", when=lambda self, c, some: some == self.allocated[c]))
    def give_back(self, c: Client, some: Set[Resource]) -> None:
        require(some <= self.allocated[c])
        require(some != set())
        self.allocated[c] -= some

    @invariant
    def one_owner(self) -> bool:
        return all(
            not self.allocated[c] & self.allocated[d]
            for c in self.clients
            for d in self.clients
            if c != d
        )

    @leads_to
    def clients_return(self, c: Client) -> tuple[bool, bool]:
        return not self.unsatisfied[c], not self.allocated[c]

    @leads_to
    def clients_obtain(self, c: Client, r: Resource) -> tuple[bool, bool]:
        return r in self.unsatisfied[c], r in self.allocated[c]

    @infinitely_often
    def satisfied(self, c: Client) -> bool:
        return not self.unsatisfied[c]


class WeakAllocator(SimpleAllocator):
    """Weak fairness: a client may always find gone what it still wants."""

    @action(fairness=weak(for_each="c"))
    def allocate(self, c: Client, some: Set[Resource]) -> None:
        super().allocate(c, some)
