"""Voting: how a quorum chooses, with every acceptor seen from above and no messages.

Acceptors cast votes in numbered ballots.  A value is chosen when a quorum has voted for it in
one ballot.  Any two quorums have a member in common.  Two rules keep two values from being
chosen:

* in one ballot, all votes are for one value;
* a vote for v in ballot b is cast only if v is *safe at* b: no value but v has been, or ever
  can be, chosen in a ballot below b.

The second rule looks into the future.  What makes it a rule that can be followed is that an
acceptor gives up all ballots below its `max_ballot`.  Once a quorum has reached ballot b, what
its members have voted below b is all that will ever matter there: see `shows_safe`.

Source: L. Lamport, TLA+ module Voting, of his lecture "The Paxos algorithm, or how to win a
Turing Award" (2019).  The names are the module's.

Parameters, which are therefore counted: the acceptor, the ballot and the value of a vote; the
quorum that shows it safe, and the member of that quorum whose vote does so.
"""

from checker.lang import *
from spec.consensus import Consensus, Value


class Acceptor(Sort):
    """Who votes."""


Ballot = Annotated[int, Range("ballots")]
BallotOrNone = Annotated[int, Range(-1, "ballots")]  # -1: none yet, below every ballot


class Vote(Record):
    """In which ballot for which value."""

    ballot: Ballot
    value: Value


class Voting(Spec):
    """Quorums choose by votes in numbered ballots."""

    acceptors: Set[Acceptor] = members(3)
    values: Set[Value] = members(2)
    ballots: int = const(2)
    quorums: Set[Set[Acceptor]] = const(lambda self: majorities(self.acceptors))

    votes: Map[Acceptor, Set[Vote]]  # all that it has cast
    max_ballot: Map[Acceptor, BallotOrNone] = everywhere(-1)  # it has given up those below

    @assume
    def quorums_meet(self) -> bool:
        return all(len(q & r) > 0 for q in self.quorums for r in self.quorums)

    @action
    def increase_max_ballot(self, a: Acceptor, b: Ballot) -> None:
        require(b > self.max_ballot[a])
        self.max_ballot[a] = b

    @action
    def vote_for(
        self, a: Acceptor, b: Ballot, v: Value, q: Set[Acceptor], witness: Acceptor | None
    ) -> None:
        require(b >= self.max_ballot[a])
        require(self.did_not_vote_at(a, b))
        require(all(vote.value == v for vote in self.votes_at(b)))
        require(q in self.quorums)
        require(witness in self.shows_safe(q, b, v))
        self.votes[a].add(Vote(b, v))
        self.max_ballot[a] = b

    def did_not_vote_at(self, a: Acceptor, b: Ballot) -> bool:
        return all(vote.ballot != b for vote in self.votes[a])

    def votes_at(self, b: Ballot) -> Set[Vote]:
        return {vote for a in self.acceptors for vote in self.votes[a] if vote.ballot == b}

    def shows_safe(self, q: Set[Acceptor], b: Ballot, v: Value) -> Set[Acceptor | None]:
        """The witnesses in quorum q that v is safe at b; empty if it is not shown.

        All of q must have reached b, so that none votes below b any more.  If none has voted
        there, then nothing can be chosen there, and every value is safe; no witness is needed
        (`None`).  Otherwise the last ballot below b in which any of q voted decides: the vote
        there was safe when it was cast, so what it was for is safe now.
        """
        if any(self.max_ballot[a] < b for a in q):
            return set()
        below = {vote.ballot for a in q for vote in self.votes[a] if vote.ballot < b}
        if not below:
            return {None}
        return {a for a in q if Vote(max(below), v) in self.votes[a]}

    # Why it works: `votes_are_safe` and `one_value_per_ballot` are kept by every step.

    @invariant
    def votes_are_safe(self) -> bool:
        return all(
            self.is_safe_at(vote.ballot, vote.value)
            for a in self.acceptors
            for vote in self.votes[a]
        )

    @invariant
    def one_value_per_ballot(self) -> bool:
        return all(len({vote.value for vote in self.votes_at(b)}) <= 1 for b in range(self.ballots))

    def is_safe_at(self, b: Ballot, v: Value) -> bool:
        """No value but v has been, or ever can be, chosen below b."""
        return all(self.no_other_choosable_at(c, v) for c in range(b))

    def no_other_choosable_at(self, b: Ballot, v: Value) -> bool:
        """A quorum has voted for v in b, or gave b up without a vote; other quorums meet it."""
        return any(
            all(Vote(b, v) in self.votes[a] or self.cannot_vote_at(a, b) for a in q)
            for q in self.quorums
        )

    def cannot_vote_at(self, a: Acceptor, b: Ballot) -> bool:
        return self.max_ballot[a] > b and self.did_not_vote_at(a, b)

    # What it achieves.

    def chosen(self) -> Set[Value]:
        return {v for v in self.values if any(self.chosen_at(b, v) for b in range(self.ballots))}

    def chosen_at(self, b: Ballot, v: Value) -> bool:
        return any(all(Vote(b, v) in self.votes[a] for a in q) for q in self.quorums)

    @refinement
    def consensus(self) -> Consensus:
        return Consensus.at(chosen=self.chosen())

    @step_property
    def max_ballot_never_decreases(self) -> bool:
        return all(self.max_ballot[a] >= self.old.max_ballot[a] for a in self.acceptors)

    @reachable
    def any_ballot_can_choose_any_value(self, b: Ballot, v: Value) -> bool:
        return self.chosen_at(b, v)

    @final
    def may_stop(self) -> bool:
        """Safety only: nothing has to happen."""
        return True
