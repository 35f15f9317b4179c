"""The colours of every picture: light, and dark where the reader's system is.

Plain rules, said twice, and no CSS variables: many programs that show SVG know only those.
"""

from __future__ import annotations

from collections.abc import Mapping

LANES = 6
"""Lifelines, kinds of action and the like take this many colours in turn."""

_LIGHT: dict[str, str] = {
    "page": "#ffffff",
    "ink": "#1f2328",
    "soft": "#656d76",
    "rule": "#d0d7de",
    "bad": "#cf222e",
    "good": "#1a7f37",
    "start": "#0969da",
    "panel": "#f6f8fa",
    "lanes": "#0969da #8250df #bc4c00 #1a7f37 #bf3989 #6e7781",
}
_DARK: dict[str, str] = {
    "page": "#0d1117",
    "ink": "#e6edf3",
    "soft": "#9198a1",
    "rule": "#3d444d",
    "bad": "#ff7b72",
    "good": "#56d364",
    "start": "#58a6ff",
    "panel": "#161b22",
    "lanes": "#58a6ff #bc8cff #f0883e #56d364 #f778ba #9198a1",
}

SHAPE = """
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    white-space: pre; }
  .title { font: 600 17px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  .said { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  .name { font: 600 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; text-anchor: middle; }
  .small { font-size: 11px; text-anchor: middle; stroke-width: 4px; paint-order: stroke;
    stroke-linejoin: round; }
  .action { font-weight: 600; } .number { text-anchor: end; } .middle { text-anchor: middle; }
  .life { stroke-width: 1.5; } .message { stroke-width: 1.6; fill: none; }
  .loop { stroke-width: 1.8; fill: none; } .edge { stroke-width: 1.1; fill: none; }
  .state { stroke-width: 1.5; }
"""


def style() -> str:
    """The style sheet of a picture."""
    return f"{SHAPE}{_rules(_LIGHT)}  @media (prefers-color-scheme: dark) {{\n{_rules(_DARK)}  }}\n"


def _rules(of: Mapping[str, str]) -> str:
    rules = f"""  .page {{ fill: {of["page"]}; }} .panel {{ fill: {of["panel"]}; }}
  text {{ fill: {of["ink"]}; }} .name {{ fill: {of["page"]}; }} .small {{ stroke: {of["page"]}; }}
  .said, .number, .path, .where {{ fill: {of["soft"]}; }}
  .life, .edge, .state {{ stroke: {of["rule"]}; }} .head {{ fill: {of["rule"]}; }}
  .plus, .good {{ fill: {of["good"]}; }} .minus, .bad {{ fill: {of["bad"]}; }}
  .start {{ fill: {of["start"]}; }} .loop {{ stroke: {of["bad"]}; }}
"""
    for lane, colour in enumerate(of["lanes"].split()):
        rules += f"  .f{lane} {{ fill: {colour}; }} .s{lane} {{ stroke: {colour}; }}\n"
    return rules


# --------------------------------------------------------------------------- state graphs

_GRAPH_LIGHT = {
    "violating": ("#ffebe9", "#cf222e"),
    "initial": ("#ddf4ff", "#0969da"),
    "final": ("#dafbe1", "#1a7f37"),
    "other": ("#f6f8fa", "#8c959f"),
}
_GRAPH_DARK = {
    "violating": ("#5a1e1e", "#ff7b72"),
    "initial": ("#0c2d6b", "#58a6ff"),
    "final": ("#12361f", "#56d364"),
    "other": ("#161b22", "#6e7681"),
}


_GRAPH_SHAPE = """
  text.in { font-size: 10px; text-anchor: middle; } .around { fill: none !important; }
  .edge path { fill: none; stroke-width: 1.2; } .node rect { stroke-width: 1.5; }
"""


def graph_style(*, ours: bool = True) -> str:
    """The style sheet of state graphs.  Over Graphviz's drawing (not `ours`) only colours."""
    shape = SHAPE + _GRAPH_SHAPE if ours else "\n"
    light = _graph_rules(_LIGHT, _GRAPH_LIGHT)
    dark = _graph_rules(_DARK, _GRAPH_DARK)
    return f"{shape}{light}  @media (prefers-color-scheme: dark) {{\n{dark}  }}\n"


def _graph_rules(of: Mapping[str, str], nodes: Mapping[str, tuple[str, str]]) -> str:
    rules = f"""  .page {{ fill: {of["page"]}; }} svg {{ background: {of["page"]}; }}
  text {{ fill: {of["ink"]}; }} .small {{ stroke: {of["page"]}; fill: {of["soft"]}; }}
  .said {{ fill: {of["soft"]}; }}
  .edge path {{ stroke: {of["soft"]}; }} .edge polygon {{ fill: {of["soft"]}; stroke: none; }}
"""
    for lane, colour in enumerate(of["lanes"].split()):
        rules += f"  .e{lane} path {{ stroke: {colour}; }} .e{lane} polygon, .f{lane} "
        rules += f"{{ fill: {colour}; }}\n"
    rules += f"  .edge.violating path {{ stroke: {of['bad']}; stroke-width: 2; }}\n"
    rules += f"  .edge.violating polygon {{ fill: {of['bad']}; }}\n"
    for kind, (fill, stroke) in nodes.items():
        rules += f"  .{kind} rect, .{kind}.node path "
        rules += f"{{ fill: {fill}; stroke: {stroke}; }}\n"
    return rules
