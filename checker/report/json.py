"""The one object of `--json`.  Its keys are a contract: programs read them.

Keys are only ever added.  Values are JSON's own: a state is an object by field, members of
Sorts and Enums are their names, records are objects with their `kind`.
"""

from __future__ import annotations

from typing import Any

from checker.engines.result import Counterexample, Result, Step
from checker.lang.model import Model, State
from checker.report.changes import as_json, changes
from checker.report.constants import constants_json


def result_json(result: Result, spec: str) -> dict[str, Any]:
    """The answer of `check` or `simulate`; `spec` is how the user named it."""
    shown = result.counterexample
    return {
        "spec": spec,
        "constants": constants_json(result.model),
        "engine": result.engine,
        "verdict": result.verdict,
        "undecided_because": result.undecided_because,
        "bounded": result.bounded,
        "reductions": list(result.reductions),
        "distinct_states": result.distinct_states,
        "transitions": result.transitions,
        "depth": result.depth,
        "frontier": result.frontier,
        "seconds": round(result.seconds, 6),
        "search_seconds": round(result.search_seconds, 6),
        "states_per_second": round(result.states_per_second, 1),
        "peak_memory_bytes": result.peak_memory_bytes,
        "bytes_per_state": round(result.bytes_per_state, 1),
        "actions": dict(result.actions),
        "properties": dict(result.properties),
        "warnings": list(result.warnings),
        "fairness": list(result.fairness),
        "violation": violation_json(shown) if shown else None,
        "counterexample": steps_json(result.model, shown) if shown else [],
        "violations": [
            violation_json(one) | {"counterexample": steps_json(result.model, one)}
            for one in result.counterexamples
        ],
    }


def violation_json(run: Counterexample) -> dict[str, Any]:
    return {
        "property": run.property,
        "kind": run.kind,
        "explanation": run.explanation,
        "loop": run.loop,
    }


def steps_json(model: Model, run: Counterexample) -> list[dict[str, Any]]:
    """Each step: its action (null for the start), and the state that it led to."""
    before: list[State | None] = [None, *(step.state for step in run.steps)]
    return [_step_json(model, old, step) for old, step in zip(before, run.steps, strict=False)]


def _step_json(model: Model, before: State | None, step: Step) -> dict[str, Any]:
    found = changes(model, before, step.state) if before is not None else []
    return {
        "action": step.action,
        "parameters": parameters_json(model, step),
        "state": model.json(step.state),
        "changed": as_json(found),
    }


def parameters_json(model: Model, step: Step) -> dict[str, Any]:
    if step.action is None:
        return {}
    pairs = zip(model.action(step.action).params, step.args, strict=True)
    return {param.name: param.type.json(arg) for param, arg in pairs}
