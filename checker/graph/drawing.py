"""The graph as SVG, drawn here: for machines without Graphviz.

Layers go down the page, each state a box.  Steps to the next layer go straight down, steps
inside a layer bend below it, steps back up go round the side.  Each action has its colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx

from checker.graph.build import role
from checker.graph.dot import MANY, edge_label, tooltip
from checker.graph.layers import layers_of
from checker.report.palette import LANES, graph_style
from checker.report.svg import in_lines

CHAR, LINE, PAD = 6.1, 13, 7
BETWEEN, LAYER = 26, 64
TOP, SIDE = 108, 30

LEGEND = ("initial", "final", "violating")


@dataclass(frozen=True)
class Box:
    """A state's place: its middle, and its size."""

    x: float
    y: float
    width: float
    height: float


def svg(graph: nx.DiGraph[int], title: str) -> str:
    """The picture, as the text of an SVG file."""
    boxes = _place(graph, layers_of(graph))
    width = max((box.x + box.width / 2 for box in boxes.values()), default=0) + SIDE + 60
    names = {name for *_, edge in graph.edges(data=True) for name in edge["names"]}
    legend = sum(16 + 7.3 * len(name) for name in names)
    width = max(width, 9.6 * len(title) + 2 * SIDE, legend + 2 * SIDE, 420)
    height = max((box.y + box.height / 2 for box in boxes.values()), default=TOP) + SIDE
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": _n(width),
            "height": _n(height),
            "viewBox": f"0 0 {_n(width)} {_n(height)}",
        },
    )
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "style").text = graph_style()
    ET.SubElement(root, "rect", {"class": "page", "width": "100%", "height": "100%"})
    colours = _colours(graph)
    _heading(root, title, colours)
    many = graph.number_of_edges() > MANY
    for source, target, edge in graph.edges(data=True):
        _edge(root, boxes[source], boxes[target], edge, colours)
    for number, node in graph.nodes(data=True):
        _state(root, boxes[number], node)
    if not many:
        for source, target, edge in graph.edges(data=True):
            _label(root, boxes[source], boxes[target], edge)
    in_lines(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _place(graph: nx.DiGraph[int], layers: list[list[int]]) -> dict[int, Box]:
    sizes = {number: _size(node["label"]) for number, node in graph.nodes(data=True)}
    between = BETWEEN if graph.number_of_edges() > MANY else BETWEEN + 64
    rows = [sum(sizes[n][0] + between for n in layer) - between for layer in layers]
    middle = SIDE + max(rows, default=0.0) / 2
    boxes: dict[int, Box] = {}
    y = float(TOP)
    for layer, row in zip(layers, rows, strict=True):
        tall = max(sizes[number][1] for number in layer)
        x = middle - row / 2
        for number in layer:
            width, height = sizes[number]
            boxes[number] = Box(x + width / 2, y + tall / 2, width, height)
            x += width + between
        y += tall + LAYER
    return boxes


def _size(label: str) -> tuple[float, float]:
    lines = label.split("\n")
    return max(map(len, lines)) * CHAR + 2 * PAD, len(lines) * LINE + 2 * PAD - 3


def _colours(graph: nx.DiGraph[int]) -> dict[str, int]:
    """A colour for each action, by number."""
    names = dict.fromkeys(name for *_, edge in graph.edges(data=True) for name in edge["names"])
    return {name: index % LANES for index, name in enumerate(names)}


def _heading(root: ET.Element, title: str, colours: dict[str, int]) -> None:
    ET.SubElement(root, "text", {"x": str(SIDE), "y": "32", "class": "title"}).text = title
    x = float(SIDE)
    for kind in LEGEND:
        place = {"x": _n(x), "y": "48", "width": "14", "height": "14", "rx": "3"}
        group = ET.SubElement(root, "g", {"class": f"node {kind}"})
        ET.SubElement(group, "rect", place)
        ET.SubElement(root, "text", {"x": _n(x + 20), "y": "59", "class": "said"}).text = kind
        x += 32 + 8 * len(kind)
    x = float(SIDE)
    for name, colour in colours.items():
        at = {"x": _n(x), "y": "82", "class": f"f{colour}"}
        ET.SubElement(root, "text", at).text = name
        x += 16 + 7.3 * len(name)


def _state(root: ET.Element, box: Box, node: dict[str, Any]) -> None:
    group = ET.SubElement(root, "g", {"class": f"node {role(node)}"})
    ET.SubElement(group, "title").text = tooltip(node)
    _rect(group, box, 0)
    if node["final"]:
        _rect(group, box, 3)
    lines = node["label"].split("\n")
    top = box.y - (len(lines) - 1) * LINE / 2 + 3.5
    for index, line in enumerate(lines):
        at = {"x": _n(box.x), "y": _n(top + index * LINE), "class": "in"}
        ET.SubElement(group, "text", at).text = line


def _rect(group: ET.Element, box: Box, grow: float) -> None:
    at = {
        "x": _n(box.x - box.width / 2 - grow),
        "y": _n(box.y - box.height / 2 - grow),
        "width": _n(box.width + 2 * grow),
        "height": _n(box.height + 2 * grow),
        "rx": "5",
    }
    if grow:
        at["class"] = "around"
    ET.SubElement(group, "rect", at)


def _edge(
    root: ET.Element, source: Box, target: Box, edge: dict[str, Any], colours: dict[str, int]
) -> None:
    kind = "violating" if edge["violates"] else f"e{colours[edge['names'][0]]}"
    group = ET.SubElement(root, "g", {"class": f"edge {kind}"})
    ET.SubElement(group, "title").text = "\n".join(edge["actions"])
    path, (x, y), (dx, dy) = _curve(source, target)
    ET.SubElement(group, "path", {"d": path})
    head = [(x, y), (x - 8 * dx - 3.5 * dy, y - 8 * dy + 3.5 * dx)]
    head.append((x - 8 * dx + 3.5 * dy, y - 8 * dy - 3.5 * dx))
    ET.SubElement(group, "polygon", {"points": " ".join(f"{_n(a)},{_n(b)}" for a, b in head)})


def _curve(source: Box, target: Box) -> tuple[str, tuple[float, float], tuple[float, float]]:
    """The path of a step, where its head is, and which way the head points."""
    if target.y > source.y:
        x1, y1 = source.x, source.y + source.height / 2
        x2, y2 = target.x, target.y - target.height / 2 - 4
        bend = (y2 - y1) / 2
        path = f"M{_n(x1)} {_n(y1)} C{_n(x1)} {_n(y1 + bend)} {_n(x2)} {_n(y2 - bend)}"
        return f"{path} {_n(x2)} {_n(y2 - 6)}", (x2, y2), (0.0, 1.0)
    if target.y == source.y and target is not source:
        x1, y1 = source.x + 4, source.y + source.height / 2
        x2, y2 = target.x - 4, target.y + target.height / 2 + 4
        low = max(y1, y2) + min(LAYER * 0.7, 14 + abs(x2 - x1) * 0.08)
        path = f"M{_n(x1)} {_n(y1)} C{_n(x1)} {_n(low)} {_n(x2)} {_n(low)}"
        return f"{path} {_n(x2)} {_n(y2 + 6)}", (x2, y2), (0.0, -1.0)
    x1, y1 = source.x + source.width / 2, source.y + 3
    x2, y2 = target.x + target.width / 2 + 4, target.y - 3
    out = max(x1, x2) + (22 if source == target else 40)
    if source == target:
        y2 = source.y - source.height / 4
    path = f"M{_n(x1)} {_n(y1)} C{_n(out)} {_n(y1)} {_n(out)} {_n(y2)} {_n(x2 + 6)} {_n(y2)}"
    return path, (x2, y2), (-1.0, 0.0)


def _label(root: ET.Element, source: Box, target: Box, edge: dict[str, Any]) -> None:
    """The actions, in the middle of the edge."""
    lines = edge_label(edge, many=False).split("\n")
    if target.y > source.y:
        x, y = (source.x + target.x) / 2, (source.y + target.y) / 2 + 3
    else:
        x = max(source.x + source.width / 2, target.x + target.width / 2) + 34
        y = (source.y + target.y) / 2 + 3
    if len(lines) > 3:
        lines = [*lines[:2], f"and {len(lines) - 2} more"]
    for index, line in enumerate(lines):
        at = {"x": _n(x), "y": _n(y + (index - (len(lines) - 1) / 2) * 12), "class": "small"}
        ET.SubElement(root, "text", at).text = line


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
