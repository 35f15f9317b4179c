"""Nodes of an implementation in this process, over real TCP connections: a `System` with snapshots.

Each edge is one act of one node: the controller writes a frame to the node's socket, the node reads
it with the code of `impl`, handles it, appends to its journal or syncs it, and writes what it sends
to its sockets, from which the controller reads it.

A snapshot is what the controller knows: each node's saved bytes, the frames in flight, the number
of crashes.  To restore it costs nothing; a node is loaded from its bytes when it acts, unless it is
in that state already.

**Ways.**  Where a step of the spec is several acts of the implementation, one is taken at every
edge, and the others once in each state of the node (what a node does depends on nothing else):
the same message from another node, a timer instead of a client, and for a crash the ways of
`disk.py`: in the middle of a write, after all of it, after a snapshot of the journal.  A way that
leads elsewhere is a failed step, which says where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checker.conform.binding import Binding, Frame
from checker.conform.compare import raised
from checker.conform.controller import CRASH, FIRE, Controller, Local, Way
from checker.conform.disk import Disk, Hidden, hidden, written
from checker.conform.host import Held, Host, connect
from checker.conform.network import Network
from checker.conform.system import Failed, Step
from checker.conform.wires import WireError, Wires
from checker.lang.spec import Spec


class WayDiffers(Failed):
    """Two acts of the implementation are one step of the spec, and lead to different states."""


class Cluster(Controller):
    """The nodes, in this process."""

    snapshots = True

    def __init__(self, spec: Spec, binding: Binding, network: Network | None = None) -> None:
        super().__init__(spec, binding, network)
        self.hosts = [Host(binding, node) for node in self.nodes]
        self._recovered: dict[tuple[int, bytes], bytes] = {}
        self.wires: Wires | None = None
        """None before the first use, and after an act that failed halfway."""

    def begin(self) -> list[Held]:
        if not self._connected().quiet():
            raise WireError("there are bytes on a connection that no node said it sent")
        for host in self.hosts:
            host.begin()
        return [self._kept(host) for host in self.hosts]

    def save(self) -> Any:
        return (self.locals, self.content, self.crashes)

    def restore(self, saved: Any) -> None:
        self.locals, self.content, self.crashes = saved

    def close(self) -> None:
        for host in self.hosts:
            host.close()
        if self.wires is not None:
            self.wires.close()
            self.wires = None

    # ------------------------------------------------------------- acts

    def perform(self, local: Local, way: Way) -> tuple[Held, list[Frame]]:
        host, wires = self.hosts[local.node], self.wires or self._connected()
        if host.held is not local.held:
            host.load(local.held)
        host.sent.clear()
        try:
            match way.act:
                case "receive":
                    one = self.frames[way.what]
                    wires.deliver((one.source, one.dest), one.framed)
                    host.receive(one.source)
                case "fire":
                    host.fire(way.what)
                case "sync":
                    host.sync()
                case _:
                    host.crash()
            frames = self._collected(host, wires)
            held = self._kept(host)
        except BaseException:
            self.close()  # who knows what is on its way; the next act has new connections
            host.held = None
            raise
        return held, frames

    def _kept(self, host: Host) -> Held:
        """The state of a node that goes on from there, unless another one is restored.

        The one that was kept of equal ones is `held` from now on: so without snapshots it is the
        same objects that go on, and what is in them beyond their bytes is found by replays.
        """
        held = host.hold()
        known = self._locals[host.node].get(held)
        if known is not None:
            host.held = held = known.held
        return held

    def _collected(self, host: Host, wires: Wires) -> list[Frame]:
        """What a node has sent, read off its connections."""
        node = host.node
        return [
            Frame(node, to, payload)
            for to, count in host.sent
            for payload in wires.collect((node, to), count)
        ]

    def _connected(self) -> Wires:
        if self.wires is None:
            self.wires = Wires([(i, j) for i in self.nodes for j in self.nodes])
            connect(self.hosts, self.wires)
        return self.wires

    def on_disk(self, node: int, held: Held) -> bytes:
        found = self._recovered.get((node, held.disk))
        if found is None:
            disk = Disk.load(held.disk)
            disk.crash()
            found = self._recovered[node, held.disk] = self._recovered_from(node, disk)
        return found

    def _recovered_from(self, node: int, disk: Disk) -> bytes:
        core = self.binding.core(node)
        core.recover(disk.recovered)
        return core.save()

    # ------------------------------------------------------------- other ways

    def compared(
        self, local: Local, step: Step, ways: list[Way], first: tuple[Held, list[int]]
    ) -> None:
        node, expected = self.names([local.node]), self._outcome(local, first)
        for way in ways[1:]:
            if way in local.agreed:
                continue
            try:
                found = self._outcome(local, self._performed(local, way))
            except Exception as error:
                raise Failed(
                    f"{self._said(way)} is another way for {node} to take this step, and fails:\n"
                    f"{raised(error)}"
                ) from error
            if found != expected:
                names = [*self.binding.variables, "what is sent"]
                where = "offers" if way.act == FIRE else "reading"
                raise WayDiffers(
                    f"{self._said(ways[0])} and {self._said(way)} are this step of {node}, and "
                    f"lead to different states: by the second {_differing(names, found, expected)}."
                    f"\nMend the implementation; if they may differ, let "
                    f"{type(self.binding).__name__}.{where} give them different steps of the spec."
                )
            local.agreed.add(way)
        if ways[0].act == CRASH and CRASH not in local.agreed:
            self._crash_otherwise(local, first[0])
            local.agreed.add(CRASH)

    def _performed(self, local: Local, way: Way) -> tuple[Held, list[int]]:
        held, frames = self.perform(local, way)
        return held, [self.number(one) for one in frames]

    def _outcome(self, local: Local, led: tuple[Held, list[int]]) -> tuple[Any, ...]:
        """Where an act has led a node: its variables, and what it has sent."""
        held, numbers = led
        sent = [f"{self._read(n)} to {self.names([self.frames[n].dest])}" for n in sorted(numbers)]
        return (*self._values[self.local(local.node, held).view], ", ".join(sent) or "nothing")

    def _read(self, number: int) -> str:
        return str(self.frames[number].reading.message)

    def _said(self, way: Way) -> str:
        match way.act:
            case "receive":
                one = self.frames[way.what]
                return f"{self._read(way.what)} from {self.names([one.source])}"
            case "fire":
                return way.text
        return way.act

    def _crash_otherwise(self, local: Local, plain: Held) -> None:
        """What else a crash may leave, and a snapshot of the journal before it."""
        held = local.held
        snapshot = list(self.binding.load(held.memory).records())
        unsynced = Disk.load(held.disk).unsynced
        for way in hidden(None if local.busy else snapshot, unsynced):
            self._come_back(local, way, plain.memory)
        if unsynced:
            disk = Disk.load(held.disk)
            disk.sync()
            disk.crash()
            synced = self._recovered_from(local.node, disk)
            for way in written(snapshot):
                self._come_back(local, way, synced)

    def _come_back(self, local: Local, way: Hidden, expected: bytes) -> None:
        """Crash in some way, and compare what the node has recovered."""
        node, (what, crash) = local.node, way
        disk = Disk.load(local.held.disk)
        try:
            crash(disk)
            found = self._recovered_from(node, disk)
        except Exception as error:
            raise Failed(
                f"{self.names([node])} does not come back from {what}:\n{raised(error)}"
            ) from error
        if found != expected:
            views = [self.binding.view(node, one, one) for one in (found, expected)]
            raise WayDiffers(
                f"{self.names([node])} comes back from {what}, and "
                f"{_differing(self.binding.variables, *views)}.\nThe spec knows one kind of "
                "crash, so mend what the implementation writes or recovers."
            )


def _differing(names: Sequence[str], found: tuple[Any, ...], expected: tuple[Any, ...]) -> str:
    return "; ".join(
        f"{name} is {got}, not {other}"
        for name, got, other in zip(names, found, expected, strict=True)
        if got != other
    )
