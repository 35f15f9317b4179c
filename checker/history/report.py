"""A result as text: the verdict, what it cost, and the witness as time lines of its clients.

    process 0  ├ write(1) ┤                            ├ read() → 1 ┤
    process 1                ├ write(2) ┤

Rules of this file:

* Each event of the witness has a column of its own: what is left of another came before it.
* An operation that never returned has an arrow instead of an end.
* Nothing is wider than `width`: a witness that would be is told as a list, in the order of events.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from checker.history.history import OPEN, UNKNOWN, History, Operation
from checker.history.result import Result
from checker.history.values import text_of

MARKS = {
    "linearizable": ("✓", "green"),
    "not linearizable": ("✗", "bold red"),
    "unknown": ("?", "yellow"),
}
ALONE = "This operation by itself has no explanation:"
"""Of a witness of one operation."""
MOST_LANES = 12
MOST_LISTED = 40
LONGEST_LABEL = 40
COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


def report(result: Result, width: int = 100) -> list[Text]:
    """All that is said of one history."""
    lines = [verdict_line(result)]
    cost = f"  {result.operations:,} operations of {result.model}, in {result.seconds:,.3g} s"
    cost += f", {result.peak_memory_bytes / 2**20:,.0f} MB"
    if result.algorithm:
        cost += f", by {result.algorithm}"
    lines.append(Text(cost, "dim"))
    for key, verdict in result.keys.items():
        mark, style = MARKS[verdict]
        lines.append(Text.assemble("  ", (f"{mark} ", style), text_of(key), "  ", (verdict, style)))
    if result.witness is not None:
        lines += [Text(), *_wrapped(_heading(result, result.witness), width), Text()]
        lines += witness_lines(result.witness, width)
    if result.reason:
        lines += [Text(), *_wrapped(result.reason, width)]
    return lines


def verdict_line(result: Result) -> Text:
    """`✗ run.jsonl  not linearizable`."""
    mark, style = MARKS[result.verdict]
    verdict: str = result.verdict
    if result.consistency == "sequential":
        verdict = {
            "linearizable": "sequentially consistent",
            "not linearizable": "not sequentially consistent",
        }.get(verdict, verdict)
    source = (f"{result.source}  ", "bold") if result.source else ""
    return Text.assemble((f"{mark} ", style), source, (verdict, style))


def _heading(result: Result, witness: History) -> str:
    count = len(witness)
    if count == 1:
        return ALONE
    keys = {text_of(witness.keys[key]) for key in witness.key.tolist()}
    on = f" on {next(iter(keys))}" if len(keys) == 1 and keys != {"null"} else ""
    return f"These {count} operations{on} contradict each other; {how_few(result)}:"


def how_few(result: Result) -> str:
    """Whether the witness is 1-minimal, in words."""
    if result.minimal:
        return "without any one of them the rest could be ordered"
    return "fewer may do: a limit was reached first"


# --------------------------------------------------------------------------- time lines


def witness_lines(witness: History, width: int) -> list[Text]:
    """The operations by process, or as a list where that is too wide."""
    operations = list(witness)
    alike = len({repr(one.key) for one in operations}) == 1
    processes = list(dict.fromkeys(one.process for one in operations))
    columns = _columns(operations, alike)
    names = max(len(f"process {p}") for p in processes)
    wide = 2 + names + 2 + max(columns.values()) + 1
    if wide > width or len(processes) > MOST_LANES:
        return _listed(operations, width)
    lines = []
    for at, process in enumerate(processes):
        line = Text.assemble("  ", (f"process {process}".ljust(names), "bold"), "  ")
        begin = line.cell_len
        for one in operations:
            if one.process == process:
                line.append(" " * (begin + columns[one.invoked] - line.cell_len))
                last = columns[max(columns)] if one.returned == OPEN else columns[one.returned]
                line.append_text(_bar(one, last - columns[one.invoked], alike, COLOURS[at % 6]))
        lines.append(line)
    return lines


def _columns(operations: Sequence[Operation], alike: bool) -> dict[int, int]:
    """Of each event, where it stands; `OPEN` stands for the end."""
    begun = {one.invoked: one for one in operations}
    ended = {one.returned: one for one in operations if one.returned != OPEN}
    at, places = 0, dict[int, int]()
    for event in sorted({*begun, *ended}):
        if event in ended:
            one = ended[event]
            at = max(at, places[one.invoked] + len(label(one, alike)) + 3)
        places[event] = at
        at += 2
    for one in operations:
        if one.returned == OPEN:
            at = max(at, places[one.invoked] + len(label(one, alike)) + 3)
    places[OPEN] = at
    return places


def _bar(one: Operation, length: int, alike: bool, colour: str) -> Text:
    words = f" {label(one, alike)} "
    left = (length - 1 - len(words)) // 2
    middle = "─" * left + words + "─" * (length - 1 - len(words) - left)
    return Text("├" + middle + ("▶" if one.returned == OPEN else "┤"), colour)


def label(one: Operation, alike: bool = True) -> str:
    """`write(1)`, `read() → 1`, `cas(1, 2) → false`; with the key unless all are alike."""
    argument = one.argument
    if type(argument) is tuple:
        given = ", ".join(map(text_of, argument))
    else:
        given = "" if argument is None else text_of(argument)
    on = "" if alike or one.key is None else f" {text_of(one.key)}"
    told = ""
    if one.result is UNKNOWN:
        told = " → ?"
    elif one.result is not None or one.f in ("read", "get", "dequeue", "poll", "fetch"):
        told = f" → {text_of(one.result)}" if one.result != argument else ""
    text = f"{one.f}{on}({given}){told}"
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _listed(operations: Sequence[Operation], width: int) -> list[Text]:
    """`line 12 to 15  process 3  write(1)`, in the order of invocations."""
    lines = []
    for one in operations[:MOST_LISTED]:
        end = str(one.ended_line) if one.ended_line else "open"
        where = f"lines {one.invoked_line}-{end}"
        text = f"  {where:16} process {one.process!s:4} {label(one, alike=False)}"
        lines.append(Text(text[:width]))
    if len(operations) > MOST_LISTED:
        lines.append(Text(f"  and {len(operations) - MOST_LISTED:,} more: --json has them", "dim"))
    return lines


def _wrapped(text: str, width: int) -> list[Text]:
    import textwrap

    lines = textwrap.wrap(text, width - 2, break_long_words=False, break_on_hyphens=False)
    return [Text(f"  {line}") for line in lines]


__all__ = ["label", "report", "verdict_line", "witness_lines"]
