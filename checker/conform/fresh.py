"""A path, taken from the start in a process where the system has never run.

What is found by a process that has restored snapshots and taken thousands of paths may rest on
what these left behind: a global variable, a cache, a set that two objects share.  So it is followed
once more where nothing can be left:

    conform ──fork, before it makes a system──▶ nursery ──fork, for each path──▶ one follower

Rules of this file:

* The nursery makes no system; a follower makes one, does one thing, and ends.  What a system keeps
  in its modules is in a follower as it was when `conform` was called; a system that is processes
  starts new ones.
* Followers are the slow and obvious code of `follow.py`.
* `shrink` counts only if a follower of its own shows the short path, too.  So it is tried in one
  follower first, which takes all paths on one system; and if what that gives is not shown, with a
  follower for each path.
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
from checker.conform.shrink import Path, path_of, shrink
from checker.conform.system import System
from checker.conform.workers import PATIENCE_SECONDS, received
from checker.lang.errors import QuorateError
from checker.lang.model import Model, State

_context = multiprocessing.get_context("fork")


Work = Callable[..., Spotted | None]
"""What a follower does: `(model, system, *arguments)`."""


class Kit(NamedTuple):
    """What a follower needs."""

    model: Model
    make: Callable[[], System]


class Fresh:
    """Follows paths, each in a process of its own."""

    def __init__(self, model: Model, make: Callable[[], System]) -> None:
        self._model = model
        self._pipe, there = _context.Pipe()
        self._nursery = _context.Process(
            target=_nursery, args=(Kit(model, make), self._pipe, there), name="nursery"
        )
        self._nursery.start()
        there.close()

    def follow(self, start: State, path: Path) -> Spotted | None:
        """The first divergence on a path.  `NotAPath`, `AdapterError`."""
        return self._done(_follow, start, path)

    def shrink(self, spotted: Spotted) -> Spotted:
        """The same kind of divergence, by a path as short as can be.  `AdapterError`."""
        short = self._done(_shrink, spotted)
        assert short is not None
        again = self.follow(short.start, path_of(short))
        if again is not None and again.kind == spotted.kind:
            return again
        return shrink(self._model, self.follow, spotted)

    def _done(self, work: Work, *arguments: Any) -> Spotted | None:
        """What a new follower gives."""
        self._pipe.send((work, arguments))
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
            work, arguments = pipe.recv()
            follower = _context.Process(target=_follower, args=(kit, pipe, work, arguments))
            follower.start()
            follower.join()
            if follower.exitcode:
                pipe.send(("ended", None))
            follower.close()


def _follow(model: Model, system: System, start: State, path: Path) -> Spotted | None:
    return follow(model, system, start, path)[0]


def _shrink(model: Model, system: System, spotted: Spotted) -> Spotted:
    return shrink(model, lambda start, path: _follow(model, system, start, path), spotted)


def _follower(kit: Kit, pipe: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answer: tuple[str, Any]
    try:
        system = kit.make()
        try:
            answer = ("done", (work(kit.model, system, *arguments), None))
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
