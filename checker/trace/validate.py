"""A log against a model: line by line, to the end or to the first that cannot have happened."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from checker.engines.python.watch import peak_memory_bytes
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Model
from checker.trace.candidates import Candidates, Follower, TooMany
from checker.trace.events import Event
from checker.trace.explain import Failure, Where, failure
from checker.trace.reading import LogFile
from checker.trace.vocabulary import Vocabulary

MAX_CANDIDATES = 10_000

Verdict = Literal["matches", "does not match", "undecided"]


@dataclass
class Outcome:
    """What a log is to a spec."""

    model: Model
    logs: tuple[str, ...]
    verdict: Verdict = "matches"
    events: int = 0
    """Lines that match, before the one that does not."""
    instances: int = 0
    """Independent runs of the spec in the log: its different keys."""
    most_candidates: int = 0
    because: str = ""
    """Why it is undecided."""
    failure: Failure | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    constants: dict[str, Any] = field(default_factory=dict)
    """What was read off the log, where the constants of the model are only bounds."""

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    def fail(
        self,
        follower: Follower,
        now: Candidates,
        event: Event,
        where: Where,
        notes: Sequence[str] = (),
    ) -> None:
        """The line does not match: keep why."""
        before = follower.before(now.states, event)
        self.verdict = "does not match"
        self.failure = failure(follower.model, before, event, where, notes)

    def give_up(self, reason: LimitReached, where: Where) -> None:
        self.verdict = "undecided"
        self.because = f"at {where}, {reason.args[0]}"

    def end(self, follower: Follower, started: float) -> Outcome:
        self.most_candidates = follower.most
        self.seconds = time.perf_counter() - started
        self.peak_memory_bytes = peak_memory_bytes()
        return self


def validate(
    model: Model,
    logs: Sequence[LogFile],
    hidden: tuple[str, ...] = (),
    max_candidates: int = MAX_CANDIDATES,
) -> Outcome:
    """Whether `logs`, in the words of the spec, are behaviours of `model`.

    `LogError` if a line cannot be read, `ModelError` if a step of the spec does what no step may.
    """
    started = time.perf_counter()
    outcome = Outcome(model, tuple(log.name for log in logs))
    vocabulary = Vocabulary(model, hidden)
    follower = Follower(model, max_candidates)
    try:
        first = follower.start()
        _follow(outcome, follower, vocabulary, first, list(logs))
    except TooMany as reason:
        outcome.give_up(reason, Where(logs[0].name, 0))
    outcome.notes += [f"{name}: the last line is cut off, and was left out"
                      for name in vocabulary.torn]  # fmt: skip
    return outcome.end(follower, started)


def _follow(
    outcome: Outcome,
    follower: Follower,
    vocabulary: Vocabulary,
    first: Candidates,
    logs: list[LogFile],
) -> None:
    runs: dict[Any, Candidates] = {}
    advance = follower.advance
    count = 0
    for _, file, number, key, event in vocabulary.entries(logs):
        now = runs.get(key, first)
        try:
            after = now.after.get(event) or advance(now, event)
        except TooMany as reason:
            outcome.give_up(reason, Where(logs[file].name, number))
            break
        except ModelError as error:
            error.during += f", at {logs[file].name}:{number}"
            raise
        if not after.states:
            outcome.fail(follower, now, event, Where(logs[file].name, number, key))
            break
        runs[key] = after
        count += 1
    outcome.events = count
    outcome.instances = len(runs)


__all__ = ["MAX_CANDIDATES", "Outcome", "validate"]
