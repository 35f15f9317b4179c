"""Leader election on a one-way ring: the least number wins.

Each initiator sends its number round.  A machine that has not lost forwards only lower numbers
than its own, and then has lost; whose number comes back has won.

Source: E. Chang and R. Roberts, "An improved algorithm for decentralized extrema-finding in
circular configurations of processes" (1979).  S. Merz' TLA+ module ChangRoberts keeps the
messages for a machine in a set, `SetRing` here, and its counts are published
(tlaplus/Examples, chang_roberts).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from enum import Enum

from checker.lang import *

Machine = Annotated[int, Range("machines")]


class State(Enum):
    CANDIDATE = 1
    LOST = 2
    WON = 3


class Ring(Spec):
    """Of the initiators exactly the least wins, over links that keep the order."""

    machines: int = const(3)

    initiators: Set[Machine]
    begun: Set[Machine]
    state: Map[Machine, State] = everywhere(State.CANDIDATE)
    links: Map[Machine, Annotated[Seq[Machine], AtMost("machines")]]

    @init
    def some_begin(self, some: Set[Machine]) -> None:
        self.initiators = some
        self.state = {m: State.CANDIDATE if m in some else State.LOST for m in range(self.machines)}

    def next(self, m: Machine) -> Machine:
        return (m + 1) % self.machines

    @action(fairness=weak(for_each="m"))
    def begin(self, m: Machine) -> None:
        require(m not in self.begun)
        self.begun.add(m)
        if m in self.initiators:
            self.links[self.next(m)].append(m)

    @action(fairness=weak(for_each="m"))
    def receive(self, m: Machine) -> None:
        require(m in self.begun)
        require(len(self.links[m]) > 0)
        number = self.links[m].pop(0)
        if self.state[m] == State.LOST or number < m:
            self.state[m] = State.LOST
            self.links[self.next(m)].append(number)
        elif number == m:
            self.state[m] = State.WON

    @invariant
    def the_least_initiator_wins(self, m: Machine) -> bool:
        others = {n for n in range(self.machines) if n != m}
        return self.state[m] != State.WON or (
            m == min(self.initiators) and all(self.state[n] == State.LOST for n in others)
        )

    @step_property
    def who_has_won_has_won(self, m: Machine) -> bool:
        return self.old.state[m] != State.WON or self.state[m] == State.WON

    @eventually
    def somebody_wins(self) -> bool:
        return self.initiators == set() or self.somebody_has_won()

    def somebody_has_won(self) -> bool:
        return any(s == State.WON for s in self.state.values())

    @final
    def over(self) -> bool:
        return all(len(self.links[m]) == 0 for m in range(self.machines))


class ForwardsToo(Ring):
    """A candidate forwards every number, and so does not see to it that the greater ones go."""

    def receive(self, m: Machine) -> None:
        require(m in self.begun)
        require(len(self.links[m]) > 0)
        number = self.links[m].pop(0)
        if number == m:
            self.state[m] = State.WON
        else:
            self.links[self.next(m)].append(number)


class SetRing(Spec):
    """The same over links that need not keep the order, as in the TLA+ module."""

    machines: int = const(3)

    initiators: Set[Machine]
    begun: Set[Machine]
    state: Map[Machine, State] = everywhere(State.CANDIDATE)
    inbox: Map[Machine, Set[Machine]]

    @init
    def some_begin(self, some: Set[Machine]) -> None:
        self.initiators = some
        for m in range(self.machines):
            if m not in some:
                self.state[m] = State.LOST

    @action(fairness=weak(for_each="m"))
    def begin(self, m: Machine) -> None:
        require(m not in self.begun)
        self.begun.add(m)
        if m in self.initiators:
            self.inbox[(m + 1) % self.machines].add(m)

    @action(fairness=weak(for_each="m"))
    def receive(self, m: Machine, number: Machine) -> None:
        require(m in self.begun)
        require(number in self.inbox[m])
        self.inbox[m].remove(number)
        if self.state[m] == State.LOST or number < m:
            self.state[m] = State.LOST
            self.inbox[(m + 1) % self.machines].add(number)
        elif number == m:
            self.state[m] = State.WON

    @invariant
    def the_least_initiator_wins(self, m: Machine) -> bool:
        return self.state[m] != State.WON or m == min(self.initiators)

    @eventually
    def somebody_wins(self) -> bool:
        return not self.initiators or any(self.state[m] == State.WON for m in range(self.machines))

    @final
    def over(self) -> bool:
        return self.begun == set(range(self.machines))
