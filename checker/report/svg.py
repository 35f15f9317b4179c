"""A counterexample as a picture: the sequence diagram as SVG.

Rules of this file:

* What is said is what `sequence.py` says; here a message is a line from the step that sent
  it, on the lifeline of its sender, to the step that received it.
* One file that needs nothing else: its own style sheet, light or dark as the reader's system
  is (`prefers-color-scheme`), fonts that every system has.
* The same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.cells import cell_len

from checker.engines.result import Counterexample
from checker.lang.model import Model
from checker.report.constants import instance_text
from checker.report.lifelines import Event, Story, tell
from checker.report.palette import LANES, style
from checker.report.sequence import Note, notes_of, wrapped

CHAR = 7.25
"""Width in pixels of a character of the notes, 12 px monospace: a little more than the usual."""
LINE = 18
GAP = 16
"""Pixels between two steps."""
TOP = 104
LEFT = 92
WRAP = 92
"""Characters in a line of the notes."""


@dataclass(frozen=True)
class _Row:
    """One step: where it begins, and what it says, line by line (indent, note)."""

    event: Event
    top: int
    lines: tuple[tuple[int, Note], ...]

    @property
    def y(self) -> int:
        """The height of the dot, and of the middle of the first line."""
        return self.top + LINE // 2

    @property
    def bottom(self) -> int:
        return self.top + LINE * len(self.lines)


def svg(model: Model, run: Counterexample) -> str:
    """The picture, as the text of an SVG file."""
    picture = _Picture(model, run)
    in_lines(picture.root)
    return ET.tostring(picture.root, encoding="unicode", short_empty_elements=True) + "\n"


def in_lines(root: ET.Element) -> None:
    """A line for each element, but none inside a text, where blanks would show."""
    for group in root.iter():
        if group.tag in ("svg", "g"):
            group.text = "\n"
            for child in group:
                child.tail = "\n"


def write(path: Path, model: Model, run: Counterexample) -> None:
    path.write_text(svg(model, run), encoding="utf-8")


class _Picture:
    def __init__(self, model: Model, run: Counterexample) -> None:
        self.model, self.run = model, run
        self.story: Story = tell(model, run)
        self.rows = list(_rows(model, run, self.story))
        self.x = self._places()
        self.notes_x = (self.x[-1] + 56) if self.x else LEFT
        widest = max((i + cell_len(n.text) for r in self.rows for i, n in r.lines), default=40)
        said = [
            line.text
            for part in run.explanation.splitlines()
            for line in wrapped(Note.of(part), WRAP)
        ]
        self.width = int(self.notes_x + max(widest, 30) * CHAR + 24)
        self.width = max([self.width, *(int(48 + cell_len(line) * 7) for line in said)])
        self.width = max(self.width, int(48 + cell_len(self._title()) * 10.4))
        self.shift = LINE * max(0, len(said) - 1)
        self.height = (self.rows[-1].bottom if self.rows else TOP) + 40 + self.shift
        self.root = self._root()
        self._heading(said)
        self.body = ET.SubElement(self.root, "g", {"transform": f"translate(0 {self.shift})"})
        self._lifelines()
        self._messages()
        for row in self.rows:
            self._step(row)
        self._loop()

    def _title(self) -> str:
        return f"{instance_text(self.model)}: {self.run.property}"

    def _places(self) -> list[float]:
        found: list[float] = []
        for index, name in enumerate(self.story.lanes):
            half = max(24.0, cell_len(name) * 4.2 + 10)
            before = max(24.0, cell_len(self.story.lanes[index - 1]) * 4.2 + 10)
            found.append(found[-1] + max(112.0, half + before + 16) if found else LEFT + half)
        return found

    def _root(self) -> ET.Element:
        root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": str(self.width),
                "height": str(self.height),
                "viewBox": f"0 0 {self.width} {self.height}",
                "role": "img",
            },
        )
        ET.SubElement(root, "title").text = self._title()
        ET.SubElement(root, "desc").text = self.run.explanation
        ET.SubElement(root, "style").text = style()
        ET.SubElement(root, "rect", {"class": "page", "width": "100%", "height": "100%"})
        return root

    def _heading(self, said: list[str]) -> None:
        title = ET.SubElement(self.root, "text", {"x": "24", "y": "34", "class": "title"})
        title.text = f"{instance_text(self.model)}: "
        ET.SubElement(title, "tspan", {"class": "bad"}).text = self.run.property
        for index, line in enumerate(said):
            at = {"x": "24", "y": str(56 + LINE * index), "class": "said"}
            ET.SubElement(self.root, "text", at).text = line

    def _lifelines(self) -> None:
        bottom = (self.rows[-1].bottom if self.rows else TOP) + 12
        for lane, (name, x) in enumerate(zip(self.story.lanes, self.x, strict=True)):
            half = max(24.0, cell_len(name) * 4.2 + 10)
            line = {"x1": _n(x), "x2": _n(x), "y1": "98", "y2": str(bottom), "class": "life"}
            ET.SubElement(self.body, "line", line)
            box = {"x": _n(x - half), "y": "74", "width": _n(2 * half), "height": "24", "rx": "6"}
            ET.SubElement(self.body, "rect", {**box, "class": f"f{lane % LANES}"})
            ET.SubElement(self.body, "text", {"x": _n(x), "y": "91", "class": "name"}).text = name

    # ------------------------------------------------------------- messages

    def _messages(self) -> None:
        """Lines first, then their names, so that no line crosses a name."""
        drawn = [
            (row, receipt)
            for row in self.rows
            for receipt in row.event.received
            if receipt.lane != row.event.lane
        ]
        for row, receipt in drawn:
            self._line(row, receipt.lane, self.rows[receipt.sent_at].y, receipt.text)
        taken: list[tuple[float, float, float]] = []
        for row, receipt in drawn:
            kind = receipt.text.partition("(")[0]
            self._label(row, receipt.lane, self.rows[receipt.sent_at].y, kind, taken)

    def _line(self, row: _Row, lane: int, sent_y: int, text: str) -> None:
        x1, x2 = self.x[lane], self.x[row.event.lane]
        side = 1 if x2 > x1 else -1
        tip, tail = x2 - side * 7, x1 + side * 5
        bend = (tip - tail) * 0.5
        path = f"M{_n(tail)} {sent_y} C{_n(tail + bend)} {sent_y} {_n(tip - bend)} {row.y}"
        path += f" {_n(tip - side * 7)} {row.y}"
        colour = lane % LANES
        drawn = ET.SubElement(self.body, "path", {"d": path, "class": f"message s{colour}"})
        ET.SubElement(drawn, "title").text = text
        head = (
            f"{_n(tip)},{row.y} {_n(tip - side * 9)},{row.y - 4} {_n(tip - side * 9)},{row.y + 4}"
        )
        ET.SubElement(self.body, "polygon", {"points": head, "class": f"f{colour}"})

    def _label(
        self,
        row: _Row,
        lane: int,
        sent_y: int,
        kind: str,
        taken: list[tuple[float, float, float]],
    ) -> None:
        """The kind of the message, near its head and where no other name stands."""
        side = 1 if self.x[row.event.lane] > self.x[lane] else -1
        half = cell_len(kind) * 3.4 + 3
        x = self.x[row.event.lane] - side * (half + 18)
        y = row.y - 6.0
        if any(abs(x - ox) < half + oh and abs(y - oy) < 12 for ox, oy, oh in taken):
            return
        taken.append((x, y, half))
        at = {"x": _n(x), "y": _n(y), "class": f"small f{lane % LANES}"}
        ET.SubElement(self.body, "text", at).text = kind

    # ------------------------------------------------------------- steps

    def _step(self, row: _Row) -> None:
        at = {"x": str(LEFT - 36), "y": str(row.y + 4), "class": "number"}
        ET.SubElement(self.body, "text", at).text = str(row.event.index or "start")
        if row.event.index and self.x:
            dot = {"cx": _n(self.x[row.event.lane]), "cy": str(row.y), "r": "5.5"}
            colour = f"f{row.event.lane % LANES}"
            ET.SubElement(self.body, "circle", {**dot, "class": colour})
        for index, (indent, note) in enumerate(row.lines):
            at = {"x": _n(self.notes_x + indent * CHAR), "y": str(row.y + 4 + LINE * index)}
            text = ET.SubElement(self.body, "text", at)
            for words, kind in note.pieces:
                ET.SubElement(text, "tspan", {"class": kind} if kind else {}).text = words

    def _loop(self) -> None:
        loop = self.run.loop
        if loop is None or not self.rows:
            return
        words = "stays so for ever"
        end = self.rows[-1]
        if loop < len(self.rows) - 1:
            begin = self.rows[loop + 1]
            top, bottom = begin.y, end.bottom - 4
            path = (
                f"M34 {bottom} H22 Q16 {bottom} 16 {bottom - 6} V{top + 6} Q16 {top} 22 {top} H34"
            )
            ET.SubElement(self.body, "path", {"d": path, "class": "loop"})
            head = f"40,{top} 31,{top - 4} 31,{top + 4}"
            ET.SubElement(self.body, "polygon", {"points": head, "class": "bad"})
            first, last = begin.event.index, end.event.index
            words = f"step {first} again" if first == last else f"steps {first} to {last} again"
            words += ", and so on for ever"
        at = {"x": "16", "y": str(end.bottom + 24), "class": "said bad"}
        ET.SubElement(self.body, "text", at).text = words


def _rows(model: Model, run: Counterexample, story: Story) -> Iterator[_Row]:
    top = TOP
    for event in story.events:
        lines: list[tuple[int, Note]] = []
        for indent, note in notes_of(model, run, event):
            lines += ((indent, part) for part in wrapped(note, WRAP - indent))
        row = _Row(event, top, tuple(lines))
        yield row
        top = row.bottom + GAP


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
