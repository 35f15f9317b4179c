"""The graph in Graphviz's language, by pydot; and as SVG where Graphviz is installed."""

from __future__ import annotations

import shutil
from typing import Any

import networkx as nx
import pydot

from checker.graph.build import role
from checker.report.palette import graph_style

MANY = 60
"""With more edges than this, an edge is labelled with the action's name alone."""

COLOURS = {
    "violating": {"fillcolor": "#ffebe9", "color": "#cf222e", "penwidth": "2"},
    "initial": {"fillcolor": "#ddf4ff", "color": "#0969da", "penwidth": "2"},
    "final": {"fillcolor": "#dafbe1", "color": "#1a7f37"},
    "other": {"fillcolor": "#f6f8fa", "color": "#8c959f"},
}


def dot(graph: nx.DiGraph[int], title: str) -> pydot.Dot:
    """The graph as pydot holds it."""
    made = pydot.Dot(
        "states",
        graph_type="digraph",
        rankdir="TB",
        label=_quoted(title),
        labelloc="t",
        fontname=_quoted("sans-serif"),
        bgcolor=_quoted("transparent"),
    )
    made.set_node_defaults(
        shape="box",
        style=_quoted("rounded,filled"),
        fontname=_quoted("monospace"),
        fontsize="10",
        margin=_quoted("0.1,0.05"),
    )
    made.set_edge_defaults(fontname=_quoted("monospace"), fontsize="9", arrowsize="0.7")
    for number, node in graph.nodes(data=True):
        made.add_node(pydot.Node(str(number), **_node(node)))
    many = graph.number_of_edges() > MANY
    for source, target, edge in graph.edges(data=True):
        made.add_edge(pydot.Edge(str(source), str(target), **_edge(edge, many)))
    return made


def _node(node: dict[str, Any]) -> dict[str, Any]:
    kind = role(node)
    colours = {key: _quoted(value) for key, value in COLOURS[kind].items()}
    shape = {"peripheries": "2"} if node["final"] else {}
    return {
        "label": _quoted(node["label"]),
        "tooltip": _quoted(tooltip(node)),
        "class": _quoted(kind),
        **colours,
        **shape,
    }


def tooltip(node: dict[str, Any]) -> str:
    """The full state, and what is wrong with it."""
    wrong = f"\nviolates: {', '.join(node['violates'])}" if node["violates"] else ""
    return str(node["tooltip"]) + wrong


def edge_label(edge: dict[str, Any], many: bool) -> str:
    return "\n".join(edge["names"] if many else edge["actions"])


def _edge(edge: dict[str, Any], many: bool) -> dict[str, Any]:
    said = {
        "label": _quoted(edge_label(edge, many)),
        "tooltip": _quoted("\n".join(edge["actions"])),
        "labeltooltip": _quoted("\n".join(edge["actions"])),
    }
    if edge["violates"]:
        said |= {"color": _quoted("#cf222e"), "penwidth": "2", "class": _quoted("violating")}
    return said


def _quoted(text: str) -> str:
    inside = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inside}"'


def installed() -> bool:
    """Whether Graphviz's `dot` is on this machine."""
    return shutil.which("dot") is not None


def svg(graph: nx.DiGraph[int], title: str) -> str:
    """SVG drawn by Graphviz, with our style sheet, so that it can be dark, too."""
    made: Any = dot(graph, title).create(format="svg", encoding="utf-8")
    text = made.decode("utf-8")
    text = text[text.index("<svg") :]
    end = text.index(">") + 1
    return f"{text[:end]}\n<style>{graph_style(ours=False)}</style>{text[end:]}"


__all__ = ["dot", "edge_label", "installed", "svg", "tooltip"]
