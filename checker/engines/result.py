"""What every engine answers: the same shape, whatever did the search.

A `Result` is true exactly when its verdict is `holds`, so that a test may say
`assert check(Paxos(acceptors=3))`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from checker.lang.model import Model, State

Verdict = Literal["holds", "violated", "undecided"]


@dataclass(frozen=True)
class Step:
    """One step of a counterexample: the action that was taken, and the state it led to.

    The first step of a run has no action (`action` is `None`): its state is an initial one.
    """

    action: str | None
    args: tuple[Any, ...]
    state: State


@dataclass(frozen=True)
class Counterexample:
    """A run that shows a violation, shortest for its kind.

    `property` is the name of what fails: a property's (with its arguments in `text`), or
    `"deadlock"`, `"model error"`, `"coverage"`; `kind` is its kind.  A lasso repeats from
    `steps[loop]` for ever: the last step leads back to the state of `steps[loop]`
    (`loop == len(steps) - 1`: the run stays in its last state for ever).
    """

    property: str
    kind: str
    explanation: str
    """What is wrong, in one or two sentences for a person."""
    steps: tuple[Step, ...]
    loop: int | None = None


@dataclass(frozen=True)
class Load:
    """What a large run weighs, and how long it may still take."""

    memory_bytes: int
    """Of the whole process."""
    table: float
    """How full the table of states is: 0 to 1."""
    disk_bytes: int
    """Of states on the disk; 0: all are in memory."""
    seconds_left: float | None
    """If the levels go on shrinking as they do now; `None`: they do not shrink."""


@dataclass(frozen=True)
class Progress:
    """Given to the progress callback now and then (at most a few times a second)."""

    distinct_states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float
    phase: str = "exploring"
    """`exploring`, or what is done with the finished graph: `liveness`, ..."""
    load: Load | None = None
    """Only of engines that know it."""


@dataclass(frozen=True)
class Limits:
    """Where to stop.  `None`: no limit.  Seconds are wall-clock, memory is the process's."""

    max_states: int | None = None
    max_seconds: float | None = None
    max_memory_bytes: int | None = None


@dataclass
class Result:
    """The answer to `check`.  See `docs/design`'s JSON for the names."""

    model: Model
    engine: str
    verdict: Verdict
    distinct_states: int
    transitions: int
    depth: int
    seconds: float
    search_seconds: float
    """What of `seconds` the search took, without what comes before it (compiling the spec, mostly)
    and after it (explanations, liveness, warnings)."""
    peak_memory_bytes: int
    actions: dict[str, int]
    """How often each action was taken, in order of definition."""
    properties: dict[str, Verdict]
    """The verdict of every property; deadlock and coverage are among them."""
    counterexamples: tuple[Counterexample, ...] = ()
    """One for each violated property that has one; the first is the one to show."""
    warnings: tuple[str, ...] = ()
    """Vacuity, branches and parameters never used, fairness in words, and so on."""
    bounded: bool = False
    """Whether a constraint or a pruned bound cut off states."""
    undecided_because: str = ""
    """Which limit stopped the search, or that the user did."""
    frontier: int = 0
    """How many states were known but not yet extended when the search stopped."""
    reductions: tuple[str, ...] = ()
    fairness: tuple[str, ...] = ()
    """The fairness that was assumed, in words, one sentence for each action that has some."""
    constants: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.verdict == "holds"

    @property
    def counterexample(self) -> Counterexample | None:
        return self.counterexamples[0] if self.counterexamples else None

    @property
    def states_per_second(self) -> float:
        """Of the search itself."""
        return self.distinct_states / self.search_seconds if self.search_seconds > 0 else 0.0

    @property
    def bytes_per_state(self) -> float:
        return self.peak_memory_bytes / self.distinct_states if self.distinct_states else 0.0

    def __repr__(self) -> str:
        from checker.report.text import summary

        return summary(self)


ProgressCallback = Callable[[Progress], None]
