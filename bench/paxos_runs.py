"""Logs of real nodes of Paxos, run in memory under a random network, disk and kills.

The nodes are those of `impl/paxos`, and the lines are written by the server's own `TraceLog`; only
sockets, threads and clocks are left out, so that a million lines take a minute.  The driver's
rule is kept: lines are in the file before a message that rests on them is sent.  What a kill
takes: memory, writes not yet synced, lines not yet flushed, and messages not yet sent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from impl.paxos.instance import (
    Decide,
    Effect,
    Event,
    NothingChosen,
    Persist,
    Receive,
    Send,
    SetTimer,
    Start,
    Written,
)
from impl.paxos.messages import Message
from impl.paxos.node import Node
from impl.server.trace_log import TraceLog


@dataclass(frozen=True)
class Weather:
    """How likely each event of a step is."""

    lose: float = 0.03
    repeat: float = 0.03
    kill: float = 0.0005
    retry: float = 0.02
    window: int = 40
    """So many keys are worked on at once."""
    wishes: int = 3
    """So many values compete for a key."""


@dataclass
class Host:
    """One node: its process, and what outlives it."""

    node: Node
    log: TraceLog
    disk: dict[str, bytes] = field(default_factory=dict)
    writing: dict[str, bytes] = field(default_factory=dict)
    held: list[tuple[str, Event]] = field(default_factory=list)
    """What came while its instance was writing."""
    outbox: list[tuple[int, str, Message]] = field(default_factory=list)


class Runs:
    """Some nodes that decide key after key."""

    def __init__(self, folder: Path, seed: int, nodes: int = 3, weather: Weather | None = None):
        self.chance = random.Random(seed)
        self.weather = weather or Weather()
        self.paths = [folder / f"node-{number}.trace" for number in range(nodes)]
        self.hosts = [
            Host(Node(number, nodes), TraceLog(path, number, nodes))
            for number, path in enumerate(self.paths)
        ]
        for host in self.hosts:
            host.log.flush()
        self.flying: list[tuple[int, int, str, Message]] = []
        self.open: dict[str, int] = {}
        """Each key that is worked on, and how many nodes know its decision."""
        self.keys = 0
        self.lines = 0
        self.kills = 0

    def run(self, lines: int) -> list[Path]:
        """About so many lines, in these files."""
        for _ in self.steps():
            if self.lines >= lines:
                break
        for host in self.hosts:
            self._flush(host)
            host.log.close()
        return self.paths

    def steps(self) -> Iterator[None]:
        chance, weather = self.chance, self.weather
        while True:
            while len(self.open) < weather.window:
                key = f"key-{self.keys}"
                self.keys += 1
                self.open[key] = 0
                self._start(key)
            what = chance.random()
            host = chance.choice(self.hosts)
            if what < weather.kill:
                self._kill(host)
            elif what < weather.kill + weather.retry or not self._busy():
                self._start(chance.choice(list(self.open)))
            elif what < 0.2 or not self.flying:
                self._flush(chance.choice([one for one in self.hosts if self._has_work(one)]
                                          or self.hosts))  # fmt: skip
            else:
                self._deliver()
            yield

    def _busy(self) -> bool:
        return bool(self.flying) or any(self._has_work(host) for host in self.hosts)

    def _has_work(self, host: Host) -> bool:
        return bool(host.outbox or host.writing)

    # ------------------------------------------------------------------- what happens

    def _start(self, key: str) -> None:
        host = self.chance.choice(self.hosts)
        if host.node.instance(key).decided is None:
            wish = self.chance.choice([None, *(f"{key}={n}" for n in range(self.weather.wishes))])
            self._handle(host, key, Start(wish))

    def _deliver(self) -> None:
        flying, chance = self.flying, self.chance
        at = chance.randrange(len(flying))
        to, sender, key, message = flying[at]
        if chance.random() >= self.weather.repeat:
            flying[at] = flying[-1]
            flying.pop()
        if chance.random() >= self.weather.lose:
            self._handle(self.hosts[to], key, Receive(sender, message))

    def _flush(self, host: Host) -> None:
        """A round of the driver ends: lines to the file, messages out, writes synced."""
        host.log.flush()
        for to, key, message in host.outbox:
            self.flying.append((to, host.node.id, key, message))
        host.outbox.clear()
        writing = dict(host.writing)
        host.disk |= writing
        host.writing.clear()
        for key in writing:
            self._handle(host, key, Written())
        held, host.held = host.held, []
        for key, event in held:
            self._handle(host, key, event)

    def _kill(self, host: Host) -> None:
        """The process is killed, perhaps after its last sync, and starts again."""
        self.kills += 1
        number, nodes = host.node.id, host.node.nodes
        if self.chance.random() < 0.5:
            host.disk |= host.writing
        host.log.close()
        host.writing.clear()
        host.held.clear()
        host.outbox.clear()
        host.node = Node(number, nodes)
        host.node.recover(host.disk.values())
        host.log = TraceLog(self.paths[number], number, nodes)
        for _, instance in sorted(host.node.instances.items()):
            host.log.recovered(instance)
            self.lines += 1
        host.log.flush()

    # ------------------------------------------------------------------- events and effects

    def _handle(self, host: Host, key: str, event: Event) -> None:
        instance = host.node.instance(key)
        if instance.writing is not None and not isinstance(event, Written):
            host.held.append((key, event))
            return
        effects = instance.handle(event)
        host.log.step(instance, event)
        self.lines += 1
        for effect in effects:
            self._bring_about(host, key, effect)

    def _bring_about(self, host: Host, key: str, effect: Effect) -> None:
        match effect:
            case Persist(record=record):
                host.writing[key] = record
            case Send(to=to, message=message):
                host.outbox.append((to, key, message))
            case Decide():
                self._decided(key)
            case SetTimer() | NothingChosen():
                pass

    def _decided(self, key: str) -> None:
        """A key is left alone when most nodes know its decision; its late messages still fly."""
        if key in self.open:
            self.open[key] += 1
            if self.open[key] >= len(self.hosts):
                del self.open[key]
