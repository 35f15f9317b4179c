"""Nodes of `impl.paxos`, held to `spec/paxos_nodes.py`: the binding, and the two systems.

| spec | implementation |
| --- | --- |
| acceptor `members[i]` | node i |
| `promised`, `voted` | the instance in memory, which its last record on disk must equal |
| `writing` ... `decided` | the instance in memory |
| `sent` | the frames that the controller has read from connections, each with its sender |
| `start(n, wish)` | `Start(wish)`; `Timeout`, where the node waits with that wish |
| `receive_*(n, m)` | reading a frame that says m, from whichever node |
| `sync(n)` | the journal's sync, then `Written`, then sending |
| `crash(n)` | the node is gone; a new one with what is on its disk |

Two keys are on each node.  `KEY` is the decision that the spec describes.  The other is a
bystander: it has promised a ballot, nobody speaks to it, and so nothing of it may ever change.
An implementation that takes a message of one decision for another's is found by it.

Which implementation it is, is Python's choice: with `PYTHONPATH=FOLDER`, where FOLDER has a changed
copy of `impl`, that copy is checked, by `quorate conform` and by the processes that it starts.

The bound on ballots is the spec's, not the implementation's: a `start` that would begin a ballot
beyond the instance is not offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from checker.conform.binding import Amiss, Binding, Effects, Frame, Offer, Reading
from checker.conform.cluster import Cluster
from checker.conform.processes import Processes
from checker.conform.system import AdapterError, Step
from checker.lang import values as language
from checker.lang.spec import Spec
from checker.lang.values import Set
from impl.paxos import messages as wire
from impl.paxos.instance import (
    Decide,
    Effect,
    Instance,
    Persist,
    Receive,
    Record,
    Send,
    Start,
    Timeout,
    Written,
)
from impl.paxos.instance import Write as Writing
from impl.paxos.node import Node
from impl.transport.frames import ProtocolError
from impl.transport.payloads import message_frame, read_message
from spec.paxos import Accept, Accepted, Prepare, Promise
from spec.paxos_nodes import Decided, Write
from spec.voting import Vote

KEY = "x"
BYSTANDER = "bystander"
BYSTANDERS_BALLOT = 1_000
"""Far above those of the instance: a message of it that went astray would be answered."""

Event = Start | Timeout

WRITTEN = Written()
VARIABLES = (
    "promised",
    "voted",
    "writing",
    "trying",
    "wish",
    "promisers",
    "best",
    "proposed",
    "voters",
    "decided",
)


def nodes(spec: Spec) -> Cluster:
    """The nodes in one process, over TCP, with a disk in memory: every edge."""
    return Cluster(spec, PaxosBinding(spec))


def processes(spec: Spec) -> Processes:
    """Each node a process, with the transport and the journal of the server: walks."""
    return Processes(spec, PaxosBinding(spec), f"{__name__}:PaxosCore")


class PaxosCore:
    """`impl.paxos.node.Node`, its effects in bytes: what `impl.server.driver` does with it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @classmethod
    def new(cls, node: int, nodes: int) -> PaxosCore:
        return cls(Node(node, nodes))

    def receive(self, sender: int, payload: bytes) -> Effects:
        key, message = read_message(payload, sender, self.node.id, self.node.nodes)
        return self.take(sender, key, message)

    def take(self, sender: int, key: str, message: wire.Message) -> Effects:
        return self._effects(key, self.node.handle(key, Receive(sender, message)))

    def fire(self, event: Event) -> Effects:
        return self._effects(KEY, self.node.handle(KEY, event))

    def written(self, key: str) -> Effects:
        return self._effects(key, self.node.handle(key, WRITTEN))

    def recover(self, records: Sequence[bytes]) -> None:
        self.node.recover(records)

    def records(self) -> Sequence[bytes]:
        return self.node.records()

    def save(self) -> bytes:
        return self.node.save()

    def _effects(self, key: str, effects: Iterable[Effect]) -> Effects:
        if not effects:
            return NOTHING
        records: list[tuple[str, bytes]] = []
        sends: list[tuple[int, bytes]] = []
        framed: tuple[wire.Message | None, bytes] = (None, b"")
        for effect in effects:
            if isinstance(effect, Send):
                message = effect.message
                if message is not framed[0]:  # a message to all is put into bytes once
                    framed = (message, message_frame(key, message))
                sends.append((effect.to, framed[1]))
            elif isinstance(effect, Persist):
                records.append((key, effect.record))
            elif isinstance(effect, Decide):
                decided = self.node.instance(key).decided
                if effect.value != decided:
                    raise AssertionError(f"clients are told {effect.value!r}, it is {decided!r}")
        return Effects(records, sends)

    @staticmethod
    def encode_event(event: Event) -> bytes:
        return _encode_event(event.wish if isinstance(event, Start) else False)

    @staticmethod
    def decode_event(data: bytes) -> Event:
        said = _decode_event(data)
        return Timeout() if said is False else Start(said)


NOTHING = Effects((), ())

# `Start` by its wish, `Timeout` as False.
_encode_event = msgspec.msgpack.Encoder().encode
_decode_event = msgspec.msgpack.Decoder(bool | str | None).decode


class PaxosBinding(Binding):
    """For an instance of `PaxosNodes`."""

    variables = VARIABLES
    messages = "sent"
    crashes = "crashed"

    def __init__(self, spec: Any) -> None:
        self.members = list(spec.acceptors)
        self.count = len(self.members)
        self.ballots: int = spec.ballots
        self.most_crashes: int = spec.crashes
        self.everyone = frozenset(range(self.count))
        self.values = {value.name: value for value in spec.values}
        self.wishes = [
            [None if wish is None else wish.name for wish in spec.wishes[n]] for n in self.members
        ]
        for ballot in range(self.ballots):
            if spec.leader[ballot] != self.members[ballot % self.count]:
                raise AdapterError(
                    f"leader[{ballot}] is {spec.leader[ballot]}, and in the implementation it is "
                    f"always {self.members[ballot % self.count]}: leave `leader` as it is"
                )
        self.bystanders = [self._bystander(node) for node in range(self.count)]

    def _bystander(self, node: int) -> Instance:
        return Instance(BYSTANDER, node, self.count, promised=BYSTANDERS_BALLOT)

    # ------------------------------------------------------------- nodes

    def core(self, node: int) -> PaxosCore:
        return PaxosCore(Node(node, self.count))

    def load(self, saved: bytes) -> PaxosCore:
        return PaxosCore(Node.load(saved))

    def first_records(self, node: int) -> Sequence[bytes]:
        return [msgspec.msgpack.encode(Record(BYSTANDER, BYSTANDERS_BALLOT, None))]

    def encode_event(self, event: Event) -> bytes:
        return PaxosCore.encode_event(event)

    def decode_event(self, data: bytes) -> Event:
        return PaxosCore.decode_event(data)

    def sync(self, node: int) -> Step:
        return Step("sync", (self.members[node],))

    def crash(self, node: int) -> Step:
        return Step("crash", (self.members[node],))

    def offers(self, node: int, memory: bytes) -> Collection[Offer]:
        before = self._instance(memory)
        wishes = [(Start(wish), wish) for wish in self.wishes[node]]
        tried: list[tuple[Event, str | None]] = [*wishes, (Timeout(), before.wish)]
        found = []
        for event, wish in tried:
            copy = PaxosCore(Node.load(memory))
            try:
                effects = copy.fire(event)
            except Exception:  # it cannot take it now: if the spec can, the step is missing
                continue
            begins = copy.save() != memory or effects.sends
            if begins and copy.node.instance(KEY).trying < self.ballots:
                found.append(Offer(event, Step("start", (self.members[node], self._value(wish)))))
        return found

    # ------------------------------------------------------------- frames

    def reading(self, frame: Frame) -> Reading:
        source, dest, payload = frame
        try:
            key, said = read_message(payload, source, dest, self.count)
        except ProtocolError as error:
            return self._astray(frame, f"a frame that is refused ({error}): {payload.hex()}")
        if key != KEY:
            return self._astray(frame, f"{said} about {key!r}")
        message, leader = self._message(source, said)
        recipients = self.everyone if leader is None else frozenset((leader,))
        step = Step(f"receive_{type(said).__name__.lower()}", (self.members[dest], message))
        return Reading(message, recipients, step)

    def _astray(self, frame: Frame, what: str) -> Reading:
        way = f"{what}, from {self.members[frame.source]} to {self.members[frame.dest]}"
        return Reading(Amiss(way), frozenset((frame.dest,)), None)

    def _message(self, source: int, said: wire.Message) -> tuple[Any, int | None]:
        """A message, and the one node that it is for, if it is not for all."""
        sender = self.members[source]
        match said:
            case wire.Prepare(ballot):
                return Prepare(ballot), None
            case wire.Promise(ballot, vote):
                return made(Promise, sender, ballot, self._vote(vote)), ballot % self.count
            case wire.Accept(ballot, value):
                return made(Accept, ballot, self._value(value)), None
            case wire.Accepted(ballot, value):
                return made(Accepted, sender, ballot, self._value(value)), ballot % self.count
            case wire.Decided(value):
                return made(Decided, self._value(value)), None

    def _vote(self, vote: wire.Vote | None) -> Any:
        return None if vote is None else made(Vote, vote.ballot, self._value(vote.value))

    def _value(self, value: str | None) -> Any:
        """A value of the spec; what nobody wished is none."""
        return None if value is None else self.values.get(value) or Amiss(f"the value {value!r}")

    # ------------------------------------------------------------- states

    def _instance(self, saved: bytes) -> Instance:
        return Node.load(saved).instance(KEY)

    def view(self, node: int, memory: bytes, disk: bytes) -> tuple[Any, ...]:
        now, kept = self._instance(memory), self._instance(disk)
        promised: Any = now.promised
        voted: Any = self._vote(now.voted)
        if kept.promised != promised:
            promised = Amiss(f"{promised} in memory, {kept.promised} after a crash")
        if kept.voted != now.voted:
            voted = Amiss(f"{voted} in memory, {self._vote(kept.voted)} after a crash")
        astray = self._disturbed(node, memory) or self._disturbed(node, disk)
        if astray is not None:
            promised = Amiss(f"{promised}; another instance has changed: {astray}")
        return (
            promised,
            voted,
            self._write(node, now.writing),
            now.trying,
            self._value(now.wish),
            self._nodes(now.promisers),
            self._vote(now.best),
            self._value(now.proposed),
            self._nodes(now.voters),
            self._value(now.decided),
        )

    def _disturbed(self, node: int, saved: bytes) -> Instance | str | None:
        """An instance other than `KEY` that is not as it was at the start."""
        others = {key: one for key, one in Node.load(saved).instances.items() if key != KEY}
        for key, one in sorted(others.items()):
            if key != BYSTANDER or one != self.bystanders[node]:
                return one
        return None if BYSTANDER in others else f"{BYSTANDER!r} is gone"

    def _nodes(self, some: Iterable[int]) -> Set:
        return Set(self.members[node] for node in some)

    def _write(self, node: int, write: Writing | None) -> Any:
        if write is None:
            return None
        answer, _ = self._message(node, write.answer)
        return made(Write, write.promised, self._vote(write.voted), write.prepares, answer)


def made(kind: type[language.Record], *fields: Any) -> Any:
    """A record of the spec; an `Amiss` if one of its fields is."""
    if any(isinstance(field, Amiss) for field in fields):
        return Amiss(f"{kind.__name__}({', '.join(map(repr, fields))})")
    return kind(*fields)
