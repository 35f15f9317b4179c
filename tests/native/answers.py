"""What two engines must agree on."""

from typing import Any

from checker import Result, check
from checker.engines.python.plan import Plan
from checker.lang import Spec
from checker.lang.model import Model

ALWAYS_SAFE = ("deadlock", "coverage", "model error")


def answer(result: Result) -> dict[str, Any]:
    """All of an answer that does not depend on which engine gives it."""
    return {
        "verdict": result.verdict,
        "states": result.distinct_states,
        "transitions": result.transitions,
        "depth": result.depth,
        "actions": result.actions,
        "properties": result.properties,
        "bounded": result.bounded,
        "warnings": sorted(result.warnings),
        "counterexamples": sorted(
            (shown.property, shown.kind, shown.loop is None, _length(shown.loop, shown.steps))
            for shown in result.counterexamples
        ),
    }


def everything(result: Result) -> dict[str, Any]:
    """The answer, and the very runs that it shows."""
    runs = [(one.property, one.explanation, one.steps) for one in result.counterexamples]
    return answer(result) | {"frontier": result.frontier, "runs": runs}


def but_warnings(result: Result) -> dict[str, Any]:
    return everything(result) | {"warnings": []}


def safety(model: Model) -> list[str]:
    """The names of all that can be checked, but liveness."""
    plan = Plan.of(model)
    live = {what.name for what, _ in plan.liveness}
    return [*(name for name in plan.names if name not in live), *ALWAYS_SAFE]


def _length(loop: int | None, steps: tuple[object, ...]) -> int:
    """A lasso is short, but not always shortest."""
    return len(steps) if loop is None else 0


def differences(spec: Spec | type[Spec], workers: int, **asked: Any) -> dict[str, Any]:
    """What the reference says, and what the native engine says, where that is not the same."""
    ours = answer(check(spec, engine="native", workers=workers, **asked))
    reference = answer(check(spec, engine="python", **asked))
    return {
        name: (reference[name], ours[name]) for name in reference if reference[name] != ours[name]
    }
