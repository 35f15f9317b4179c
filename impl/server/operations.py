"""What clients wait for: requests by key, the attempts made for them, and their answers.

Rules of this file:

* No socket and no clock: the driver says what happened and when, and is told what to do next.
* A request is answered once: by the decision; by "nothing chosen"; by "rejected", when it has no
  effect; or by "unknown", after a time limit.
* "Nothing chosen" is true only of an attempt that began after the request came: an older attempt
  may have its promises from before a decision that another client has already seen.  So each start
  of an attempt notes whose answer it may be.
* An attempt is made for the oldest request that proposes something; for a read, if none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from impl.server.history import History, Outcome
from impl.transport.payloads import (
    Answer,
    Chosen,
    NothingChosen,
    Propose,
    Rejected,
    Request,
    Unknown,
)


class Client(Protocol):
    """Who asked, and is answered.  Compared by identity."""

    def __hash__(self) -> int: ...


class Operation:
    """A request that waits."""

    __slots__ = ("client", "covered", "deadline", "key", "process", "request", "value")

    def __init__(
        self, client: Client, request: int, key: str, value: str | None, deadline: float
    ) -> None:
        self.client = client
        self.request = request
        self.key = key
        self.value = value
        """What it proposes; None if it only asks."""
        self.deadline = deadline
        self.covered = False
        """Whether it came before the attempt that is made now."""
        self.process = -1

    @property
    def f(self) -> str:
        return "learn" if self.value is None else "propose"


class _Waiting:
    """Who waits for one key."""

    __slots__ = ("attempts", "operations")

    def __init__(self) -> None:
        self.operations: dict[Operation, None] = {}
        """In the order in which they came."""
        self.attempts = 0

    def wish(self) -> str | None:
        return next((one.value for one in self.operations if one.value is not None), None)


class _Lanes:
    """A client's operations that wait, and its processes in the history that are free."""

    __slots__ = ("free", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Operation] = {}
        self.free: list[int] = []


class Operations:
    """All requests of this node's clients that wait."""

    def __init__(
        self,
        answer: Callable[[Client, Answer], None],
        history: History | None,
        request_s: float,
    ) -> None:
        self._answer = answer
        self._history = history
        self._request_s = request_s
        self._keys: dict[str, _Waiting] = {}
        self._clients: dict[Client, _Lanes] = {}

    # ------------------------------------------------------------------- clients

    def ask(self, client: Client, request: Request, now: float) -> bool:
        """A request came; whether somebody already waited for its key."""
        value = request.value if isinstance(request, Propose) else None
        operation = Operation(client, request.request, request.key, value, now + self._request_s)
        lanes = self._clients.get(client)
        if lanes is None:
            lanes = self._clients[client] = _Lanes()
        lanes.waiting[request.request] = operation
        if self._history is not None:
            operation.process = lanes.free.pop() if lanes.free else self._history.process()
            self._history.invoke(operation.process, operation.f, operation.key, value)
        waiting = self._keys.get(request.key)
        known = waiting is not None
        if waiting is None:
            waiting = self._keys[request.key] = _Waiting()
        waiting.operations[operation] = None
        return known

    def is_waiting(self, client: Client, request: int) -> bool:
        lanes = self._clients.get(client)
        return lanes is not None and request in lanes.waiting

    def count(self, client: Client) -> int:
        """How many requests of a client wait."""
        lanes = self._clients.get(client)
        return 0 if lanes is None else len(lanes.waiting)

    def vanished(self, client: Client) -> None:
        """A client is gone: what it asked may yet happen, and nobody will tell it."""
        lanes = self._clients.pop(client, None)
        if lanes is None:
            return
        for operation in lanes.waiting.values():
            self._complete(operation, "info", operation.value)
            waiting = self._keys[operation.key]
            del waiting.operations[operation]
            if not waiting.operations:
                del self._keys[operation.key]

    def stop(self) -> None:
        """The node stops: whoever waits will not be told."""
        for client in list(self._clients):
            self.vanished(client)

    # ------------------------------------------------------------------- attempts

    def waits(self, key: str) -> bool:
        """Whether somebody waits for this key."""
        return key in self._keys

    def begin(self, key: str) -> str | None:
        """An attempt begins, for this wish."""
        waiting = self._keys[key]
        for operation in waiting.operations:
            operation.covered = True
        waiting.attempts += 1
        return waiting.wish()

    def attempts(self, key: str) -> int:
        """How many attempts in a row were made before this one."""
        waiting = self._keys.get(key)
        return 0 if waiting is None else waiting.attempts - 1

    def expire(self, key: str, now: float) -> None:
        """Give up what waits for a key for too long."""
        waiting = self._keys.get(key)
        if waiting is None:
            return
        reason = f"no decision in {self._request_s:g} s: is there a majority of nodes?"
        for operation in [one for one in waiting.operations if one.deadline <= now]:
            self._finish(operation, Unknown(operation.request, reason), "info", operation.value)
            del waiting.operations[operation]
        if not waiting.operations:
            del self._keys[key]

    # ------------------------------------------------------------------- outcomes

    def decided(self, key: str, value: str) -> None:
        """All who wait for the key are answered."""
        waiting = self._keys.pop(key, None)
        if waiting is not None:
            for operation in waiting.operations:
                self._finish(operation, Chosen(operation.request, value), "ok", value)

    def nothing_chosen(self, key: str) -> bool:
        """An attempt without a wish found nothing; whether another one must be made."""
        waiting = self._keys.get(key)
        if waiting is None:
            return False
        waiting.attempts = 0
        told = [one for one in waiting.operations if one.covered and one.value is None]
        for operation in told:
            del waiting.operations[operation]
            self._finish(operation, NothingChosen(operation.request), "ok", None)
        if not waiting.operations:
            del self._keys[key]
        return bool(waiting.operations)

    def reject(self, client: Client, request: Request, reason: str) -> None:
        """A request that is not even begun."""
        self._answer(client, Rejected(request.request, reason))

    def _finish(
        self, operation: Operation, answer: Answer, outcome: Outcome, value: str | None
    ) -> None:
        lanes = self._clients[operation.client]
        del lanes.waiting[operation.request]
        self._complete(operation, outcome, value)
        if self._history is not None and outcome == "ok":
            lanes.free.append(operation.process)
        self._answer(operation.client, answer)

    def _complete(self, operation: Operation, outcome: Outcome, value: str | None) -> None:
        if self._history is not None:
            self._history.complete(operation.process, outcome, operation.f, operation.key, value)

    def __iter__(self) -> Iterator[Operation]:
        for waiting in self._keys.values():
            yield from waiting.operations
