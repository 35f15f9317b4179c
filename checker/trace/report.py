"""The outcome of a validation, for people (`report`) and for programs (`outcome_json`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from checker.lang.model import Model, State
from checker.lang.types import MapT, Type
from checker.report.constants import constants_json, instance_text
from checker.trace.explain import Before, Failure, Tried
from checker.trace.guards import Refusal
from checker.trace.validate import Outcome

MARKS = {
    "matches": ("✓", "green"),
    "does not match": ("✗", "bold red"),
    "undecided": ("?", "yellow"),
}


def report(outcome: Outcome) -> list[Text]:
    """The verdict, what supports it, and why the first bad line does not match."""
    mark, style = MARKS[outcome.verdict]
    said = outcome.verdict + (f": {outcome.because}" if outcome.because else "")
    lines = [
        Text.assemble((f"{mark} ", style), (_name(outcome), "bold"), "  ", (said, style)),
        Text(f"  {_counts(outcome)}"),
    ]
    lines += [Text(f"  note: {note}", "dim") for note in outcome.notes]
    if outcome.verdict == "undecided":
        lines.append(Text("  to decide it: log more, hide less, or raise --max-candidates", "dim"))
    if outcome.failure:
        lines += [Text(), *_failure(outcome.model, outcome.failure)]
    return lines


def _name(outcome: Outcome) -> str:
    if not outcome.constants:
        return instance_text(outcome.model)
    inside = ", ".join(f"{name}={value}" for name, value in outcome.constants.items())
    return f"{outcome.model.name}({inside})"


def _counts(outcome: Outcome) -> str:
    parts = [_several(outcome.events, "line", "lines") + " matched"]
    if outcome.instances > 1:
        parts.append(_several(outcome.instances, "key", "keys"))
    parts.append("at most " + _several(outcome.most_candidates, "candidate state",
                                       "candidate states"))  # fmt: skip
    parts.append(f"{outcome.seconds:.2f} s")
    if outcome.events >= 1_000:
        parts.append(f"{outcome.events_per_second:,.0f} lines a second")
    return ", ".join(parts)


def _several(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


# --------------------------------------------------------------------------- why not


def _failure(model: Model, found: Failure) -> Iterator[Text]:
    where = found.where
    whose = "" if where.key is None else f", of key {where.key!r},"
    what = "is the first line that does not match" if where.line else "does not match"
    yield Text(f"{where}{whose} {what}", "bold")
    yield Text(f"  it says: {found.said}")
    yield from (Text(f"  {note}") for note in found.notes)
    shown = len(found.before)
    if found.states > shown:
        yield Text(
            f"  before it, the run may be in one of {found.states:,} states; {shown} of them:"
        )
    for number, before in enumerate(found.before, start=1):
        yield Text()
        many = f" {number}" if shown > 1 else ""
        yield Text(f"state{many} before the line (what is as in the beginning is left out)")
        yield from _state(model, before.state)
        yield from _tried(before)


def _state(model: Model, state: State) -> Iterator[Text]:
    shown = False
    for field, value in zip(model.fields, state, strict=True):
        if value != field.initial:
            shown = True
            yield Text(f"    {field.name}: {_value(field.type, value, field.initial)}")
    if not shown:
        yield Text("    (all of them)", "dim")


def _value(of: Type, value: Any, initial: Any) -> str:
    """A value as text; of a Map only the keys that are not as in the beginning."""
    if not isinstance(of, MapT) or initial is ...:
        return of.text(value)
    inside = ", ".join(
        f"{of.key.text(key)}: {_value(of.value, value[key], initial[key])}"
        for key in value
        if value[key] != initial[key]
    )
    return "{" + inside + "}"


def _tried(before: Before) -> Iterator[Text]:
    for tried in before.tried:
        yield Text(f"  {tried.step}", "bold")
        if tried.refused:
            yield from _refused(tried.refused)
        yield from _differences(tried)
    if before.more:
        yield Text(f"  and {_several(before.more, 'other binding', 'other bindings')}")
    if not before.tried:
        yield Text("  no value that was not logged could make this a step")
    if before.enabled:
        yield Text("  the spec could do here:")
        yield from (Text(f"    {step}") for step in before.enabled)


def _refused(refused: Refusal) -> Iterator[Text]:
    where = f"{_short(refused.file)}:{refused.line}" if refused.line else "a bound"
    yield Text(f"    is not enabled: {where}: {refused.condition}", "red")
    for text, value in refused.values:
        yield Text(f"      {text} = {value}")


def _differences(tried: Tried) -> Iterator[Text]:
    for one in tried.differences:
        if one.logged is None:
            yield Text.assemble(f"    {one.path}: the log has no ", (str(one.spec), "green"))
        elif one.spec is None:
            yield Text.assemble(f"    {one.path}: the log has ", (one.logged, "red"),
                                ", and the spec has not")  # fmt: skip
        else:
            yield Text.assemble(f"    {one.path}: the log has ", (one.logged, "red"),
                                ", the spec ", (one.spec, "green"))  # fmt: skip


def _short(file: str) -> str:
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


# --------------------------------------------------------------------------- JSON


def outcome_json(outcome: Outcome, spec: str) -> dict[str, Any]:
    """The one object of `--json`.  Keys are only ever added."""
    return {
        "spec": spec,
        "constants": outcome.constants or constants_json(outcome.model),
        "logs": list(outcome.logs),
        "verdict": outcome.verdict,
        "undecided_because": outcome.because or None,
        "lines_matched": outcome.events,
        "instances": outcome.instances,
        "most_candidates": outcome.most_candidates,
        "seconds": round(outcome.seconds, 6),
        "lines_per_second": round(outcome.events_per_second, 1),
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "notes": list(outcome.notes),
        "failure": _failure_json(outcome.model, outcome.failure) if outcome.failure else None,
    }


def _failure_json(model: Model, found: Failure) -> dict[str, Any]:
    return {
        "log": found.where.file,
        "line": found.where.line,
        "key": found.where.key,
        "said": found.said,
        "notes": list(found.notes),
        "states": found.states,
        "before": [
            {
                "state": model.json(before.state),
                "tried": [_tried_json(tried) for tried in before.tried],
                "tried_more": before.more,
                "enabled": list(before.enabled),
            }
            for before in found.before
        ],
    }


def _tried_json(tried: Tried) -> dict[str, Any]:
    refused = tried.refused
    return {
        "step": tried.step,
        "refused": refused
        and {
            "condition": refused.condition,
            "file": refused.file,
            "line": refused.line,
            "values": dict(refused.values),
        },
        "differences": [
            {"path": one.path, "log": one.logged, "spec": one.spec} for one in tried.differences
        ],
    }


__all__ = ["outcome_json", "report"]
