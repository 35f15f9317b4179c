"""Paxos: voting by messages that may be lost, repeated and reordered.

Each ballot has a leader.  In phase 1 it asks the acceptors to join (1a, `Prepare`).  One that
joins promises to ignore all lower ballots, and reports the last vote it has cast (1b,
`Promise`).  In phase 2, with the promises of a quorum, the leader proposes one value (2a,
`Accept`): that of the highest vote reported, or any if there is none.  An acceptor that has
promised nothing higher votes for it (2b, `Accepted`).  The votes of a quorum choose the value.

To receive a message is to find it in `sent`, all that was ever sent: repetition and reordering
come for free, and a lost message is one that nobody reads.  Read `voting.py` first.

Source: L. Lamport, "Paxos Made Simple" (2001), section 2.2, and TLA+ module Paxos of his lecture
"The Paxos algorithm, or how to win a Turing Award" (2019).

Parameters, which are therefore counted: the message read; for `propose` the quorum, and which
of its promises reports the highest vote.  Preparing a ballot again, to no effect, counts too.
"""

from checker.lang import *
from spec.consensus import Value
from spec.voting import Acceptor, Ballot, BallotOrNone, Vote, Voting


class Prepare(Record):  # 1a
    ballot: Ballot


class Promise(Record):  # 1b
    acceptor: Acceptor
    ballot: Ballot
    vote: Vote | None


class Accept(Record):  # 2a
    ballot: Ballot
    value: Value


class Accepted(Record):  # 2b
    acceptor: Acceptor
    ballot: Ballot
    value: Value


class Paxos(Spec):
    """Single-decree Paxos: a quorum chooses a value, by messages."""

    acceptors: Set[Acceptor] = members(3)
    values: Set[Value] = members(2)
    ballots: int = const(2)
    quorums: Set[Set[Acceptor]] = const(lambda self: majorities(self.acceptors))  # any two meet

    promised: Map[Acceptor, BallotOrNone] = everywhere(-1)  # the highest ballot it has joined
    voted: Map[Acceptor, Vote | None]  # the last vote it has cast
    sent: Set[Prepare | Promise | Accept | Accepted]

    @action
    def prepare(self, b: Ballot) -> None:
        self.sent.add(Prepare(b))

    @action
    def promise(self, a: Acceptor, m: Prepare) -> None:
        require(m in self.sent)
        require(m.ballot > self.promised[a])
        self.promised[a] = m.ballot
        self.sent.add(Promise(a, m.ballot, self.voted[a]))

    @action
    def propose(self, b: Ballot, v: Value, q: Set[Acceptor], witness: Promise | None) -> None:
        require(not any(isinstance(m, Accept) and m.ballot == b for m in self.sent))
        require(q in self.quorums)
        require(witness in self.shows_safe(q, b, v))
        self.sent.add(Accept(b, v))

    @action
    def accept(self, a: Acceptor, m: Accept) -> None:
        require(m in self.sent)
        require(m.ballot >= self.promised[a])
        self.promised[a] = m.ballot
        self.voted[a] = Vote(m.ballot, m.value)
        self.sent.add(Accepted(a, m.ballot, m.value))

    def shows_safe(self, q: Set[Acceptor], b: Ballot, v: Value) -> Set[Promise | None]:
        """The promises of q that allow v in ballot b; None if all of q promise without a vote."""
        joined = {m for m in self.sent if isinstance(m, Promise) and m.ballot == b}
        promises = {m for m in joined if m.acceptor in q}
        if {m.acceptor for m in promises} != q:
            return set()
        voted = {m.vote.ballot for m in promises if m.vote is not None}
        if not voted:
            return {None}
        return {m for m in promises if m.vote == Vote(max(voted), v)}

    def chosen_at(self, b: Ballot, v: Value) -> bool:
        return any(all(Accepted(a, b, v) in self.sent for a in q) for q in self.quorums)

    @invariant
    def agreement(self) -> bool:
        chosen = {v for v in self.values for b in range(self.ballots) if self.chosen_at(b, v)}
        return len(chosen) <= 1

    @step_property
    def promises_are_kept(self) -> bool:
        return all(self.promised[a] >= self.old.promised[a] for a in self.acceptors)

    @reachable
    def any_ballot_can_choose_any_value(self, b: Ballot, v: Value) -> bool:
        return self.chosen_at(b, v)

    @final
    def may_stop(self) -> bool:
        return True  # safety only: leaders may compete for ever

    @refinement
    def voting(self) -> Voting:
        return Voting.at(votes={a: self.votes(a) for a in self.acceptors}, max_ballot=self.promised)

    def votes(self, a: Acceptor) -> Set[Vote]:
        cast = {m for m in self.sent if isinstance(m, Accepted) and m.acceptor == a}
        return {Vote(m.ballot, m.value) for m in cast}
