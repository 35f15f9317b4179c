"""What may be asked of the native engine and of no other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from checker.engines.native.fingerprints import WIDTHS
from checker.engines.python.plan import COVERAGE, DEADLOCK, Plan
from checker.lang.errors import SpecError


@dataclass(frozen=True)
class Options:
    """How to search."""

    workers: int | None = None
    """Threads; `None`: one for each core."""
    symmetry: bool = False
    """One state for each orbit of the members of symmetric Sorts."""
    por: bool = False
    """Partial-order reduction: as many states as it needs; runs may not be shortest."""
    fingerprint: int | None = None
    """Bits of hash that stand for a state; `None`: the state itself does."""
    disk: Path | None = None
    """The folder for states that memory has no room for; `None`: the usual one."""
    checkpoint: Path | None = None
    """Where the search is written down now and then."""
    checkpoint_seconds: float = 600.0
    resume: Path | None = None
    """A checkpoint to go on from."""
    most_in_memory: int | None = None
    """States; `None`: as the limit of memory allows."""

    @property
    def threads(self) -> int:
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def needs_native(self) -> bool:
        """Whether no other engine can do what is asked."""
        reduced = self.symmetry or self.por or self.fingerprint is not None
        return reduced or bool(self.checkpoint or self.resume)

    def allow(self, plan: Plan) -> None:
        """`SpecError` if something planned cannot be judged so."""
        if self.symmetry and self.por:
            raise SpecError(
                "symmetry and partial-order reduction do not go together", "choose one of them"
            )
        if self.por and (self.checkpoint or self.resume):
            raise SpecError(
                "partial-order reduction and checkpoints do not go together", "choose one of them"
            )
        if self.fingerprint not in (None, *WIDTHS):
            raise SpecError("a fingerprint has 64 or 128 bits", "choose one of them")
        if self.fingerprint and (self.checkpoint or self.resume or self.disk):
            raise SpecError(
                "a search by fingerprints does not keep states, and so it cannot write them down",
                "leave out either fingerprints, or checkpoints and the folder for states",
            )
        live = [what.name for what, _ in plan.liveness]
        if self.fingerprint:
            _refuse(plan, "a search by fingerprints does not keep states, and so it cannot", live)
        if self.symmetry:
            _refuse(plan, "a search with symmetry does not keep runs, and so it cannot", live)
        if self.por:
            judged = [*(what.name for what, _ in plan.step_properties), *live]
            judged += [refinement.name for refinement in plan.refinements]
            _refuse(
                plan, "partial-order reduction leaves out steps and runs, and so it cannot", judged
            )


def _refuse(plan: Plan, why: str, judged: list[str]) -> None:
    others = list(dict.fromkeys(judged))
    if not others:
        return
    kept = [name for name in plan.names if name not in others]
    kept += [DEADLOCK] * plan.deadlock + [COVERAGE] * plan.coverage
    names = ", ".join(f"`{name}`" for name in others)
    raise SpecError(
        f"{why} judge {names}",
        f"with it, check only {', '.join(f'`{name}`' for name in kept)}"
        if kept
        else "check without it",
    )
