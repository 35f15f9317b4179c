"""The controller of nodes on real connections: every frame is in its hands.

It knows which frames are in flight (`network.py`) and what state each node is in (`Local`), and
from these alone follow

    enabled   every frame in flight, at its node; a sync where a write waits; a crash, within the
              spec's number of them; what clients and timers could do to each node
    state     each node's variables, off its memory and its disk; the messages, off the frames

How a node is made to act is for a subclass: in this process (`cluster.py`) or in processes of the
operating system (`processes.py`).  Nothing here knows a protocol: a `Binding` does.

Rules of this file:

* A step of the spec may be several acts of the implementation: a message that two nodes have sent,
  a client's event and a timer's.  They are its *ways*, and each must lead to the same.
* A message is in the spec's variable if a frame with it is there for each of its recipients, and
  for nobody else.
* What a node is in the words of the spec is worked out once for each of its states, and what a
  frame is once for each frame.  The bytes go through the sockets all the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from checker.conform.binding import Amiss, Binding, Frame, Reading
from checker.conform.host import Held
from checker.conform.network import MessageSet, Network
from checker.conform.system import NotPossible, Step, System
from checker.lang.spec import Spec
from checker.lang.values import Map, Set
from impl.transport.frames import frame as framed_of

RECEIVE, FIRE, SYNC, CRASH = "receive", "fire", "sync", "crash"


class Way(NamedTuple):
    """What the implementation does as a step of the spec."""

    act: str
    """One of the four above."""
    what: Any = None
    """The number of a frame; an event."""
    text: str = ""


class Local:
    """A state of one node, and all that follows from it alone."""

    __slots__ = ("agreed", "busy", "held", "node", "offers", "view")

    def __init__(self, node: int, held: Held, view: int, offers: dict[Step, list[Way]]) -> None:
        self.node = node
        self.held = held
        self.view = view
        """The number of its variables' values: equal values have one number."""
        self.busy = bool(held.waiting)
        """It waits for a write, and handles nothing else."""
        self.offers = offers
        """Its own steps: clients, timers, the sync."""
        self.agreed: set[Any] = set()
        """The ways that were seen to lead to where the first way does."""


class InFlight:
    """A frame, and what it is."""

    __slots__ = ("dest", "frame", "framed", "reading", "source")

    def __init__(self, one: Frame, reading: Reading) -> None:
        self.frame = one
        self.source, self.dest = one.source, one.dest
        self.framed = framed_of(one.payload)
        self.reading = reading


class Controller(System):
    """Nodes of an implementation, on connections that it is the middle of."""

    def __init__(self, spec: Spec, binding: Binding, network: Network | None = None) -> None:
        super().__init__(spec)
        self.binding = binding
        self.network = network or MessageSet()
        self.nodes = range(len(binding.members))
        self.messages = (binding.messages,)
        # What is, now.
        self.locals: tuple[Local, ...] = ()
        self.content: Any = self.network.empty
        self.crashes = 0
        # What has been seen, and what it is.
        self.frames: list[InFlight] = []
        self._numbers: dict[Frame, int] = {}
        self._readers: dict[Step, list[Way]] = {}
        self._locals: list[dict[Held, Local]] = [{} for _ in self.nodes]
        self._on_disk: dict[tuple[int, bytes], bytes] = {}
        self._views: dict[tuple[int, tuple[Any, ...]], int] = {}
        self._values: list[tuple[Any, ...]] = []
        self._traffic: dict[Any, int] = {}
        self._sets: dict[frozenset[Any], int] = {}
        self._messages: list[frozenset[Any]] = []
        self._deliverable: dict[tuple[Any, int], list[Step]] = {}
        self._crashing = {binding.crash(node): node for node in self.nodes}

    # ------------------------------------------------------------- what a subclass does

    @abstractmethod
    def begin(self) -> list[Held]:
        """Begin again with new nodes."""

    @abstractmethod
    def perform(self, local: Local, way: Way) -> tuple[Held, list[Frame]]:
        """Have a node act; what it is then, and all that it has sent."""

    @abstractmethod
    def on_disk(self, node: int, held: Held) -> bytes:
        """What `Core.save` would be of a node that has recovered from a plain crash now."""

    def chosen(self, local: Local, step: Step, ways: list[Way]) -> Way:
        """The way that is taken now."""
        return ways[0]

    def compared(self, local: Local, step: Step, ways: list[Way], first: Any) -> None:
        """Whether the other ways lead where the first one led."""

    # ------------------------------------------------------------- System

    def reset(self) -> None:
        self.locals = tuple(self.local(node, held) for node, held in enumerate(self.begin()))
        self.content = self.network.empty
        self.crashes = 0

    def enabled(self) -> Collection[Step]:
        found: set[Step] = set()
        for local in self.locals:
            found.update(local.offers)
            if not local.busy:
                found.update(self._deliverable_to(local.node))
        if self.crashes < self.binding.most_crashes:
            found.update(self._crashing)
        return found

    def step(self, step: Step) -> None:
        local, ways = self._ways(step)
        way = self.chosen(local, step, ways)
        held, frames = self.perform(local, way)
        numbers = [self.number(one) for one in frames]
        if len(ways) > 1 or way.act == CRASH:
            self.compared(local, step, ways, (held, numbers))
        if way.act == RECEIVE:
            self.content = self.network.delivered(self.content, way.what)
        elif way.act == CRASH:
            self.crashes += 1
        if numbers:
            self.content = self.network.sent(self.content, numbers)
        if held is not local.held:
            after = list(self.locals)
            after[local.node] = self.local(local.node, held)
            self.locals = tuple(after)

    def state(self) -> Mapping[str, Any]:
        binding = self.binding
        values = [self._values[local.view] for local in self.locals]
        found: dict[str, Any] = {
            name: Map(zip(binding.members, column, strict=True))
            for name, column in zip(binding.variables, zip(*values, strict=True), strict=True)
        }
        found[binding.messages] = self._messages[self.traffic()]
        found[binding.crashes] = self.crashes
        return found

    def observe(self) -> Any:
        return (*[local.view for local in self.locals], self.traffic(), self.crashes)

    # ------------------------------------------------------------- steps and their ways

    def _ways(self, step: Step) -> tuple[Local, list[Way]]:
        """The node that takes a step now, and how it can."""
        readers = self._readers.get(step)
        if readers is not None:
            local = self.locals[self.frames[readers[0].what].dest]
            if local.busy:
                raise NotPossible("the node waits for a write")
            holds, content = self.network.holds, self.content
            ways = [way for way in readers if holds(content, way.what)]
            if ways:
                return local, ways
            raise NotPossible("no such frame is in flight")
        if step in self._crashing:
            if self.crashes >= self.binding.most_crashes:
                raise NotPossible("there are no more crashes in the instance")
            return self.locals[self._crashing[step]], [Way(CRASH)]
        for local in self.locals:
            if step in local.offers:
                return local, local.offers[step]
        raise NotPossible("no node offers it, and no frame in flight is it")

    def _deliverable_to(self, node: int) -> list[Step]:
        """The steps in which a node reads a frame in flight."""
        key = (self.content, node)
        found = self._deliverable.get(key)
        if found is None:
            held = [self.frames[number] for number in self.network.frames(self.content)]
            found = [one.reading.step for one in held if one.dest == node and one.reading.step]
            self._deliverable[key] = found
        return found

    # ------------------------------------------------------------- what things are

    def number(self, one: Frame) -> int:
        """The number of a frame; equal frames have one."""
        found = self._numbers.get(one)
        if found is None:
            found = self._numbers[one] = len(self.frames)
            reading = self.binding.reading(one)
            self.frames.append(InFlight(one, reading))
            if reading.step is not None:
                self._readers.setdefault(reading.step, []).append(Way(RECEIVE, found))
        return found

    def local(self, node: int, held: Held) -> Local:
        """A node's state, and what follows from it."""
        found = self._locals[node].get(held)
        if found is None:
            binding = self.binding
            values = binding.view(node, held.memory, self.on_disk(node, held))
            view = self._views.get((node, values))
            if view is None:
                view = self._views[node, values] = len(self._values)
                self._values.append(values)
            offers: dict[Step, list[Way]] = {}
            if held.waiting:
                offers[binding.sync(node)] = [Way(SYNC)]
            else:
                for offer in binding.offers(node, held.memory):
                    way = Way(FIRE, offer.event, repr(offer.event))
                    offers.setdefault(offer.step, []).append(way)
            found = self._locals[node][held] = Local(node, held, view, offers)
        return found

    def traffic(self) -> int:
        """The number of the set of messages that the frames in flight are."""
        found = self._traffic.get(self.content)
        if found is None:
            messages = self._in_words(self.frames[n] for n in self.network.frames(self.content))
            found = self._sets.get(messages)
            if found is None:
                found = self._sets[messages] = len(self._messages)
                self._messages.append(messages)
            self._traffic[self.content] = found
        return found

    def _in_words(self, held: Iterable[InFlight]) -> frozenset[Any]:
        got: dict[Any, tuple[set[int], Reading]] = {}
        for one in held:
            message = one.reading.message
            got.setdefault(message, (set(), one.reading))[0].add(one.dest)
        found = []
        for message, (dests, reading) in got.items():
            if dests != reading.recipients and not isinstance(message, Amiss):
                message = Amiss(f"{message} for {self.names(dests)}, not {self.names(reading[1])}")
            found.append(message)
        return Set(found)

    def names(self, nodes: Iterable[int]) -> str:
        return " and ".join(str(self.binding.members[node]) for node in sorted(nodes))
