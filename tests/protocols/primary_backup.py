"""A primary and its backup: a write is acknowledged when both have it.

When one of them crashes the other goes on alone; who restarts has lost its memory, and copies what
the other has.  Each change of who serves is a new view, and messages of older views are ignored.
Crashes are detected without error.

Source: N. Budhiraja, K. Marzullo, F. B. Schneider and S. Toueg, "The primary-backup approach"
(1993).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *
from spec.parts.faults import Crashes
from spec.parts.networks import Reliable


class Server(Sort):
    """Two of them."""


Version = Annotated[int, Range("writes + 1")]
View = Annotated[int, Range("crashes + restarts + 1")]


class Update(Record):
    view: View
    version: Version


class Stored(Record):
    view: View
    version: Version


class PrimaryBackup(Spec):
    """No crash loses a write that was acknowledged."""

    servers: Set[Server] = members(2)
    writes: int = const(2)
    crashes: int = const(2)
    restarts: int = const(1)

    faults: Crashes[Server] = part(crashes="crashes", restarts="restarts")
    net: Reliable[Update | Stored] = part(capacity=2)

    view: View = 0
    primary: Server | None
    backup: Server | None
    version: Map[Server, Version] = everywhere(0)
    acknowledged: Version = 0

    @assume
    def there_are_two(self) -> bool:
        return len(self.servers) == 2

    @init
    def begin(self, p: Server) -> None:
        self.primary = p
        self.backup = the(self.servers - {p})

    @action
    def write(self) -> None:
        p = self.primary
        require(p is not None)
        assert p is not None
        require(self.faults.up[p])
        require(self.version[p] == self.acknowledged and self.acknowledged < self.writes)
        self.version[p] += 1
        if self.backup is None:
            self.acknowledged = self.version[p]
        else:
            self.net.send(Update(self.view, self.version[p]))

    @action(fairness=weak())
    def store(self, m: Update) -> None:
        require(m in self.net.in_flight)
        self.net.receive(m)
        b = self.backup
        require(b is not None)
        assert b is not None
        require(self.faults.up[b] and m.view == self.view)
        self.version[b] = m.version
        self.net.send(Stored(self.view, m.version))

    @action(fairness=weak())
    def acknowledge(self, m: Stored) -> None:
        require(m in self.net.in_flight)
        self.net.receive(m)
        p = self.primary
        require(p is not None)
        assert p is not None
        require(self.faults.up[p] and m.view == self.view)
        self.acknowledged = m.version

    @action(optional=True, fairness=weak())
    def ignore(self, m: Update | Stored) -> None:
        require(m in self.net.in_flight)
        require(m.view < self.view)
        self.net.receive(m)

    @action
    def crash(self, s: Server) -> None:
        self.faults.crash(s)
        self.version[s] = 0

    @action(fairness=weak())
    def go_on_alone(self) -> None:
        p, b = self.primary, self.backup
        require(p is not None and b is not None)
        assert p is not None  # for a type checker
        assert b is not None
        require(self.faults.up[p] and not self.faults.up[b])
        self.view += 1
        self.backup = None
        self.acknowledged = self.version[p]

    @action(fairness=weak())
    def take_over(self) -> None:
        p, b = self.primary, self.backup
        require(p is not None and b is not None)
        assert p is not None  # for a type checker
        assert b is not None
        require(not self.faults.up[p] and self.faults.up[b])
        self.view += 1
        self.primary = b
        self.backup = None
        self.acknowledged = max(self.acknowledged, self.version[b])

    @action
    def join(self, s: Server) -> None:
        p = self.primary
        require(p is not None)
        assert p is not None
        require(p != s and self.backup is None and self.faults.up[p])
        self.faults.restart(s)
        self.backup = s
        self.view += 1
        self.version[s] = self.version[p]

    @invariant
    def no_write_is_lost(self) -> bool:
        p = self.primary
        return p is None or not self.faults.up[p] or self.version[p] >= self.acknowledged

    @leads_to
    def a_write_is_acknowledged(self, s: Server, v: Version) -> tuple[bool, bool]:
        serves = self.primary == s and self.faults.up[s]
        return (
            serves and self.version[s] == v,
            self.acknowledged >= v or not self.faults.up[s],
        )

    @final
    def over(self) -> bool:
        return self.acknowledged == self.writes or not any(
            self.faults.up[s] and s in {self.primary, self.backup} for s in self.servers
        )


class AcknowledgesEarly(PrimaryBackup):
    """The primary does not wait for its backup."""

    def write(self) -> None:
        super().write()
        p = self.primary
        assert p is not None
        self.acknowledged = self.version[p]
