"""Paxos as nodes run it, broken on purpose: what is lost between memory, disk and network."""

from checker.lang import *
from spec.consensus import Value
from spec.paxos import Accept, Accepted, Prepare
from spec.paxos_nodes import Decided, PaxosNodes, Write
from spec.voting import Acceptor, Vote


class SendsBeforeSync(PaxosNodes):
    """An acceptor answers before what it says is on its disk.

    The mistake: to write and to send, and not to wait for the disk in between; or a `write`
    without its `fsync`.  A crash, and the acceptor knows nothing of what it has told the leader.

    Gives: after 3 steps a promise that no acceptor has made, no step of Paxos; `agreement` after
    23: a vote that made a decision is forgotten, and the next ballot does not hear of it.
    """

    @action
    def receive_prepare(self, n: Acceptor, m: Prepare) -> None:
        super().receive_prepare(n, m)
        self.send_at_once(n)

    @action
    def receive_accept(self, n: Acceptor, m: Accept) -> None:
        super().receive_accept(n, m)
        self.send_at_once(n)

    def send_at_once(self, n: Acceptor) -> None:
        w = self.writing[n]
        if w is not None:
            self.sent.add(w.answer)


class ForgetsBallot(PaxosNodes):
    """A leader sends its `Prepare` without having written its ballot to disk.

    The mistake: only an acceptor is thought to need a disk.  A leader that crashes begins the
    same ballot again, for another client with another wish, and the promises of before let it.

    Gives: after 11 steps two values are proposed in one ballot, no step of Paxos; `agreement` after
    24, when the same acceptors have voted for both.
    """

    wishes: Map[Acceptor, Set[Value | None]] = const(
        lambda self: {n: set(self.values) for n in self.acceptors}
    )

    @action
    def start(self, n: Acceptor, wish: Value | None) -> None:
        require(wish in self.wishes[n])
        require(self.writing[n] is None)
        require(self.decided[n] is None)
        known = max(self.promised[n], self.trying[n])
        mine = {b for b in range(self.ballots) if self.leader[b] == n and b > known}
        require(mine)
        self.forget_attempt(n)
        self.trying[n] = min(mine)
        self.wish[n] = wish
        self.sent.add(Prepare(min(mine)))


class VotesBelowPromise(PaxosNodes):
    """An acceptor votes in a ballot below the one that it has joined.

    The mistake: the promise is checked when a `Prepare` comes, and not when an `Accept` does.

    Gives: after 10 steps a vote that is no step of Paxos; `agreement` after 24, one value in each
    ballot.
    """

    @action
    def receive_accept(self, n: Acceptor, m: Accept) -> None:
        require(m in self.sent)
        require(self.writing[n] is None)
        v = self.decided[n]
        if v is not None:
            self.sent.add(Decided(v))
        elif self.voted[n] != Vote(m.ballot, m.value):
            self.writing[n] = Write(
                max(m.ballot, self.promised[n]),
                Vote(m.ballot, m.value),
                False,
                Accepted(n, m.ballot, m.value),
            )


class CountsVotesNotVoters(PaxosNodes):
    """A leader counts the votes that come, and not who has cast them.

    The mistake: a number where a set belongs.  The network repeats one vote, and it is two.

    Gives: after 10 steps a decision with the vote of one acceptor, read twice; `agreement` after
    20.  Paxos holds all the same: its messages are right, and what a node makes of them is not.
    """

    votes: Map[Acceptor, Annotated[int, Range("acceptors + 1")]] = everywhere(0)

    @action
    def receive_accepted(self, n: Acceptor, m: Accepted) -> None:
        require(m in self.sent)
        require(n == self.leader[m.ballot])
        require(self.writing[n] is None)
        if m.ballot == self.trying[n] and m.value == self.proposed[n]:
            self.votes[n] += 1
            if 2 * self.votes[n] > len(self.acceptors):
                self.decide(n, m.value)
                self.sent.add(Decided(m.value))

    def forget_attempt(self, n: Acceptor) -> None:
        super().forget_attempt(n)
        self.votes[n] = 0


class AnnouncesEarly(PaxosNodes):
    """A leader holds for decided what it has only proposed.

    The mistake: with a quorum's promises the ballot is thought to be won.  Another leader may
    have joined the same acceptors to a higher ballot before they vote.

    Gives: after 6 steps a decision for which nobody has voted; `agreement` after 12.
    """

    def propose(self, n: Acceptor) -> None:
        super().propose(n)
        v = self.proposed[n]
        if v is not None:
            self.decide(n, v)
            self.sent.add(Decided(v))
