"""Greetings, by letters in everybody's inbox, in order; logs are nobody's letters."""

from enum import Enum
from typing import Annotated

from checker.lang import (
    AtMost,
    Map,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    const,
    final,
    members,
    require,
)


class Node(Sort):
    """Who greets."""


class Mood(Enum):
    CALM = 1
    HASTY = 2


class Hello(Record):
    source: Node
    to: Node


class Entry(Record):
    whom: Node


class Inboxes(Spec):
    """Each greets another once; whoever was greeted by all is stuck."""

    nodes: Set[Node] = members(2)
    mood: Mood = const(Mood.CALM)
    loud: bool = const(False)
    table: Map[Node, bool] = const(lambda self: dict.fromkeys(self.nodes, True))

    inbox: Map[Node, Annotated[Seq[Hello], AtMost(2)]]
    log: Map[Node, Annotated[Seq[Entry], AtMost(2)]]

    @action
    def greet(self, n: Node, to: Node) -> None:
        require(to != n)
        require(len(self.log[n]) < 1)
        self.log[n].append(Entry(to))
        self.inbox[to].append(Hello(n, to))

    @action
    def read(self, n: Node) -> None:
        require(len(self.inbox[n]) > 0)
        del self.inbox[n][0]

    @final
    def quiet(self) -> bool:
        return self.loud
