"""A result as text: the verdict first, then what supports it, the counterexample last.

Rules of this file:

* `report` gives lines with styles; whoever prints decides on colour.  `summary` is the same
  without styles and without the tables: it is what a `Result` shows in a notebook or a test.
* Nothing is wider than `width`, nothing is padded to it.
* What was not decided is never shown as if it held.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from checker.engines.result import Counterexample, Result
from checker.report.constants import instance_text
from checker.report.sequence import Note, diagram, wrapped

WIDTH = 100
MARKS = {"holds": ("✓", "green"), "violated": ("✗", "bold red"), "undecided": ("?", "yellow")}
NEXT = "to decide it: smaller constants or higher limits; or look further with quorate simulate"
ALWAYS_JUDGED = {
    "deadlock": "no deadlock",
    "coverage": "full coverage",
    "model error": "no model error",
}
"""What is judged though nobody declared it, and how a table of what holds names it."""


def summary(result: Result, width: int = WIDTH) -> str:
    """The verdict, the counts, what is violated and how, in plain text."""
    lines = [verdict_line(result), *_counts(result, width)]
    for found in result.counterexamples[:1]:
        lines += [Text(), *counterexample(result, found, width)]
    return "\n".join(line.plain for line in lines)


def report(result: Result, width: int = WIDTH, *, everything: bool = False) -> list[Text]:
    """The whole report; with `everything`, each counterexample that was found."""
    lines = [verdict_line(result), *_counts(result, width)]
    for block in (_actions(result), _properties(result), _warnings(result, width)):
        if block:
            lines += [Text(), *block]
    if result.verdict == "undecided" and result.frontier:
        lines += [Text(), Text(f"  {NEXT}", "dim")]
    shown = result.counterexamples if everything else result.counterexamples[:1]
    for found in shown:
        lines += [Text(), *counterexample(result, found, width)]
    others = len(result.counterexamples) - len(shown)
    if others:
        names = ", ".join(one.property for one in result.counterexamples[1:])
        lines += [Text(), Text(f"also violated: {names}  (--all shows each)", "red")]
    return lines


# --------------------------------------------------------------------------- the parts


def verdict_line(result: Result) -> Text:
    mark, style = MARKS[result.verdict]
    name = instance_text(result.model)
    match result.verdict:
        case "holds":
            said = "holds within its bounds" if result.bounded else "holds"
        case "violated":
            names = list(dict.fromkeys(one.property for one in result.counterexamples))
            said = f"violated: {', '.join(names)}" if names else "violated"
        case "undecided":
            said = "undecided"
            if result.undecided_because:
                said += f": {result.undecided_because}"
    return Text.assemble((f"{mark} ", style), (name, "bold"), "  ", (said, style))


def _counts(result: Result, width: int) -> list[Text]:
    counts = (
        f"{result.distinct_states:,} distinct states, {result.transitions:,} transitions, "
        f"depth {result.depth:,}"
    )
    cost = f"{result.seconds:,.1f} s, {result.states_per_second:,.0f} states/s"
    if result.peak_memory_bytes:
        cost += f", {result.peak_memory_bytes / 2**20:,.0f} MB"
    lines = [f"{counts}, in {cost}"]
    if len(lines[0]) + 2 > width:
        lines = [counts, cost]
    if result.verdict == "undecided" and result.frontier:
        lines.append(f"{result.frontier:,} of these states were not extended yet")
    if result.reductions:
        lines.append(f"reductions: {', '.join(result.reductions)}")
    return [Text(f"  {line}", "dim") for line in lines]


def _actions(result: Result) -> list[Text]:
    """The coverage table: how often each action was taken."""
    if not result.actions:
        return []
    optional = {action.name for action in result.model.actions if action.optional}
    names = max(len("actions"), *(len(name) for name in result.actions))
    numbers = max(len("taken"), *(len(f"{n:,}") for n in result.actions.values()))
    lines = [Text(f"  {'actions':{names}}  {'taken':>{numbers}}", "bold")]
    for name, number in result.actions.items():
        line = Text(f"  {name:{names}}  {number:>{numbers},}")
        if not number:
            line.append("  never" + (" (optional)" if name in optional else ""), "yellow")
        lines.append(line)
    return lines


def _properties(result: Result) -> list[Text]:
    if not result.properties:
        return []
    kinds = {what.name: what.kind.replace("_", " ") for what in result.model.properties}
    kinds |= {what.name: "refinement" for what in result.model.refinements}
    shown = {name: ALWAYS_JUDGED.get(name, name) for name in result.properties}
    names = max(len("properties"), *(len(name) for name in shown.values()))
    widest = max([len(kind) for kind in kinds.values()], default=0)
    lines = [Text("  properties", "bold")]
    for name, verdict in result.properties.items():
        mark, style = MARKS[verdict]
        kind = kinds.get(name, "")
        what = f"  {shown[name]:{names}}  {kind:{widest}}  "
        line = Text.assemble(what, (f"{mark} {verdict}", style))
        lines.append(line)
    return lines


def _warnings(result: Result, width: int) -> list[Text]:
    lines = []
    for warning in result.warnings:
        for index, part in enumerate(warning.splitlines()):
            for note in wrapped(Note.of(part), width - 4):
                lines.append(Text(f"  {'  ' if index else '! '}{note.text}", "yellow"))
    return lines


# --------------------------------------------------------------------------- the counterexample


def counterexample(result: Result, found: Counterexample, width: int = WIDTH) -> list[Text]:
    """What is wrong in words, and the run that shows it."""
    lines = [_heading(found)]
    for part in found.explanation.splitlines():
        lines += (Text(f"  {note.text}") for note in wrapped(Note.of(part), width - 2))
    if found.steps:
        lines += [Text(), *diagram(result.model, found, width)]
    return lines


def _heading(found: Counterexample) -> Text:
    what = Text.assemble(("✗ ", "bold red"), (found.property, "bold red"))
    if found.kind not in ALWAYS_JUDGED:
        what.append(f" ({found.kind.replace('_', ' ')})")
    what.append(f" is {_after(found)}", "bold") if found.steps else what.append(" is violated")
    return what


def _after(found: Counterexample) -> str:
    taken = len(found.steps) - 1
    steps = f"{taken:,} step{'' if taken == 1 else 's'}"
    if found.kind in ("deadlock", "model error"):
        return f"reached after {steps}" if taken else "reached at the start"
    if found.loop is not None:
        return "violated by a run that never ends"
    return f"violated after {steps}" if taken else "violated at the start"


def plain(lines: list[Text]) -> Iterator[str]:
    for line in lines:
        yield line.plain
