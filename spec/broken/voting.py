"""Voting, broken on purpose: each variant drops one rule of `vote_for`, or of the quorums."""

from checker.lang import *
from spec.consensus import Value
from spec.voting import Acceptor, Ballot, Vote, Voting


class IgnoresSafety(Voting):
    """An acceptor votes without asking whether the value is safe at the ballot.

    The mistake: to think that quorums which meet are enough, since within one ballot they are.
    A later ballot must look at what earlier ones may have chosen.

    Gives: `votes_are_safe` violated by one vote in ballot 1, when nobody has given up ballot 0.
    """

    def shows_safe(self, q: Set[Acceptor], b: Ballot, v: Value) -> Set[Acceptor | None]:
        return {None}


class VotesTwice(Voting):
    """An acceptor votes for two values in one ballot.

    The mistake: to forget across a restart that a vote was cast in this ballot.

    Gives: `one_value_per_ballot` violated by the second vote of one acceptor.
    """

    @action
    def vote_for(
        self, a: Acceptor, b: Ballot, v: Value, q: Set[Acceptor], witness: Acceptor | None
    ) -> None:
        require(b >= self.max_ballot[a])
        require(
            all(
                vote.ballot != b or vote.value == v
                for other in self.acceptors - {a}
                for vote in self.votes[other]
            )
        )
        require(q in self.quorums)
        require(witness in self.shows_safe(q, b, v))
        self.votes[a].add(Vote(b, v))
        self.max_ballot[a] = b


class GoesBack(Voting):
    """An acceptor votes below its `max_ballot`.

    The mistake: to forget what was given up, and to remember only what was voted.  A quorum
    that showed a value safe then shows it no longer.

    Gives: `max_ballot_never_decreases` violated by the first vote below.
    """

    @action
    def vote_for(
        self, a: Acceptor, b: Ballot, v: Value, q: Set[Acceptor], witness: Acceptor | None
    ) -> None:
        require(self.did_not_vote_at(a, b))
        require(all(vote.value == v for vote in self.votes_at(b)))
        require(q in self.quorums)
        require(witness in self.shows_safe(q, b, v))
        self.votes[a].add(Vote(b, v))
        self.max_ballot[a] = b


class DisjointQuorums(Voting):
    """Quorums need not meet: any acceptor is one.

    The mistake: to lower the number of answers waited for, so that a minority can go on.
    Real clusters get here when two operators change the members at the same time.

    Gives: a quorum of one votes in each of two ballots, and Consensus is no longer refined.
    """

    quorums: Set[Set[Acceptor]] = const(lambda self: {Set({a}) for a in self.acceptors})

    @assume
    def quorums_meet(self) -> bool:
        return True  # what is assumed of a Voting, and not of this one
