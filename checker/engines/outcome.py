"""From what an engine found to the answer: the verdicts, the warnings, why it is undecided.

The same for every engine, so that they differ in how they search and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.python.fairness import fairness_in_words
from checker.engines.python.plan import COVERAGE, Findings, Plan
from checker.engines.python.watch import peak_memory_bytes
from checker.engines.result import Result, Verdict
from checker.lang.model import Action, Model
from checker.lang.oversights import unmarked

CUT_RUNS = "states were cut off: of runs that go on there, no liveness property is known to hold"


@dataclass
class Outcome:
    """How a search ended."""

    engine: str
    model: Model
    plan: Plan
    findings: Findings
    distinct_states: int
    extended: int
    """How many of them were extended."""
    depth: int
    seconds: float
    actions: dict[str, int]
    """How often each action was taken."""
    complete: bool
    """Whether every state was extended."""
    bounded: bool
    """Whether states were cut off."""
    stopped: str = ""
    """Why it stopped before it was complete, if not for a violation."""
    liveness_judged: bool = False
    reductions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Warnings of the engine itself."""
    search_seconds: float | None = None
    """What of `seconds` the search took; `None`: all."""

    def judge_the_whole(self) -> None:
        """After a complete search: goals never reached, actions never taken."""
        if not self.bounded:
            self.findings.judge_reachable()
            if self.plan.coverage and not self.findings.violations:
                self.findings.judge_coverage(self.never_taken())

    def never_taken(self) -> list[Action]:
        return [a for a in self.model.actions if not self.actions[a.name] and not a.optional]

    def result(self, unused: Iterable[str]) -> Result:
        """The answer.  `unused`: warnings of what was never tried; read only if they are given."""
        open_names: set[str] = set()
        if not self.liveness_judged:
            open_names |= {what.name for what, _ in self.plan.liveness}
        if self.never_taken():
            open_names.add(COVERAGE)
        verdicts = self.findings.verdicts(self.complete, open_names)
        verdict = self._verdict(verdicts)
        return Result(
            model=self.model,
            engine=self.engine,
            verdict=verdict,
            distinct_states=self.distinct_states,
            transitions=sum(self.actions.values()),
            depth=self.depth,
            seconds=self.seconds,
            search_seconds=self.seconds if self.search_seconds is None else self.search_seconds,
            peak_memory_bytes=peak_memory_bytes(),
            actions=self.actions,
            properties=verdicts,
            counterexamples=self.findings.counterexamples(),
            warnings=self._warnings(unused),
            bounded=self.bounded,
            undecided_because=self._because() if verdict == "undecided" else "",
            frontier=self.distinct_states - self.extended,
            reductions=self.reductions,
            fairness=tuple(fairness_in_words(self.model)) if self.plan.liveness else (),
            constants={name: c.value for name, c in self.model.constants.items()},
        )

    def _verdict(self, verdicts: dict[str, Verdict]) -> Verdict:
        if "violated" in verdicts.values():
            return "violated"
        return "undecided" if self.stopped or "undecided" in verdicts.values() else "holds"

    def _because(self) -> str:
        if self.stopped:
            return self.stopped
        goals = [f"`{what.text(args)}` was not reached" for what, args in self.findings.unreached()]
        never = [f"`{action.name}` was never taken" for action in self.never_taken()]
        return f"states were cut off, and among the others {', '.join(goals + never)}"

    def _warnings(self, unused: Iterable[str]) -> tuple[str, ...]:
        forgotten = (*self.notes, *unmarked(self.model))
        if not self.complete or self.findings.violations:
            return forgotten
        bounded = [CUT_RUNS] if self.bounded and self.plan.liveness else []
        vacuous = [
            f"`{name}` holds because what it leads from is never true"
            for name in self.findings.vacuous
        ]
        return (*forgotten, *bounded, *vacuous, *unused)
