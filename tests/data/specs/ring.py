"""A token goes from node to node, and may leave one out for ever."""

from typing import Annotated

from checker.lang import (
    AtMost,
    Bag,
    Map,
    Record,
    Set,
    Sort,
    Spec,
    action,
    infinitely_often,
    members,
    require,
    weak,
)


class Node(Sort):
    """Who may hold the token."""


class Token(Record):
    to: Node


class Ring(Spec):
    """One token, on links that lose nothing."""

    nodes: Set[Node] = members(3)

    has: Map[Node, bool]
    link: Annotated[Bag[Token], AtMost(2)]
    started: bool = False

    @action(fairness=weak())
    def start(self, n: Node) -> None:
        require(not self.started)
        self.started = True
        self.has[n] = True

    @action(fairness=weak(for_each="n"))
    def send(self, n: Node, to: Node) -> None:
        require(self.has[n])
        require(to != n)
        self.has[n] = False
        self.link.add(Token(to))

    @action(fairness=weak())
    def receive(self, m: Token) -> None:
        require(m in self.link)
        self.link.remove(m)
        self.has[m.to] = True

    @infinitely_often
    def everyone_has_it(self, n: Node) -> bool:
        return self.has[n]
