"""A divergence in a file: written by `--save`, taken again by `--replay`.

    {"format": "quorate-divergence", "version": 1, "spec": "two_phase", "constants": {...},
     "system": "...", "kind": "wrong state", "explanation": "...", "start": {...},
     "steps": [{"action": "rm_prepare", "parameters": {"rm": "r1"}}, ...],
     "tried": [{"action": ..., "parameters": {...}}, ...]}

`steps` were taken on both sides; `tried` are the steps that are possible on one side only, or the
one that failed.  Which system it was is a remark for people: nothing that a file names is run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.conform.compare import Spotted
from checker.conform.divergence import Divergence, step_json
from checker.conform.follow import NotAPath, follow
from checker.conform.system import Step, System
from checker.lang.errors import QuorateError
from checker.lang.model import Model, State
from checker.report.constants import constants_json
from checker.report.decode import NotOfType, from_json

FORMAT = "quorate-divergence"
VERSION = 1
MOST_BYTES = 64 * 2**20
KEYS = {
    "spec": str,
    "constants": dict,
    "system": str,
    "kind": str,
    "explanation": str,
    "start": dict,
    "steps": list,
    "tried": list,
}


class ReplayError(QuorateError):
    """A file is no divergence, or does not fit the spec."""


@dataclass(frozen=True)
class Recorded:
    """What a file holds, checked for form only."""

    path: Path
    spec: str
    constants: dict[str, Any]
    system: str
    kind: str
    explanation: str
    start: dict[str, Any]
    steps: list[dict[str, Any]]
    tried: list[dict[str, Any]]


def divergence_file(model: Model, found: Divergence, spec: str, system: str) -> dict[str, Any]:
    """The content of the file of a divergence."""
    spotted = found.spotted
    return {
        "format": FORMAT,
        "version": VERSION,
        "spec": spec,
        "constants": constants_json(model),
        "system": system,
        "kind": found.kind,
        "explanation": found.explanation,
        "start": model.json(spotted.start),
        "steps": [step_json(model, step) for step in spotted.path],
        "tried": [step_json(model, step) for step in spotted.steps],
    }


def write(path: Path, model: Model, found: Divergence, spec: str, system: str) -> None:
    data = divergence_file(model, found, spec, system)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Recorded:
    """The content of a file; `ReplayError` if it is none, damaged, or of another version."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ReplayError(f"{path} is too large for a divergence: over {MOST_BYTES:,} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ReplayError(f"{path} is damaged, or no file of `--save`: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ReplayError(f"{path} is no divergence that `quorate conform --save` wrote")
    if data.get("version") != VERSION:
        raise ReplayError(
            f"{path} is of version {data.get('version')!r}; this quorate reads {VERSION}"
        )
    for key, kind in KEYS.items():
        if not isinstance(data.get(key), kind):
            raise ReplayError(f"{path} is damaged: `{key}` is no {kind.__name__}")
    steps = [*data["steps"], *data["tried"]]
    for number, step in enumerate(steps, start=1):
        if not _is_step(step):
            raise ReplayError(f"{path} is damaged: step {number} has no action and parameters")
    return Recorded(path, **{key: data[key] for key in KEYS})


def _is_step(step: Any) -> bool:
    return (
        isinstance(step, dict)
        and isinstance(step.get("action"), str)
        and isinstance(step.get("parameters"), dict)
    )


def replay(model: Model, system: System, recorded: Recorded) -> tuple[Spotted | None, int]:
    """What diverges on the recorded path now, and how many steps of it were taken.

    `ReplayError` where the path is none of the spec.
    """
    start = _start(model, recorded)
    path = [_step(model, recorded, n, step) for n, step in enumerate(recorded.steps, start=1)]
    if recorded.kind in ("missing step", "failed step"):
        for step in recorded.tried[:1]:
            path.append(_step(model, recorded, len(path) + 1, step))
    try:
        return follow(model, system, start, path)
    except NotAPath as error:
        raise ReplayError(
            f"{recorded.path}: the spec does not allow step {error.at}, "
            f"{model.action(error.step.action).text(error.step.args)}: it is of another version "
            "of the spec"
        ) from None


def _start(model: Model, recorded: Recorded) -> State:
    try:
        given = recorded.start
        start = tuple(from_json(f.type, given[f.name], f.name) for f in model.fields)
    except KeyError as error:
        raise ReplayError(f"{recorded.path}: the start has no {error}") from None
    except (NotOfType, TypeError) as error:
        raise ReplayError(
            f"{recorded.path}: the start is no state of {model.name}: {error}"
        ) from None
    if start not in model.initial_states():
        raise ReplayError(f"{recorded.path}: the start is no initial state of {model.name}")
    return start


def _step(model: Model, recorded: Recorded, number: int, said: dict[str, Any]) -> Step:
    where = f"{recorded.path}: step {number}"
    try:
        action = model.action(said["action"])
    except KeyError:
        raise ReplayError(f"{where}: {model.name} has no action `{said['action']}`") from None
    given = said["parameters"]
    try:
        return Step(action.name, tuple(from_json(p.type, given[p.name]) for p in action.params))
    except KeyError as error:
        raise ReplayError(f"{where}, {action.name}: there is no parameter {error}") from None
    except (NotOfType, TypeError) as error:
        raise ReplayError(f"{where}, {action.name}: {error}") from None
