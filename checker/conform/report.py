"""The answer of `conform` as text and as JSON.

Rules of this file: those of `checker/report/text.py`.  What was not compared (variables that the
system does not show, edges that were not taken) is always said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from checker.conform.divergence import Divergence, divergence_json, step_text
from checker.conform.result import Conformance
from checker.lang.model import Model
from checker.report.constants import constants_json, instance_text
from checker.report.sequence import Note, diagram, wrapped
from checker.report.text import MARKS, WIDTH

NEXT = "to decide it: smaller constants or higher limits; or look further with --walks"
MOST_SHOWN = 4
"""So many differences are written below the diagram."""


def report(result: Conformance, width: int = WIDTH) -> list[Text]:
    """The verdict, what supports it, and the divergence."""
    lines = [_verdict(result), *(Text(f"  {line}", "dim") for line in _counts(result))]
    for name, why in result.unobserved.items():
        for note in wrapped(Note.of(f"not compared: {name} ({why})"), width - 4):
            lines.append(Text(f"  ! {note.text}", "yellow"))
    if result.verdict == "undecided" and not result.walks:
        lines += [Text(), Text(f"  {NEXT}", "dim")]
    if result.divergence:
        lines += [Text(), *divergence_lines(result.model, result.divergence, width)]
    return lines


def _verdict(result: Conformance) -> Text:
    mark, style = MARKS[result.verdict]
    name = instance_text(result.model)
    said = {
        "holds": f"{result.system} conforms" + (" within its bounds" if result.bounded else ""),
        "violated": f"{result.system} diverges",
        "undecided": f"undecided: {result.undecided_because}",
    }[result.verdict]
    if result.divergence:
        said += f": {result.divergence.kind}"
    return Text.assemble((f"{mark} ", style), (name, "bold"), "  ", (said, style))


def _counts(result: Conformance) -> Iterator[str]:
    covered, edges = result.edges_covered, result.edges
    if result.walks:
        yield (
            f"{result.walks:,} walks, {result.steps:,} steps: {result.states:,} states of the "
            f"spec, {covered:,} of the {edges:,} edges there, depth {result.depth:,}"
        )
    else:
        share = covered / edges if edges else 1.0
        shown = f"{share:.1%}" if covered == edges or share < 0.999 else "99.9%"
        yield (
            f"{covered:,} of {edges:,} edges ({shown}), {result.states:,} states, "
            f"depth {result.depth:,}"
        )
    yield (
        f"{result.seconds:,.1f} s ({result.spec_seconds:,.1f} s for the spec's graph), "
        f"{result.edges_per_second:,.0f} edges/s, "
        f"{result.workers} process{'' if result.workers == 1 else 'es'}"
    )
    if result.replays:
        what = "without snapshots" if result.snapshots else "by other paths"
        yield f"{result.replays:,} edges again from the start, {what}"


def divergence_lines(model: Model, found: Divergence, width: int) -> list[Text]:
    """What differs in words, and the path there as a sequence diagram."""
    lines = [Text.assemble(("✗ ", "bold red"), (found.kind, "bold red"))]
    for part in found.explanation.splitlines():
        lines += (Text(f"  {note.text}") for note in wrapped(Note.of(part), width - 2))
    lines += [Text(), *diagram(model, found.run, width)]
    for note in wrapped(Note.of(_end(model, found)), width - 4):
        lines.append(Text.assemble(("  ✗ ", "bold red"), note.text))
    return lines


def _end(model: Model, found: Divergence) -> str:
    """What stands below the last step of the diagram."""
    match found.kind:
        case "missing step":
            return f"Step {found.length + 1} is possible in the spec, and not in the system."
        case "failed step":
            return f"Step {found.length + 1} fails in the system."
        case "unexpected step":
            return f"Here the system offers {step_text(model, found.steps[0])}."
    shown = [f"{one.path} is {one.found}" for one in found.differences if one.change.mark == "→"]
    shown += [
        f"{one.path} {'lacks' if one.change.mark == '−' else 'also has'} "
        f"{one.expected if one.change.mark == '−' else one.found}"
        for one in found.differences
        if one.change.mark != "→"
    ]
    more = f", and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return f"In the system {', '.join(shown[:MOST_SHOWN])}{more}."


def result_json(result: Conformance, spec: str) -> dict[str, Any]:
    """The object of `--json`.  Keys are only ever added."""
    found = result.divergence
    return {
        "spec": spec,
        "constants": constants_json(result.model),
        "system": result.system,
        "verdict": result.verdict,
        "undecided_because": result.undecided_because,
        "bounded": result.bounded,
        "states": result.states,
        "edges": result.edges,
        "edges_covered": result.edges_covered,
        "steps": result.steps,
        "depth": result.depth,
        "replays": result.replays,
        "walks": result.walks,
        "seed": result.seed,
        "workers": result.workers,
        "snapshots": result.snapshots,
        "unobserved": dict(result.unobserved),
        "seconds": round(result.seconds, 6),
        "spec_seconds": round(result.spec_seconds, 6),
        "edges_per_second": round(result.edges_per_second, 1),
        "divergence": divergence_json(result.model, found) if found else None,
    }
