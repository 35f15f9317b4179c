"""Paxos, broken on purpose: each variant changes one rule, as real implementations have."""

from checker.lang import *
from spec.broken import voting
from spec.consensus import Value
from spec.paxos import Accept, Accepted, Paxos, Prepare, Promise
from spec.voting import Acceptor, Ballot, Vote


class ForgetsPromise(Paxos):
    """An acceptor votes below the ballot that it has joined.

    The mistake: the promise is kept in memory, and only votes go to disk.  A restart in
    between, and the acceptor answers a leader that it promised to ignore.

    Gives: after 7 steps a promise is lowered, by a vote that is no step of Voting; after 12, two
    values are chosen, one in each ballot, by the same two acceptors.
    """

    @action
    def accept(self, a: Acceptor, m: Accept) -> None:
        require(m in self.sent)
        self.promised[a] = m.ballot
        self.voted[a] = Vote(m.ballot, m.value)
        self.sent.add(Accepted(a, m.ballot, m.value))


class IgnoresHighestVote(Paxos):
    """A leader proposes what it likes, whatever votes the promises report.

    The mistake: to take phase 1 for a lock.  A leader that has a quorum's promises believes
    that the ballot is its own; but a value may have been chosen before it came.

    Gives: after 10 steps a vote for what is not safe, no step of Voting; `agreement` after 12.
    """

    def shows_safe(self, q: Set[Acceptor], b: Ballot, v: Value) -> Set[Promise | None]:
        joined = {m.acceptor for m in self.sent if isinstance(m, Promise) and m.ballot == b}
        return {None} if q <= joined else set()


class TakesAnyVote(Paxos):
    """A leader proposes the value of any vote reported, not of the highest.

    The mistake: to read "a value reported" for "the value of the highest vote reported", or to
    keep the first report instead of comparing ballots.  It takes two earlier ballots to see,
    and so three in all: the lower of two votes may be for a value that was never chosen.

    Gives: after 15 steps a vote for what is not safe, no step of Voting.
    """

    ballots: int = const(3)

    def shows_safe(self, q: Set[Acceptor], b: Ballot, v: Value) -> Set[Promise | None]:
        joined = {m for m in self.sent if isinstance(m, Promise) and m.ballot == b}
        promises = {m for m in joined if m.acceptor in q}
        if {m.acceptor for m in promises} != q:
            return set()
        if all(m.vote is None for m in promises):
            return {None}
        return {m for m in promises if m.vote is not None and m.vote.value == v}


class ReusesBallot(Paxos):
    """A leader proposes twice in one ballot.

    The mistake: a leader that restarts goes on with the ballot it had, instead of a new one;
    or two leaders use the same number, because it does not contain the leader's name.

    Gives: after 7 steps one acceptor votes twice in a ballot, no step of Voting; `agreement`
    after 9.
    """

    @action
    def propose(self, b: Ballot, v: Value, q: Set[Acceptor], witness: Promise | None) -> None:
        require(q in self.quorums)
        require(witness in self.shows_safe(q, b, v))
        self.sent.add(Accept(b, v))


class ForgetsVote(Paxos):
    """An acceptor reports no vote when it promises.

    The mistake: the promise is written to disk and the vote is not; or the vote is sent before
    it is synced, and a crash takes it back.

    Gives: what `IgnoresHighestVote` gives; here the leader is right, and the acceptor is not.
    """

    @action
    def promise(self, a: Acceptor, m: Prepare) -> None:
        require(m in self.sent)
        require(m.ballot > self.promised[a])
        self.promised[a] = m.ballot
        self.sent.add(Promise(a, m.ballot, None))


class DisjointQuorums(Paxos):
    """Quorums need not meet: any acceptor is one.

    The mistake: as in `voting:DisjointQuorums`, which this still refines.  Paxos does what
    Voting does; only that Voting achieves consensus takes quorums that meet.

    Gives: `agreement` violated after 8 steps, and `voting` not at all.
    """

    quorums: Set[Set[Acceptor]] = const(lambda self: {Set({a}) for a in self.acceptors})

    @refinement
    def voting(self) -> voting.DisjointQuorums:
        votes = {a: self.votes(a) for a in self.acceptors}
        return voting.DisjointQuorums.at(votes=votes, max_ballot=self.promised)
