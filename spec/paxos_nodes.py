"""Paxos as nodes run it: what is in memory, what is on disk, and what a crash takes away.

`paxos.py` says what must be true of the messages.  This says how a node makes it so, and it is
what the implementation is held to, step by step.  Each node is proposer, acceptor and learner:

* As acceptor it keeps `promised` and `voted` on disk.  What it answers may rest on them, so it
  writes first and sends only when the write is on the disk (`sync`); until then it reads no other
  message.
* As proposer it keeps its attempt in memory only: the ballot, and who has answered.  The ballot
  is one of its own, above all that it has promised, and it promises it itself before anybody hears
  of it.  So a proposer that crashed never begins the same ballot twice.
* As learner it knows a decision from its own quorum of votes or from one who knows.  That is in
  memory as well: whoever forgets it asks again, by a ballot.

A node begins a ballot because its client wishes a value to be chosen, or only wants to know what
is: then `wish` is None, and it proposes nothing, unless the promises of a quorum show a vote.  A
node that has waited long enough starts again, in a higher ballot: nothing is ever sent twice to
make up for a loss.

The network loses, repeats and reorders: `sent` is all that was ever sent, and a lost message is
one that nobody reads.  Whom a message is for follows from it: a `Prepare`, an `Accept` and a
`Decided` are for all nodes, the answers for the leader of their ballot.  A node that crashes
starts again at once; one that stays away is one whose messages are late.

Two answers change nothing here, and only save time on a real network.  Who has decided tells those
who still ask; and who has joined a higher ballot hands on the `Prepare` of that to a leader who is
behind, whose next ballot is then above it.  Both messages have been sent before.

Source: L. Lamport, "Paxos Made Simple" (2001), sections 2.2 to 2.5; what is kept on disk follows
L. Lamport, "The Part-Time Parliament" (1998), section 2.3, where it is the ledger.
"""

from checker.lang import *
from spec.consensus import Value
from spec.paxos import Accept, Accepted, Paxos, Prepare, Promise
from spec.voting import Acceptor, Ballot, BallotOrNone, Vote


class Decided(Record):
    """What was chosen."""

    value: Value


class Write(Record):
    """What a node is writing to its disk, and what it will send when that is done."""

    promised: BallotOrNone
    voted: Vote | None
    prepares: bool  # it begins the ballot that it promises
    answer: Promise | Accepted


class PaxosNodes(Spec):
    """Paxos with memory, disks and crashes: what a node does, message by message."""

    acceptors: Set[Acceptor] = members(3)
    values: Set[Value] = members(2)
    ballots: int = const(2)
    crashes: int = const(1)
    leader: Map[Ballot, Acceptor] = const(
        lambda self: {b: list(self.acceptors)[b % len(self.acceptors)] for b in range(self.ballots)}
    )
    wishes: Map[Acceptor, Set[Value | None]] = const(  # what the clients of each ask for
        lambda self: {
            n: {list(self.values)[i % len(self.values)]} for i, n in enumerate(self.acceptors)
        }
    )

    # On disk.
    promised: Map[Acceptor, BallotOrNone] = everywhere(-1)
    voted: Map[Acceptor, Vote | None]

    # In memory.
    writing: Map[Acceptor, Write | None]
    trying: Map[Acceptor, BallotOrNone] = everywhere(-1)  # the ballot it leads now
    wish: Map[Acceptor, Value | None]  # what it will propose if it is free to
    promisers: Map[Acceptor, Set[Acceptor]]  # who has joined it
    best: Map[Acceptor, Vote | None]  # the highest vote that they reported
    proposed: Map[Acceptor, Value | None]  # what it proposed in it
    voters: Map[Acceptor, Set[Acceptor]]  # who has voted for that
    decided: Map[Acceptor, Value | None]

    # The network.
    sent: Set[Prepare | Promise | Accept | Accepted | Decided]
    crashed: Annotated[int, Range("crashes + 1")] = 0

    @action
    def start(self, n: Acceptor, wish: Value | None) -> None:
        """Its client asks, or it has waited long enough: it begins its next ballot."""
        require(wish in self.wishes[n])
        require(self.writing[n] is None)
        require(self.decided[n] is None)
        mine = {b for b in range(self.ballots) if self.leader[b] == n and b > self.promised[n]}
        require(mine)
        b = min(mine)
        self.forget_attempt(n)
        self.trying[n] = b
        self.wish[n] = wish
        self.writing[n] = Write(b, self.voted[n], True, Promise(n, b, self.voted[n]))

    @action
    def sync(self, n: Acceptor) -> None:
        """The write is on the disk, so what rests on it may be sent."""
        w = self.writing[n]
        require(w is not None)
        assert w is not None
        self.promised[n] = w.promised
        self.voted[n] = w.voted
        if w.prepares:
            self.sent.add(Prepare(w.promised))
        self.sent.add(w.answer)
        self.writing[n] = None

    @action
    def receive_prepare(self, n: Acceptor, m: Prepare) -> None:
        require(m in self.sent)
        require(self.writing[n] is None)
        v = self.decided[n]
        if v is not None:
            self.sent.add(Decided(v))
        elif m.ballot > self.promised[n]:
            self.writing[n] = Write(
                m.ballot, self.voted[n], False, Promise(n, m.ballot, self.voted[n])
            )
        elif m.ballot < self.promised[n]:
            self.sent.add(Prepare(self.promised[n]))

    @action
    def receive_promise(self, n: Acceptor, m: Promise) -> None:
        require(m in self.sent)
        require(n == self.leader[m.ballot])
        require(self.writing[n] is None)
        if m.ballot == self.trying[n] and not self.is_quorum(self.promisers[n]):
            self.promisers[n].add(m.acceptor)
            self.best[n] = self.higher(self.best[n], m.vote)
            if self.is_quorum(self.promisers[n]):
                self.propose(n)

    def propose(self, n: Acceptor) -> None:
        """The value of the highest vote; its own wish only if there is no vote."""
        best = self.best[n]
        v = self.wish[n] if best is None else best.value
        if v is None:
            self.forget_attempt(n)  # nothing was chosen below this ballot, and nothing is wished
        else:
            self.proposed[n] = v
            self.sent.add(Accept(self.trying[n], v))

    @action
    def receive_accept(self, n: Acceptor, m: Accept) -> None:
        require(m in self.sent)
        require(self.writing[n] is None)
        v = self.decided[n]
        if v is not None:
            self.sent.add(Decided(v))
        elif m.ballot < self.promised[n]:
            self.sent.add(Prepare(self.promised[n]))
        elif self.voted[n] != Vote(m.ballot, m.value):
            self.writing[n] = Write(
                m.ballot, Vote(m.ballot, m.value), False, Accepted(n, m.ballot, m.value)
            )

    @action
    def receive_accepted(self, n: Acceptor, m: Accepted) -> None:
        require(m in self.sent)
        require(n == self.leader[m.ballot])
        require(self.writing[n] is None)
        if m.ballot == self.trying[n] and m.value == self.proposed[n]:
            self.voters[n].add(m.acceptor)
            if self.is_quorum(self.voters[n]):
                self.decide(n, m.value)
                self.sent.add(Decided(m.value))

    @action
    def receive_decided(self, n: Acceptor, m: Decided) -> None:
        require(m in self.sent)
        require(self.writing[n] is None)
        if self.decided[n] is None:
            self.decide(n, m.value)

    @action(optional=True)
    def crash(self, n: Acceptor) -> None:
        """And start again, with what is on the disk."""
        require(self.crashed < self.crashes)
        self.crashed += 1
        self.writing[n] = None
        self.forget_attempt(n)
        self.decided[n] = None

    def decide(self, n: Acceptor, v: Value) -> None:
        self.decided[n] = v
        self.forget_attempt(n)

    def forget_attempt(self, n: Acceptor) -> None:
        self.trying[n] = -1
        self.wish[n] = None
        self.promisers[n] = set()
        self.best[n] = None
        self.proposed[n] = None
        self.voters[n] = set()

    def is_quorum(self, some: Set[Acceptor]) -> bool:
        return 2 * len(some) > len(self.acceptors)

    def higher(self, v: Vote | None, w: Vote | None) -> Vote | None:
        if v is None:
            return w
        if w is None:
            return v
        return w if w.ballot > v.ballot else v

    @invariant
    def agreement(self) -> bool:
        """No two nodes know different decisions."""
        return len(self.decisions()) <= 1

    @invariant
    def decisions_are_chosen(self) -> bool:
        """What a node knows to be decided, a quorum has voted for."""
        return all(self.chosen(v) for v in self.decisions())

    def chosen(self, v: Value) -> bool:
        return any(
            self.is_quorum({a for a in self.acceptors if Accepted(a, b, v) in self.sent})
            for b in range(self.ballots)
        )

    def decisions(self) -> Set[Value]:
        return {v for v in self.values for n in self.acceptors if self.decided[n] == v}

    @reachable
    def any_node_can_learn(self, n: Acceptor) -> bool:
        return self.decided[n] is not None

    @final
    def may_stop(self) -> bool:
        return True  # safety only: nothing has to happen

    @refinement(steps=2)
    def paxos(self) -> Paxos:
        """To begin a ballot is two steps of Paxos: prepare, and promise it oneself."""
        return Paxos.at(
            promised=self.promised,
            voted=self.voted,
            sent={m for m in self.sent if not isinstance(m, Decided)},
        )
