"""A path, taken from the start in a process where the system has never run.

What is found by a process that has restored snapshots and taken thousands of paths may rest on
what these left behind: a global variable, a cache, a set that two objects share.  So it is followed
once more where nothing can be left:

    conform ──fork, before it makes a system──▶ nursery ──fork, for each path──▶ one follower

Rules of this file:

* The nursery makes no system; a follower makes one, takes one path, and ends.  What a system keeps
  in its modules is in a follower as it was when `conform` was called; a system that is processes
  starts new ones.
* Followers are the slow and obvious code of `follow.py`.
* The nursery ends when the process that made it closes its pipe, or dies.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple, Self

from checker.conform.compare import Spotted
from checker.conform.follow import NotAPath, follow
from checker.conform.system import Step, System
from checker.conform.workers import PATIENCE_SECONDS, received
from checker.lang.errors import QuorateError
from checker.lang.model import Model, State

Path = tuple[Step, ...]

_context = multiprocessing.get_context("fork")


class Kit(NamedTuple):
    """What a follower needs."""

    model: Model
    make: Callable[[], System]


class Fresh:
    """Follows paths, each in a process of its own."""

    def __init__(self, model: Model, make: Callable[[], System]) -> None:
        self._pipe, there = _context.Pipe()
        self._nursery = _context.Process(
            target=_nursery, args=(Kit(model, make), self._pipe, there), name="nursery"
        )
        self._nursery.start()
        there.close()

    def follow(self, start: State, path: Path) -> Spotted | None:
        """The first divergence on a path.  `NotAPath`, `AdapterError`."""
        self._pipe.send((start, path))
        spotted, none_at = received(self._pipe)
        if none_at is not None:
            raise NotAPath(*none_at)
        found: Spotted | None = spotted
        return found

    def close(self) -> None:
        self._pipe.close()
        self._nursery.join(PATIENCE_SECONDS)
        if self._nursery.is_alive():
            self._nursery.kill()
            self._nursery.join()
        self._nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _nursery(kit: Kit, theirs: Connection, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its maker is told, and closes the pipe
    theirs.close()
    with suppress(EOFError, OSError):
        while True:
            start, path = pipe.recv()
            follower = _context.Process(target=_follower, args=(kit, pipe, start, path))
            follower.start()
            follower.join()
            if follower.exitcode:
                pipe.send(("ended", None))
            follower.close()


def _follower(kit: Kit, pipe: Connection, start: State, path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answer: tuple[str, Any]
    try:
        system = kit.make()
        try:
            answer = ("done", (follow(kit.model, system, start, path)[0], None))
        finally:
            system.close()
    except NotAPath as error:
        answer = ("done", (None, (error.at, error.step)))
    except QuorateError as error:
        answer = ("error", str(error))
    except KeyboardInterrupt:
        raise SystemExit(1) from None
    with suppress(OSError):
        pipe.send(answer)
