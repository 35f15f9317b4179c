"""A leader counts votes; a node may vote in every round, so two rounds may be won."""

from typing import Annotated

from checker.lang import (
    Map,
    Range,
    Record,
    Set,
    Sort,
    Spec,
    action,
    const,
    invariant,
    members,
    reachable,
    require,
)

Round = Annotated[int, Range("rounds")]


class Node(Sort):
    """Who votes."""


class Ask(Record):
    round: Round


class Yes(Record):
    node: Node
    round: Round


class Election(Spec):
    """A majority wins a round."""

    nodes: Set[Node] = members(3)
    rounds: int = const(2)

    joined: Map[Node, Round | None]
    won: Set[Round]
    sent: Set[Ask | Yes]

    @action
    def ask(self, r: Round) -> None:
        require(Ask(r) not in self.sent)
        self.sent.add(Ask(r))

    @action
    def vote(self, n: Node, m: Ask) -> None:
        require(m in self.sent)
        require(self.joined[n] != m.round)
        self.joined[n] = m.round
        self.sent.add(Yes(n, m.round))

    @action
    def win(self, r: Round) -> None:
        require(r not in self.won)
        require(2 * len(self.voters(r)) > len(self.nodes))
        self.won.add(r)

    def voters(self, r: Round) -> Set[Node]:
        return {m.node for m in self.sent if isinstance(m, Yes) and m.round == r}

    @invariant
    def one_winner(self) -> bool:
        """Two leaders would both give orders."""
        return len(self.won) <= 1

    @reachable
    def round_can_be_won(self, r: Round) -> bool:
        return r in self.won
