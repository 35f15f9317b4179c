"""Faults: what may go wrong with a node, and what is left of it.

A crash is a step of the whole, because only the whole knows what a node keeps in memory.
So a spec with crashes has an action such as

    @action(optional=True)
    def crash(self, n: Node) -> None:
        self.faults.crash(n)        # within the budget
        self.disk.crash(n)          # back to what was synced
        self.leader[n] = None       # and the memory is gone

and guards what only a running node does with `require(self.faults.up[n])`.  Where there is
nothing in memory that matters, let nobody call `crash` and `restart`: they then happen by
themselves.

A budget (`crashes`, `restarts`) bounds what may happen in one run, over all nodes; the verdict
is about such runs.  `crashes` is usually the f of "tolerates f crashes".
"""

from typing import Generic, TypeVar

from checker.lang import *

N = TypeVar("N", bound=Sort)
T = TypeVar("T")


class Crashes(Spec, Generic[N]):
    """Nodes that stop, and that may start again."""

    nodes: Set[N] = members()
    crashes: int = const(1)
    restarts: int = const(1)

    up: Map[N, bool] = everywhere(True)
    crashed: Annotated[int, Range("crashes + 1")] = 0  # so often, all nodes together
    restarted: Annotated[int, Range("restarts + 1")] = 0

    @action(optional=True)
    def crash(self, n: N) -> None:
        require(self.up[n])
        require(self.crashed < self.crashes)
        self.up[n] = False
        self.crashed += 1

    @action(optional=True)
    def restart(self, n: N) -> None:
        require(not self.up[n])
        require(self.restarted < self.restarts)
        self.up[n] = True
        self.restarted += 1


class Disk(Spec, Generic[N, T]):
    """One value for each node, which survives a crash if it was synced.

    `written` is what the node reads back while it is up; `synced` is what it finds after a
    crash.  If nobody calls `sync`, it happens by itself at any time, as an operating system
    does that writes back its cache; so an answer sent between `write` and `sync` may promise
    what a crash takes back.  Call `sync` to say when it happens.  T needs a default: it is what
    a new disk holds (for `Vote | None` that is None).
    """

    nodes: Set[N] = members()

    written: Map[N, T]
    synced: Map[N, T]

    def write(self, n: N, value: T) -> None:
        self.written[n] = value

    @action(optional=True)
    def sync(self, n: N) -> None:
        require(self.synced[n] != self.written[n])
        self.synced[n] = self.written[n]

    def crash(self, n: N) -> None:
        self.written[n] = self.synced[n]
