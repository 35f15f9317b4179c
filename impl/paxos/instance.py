"""One decision at one node: proposer, acceptor and learner.

An event goes in, and the effects that the driver must bring about come out.  Three rules:

* Nothing is sent that rests on what is not on disk.  A `Persist` begins a write, and what is to
  be sent after it waits in `writing` for the event `Written`.  Meanwhile no other event may come.
* A ballot is begun only above all that was ever promised, and is promised by its own leader
  before anybody hears of it.  So no ballot is begun twice, crashes or not.
* A leader proposes the value of the highest vote that its quorum reports, and what its client
  wishes only if there is none.

The attempt (`trying` to `voters`) and `decided` are in memory only.  After a crash an instance
begins with `promised` and `voted`, and learns the rest again by a ballot.

Nothing is sent again to make up for a loss: a `Timeout` begins a higher ballot.  An acceptor that
has joined a higher ballot hands its `Prepare` on to a leader that is behind, whose next ballot
is then above it.  The network may repeat any message, so this is no new kind of step.

Source: L. Lamport, "Paxos Made Simple" (2001), sections 2.2 to 2.5.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from impl.paxos.messages import (
    Accept,
    Accepted,
    Ballot,
    BallotOrNone,
    Decided,
    Message,
    NodeId,
    Plain,
    Prepare,
    Promise,
    Value,
    Vote,
)

# Events.


class Start(Plain, frozen=True):
    """The client asks: let `wish` be chosen, or with None only tell what is."""

    wish: Value | None


class Receive(Plain, frozen=True):
    """A message has come from node `sender`."""

    sender: NodeId
    message: Message


class Written(Plain, frozen=True):
    """The record of the last `Persist` is on disk."""


class Timeout(Plain, frozen=True):
    """The time of the last `SetTimer` is over."""


Event: TypeAlias = Start | Receive | Written | Timeout


# Effects.


class Persist(Plain, frozen=True):
    """Write this record (of `Record`) to disk, sync, and then say `Written`."""

    record: bytes


class Send(Plain, frozen=True):
    """Send to node `to`, which may be this one.  It may be lost."""

    to: NodeId
    message: Message


class SetTimer(Plain, frozen=True):
    """Say `Timeout` after a while, a random one: leaders compete.  Replaces the last timer."""


class Decide(Plain, frozen=True):
    """This value is chosen, for ever."""

    value: Value


class NothingChosen(Plain, frozen=True):
    """No value was chosen when `Start(None)` came."""


Effect: TypeAlias = Persist | Send | SetTimer | Decide | NothingChosen


# State.


class Record(Plain, frozen=True):
    """What is on disk of one instance.  The last record of a key is the one that counts."""

    key: str
    promised: BallotOrNone
    voted: Vote | None


class Write(Plain, frozen=True):
    """What is being written, and what will be sent when that is done."""

    promised: Ballot
    voted: Vote | None
    prepares: bool  # it begins the ballot that it promises
    answer: Promise | Accepted  # for the leader of that ballot


class Instance(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The decision named `key` at node `id` of nodes 0 to `nodes` - 1: plain data, all of it."""

    key: str
    id: NodeId
    nodes: int

    # On disk.
    promised: BallotOrNone = -1  # it answers nothing below
    voted: Vote | None = None  # its last vote

    # In memory.
    writing: Write | None = None
    trying: BallotOrNone = -1  # the ballot that it leads, while it waits for it
    wish: Value | None = None  # what it will propose in it if it is free to
    promisers: set[NodeId] = set()  # the nodes that have joined it
    best: Vote | None = None  # the highest vote that they reported
    proposed: Value | None = None  # what it proposed in it
    voters: set[NodeId] = set()  # the nodes that have voted for that
    decided: Value | None = None

    def handle(self, event: Event) -> list[Effect]:
        """Take one step.

        `ValueError` if the event may not come now: any but `Written` while a write is under
        way, and `Written` when none is.  Then nothing has changed.
        """
        if isinstance(event, Written):
            return self.sync()
        if self.writing is not None:
            raise ValueError(f"{self.key!r} is writing: say Written before {event}")
        if isinstance(event, Receive):
            message = event.message
            if isinstance(message, Prepare):
                return self.receive_prepare(message)
            if isinstance(message, Promise):
                return self.receive_promise(event.sender, message)
            if isinstance(message, Accept):
                return self.receive_accept(message)
            if isinstance(message, Accepted):
                return self.receive_accepted(event.sender, message)
            return self.receive_decided(message)
        if isinstance(event, Start):
            return self.start(event.wish)
        return self.time_out()

    def start(self, wish: Value | None) -> list[Effect]:
        """Begin the next ballot that is this node's own."""
        if self.decided is not None:
            return [Decide(self.decided)]
        ballot = self.promised + 1 + (self.id - self.promised - 1) % self.nodes
        self.forget_attempt()
        self.trying = ballot
        self.wish = wish
        answer = Promise(ballot, self.voted)
        return [self.persist(Write(ballot, self.voted, True, answer)), SetTimer()]

    def time_out(self) -> list[Effect]:
        """It has waited long enough: begin again.  Nothing, if it waits no more."""
        return [] if self.trying == -1 else self.start(self.wish)

    def persist(self, write: Write) -> Persist:
        self.writing = write
        return Persist(_encode(Record(self.key, write.promised, write.voted)))

    def sync(self) -> list[Effect]:
        """The write is on disk, so what rests on it may be sent."""
        write = self.writing
        if write is None:
            raise ValueError(f"{self.key!r} writes nothing: Written came without a Persist")
        self.promised = write.promised
        self.voted = write.voted
        self.writing = None
        effects = self.to_all(Prepare(write.promised)) if write.prepares else []
        effects.append(self.to_leader(write.promised, write.answer))
        return effects

    def receive_prepare(self, m: Prepare) -> list[Effect]:
        if self.decided is not None:
            return self.to_all(Decided(self.decided))
        if m.ballot > self.promised:
            return [self.persist(Write(m.ballot, self.voted, False, Promise(m.ballot, self.voted)))]
        if m.ballot < self.promised:
            return [self.to_leader(m.ballot, Prepare(self.promised))]
        return []

    def receive_promise(self, sender: NodeId, m: Promise) -> list[Effect]:
        if m.ballot != self.trying or self.is_quorum(self.promisers):
            return []
        self.promisers.add(sender)
        if m.vote is not None and (self.best is None or m.vote.ballot > self.best.ballot):
            self.best = m.vote
        return self.propose() if self.is_quorum(self.promisers) else []

    def propose(self) -> list[Effect]:
        """The value of the highest vote; its own wish only if there is no vote."""
        value = self.wish if self.best is None else self.best.value
        if value is None:
            self.forget_attempt()
            return [NothingChosen()]
        self.proposed = value
        return self.to_all(Accept(self.trying, value))

    def receive_accept(self, m: Accept) -> list[Effect]:
        if self.decided is not None:
            return self.to_all(Decided(self.decided))
        if m.ballot < self.promised:
            return [self.to_leader(m.ballot, Prepare(self.promised))]
        vote = Vote(m.ballot, m.value)
        if self.voted == vote:
            return []
        return [self.persist(Write(m.ballot, vote, False, Accepted(m.ballot, m.value)))]

    def receive_accepted(self, sender: NodeId, m: Accepted) -> list[Effect]:
        if m.ballot != self.trying or m.value != self.proposed:
            return []
        self.voters.add(sender)
        if not self.is_quorum(self.voters):
            return []
        return [self.decide(m.value), *self.to_all(Decided(m.value))]

    def receive_decided(self, m: Decided) -> list[Effect]:
        return [] if self.decided is not None else [self.decide(m.value)]

    def decide(self, value: Value) -> Decide:
        self.decided = value
        self.forget_attempt()
        return Decide(value)

    def forget_attempt(self) -> None:
        self.trying = -1
        self.wish = None
        self.promisers = set()
        self.best = None
        self.proposed = None
        self.voters = set()

    def is_quorum(self, some: set[NodeId]) -> bool:
        return 2 * len(some) > self.nodes

    def to_all(self, message: Message) -> list[Effect]:
        return [Send(to, message) for to in range(self.nodes)]

    def to_leader(self, ballot: Ballot, message: Message) -> Send:
        return Send(ballot % self.nodes, message)


_encode = msgspec.msgpack.Encoder().encode
