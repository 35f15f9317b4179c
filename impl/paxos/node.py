"""A node: one Paxos instance for each key, and the bytes of them all.

Two forms of bytes.  A record is what an instance keeps on disk: the driver appends those of
`Persist` to its journal, and gives all that it finds there to `recover`.  `save` is the whole
state, what is in memory included, and canonical: equal states give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from impl.paxos.instance import Effect, Event, Instance, Record
from impl.paxos.messages import Malformed, Plain, decoded


class Saved(Plain, frozen=True):
    """A whole node.  Instances in the order of their keys; fresh ones are left out."""

    id: int
    nodes: int
    instances: list[Instance]


# Sets are written in order.
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_records = msgspec.msgpack.Decoder(Record)
_saved = msgspec.msgpack.Decoder(Saved)


@dataclass
class Node:
    """Node `id` of nodes 0 to `nodes` - 1."""

    id: int
    nodes: int
    instances: dict[str, Instance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.id < self.nodes:
            raise ValueError(f"node {self.id} of {self.nodes}: nodes are numbered from 0")

    def instance(self, key: str) -> Instance:
        """That of `key`: a fresh one if nothing has happened to it."""
        found = self.instances.get(key)
        if found is None:
            found = self.instances[key] = self.fresh(key)
        return found

    def fresh(self, key: str) -> Instance:
        return Instance(key, self.id, self.nodes)

    def handle(self, key: str, event: Event) -> list[Effect]:
        """What `Instance.handle` says, for the instance of `key`."""
        return self.instance(key).handle(event)

    def record(self, key: str) -> bytes | None:
        """What `key` has on disk, or is writing there; None if that is nothing.

        With the write under way: if a journal is replaced by a snapshot of such records, that
        write must not get lost.  To have it on disk early does no harm.
        """
        instance = self.instance(key)
        disk = instance.writing or instance
        if disk.promised == -1:
            return None
        return _encoder.encode(Record(key, disk.promised, disk.voted))

    def records(self) -> list[bytes]:
        """One record for each key that has any, in the order of the keys."""
        found = map(self.record, sorted(self.instances))
        return [record for record in found if record is not None]

    def recover(self, records: Iterable[bytes]) -> None:
        """Begin with what is on disk; the last record of a key counts.

        `Malformed` if one of them is no record.  Then nothing has changed.
        """
        recovered: dict[str, Instance] = {}
        for number, data in enumerate(records, 1):
            record = decoded(_records, data, f"record of an instance (number {number})")
            if record.voted is not None and record.voted.ballot > record.promised:
                raise Malformed(f"record {number}, of {record.key!r}: a vote above the promise")
            recovered[record.key] = Instance(
                record.key, self.id, self.nodes, record.promised, record.voted
            )
        self.instances = recovered

    def save(self) -> bytes:
        """All state, canonical."""
        instances = [
            instance
            for key, instance in sorted(self.instances.items())
            if instance != self.fresh(key)
        ]
        return _encoder.encode(Saved(self.id, self.nodes, instances))

    @classmethod
    def load(cls, data: bytes) -> Node:
        """The node that was saved; `Malformed` if these bytes are of none."""
        saved = decoded(_saved, data, "saved node")
        if not 0 <= saved.id < saved.nodes:
            raise Malformed(f"this is no saved node: it is number {saved.id} of {saved.nodes}")
        for instance in saved.instances:
            _check(instance, saved)
        instances = {instance.key: instance for instance in saved.instances}
        if list(instances) != sorted(instances) or len(instances) < len(saved.instances):
            raise Malformed("this is no saved node: its keys are not in order")
        return cls(saved.id, saved.nodes, instances)


def _check(instance: Instance, saved: Saved) -> None:
    nodes = range(saved.nodes)
    if (instance.id, instance.nodes) != (saved.id, saved.nodes):
        raise Malformed(f"this is no saved node: {instance.key!r} is of another one")
    if not all(node in nodes for some in (instance.promisers, instance.voters) for node in some):
        raise Malformed(f"this is no saved node: {instance.key!r} counts nodes that are not there")
