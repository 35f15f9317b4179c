"""A log that a leader copies to its followers, over links that keep order.

It is here because its states are wide: logs and links are sequences of records, of which most are
empty most of the time.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Term = Annotated[int, Range("terms")]
Value = Annotated[int, Range("values")]
Index = Annotated[int, Range("length + 1")]


class Follower(Sort):
    """Who copies."""


class Entry(Record):
    term: Term
    value: Value


class Append(Record):
    at: Index
    entry: Entry


class ReplicatedLog(Spec):
    """What is committed is in the log of every follower that acknowledged it."""

    followers: Set[Follower] = members(2)
    terms: int = const(2)
    values: int = const(2)
    length: int = const(4)  # of each log
    capacity: int = const(2)  # of each link

    term: Term = 0
    log: Annotated[Seq[Entry], AtMost("length", beyond="block")]
    copy: Map[Follower, Annotated[Seq[Entry], AtMost("length", beyond="block")]]
    sent: Map[Follower, Index] = everywhere(0)
    stored: Map[Follower, Index] = everywhere(0)  # as the leader knows
    forth: Map[Follower, Annotated[Seq[Append], AtMost("capacity", beyond="block")]]
    back: Map[Follower, Annotated[Seq[Index], AtMost("capacity", beyond="block")]]

    @action
    def write(self, v: Value) -> None:
        self.log.append(Entry(self.term, v))

    @action
    def next_term(self) -> None:
        require(self.term + 1 < self.terms)
        self.term += 1

    @action
    def send(self, f: Follower) -> None:
        require(self.sent[f] < len(self.log))
        self.forth[f].append(Append(self.sent[f], self.log[self.sent[f]]))
        self.sent[f] += 1

    @action
    def store(self, f: Follower) -> None:
        require(len(self.forth[f]) > 0)
        m = self.forth[f].pop(0)
        if m.at == len(self.copy[f]):
            self.copy[f].append(m.entry)
        self.back[f].append(len(self.copy[f]))

    @action
    def acknowledged(self, f: Follower) -> None:
        require(len(self.back[f]) > 0)
        self.stored[f] = self.back[f].pop(0)

    @action
    def lose(self, f: Follower) -> None:
        """What was under way to a follower is gone: begin again after what is known."""
        require(len(self.forth[f]) > 0)
        self.forth[f] = []
        self.sent[f] = self.stored[f]

    @invariant
    def copies_agree(self) -> bool:
        return all(
            len(self.copy[f]) <= len(self.log)
            and all(self.copy[f][i] == self.log[i] for i in range(len(self.copy[f])))
            for f in self.followers
        )

    @final
    def may_stop(self) -> bool:
        return True
