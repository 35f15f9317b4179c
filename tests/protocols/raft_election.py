"""Raft's leader election: terms, votes, and at most one leader a term.

Logs are left out: any server may be elected.  Messages are a set, so they may be lost, late and
repeated.

Source: D. Ongaro and J. Ousterhout, "In search of an understandable consensus algorithm" (2014),
section 5.2, and Ongaro's TLA+ module raft (2014).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from enum import Enum

from checker.lang import *


class Server(Sort):
    """Who votes, and leads."""


Term = Annotated[int, Range("terms + 1")]


class Role(Enum):
    FOLLOWER = 1
    CANDIDATE = 2
    LEADER = 3


class AskVote(Record):
    term: Term
    candidate: Server


class Grant(Record):
    term: Term
    voter: Server
    candidate: Server


class Lead(Record):
    term: Term


Message = AskVote | Grant | Lead


class RaftElection(Spec):
    """In each term at most one server leads."""

    servers: Set[Server] = members(3)
    terms: int = const(1)

    sent: Set[Message]
    term: Map[Server, Term] = everywhere(0)
    role: Map[Server, Role] = everywhere(Role.FOLLOWER)
    voted_for: Map[Server, Server | None]
    votes: Map[Server, Set[Server]]

    @action
    def time_out(self, s: Server) -> None:
        require(self.role[s] != Role.LEADER and self.term[s] < self.terms)
        self.term[s] += 1
        self.role[s] = Role.CANDIDATE
        self.voted_for[s] = s
        self.votes[s] = {s}
        self.sent.add(AskVote(self.term[s], s))

    @action
    def become_leader(self, s: Server) -> None:
        require(self.role[s] == Role.CANDIDATE)
        require(2 * len(self.votes[s]) > len(self.servers))
        self.role[s] = Role.LEADER
        self.sent.add(Lead(self.term[s]))

    @action(optional=True)
    def restart(self, s: Server) -> None:
        """Its term and its vote are on disk, all else is forgotten."""
        require(self.role[s] != Role.FOLLOWER)
        self.role[s] = Role.FOLLOWER
        self.votes[s] = set()

    @action
    def receive(self, s: Server, m: Message) -> None:
        require(m in self.sent)
        self.see_term(s, m.term)
        match m:
            case AskVote(term=t, candidate=c) if t == self.term[s]:
                require(self.may_vote(s, c))
                self.voted_for[s] = c
                self.sent.add(Grant(t, s, c))
            case Grant(term=t, voter=v, candidate=c) if c == s and t == self.term[s]:
                require(self.role[s] == Role.CANDIDATE)
                self.votes[s].add(v)
            case Lead(term=t) if t == self.term[s]:
                require(self.role[s] == Role.CANDIDATE)
                self.role[s] = Role.FOLLOWER
            case _:
                require(self.term[s] != self.old.term[s])

    def see_term(self, s: Server, t: Term) -> None:
        if t > self.term[s]:
            self.term[s] = t
            self.role[s] = Role.FOLLOWER
            self.voted_for[s] = None
            self.votes[s] = set()

    def may_vote(self, s: Server, c: Server) -> bool:
        return self.voted_for[s] in {None, c}

    @invariant
    def one_leader_a_term(self, t: Term) -> bool:
        return sum(self.role[s] == Role.LEADER and self.term[s] == t for s in self.servers) <= 1

    @invariant
    def one_vote_a_term(self, t: Term, v: Server) -> bool:
        return len({m.candidate for m in self.sent if isinstance(m, Grant) and m.voter == v}) <= (
            self.terms
        )

    @step_property
    def terms_only_grow(self, s: Server) -> bool:
        return self.term[s] >= self.old.term[s]

    @reachable
    def anyone_can_lead(self, s: Server) -> bool:
        return self.role[s] == Role.LEADER

    @final
    def may_stop(self) -> bool:
        """Votes may be split, and terms end here."""
        return True


class ForgetsItsVote(RaftElection):
    """The vote is in memory only."""

    def restart(self, s: Server) -> None:
        super().restart(s)
        self.voted_for[s] = None
