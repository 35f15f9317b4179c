"""A counterexample as a message sequence diagram in text.

    step      system  a1    a2
                │     │     │
    Step 1      ●     │     │   prepare(b=0)
                │     │     │     sent: + Prepare(ballot=0)
                │     │     │
    Step 2      ├────▶●     │   promise(a=a1, m=Prepare(ballot=0))
                                  ← m, sent in step 1
                                  promised[a1]: none → 0

Rules of this file:

* Time runs downwards, one lifeline for each identity that acts; what a step says stands to
  the right of the drawing, so the drawing stays narrow whatever the texts are.
* An arrow stands in the row of the step that received, and begins on the lifeline that sent.
* A run that repeats for ever has a bracket on its left, from the first repeated step to the
  last.
* No line is wider than `width` (unless a single word is), and none has trailing blanks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from checker.engines.result import Counterexample
from checker.lang.model import Model
from checker.report.changes import changes
from checker.report.lifelines import Event, tell

MIN_NOTES = 36
"""Narrower than this, what a step says is unreadable: the lifelines are left out."""

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""Lifelines take them in turn."""


class Lanes:
    """Where the lifelines stand, and how a row of them is drawn."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.centres: list[int] = []
        for index, name in enumerate(names):
            if index == 0:
                self.centres.append((cell_len(name) - 1) // 2)
                continue
            half = cell_len(names[index - 1]) // 2 + (cell_len(name) - 1) // 2
            self.centres.append(self.centres[-1] + max(6, half + 3))
        self.width = self.centres[-1] + cell_len(names[-1]) // 2 + 1 if names else 0

    def header(self) -> Text:
        line = Text()
        for name, centre, colour in zip(self.names, self.centres, _colours(), strict=False):
            start = centre - (cell_len(name) - 1) // 2
            line.append(" " * (start - line.cell_len))
            line.append(name, f"bold {colour}")
        return line

    def row(self, event: Event | None = None) -> Text:
        """The lifelines; with an event, its dot and the arrows that end there."""
        if not self.names:
            return Text()
        cells = [" "] * self.width
        styles = [""] * self.width
        for centre in self.centres:
            cells[centre], styles[centre] = "│", "dim"
        if event is not None:
            for lane in {r.lane for r in event.received} - {event.lane}:
                self._arrow(cells, styles, lane, event.lane)
            for lane in {r.lane for r in event.received} - {event.lane}:
                at = self.centres[lane]
                cells[at] = "├" if lane < event.lane else "┤"
            at = self.centres[event.lane]
            colour = COLOURS[event.lane % len(COLOURS)]
            cells[at], styles[at] = "●", f"bold {colour}"
        return _assembled(cells, styles)

    def _arrow(self, cells: list[str], styles: list[str], source: int, target: int) -> None:
        low, high = sorted((self.centres[source], self.centres[target]))
        for at in range(low + 1, high):
            cells[at] = "┼" if at in self.centres else "─"
            styles[at] = ""
        styles[self.centres[source]] = ""
        right = source < target
        cells[high - 1 if right else low + 1] = "▶" if right else "◀"


def _colours() -> Iterator[str]:
    while True:
        yield from COLOURS


def _assembled(cells: list[str], styles: list[str]) -> Text:
    line = Text()
    for cell, style in zip(cells, styles, strict=True):
        line.append(cell, style or None)
    return line


# --------------------------------------------------------------------------- the diagram


def diagram(model: Model, run: Counterexample, width: int = 100) -> list[Text]:
    """The lines of the diagram, each at most `width` wide."""
    story = tell(model, run)
    lanes = Lanes(story.lanes)
    numbers = len(f"Step {len(run.steps) - 1}")
    looping = run.loop is not None and run.loop < len(run.steps) - 1
    left = numbers + (5 if looping else 4)
    if width - left - lanes.width - 3 < MIN_NOTES:
        lanes = Lanes(())
    page = _Page(lanes, width, numbers, looping)
    page.header()
    for event in story.events:
        notes = list(notes_of(model, run, event))
        page.event(event, notes, inside=looping and event.index > (run.loop or 0))
    if looping:
        back = f"the state after step {run.loop}" if run.loop else "the start"
        page.close(f"back to {back}, and so on for ever")
    elif run.loop is not None:
        page.say("and stays so for ever")
    return page.lines


class _Page:
    """The lines so far.  Each has three columns: the step, the lifelines, the notes."""

    def __init__(self, lanes: Lanes, width: int, numbers: int, looping: bool) -> None:
        self.lanes = lanes
        self.numbers = numbers
        self.looping = looping
        self.left = numbers + (5 if looping else 4)
        drawing = lanes.width + 3 if lanes.names else 0
        self.room = max(20, width - self.left - drawing)
        self.lines: list[Text] = []
        self.opened = False

    def header(self) -> None:
        if self.lanes.names:
            self._line("", self.lanes.header(), Text())

    def event(self, event: Event, notes: list[tuple[int, Note]], *, inside: bool) -> None:
        if event.index:
            self._line("", self.lanes.row(), Text(), "│" if self.opened else "")
        label = f"Step {event.index}" if event.index else "Start"
        first = True
        for indent, note in notes:
            for part in wrapped(note, self.room - indent):
                bracket = ("│" if self.opened else "╭▶") if inside else ""
                self.opened |= inside
                row = self.lanes.row(event if first and event.index else None)
                self._line(label if first else "", row, Text(" " * indent) + _styled(part), bracket)
                first = False

    def close(self, words: str) -> None:
        self._line("", Text(), Text(), "│")
        self.lines.append(Text("  ") + Text("╰─ ", "bold") + Text(words, "italic"))

    def say(self, words: str) -> None:
        self.lines.append(Text("  ") + Text(words, "italic"))

    def _line(self, label: str, row: Text, note: Text, bracket: str = "") -> None:
        line = Text("  ")
        if self.looping:
            line.append(f"{bracket:2}", "bold")
        line.append(f"{label:{self.numbers}}", "bold")
        if self.lanes.names:
            line.append("  ")
            line.append_text(row)
            line.append(" " * (self.left + self.lanes.width - line.cell_len))
            line.append("   ")
        else:
            line.append("  ")
        line.append_text(note)
        line.rstrip()
        self.lines.append(line)


# --------------------------------------------------------------------------- the notes


@dataclass(frozen=True)
class Note:
    """A line of text in pieces, each with what it is: `path`, `plus`, `minus`, `where` ..."""

    pieces: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, text: str, style: str = "") -> Note:
        return cls(((text, style),))

    @property
    def text(self) -> str:
        return "".join(words for words, _ in self.pieces)

    def cut(self, at: int) -> tuple[Note, Note]:
        """The first `at` characters, and the rest."""
        head, tail = [], []
        for words, style in self.pieces:
            if words[:at]:
                head.append((words[:at], style))
            if words[at:]:
                tail.append((words[at:], style))
            at = max(0, at - len(words))
        return Note(tuple(head)), Note(tuple(tail))


def notes_of(model: Model, run: Counterexample, event: Event) -> Iterator[tuple[int, Note]]:
    """What a step says, each with its indent: its name, what it received, what it changed."""
    state = run.steps[event.index].state
    if event.index == 0:
        for field, value in zip(model.fields, state, strict=True):
            yield 0, Note(((f"{field.name}: ", "path"), (field.type.text(value), "")))
        return
    yield 0, Note.of(event.text, "action")
    for receipt in event.received:
        what = receipt.param or receipt.text
        yield 2, Note.of(f"← {what}, sent in step {receipt.sent_at}", "where")
    found = changes(model, run.steps[event.index - 1].state, state)
    for change in found:
        style = {"+": "plus", "−": "minus", "→": ""}[change.mark]
        yield 2, Note(((f"{change.path}: ", "path"), (change.words, style)))
    if not found:
        yield 2, Note.of("changes nothing", "path")


def wrapped(note: Note, room: int) -> Iterator[Note]:
    """`note` in lines of at most `room` cells, broken at blanks, further lines indented."""
    indent = ""
    while cell_len(note.text) > room - len(indent):
        text = note.text
        head = text[: max(1, room - len(indent))].rstrip()
        at = head.rfind(" ")
        if at <= 0:
            at = text.find(" ", len(head))
        if at <= 0:
            break
        line, rest = note.cut(at)
        yield _indented(indent, line)
        note = rest.cut(1)[1]
        indent = "    "
    yield _indented(indent, note)


def _indented(indent: str, note: Note) -> Note:
    return Note(((indent, ""), *note.pieces)) if indent else note


STYLES = {"path": "dim", "plus": "green", "minus": "red", "where": "cyan", "action": "bold"}


def _styled(note: Note) -> Text:
    return Text.assemble(*((words, STYLES.get(style, "")) for words, style in note.pieces))
