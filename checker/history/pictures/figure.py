"""A figure for papers, as SVG: the witness, or a small history.

Intervals as in the literature since Herlihy and Wing (1990): a line from invocation to answer with
the operation above it, a point where it takes effect, its place in the order below.  An arrow is
an operation that never returned.  Black on nothing, red only where no order has a place; fonts by
their generic names, no style sheet, no script.  The same history gives the same bytes.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from checker.history.pictures.scene import Mark, Scene, View, key_name
from checker.history.pictures.words import shown
from checker.history.result import Result
from checker.lang.errors import QuorateError

MOST: Final = 60
"""Operations of a figure."""
ROW, HEAD, TOP, MARGIN = 50, 24, 14, 10
NAME: Final = 7.0
"""Pixels of a character of a process's name."""
BLACK, GREY, RED = "#000000", "#6b6b6b", "#c11f2a"


class TooMany(QuorateError):
    """There are more operations than a figure can show."""


def assert_drawable(result: Result) -> None:
    """`TooMany` if no figure can be made of it."""
    count = result.operations if result.witness is None else len(result.witness)
    if count > MOST:
        what = "operations" if result.witness is None else "operations of the contradiction"
        raise TooMany(
            f"{count:,} {what} are too many for a figure, which has at most {MOST}\n"
            "  mend: --html FILE makes a page of any history"
        )


def figure(drawn: Scene) -> bytes:
    """The figure of a scene.  Errors: TooMany."""
    assert_drawable(drawn.result)
    view = drawn.witness
    if view is None:
        if len(drawn.views) > 1 and not drawn.together:
            raise TooMany(
                f"{len(drawn.views):,} keys are too many for one figure\n"
                "  mend: --html FILE makes a page of any history"
            )
        view = drawn.views[0] if drawn.views else View((), (), (), 0.0, (), ())
    root = _Figure(drawn, view).root
    ET.indent(root, "")
    return (ET.tostring(root, encoding="unicode") + "\n").encode("utf-8")


class _Figure:
    def __init__(self, drawn: Scene, view: View) -> None:
        self.drawn, self.view = drawn, view
        self.names = [
            f"process {shown(str(drawn.history.processes[process]), 24)}"
            for process, _ in view.lanes
        ]
        keys = [key_name(drawn.history, group.key) for group in view.groups]
        self.keys = [shown(key, 24) for key in keys] if len(keys) > 1 else []
        self.left = MARGIN + max([len(name) for name in [*self.names, *self.keys]] + [0]) * NAME + 8
        self.tops, self.heads, height = self.heights()
        width = self.left + view.width + MARGIN
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": _n(width),
                "height": _n(height),
                "viewBox": f"0 0 {_n(width)} {_n(height)}",
                "role": "img",
                "font-family": "sans-serif",
                "font-size": "12",
                "fill": BLACK,
                "stroke-width": "1.2",
            },
        )
        result = drawn.result
        ET.SubElement(self.root, "title").text = shown(
            f"{result.source or 'A history'} of {result.model}: {result.verdict}", 200
        )
        ET.SubElement(self.root, "desc").text = shown(result.reason or self.said(), 2000)
        for at, key in enumerate(self.keys):
            self.text(MARGIN, self.heads[at] + 16, f"key {key}", weight="bold")
        for name, top in zip(self.names, self.tops, strict=True):
            self.text(MARGIN, top + 30, name)
        self.thread()
        for at, x in enumerate(view.until):
            if x is not None and view is not drawn.witness:
                self.until(at, x)
        for mark in view.marks:
            self.mark(mark)

    def said(self) -> str:
        return " ".join(group.note for group in self.view.groups)

    def heights(self) -> tuple[list[int], list[int], int]:
        """Of each lane and of each group the top; of the whole the height."""
        tops, heads, y = list[int](), list[int](), TOP
        for lane, (_, group) in enumerate(self.view.lanes):
            if lane == 0 or group != self.view.lanes[lane - 1][1]:
                heads.append(y)
                y += HEAD if self.keys else 0
            tops.append(y)
            y += ROW
        return tops, heads, y + MARGIN

    # ------------------------------------------------------------------- one operation

    def mark(self, mark: Mark) -> None:
        kind = self.drawn.kinds[mark.row]
        stuck = any(group.failed == mark.row for group in self.view.groups)
        colour = RED if stuck else BLACK if kind in ("ok", "open") else GREY
        y = self.tops[mark.lane] + 26
        begin, end = self.left + mark.bar.begin, self.left + mark.bar.end
        label = self.drawn.labels[mark.row]
        self.text((begin + end) / 2, y - 8, label, colour=colour, anchor="middle")
        dashes = {"open": "5 3", "ok": ""}.get(kind, "1 3")
        self.line(begin, y, end, y, colour, dashes=dashes)
        self.line(begin, y - 4, begin, y + 4, colour)
        if kind == "open":
            arrow = f"M{_n(end - 7)} {_n(y - 4)}L{_n(end)} {_n(y)}L{_n(end - 7)} {_n(y + 4)}"
            ET.SubElement(self.root, "path", {"d": arrow, "fill": "none", "stroke": colour})
        else:
            self.line(end, y - 4, end, y + 4, colour)
        if mark.place is not None and mark.bar.point is not None:
            x = self.left + mark.bar.point
            at = {"cx": _n(x), "cy": _n(y), "r": "3.2", "fill": colour}
            ET.SubElement(self.root, "circle", at)
            self.text(x, y + 16, str(mark.place), anchor="middle", size="10")
        elif stuck:
            self.text((begin + end) / 2, y + 16, "no place", colour=RED, anchor="middle", size="10")

    def thread(self) -> None:
        """From each point to the next one in the order."""
        for group in range(len(self.view.groups)):
            steps = sorted(
                (mark.place, mark.bar.point, mark.lane)
                for mark in self.view.marks
                if mark.place is not None
                and mark.bar.point is not None
                and self.view.lanes[mark.lane][1] == group
            )
            points = " ".join(f"{_n(self.left + x)},{self.tops[lane] + 26}" for _, x, lane in steps)
            if len(steps) > 1:
                look = {"fill": "none", "stroke": GREY, "stroke-width": "0.7"}
                look |= {"stroke-dasharray": "1 2"}
                ET.SubElement(self.root, "polyline", {"points": points, **look})

    def until(self, group: int, x: float) -> None:
        lanes = [lane for lane, (_, its) in enumerate(self.view.lanes) if its == group]
        top, bottom = self.tops[lanes[0]] - 4, self.tops[lanes[-1]] + ROW - 4
        self.line(self.left + x, top, self.left + x, bottom, RED, dashes="4 3")

    # ------------------------------------------------------------------- elements

    def line(
        self, x: float, y: float, to_x: float, to_y: float, colour: str, *, dashes: str = ""
    ) -> None:
        ends = {"x1": _n(x), "y1": _n(y), "x2": _n(to_x), "y2": _n(to_y), "stroke": colour}
        ET.SubElement(self.root, "line", ends | ({"stroke-dasharray": dashes} if dashes else {}))

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        colour: str = BLACK,
        anchor: str = "start",
        size: str = "12",
        weight: str = "normal",
    ) -> None:
        given = {"text-anchor": anchor, "font-size": size, "font-weight": weight, "fill": colour}
        usual = {"text-anchor": "start", "font-size": "12", "font-weight": "normal", "fill": BLACK}
        look = {name: value for name, value in given.items() if value != usual[name]}
        ET.SubElement(self.root, "text", {"x": _n(x), "y": _n(y), **look}).text = words


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


__all__ = ["MOST", "TooMany", "assert_drawable", "figure"]
