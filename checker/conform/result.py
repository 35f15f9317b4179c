"""What `conform` answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from checker.conform.divergence import Divergence
from checker.engines.result import Verdict
from checker.lang.model import Model

FOUND_NOTHING = "walks can show a divergence, never that there is none"


@dataclass
class Conformance:
    """The answer.  True exactly if every edge was covered and nothing diverged."""

    model: Model
    system: str
    """What was checked, in words or as the user named it."""
    verdict: Verdict
    states: int
    """Of the spec's graph; of walks: distinct states visited."""
    edges: int
    """Of the spec's graph, as far as it is known; of walks: those that leave visited states."""
    edges_covered: int
    """Whose step was taken on the system, and whose target was compared."""
    steps: int
    """Taken on the system, replays included."""
    seconds: float
    depth: int
    replays: int = 0
    """Edges that were taken again, from the start and without snapshots."""
    workers: int = 1
    walks: int = 0
    seed: int = 0
    spec_seconds: float = 0.0
    """Of `seconds`, what it took to find the spec's graph."""
    divergence: Divergence | None = None
    undecided_because: str = ""
    bounded: bool = False
    """Whether a constraint or a pruned bound of the spec cut off states."""
    snapshots: bool = False
    unobserved: Mapping[str, str] = field(default_factory=dict)
    """Variables that were not compared, and why."""

    def __bool__(self) -> bool:
        return self.verdict == "holds"

    @property
    def edges_per_second(self) -> float:
        seconds = self.seconds - self.spec_seconds
        return self.edges_covered / seconds if seconds > 0 else 0.0

    def __repr__(self) -> str:
        from checker.conform.report import report

        return "\n".join(line.plain for line in report(self))


@dataclass(frozen=True)
class Progress:
    """Given to the progress callback a few times a second."""

    phase: str
    """`reading the spec`, `edges`, `replays` or `walks`."""
    done: int
    """States read, edges covered, replays or walks done."""
    total: int
    """Of how many; 0: not known."""
    depth: int
    seconds: float
    """Since this phase began."""

    @property
    def rate(self) -> float:
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        if not self.total or not self.done:
            return None
        return (self.total - self.done) * self.seconds / self.done


ProgressCallback = Callable[[Progress], Any]
