"""A lock server and its clients: a spec, an implementation that knows nothing of it, an adapter.

The bugs that the tests seed are in the implementation, each a subclass or a changed method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Annotated, Any

from checker.conform.system import NotPossible, Step, System
from checker.lang import (
    AtMost,
    Bag,
    Map,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    const,
    everywhere,
    final,
    members,
    require,
)

# --------------------------------------------------------------------------- the spec


class Client(Sort):
    pass


class Phase(Enum):
    IDLE = "idle"
    WAITING = "waiting"
    INSIDE = "inside"


class Request(Record):
    client: Client


class Grant(Record):
    client: Client


class Release(Record):
    client: Client


class Mutex(Spec):
    """One lock, granted in the order of the requests; messages are neither lost nor repeated."""

    clients: Set[Client] = members(2)
    turns: int = const(2)

    phase: Map[Client, Phase] = everywhere(Phase.IDLE)
    asked: Map[Client, Annotated[int, Range("turns + 1")]] = everywhere(0)
    holder: Client | None = None
    queue: Annotated[Seq[Client], AtMost("clients")]
    wire: Annotated[Bag[Request | Grant | Release], AtMost("3 * clients")]

    @action
    def ask(self, c: Client) -> None:
        require(self.phase[c] == Phase.IDLE and self.asked[c] < self.turns)
        self.asked[c] += 1
        self.phase[c] = Phase.WAITING
        self.wire.add(Request(c))

    @action
    def receive_request(self, m: Request) -> None:
        require(m in self.wire)
        self.wire.remove(m)
        if self.holder is None:
            self.holder = m.client
            self.wire.add(Grant(m.client))
        else:
            self.queue.append(m.client)

    @action
    def receive_grant(self, m: Grant) -> None:
        require(m in self.wire)
        self.wire.remove(m)
        self.phase[m.client] = Phase.INSIDE

    @action
    def release(self, c: Client) -> None:
        require(self.phase[c] == Phase.INSIDE)
        self.phase[c] = Phase.IDLE
        self.wire.add(Release(c))

    @action
    def receive_release(self, m: Release) -> None:
        require(m in self.wire)
        self.wire.remove(m)
        if self.queue:
            self.holder = self.queue[0]
            self.wire.add(Grant(self.queue[0]))
            del self.queue[0]
        else:
            self.holder = None

    @action
    def look(self, c: Client) -> None:
        """Asks nothing of anybody, and changes nothing."""
        require(self.phase[c] == Phase.WAITING)

    @final
    def may_stop(self) -> bool:
        return True


# --------------------------------------------------------------------------- the implementation


class Server:
    """Answers with messages `(kind, client)`."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.waiting: list[str] = []

    def on_request(self, client: str) -> list[tuple[str, str]]:
        if self.holder is not None:
            self.waiting.append(client)
            return []
        self.holder = client
        return [("grant", client)]

    def on_release(self, client: str) -> list[tuple[str, str]]:
        if not self.waiting:
            self.holder = None
            return []
        self.holder = self.waiting.pop(0)
        return [("grant", self.holder)]


class Node:
    """A client of the lock."""

    def __init__(self, name: str, turns: int) -> None:
        self.name, self.turns = name, turns
        self.phase, self.asked = "idle", 0

    def ask(self) -> list[tuple[str, str]]:
        self.asked += 1
        self.phase = "waiting"
        return [("request", self.name)]

    def on_grant(self) -> None:
        self.phase = "inside"

    def release(self) -> list[tuple[str, str]]:
        self.phase = "idle"
        return [("release", self.name)]


# --------------------------------------------------------------------------- the adapter

KINDS: dict[str, Any] = {"request": Request, "grant": Grant, "release": Release}


class Nodes(System):
    """A server and nodes in one process, and a list for the network."""

    messages = ("wire",)
    snapshots = True
    server_class: type[Server] = Server
    node_class: type[Node] = Node

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        assert isinstance(spec, Mutex)
        self.members = {member.name: member for member in spec.clients}
        self.turns = spec.turns

    def reset(self) -> None:
        self.server = self.server_class()
        self.nodes = {name: self.node_class(name, self.turns) for name in self.members}
        self.wire: list[tuple[str, str]] = []

    def enabled(self) -> Collection[Step]:
        steps = []
        for name, node in self.nodes.items():
            member = self.members[name]
            if node.phase == "idle" and node.asked < node.turns:
                steps.append(Step("ask", (member,)))
            if node.phase == "inside":
                steps.append(Step("release", (member,)))
            if node.phase == "waiting":
                steps.append(Step("look", (member,)))
        for kind, name in self.wire:
            steps.append(Step(f"receive_{kind}", (KINDS[kind](self.members[name]),)))
        return steps

    def step(self, step: Step) -> None:
        (what,) = step.args
        kind = step.action.removeprefix("receive_")
        if kind != step.action:
            self.receive(kind, what.client.name)
        elif step.action == "ask":
            self.wire += self.nodes[what.name].ask()
        elif step.action == "release":
            self.wire += self.nodes[what.name].release()

    def receive(self, kind: str, name: str) -> None:
        if (kind, name) not in self.wire:
            raise NotPossible("there is no such message")
        self.wire.remove((kind, name))
        if kind == "grant":
            self.nodes[name].on_grant()
        elif kind == "request":
            self.wire += self.server.on_request(name)
        else:
            self.wire += self.server.on_release(name)

    def state(self) -> Mapping[str, Any]:
        held = self.server.holder
        return {
            "phase": {m: Phase(self.nodes[name].phase) for name, m in self.members.items()},
            "asked": {m: self.nodes[name].asked for name, m in self.members.items()},
            "holder": None if held is None else self.members[held],
            "queue": tuple(self.members[name] for name in self.server.waiting),
            "wire": Bag([KINDS[kind](self.members[name]) for kind, name in self.wire]),
        }

    def observe(self) -> Any:
        nodes = tuple((node.phase, node.asked) for node in self.nodes.values())
        return (nodes, self.server.holder, tuple(self.server.waiting), tuple(sorted(self.wire)))

    def save(self) -> Any:
        nodes = [(node.phase, node.asked) for node in self.nodes.values()]
        return (nodes, self.server.holder, self.server.waiting[:], self.wire[:])

    def restore(self, saved: Any) -> None:
        nodes, self.server.holder, waiting, wire = saved
        for node, held in zip(self.nodes.values(), nodes, strict=True):
            node.phase, node.asked = held
        self.server.waiting, self.wire = waiting[:], wire[:]


class Replayed(Nodes):
    """The same without snapshots."""

    snapshots = False
