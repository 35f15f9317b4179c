"""What differs between an implementation and its spec, and the path to it.

missing step        the spec allows a step, and the implementation does not offer or take it
unexpected step     the implementation offers a step that the spec does not allow
wrong state         after the same steps, a variable has another value
missing message     ... only in messages: one that the spec sends is not there
unexpected message  ... only in messages: one is there that the spec does not send
failed step         the implementation raised an error, or died, in a step that the spec allows
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from checker.conform.compare import Difference, Kind, Spotted, state_differences
from checker.conform.system import Step
from checker.engines.result import Counterexample
from checker.engines.result import Step as Taken
from checker.lang.errors import NotEnabled, QuorateError
from checker.lang.model import Action, Model

MOST_LISTED = 8
"""So many differences or steps are written out in words."""


@dataclass(frozen=True)
class Divergence:
    """A `Spotted`, told.  `run` is the spec's: what should have happened."""

    kind: Kind
    explanation: str
    run: Counterexample
    """The steps that were taken, and then, if the spec allows it, the one that was not possible."""
    length: int
    """How many steps were taken, the one that led to a wrong state included."""
    steps: tuple[Step, ...]
    """Steps that are possible on one side only; the one that failed."""
    differences: tuple[Difference, ...]
    said: str
    spotted: Spotted
    confirmed: bool = True
    """Whether a fresh process shows it, too."""


def explained(model: Model, spotted: Spotted) -> Divergence:
    """The divergence, with the states of the spec along its path."""
    taken = [Taken(None, (), spotted.start)]
    for step in spotted.path:
        taken.append(_taken(model, taken[-1], step))
    expected = taken[-1].state
    found = spotted.found
    differences = state_differences(model, expected, found) if found is not None else ()
    explanation = _explanation(model, spotted, taken[-1], differences)
    if spotted.kind in ("missing step", "failed step"):
        taken.append(_taken(model, taken[-1], spotted.steps[0]))
    run = Counterexample(spotted.kind, spotted.kind, explanation, tuple(taken))
    return Divergence(
        spotted.kind,
        explanation,
        run,
        len(spotted.path),
        spotted.steps,
        differences,
        spotted.said,
        spotted,
    )


def _taken(model: Model, before: Taken, step: Step) -> Taken:
    after = model.step(before.state, model.action(step.action), step.args)
    return Taken(step.action, step.args, after)


# --------------------------------------------------------------------------- in words


def _explanation(
    model: Model, spotted: Spotted, last: Taken, differences: tuple[Difference, ...]
) -> str:
    where = _after(len(spotted.path))
    said = f"\nIt says: {spotted.said}" if spotted.said else ""
    match spotted.kind:
        case "missing step":
            one, more = _steps(model, spotted.steps)
            return f"{where} the spec allows {one}, and the system does not.{more}{said}"
        case "unexpected step":
            one, more = _steps(model, spotted.steps)
            guard = why_not(model, last.state, spotted.steps[0])
            return f"{where} the system offers {one}, which the spec does not allow{guard}.{more}"
        case "failed step":
            one, _ = _steps(model, spotted.steps)
            return f"{where} the system fails in {one}.{said}"
    by = f" by {step_text(model, Step(last.action, last.args))}" if last.action else ""
    lines = [f"{where} the system's state{by} is not the spec's:"]
    lines += [f"  {difference_text(one)}" for one in differences[:MOST_LISTED]]
    if len(differences) > MOST_LISTED:
        lines.append(f"  and {len(differences) - MOST_LISTED} more")
    return "\n".join(lines)


def _after(steps: int) -> str:
    if not steps:
        return "At the start"
    return f"After {steps} step{'' if steps == 1 else 's'}"


def _steps(model: Model, steps: tuple[Step, ...]) -> tuple[str, str]:
    """The first step, and a sentence on the others."""
    texts = [step_text(model, step) for step in steps]
    more = texts[1 : MOST_LISTED + 1]
    if not more:
        return texts[0], ""
    others = len(texts) - 1 - len(more)
    return texts[0], f"\nLikewise: {', '.join(more)}{f' and {others} more' if others else ''}."


def step_text(model: Model, step: Step) -> str:
    """`promise(a=a1, m=Prepare(ballot=0))`, also of arguments that the spec does not know."""
    try:
        return model.action(step.action).text(step.args)
    except Exception:
        return f"{step.action}({', '.join(map(repr, step.args))})"


def difference_text(one: Difference) -> str:
    mark = one.change.mark
    if mark == "+":
        return f"{one.path}: the system has {one.found}, the spec has not"
    if mark == "−":
        return f"{one.path}: the spec has {one.expected}, the system has not"
    return f"{one.path}: {one.expected} in the spec, {one.found} in the system"


def why_not(model: Model, state: Any, step: Step) -> str:
    """Which guard of the spec forbids a step: its file, its line and its text."""
    try:
        action = model.action(step.action)
        misfit = _no_argument(action, step)
        if misfit:
            return f": {misfit}"
        model.step(state, action, step.args)
    except NotEnabled as reason:
        frames = traceback.extract_tb(reason.__traceback__)
        file = action.function.source.place().file
        inside = [frame for frame in frames if frame.filename == file]
        if inside:
            last = inside[-1]
            return f": {last.line} is false ({_short(last.filename)}:{last.lineno})"
    except (QuorateError, KeyError):
        pass
    return ""


def _no_argument(action: Action, step: Step) -> str:
    for param, arg in zip(action.params, step.args, strict=True):
        if param.type.misfit(arg):
            return f"{arg!r} is no {param.type}"
    return ""


def _short(file: str) -> str:
    return "/".join(file.split("/")[-2:])


# --------------------------------------------------------------------------- as JSON


def divergence_json(model: Model, found: Divergence) -> dict[str, Any]:
    """Kind, words, path and what differs; values as in `check --json`."""
    from checker.report.json import steps_json

    return {
        "kind": found.kind,
        "explanation": found.explanation,
        "length": found.length,
        "steps": steps_json(model, found.run),
        "missing": _steps_json(model, found) if found.kind == "missing step" else [],
        "unexpected": _steps_json(model, found) if found.kind == "unexpected step" else [],
        "failed": _steps_json(model, found) if found.kind == "failed step" else [],
        "differences": [
            {
                "variable": one.variable,
                "path": one.path,
                "expected": None if one.change.mark == "+" else one.expected,
                "found": None if one.change.mark == "−" else one.found,
            }
            for one in found.differences
        ],
        "said": found.said,
        "confirmed": found.confirmed,
    }


def _steps_json(model: Model, found: Divergence) -> list[dict[str, Any]]:
    return [step_json(model, step) for step in found.steps]


def step_json(model: Model, step: Step) -> dict[str, Any]:
    params = model.action(step.action).params
    return {
        "action": step.action,
        "parameters": {
            param.name: _json(param.type, arg) for param, arg in zip(params, step.args, strict=True)
        },
    }


def _json(of: Any, value: Any) -> Any:
    return of.json(value) if of.misfit(value) is None else repr(value)
