"""The driver: it brings events to the node, and brings about the node's effects.

One round of it:

    1. handle   every event that waits.  An instance that is writing handles nothing before its
                write is on disk, so its events are held back.  What a node sends to itself is an
                event, too.
    2. log      the lines of history and trace, if these are kept: before anybody can see what they
                tell.
    3. send     messages and answers: one write for each connection.
    4. sync     all that these events have to write, with one sync, in a thread: meanwhile sockets
                are read.  Then each instance is told `Written`; what it sends now leaves with the
                next round, which begins at once.
    5. slice    while a snapshot is made in place of the journal: a few keys more of it.  A key that
                changes meanwhile is in the segment after the snapshot, too, which counts.

Rules of this file:

* No message leaves before what it rests on is on disk: an instance gives it only after `Written`.
* Time and chance are here, and not in the node: when an attempt is made again is random, so that
  two proposers do not overtake each other for ever, and is nobody's correctness.
* If the disk fails nothing more is sent, and the driver ends with the error.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from impl.journal import Journal
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
from impl.server.history import History
from impl.server.operations import Operations
from impl.server.trace_log import TraceLog
from impl.transport.payloads import message_frame

ROUND = 2_000
"""Events of one round: sockets are read at least so often."""
OVERLOAD = 20_000
"""More events than this wait: connections are not read from until it is better."""
SLICE, SLICE_BYTES = 250, 2**18
"""Keys of a snapshot, and about so many bytes, that are written in one round: a few ms."""
LONGEST_PAUSE_S = 2.0
"""Between two attempts."""

WRITTEN = Written()


class Driver:
    """Runs one node."""

    def __init__(
        self,
        node: Node,
        journal: Journal,
        operations: Operations,
        *,
        send: Callable[[int, bytes, int], None],
        answer: Callable[[], None],
        chance: random.Random,
        retry_s: float,
        journal_bytes: int,
        history: History | None = None,
        trace: TraceLog | None = None,
        eased: Callable[[], None] = lambda: None,
    ) -> None:
        """`send(to, frames, messages)` and `answer()` bring what waits to the connections."""
        self.node = node
        self.journal = journal
        self.operations = operations
        self._send_to = send
        self._answer = answer
        self._eased = eased
        self._chance = chance
        self._retry_s = retry_s
        self._journal_bytes = journal_bytes
        self._history = history
        self._trace = trace
        self._events: deque[tuple[str, Event | None]] = deque()
        self._writing: list[str] = []
        self._outbox: dict[int, list[bytes]] = {to: [] for to in range(node.nodes) if to != node.id}
        self._framed: tuple[str, Message | None, bytes] = ("", None, b"")
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._asleep: asyncio.Future[None] | None = None
        self._unsent = False
        """Whether messages or answers may wait, so that there must be a round without an event."""
        self._stopping = False
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._patience = chance.uniform(1.0, 1.5)
        self._unsaved: list[str] | None = None
        """The keys that a snapshot has still to write; None if none is being made."""
        self.snapshots = 0
        self.rounds = 0

    # ------------------------------------------------------------------- what comes

    def receive(self, sender: int, key: str, message: Message) -> None:
        """A message has come from another node."""
        self._events.append((key, Receive(sender, message)))
        self._wake()

    def attempt(self, key: str) -> None:
        """Somebody waits for this key: try to decide it, or to learn what is decided."""
        self._events.append((key, None))
        self._wake()

    def nudge(self) -> None:
        """An answer waits to be sent."""
        self._unsent = True
        self._wake()

    def overloaded(self) -> bool:
        return len(self._events) > OVERLOAD

    def stop(self) -> None:
        """End `run` after this round."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    # ------------------------------------------------------------------- rounds

    def log_recovered(self) -> None:
        """Tell the trace what was found on the disk; before anybody can speak to this node."""
        if self._trace is not None:
            for _, instance in sorted(self.node.instances.items()):
                self._trace.recovered(instance)
            self._trace.flush()

    async def run(self) -> None:
        """Until `stop`, or an error of the disk: `JournalError` or OSError."""
        try:
            while not self._stopping:
                await self._sleep()
                await self._round()
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._disk.shutdown()

    async def _sleep(self) -> None:
        """Until there is something to do."""
        if not self._events and not self._unsent and not self._stopping:
            self._asleep = self._loop.create_future()
            await self._asleep
            self._asleep = None

    async def _round(self) -> None:
        self.rounds += 1
        self._handle_events()
        self._log()
        self._send()
        if self._writing:
            await self._on_disk(self.journal.sync)
            writing, self._writing = self._writing, []
            for key in writing:
                self._handle(key, WRITTEN)
            self._unsent = True
        else:
            await asyncio.sleep(0)
        await self._snapshot()

    async def _on_disk(self, work: Callable[..., None], *arguments: Any) -> None:
        await self._loop.run_in_executor(self._disk, work, *arguments)

    def _handle_events(self) -> None:
        held: list[tuple[str, Event | None]] = []
        events, instances = self._events, self.node.instances
        left = ROUND
        while events and left:
            left -= 1
            one = events.popleft()
            key, event = one
            instance = instances.get(key)
            if instance is not None and instance.writing is not None:
                held.append(one)
            elif event is not None:
                self._handle(key, event)
            else:
                self._begin(key)
        events.extendleft(reversed(held))
        if len(events) <= OVERLOAD // 2:
            self._eased()

    def _log(self) -> None:
        if self._history is not None:
            self._history.flush()
        if self._trace is not None:
            self._trace.flush()

    def _send(self) -> None:
        self._unsent = False
        for to, frames in self._outbox.items():
            if frames:
                self._send_to(to, b"".join(frames), len(frames))
                frames.clear()
        self._answer()

    # ------------------------------------------------------------------- events and effects

    def _begin(self, key: str) -> None:
        """Begin an attempt, if somebody still waits for this key."""
        if not self.operations.waits(key):
            return
        decided = self.node.instance(key).decided
        if decided is not None:
            self.operations.decided(key, decided)
            return
        wish = self.operations.begin(key)
        self._handle(key, Start(wish))

    def _handle(self, key: str, event: Event) -> None:
        instance = self.node.instance(key)
        effects = instance.handle(event)
        if self._trace is not None:
            self._trace.step(instance, event)
        self._bring_about(key, effects)

    def _bring_about(self, key: str, effects: Iterable[Effect]) -> None:
        me = self.node.id
        for effect in effects:
            if isinstance(effect, Send):
                message = effect.message
                if effect.to == me:
                    self._events.append((key, Receive(me, message)))
                else:
                    self._outbox[effect.to].append(self._frame(key, message))
            elif isinstance(effect, Persist):
                self.journal.append(effect.record)
                self._writing.append(key)
            elif isinstance(effect, SetTimer):
                self._set_timer(key)
            elif isinstance(effect, Decide):
                self._forget_timer(key)
                self.operations.decided(key, effect.value)
            elif isinstance(effect, NothingChosen):
                self._forget_timer(key)
                if self.operations.nothing_chosen(key):
                    self._events.append((key, None))

    def _frame(self, key: str, message: Message) -> bytes:
        """A message to all is put into bytes once."""
        its_key, its_message, framed = self._framed
        if its_message is not message or its_key != key:
            framed = message_frame(key, message)
            self._framed = (key, message, framed)
        return framed

    # ------------------------------------------------------------------- time and chance

    def _set_timer(self, key: str) -> None:
        self._forget_timer(key)
        longest = min(self._retry_s * 2 ** min(self.operations.attempts(key), 16), LONGEST_PAUSE_S)
        pause = longest * self._chance.uniform(0.5, 1.0)
        self._timers[key] = self._loop.call_later(pause, self._try_again, key)

    def _forget_timer(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _try_again(self, key: str) -> None:
        del self._timers[key]
        self.operations.expire(key, self._loop.time())
        self.attempt(key)

    # ------------------------------------------------------------------- the disk

    def _growth(self) -> int:
        """Bytes of segments that a snapshot must save: its cost is a share of what was written."""
        return int(max(self._journal_bytes, self.journal.snapshot_size) * self._patience)

    async def _snapshot(self) -> None:
        """Begin a snapshot if the journal has grown enough; go on with the one that was begun."""
        if self._unsaved is None:
            if self.journal.size - self.journal.snapshot_size <= self._growth():
                return
            await self._on_disk(self.journal.begin_snapshot)
            self._unsaved = list(self.node.instances)
        elif self._unsaved:
            await self._on_disk(self.journal.add_to_snapshot, self._slice(self._unsaved))
        else:
            await self._on_disk(self.journal.finish_snapshot)
            self._unsaved = None
            self._patience = self._chance.uniform(1.0, 1.5)
            self.snapshots += 1
        self._unsent = True  # for another round

    def _slice(self, unsaved: list[str]) -> list[bytes]:
        """The records of some of these keys, which are taken away."""
        records: list[bytes] = []
        size = 0
        while unsaved and len(records) < SLICE and size < SLICE_BYTES:
            record = self.node.record(unsaved.pop())
            if record is not None:
                records.append(record)
                size += len(record)
        return records
