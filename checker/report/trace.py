"""A counterexample in a file: written by `--trace`, read back and replayed.

The format is JSON with a version.  A file holds what is needed to run the steps again: which
spec, its constants, and each action with its parameters; states are there to be compared
with, so that a file that no longer fits its spec is noticed at the first step that differs.

    {"format": "quorate-trace", "version": 1, "spec": "paxos:ForgetsPromise",
     "constants": {...}, "property": "agreement", "kind": "invariant", "explanation": "...",
     "loop": null, "steps": [{"action": null, "parameters": {}, "state": {...},
     "changed": {}}, ...]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checker.engines.result import Counterexample, Step
from checker.lang.errors import NotEnabled, QuorateError
from checker.lang.model import Model, State
from checker.report.constants import constants_json
from checker.report.decode import NotOfType, from_json
from checker.report.json import steps_json, violation_json

FORMAT = "quorate-trace"
VERSION = 1


class TraceError(QuorateError):
    """A trace file is not one, or does not fit its spec."""


def trace_json(model: Model, run: Counterexample, spec: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "spec": spec,
        "constants": constants_json(model),
        **violation_json(run),
        "steps": steps_json(model, run),
    }


def write(path: Path, model: Model, run: Counterexample, spec: str) -> None:
    text = json.dumps(trace_json(model, run, spec), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The content of a trace file; `TraceError` if it is none, or of another version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TraceError(f"{path} cannot be read as a trace: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise TraceError(f"{path} is not a trace that `quorate check --trace` wrote")
    if data.get("version") != VERSION:
        raise TraceError(
            f"{path} is a trace of version {data.get('version')!r}; this quorate reads {VERSION}"
        )
    return data


def replay(model: Model, data: dict[str, Any]) -> Counterexample:
    """The run in `data`, taken again step by step.  `TraceError` where it cannot be."""
    try:
        steps = data["steps"]
        state = _beginning(model, _state(model, steps[0]["state"]))
        taken = [Step(None, (), state)]
        for number, step in enumerate(steps[1:], start=1):
            taken.append(_take(model, taken[-1].state, step, number))
        return Counterexample(
            data["property"], data["kind"], data["explanation"], tuple(taken), data["loop"]
        )
    except (KeyError, IndexError, TypeError) as error:
        raise TraceError(f"the trace is not complete: {error!r}") from None


def _beginning(model: Model, state: State) -> State:
    if state not in model.initial_states():
        raise TraceError(f"the trace begins in a state that is no initial state of {model.name}")
    return state


def _take(model: Model, state: State, said: dict[str, Any], number: int) -> Step:
    try:
        action = model.action(said["action"])
    except KeyError:
        raise TraceError(f"step {number}: {model.name} has no action {said['action']!r}") from None
    try:
        args = tuple(from_json(p.type, said["parameters"][p.name]) for p in action.params)
    except NotOfType as error:
        raise TraceError(f"step {number}, {action.name}: {error}") from None
    try:
        after = model.step(state, action, args)
    except NotEnabled:
        raise TraceError(f"step {number}: {action.text(args)} is not enabled") from None
    if after != _state(model, said["state"]):
        raise TraceError(f"step {number}: {action.text(args)} leads to another state")
    return Step(action.name, args, after)


def _state(model: Model, data: dict[str, Any]) -> State:
    try:
        return tuple(from_json(f.type, data[f.name], f.name) for f in model.fields)
    except NotOfType as error:
        raise TraceError(f"a state of the trace does not fit {model.name}: {error}") from None
