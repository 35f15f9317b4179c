"""`quorate graph`: the state graph, to look at."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import constants_option, json_option, limits_options, spec_argument

if TYPE_CHECKING:
    import networkx as nx

    from checker.lang.model import Model

FORMATS = ("dot", "svg", "graphml")


@click.command("graph", short_help="The state graph as DOT, SVG or GraphML.")
@spec_argument
@constants_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to: .dot, .svg or .graphml.  Without: standard output.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="If FILE does not say.")
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Refuse a larger graph.",
)
@click.option("--stutters", is_flag=True, help="Show steps that change nothing, too.")
@limits_options
@json_option
def command(
    *,
    spec: str,
    constants: tuple[str, ...],
    output: Path | None,
    format_: str | None,
    max_states: int,
    stutters: bool,
    max_seconds: float | None,
    max_memory: int | None,
    as_json: bool,
) -> int:
    """Draw the state graph of SPEC: every reachable state, and every step between them.

    Initial, final and violating states have colours of their own; a state's full text is its
    tooltip.  SVG is laid out by Graphviz where that is installed, and by quorate elsewhere.

    \b
    quorate graph consensus -o consensus.svg
    quorate graph two_phase -c resource_managers=2 -o two_phase.svg
    quorate graph two_phase -o two_phase.graphml      for Gephi, yEd or Cytoscape
    quorate graph path/to/lock.py --format dot | dot -Tpdf > lock.pdf

    Exit status: 0 drawn, 2 wrong usage or bad input, 3 too large.
    """
    from checker.cli.constants import instance
    from checker.cli.memory import guarded, limit_bytes
    from checker.cli.output import emit_json, note, put_text, writable, write_file
    from checker.cli.progress import showing
    from checker.cli.status import UNDECIDED
    from checker.cli.target import find
    from checker.engines.check import checked_model
    from checker.engines.result import Limits
    from checker.graph.build import TooLarge, build

    target = find(spec)
    model = checked_model(instance(target, constants))
    form = format_of(output, format_)
    writable(output)
    memory = limit_bytes(max_memory)
    limits = Limits(None, max_seconds, memory)
    try:
        with guarded(memory), showing(target.cls.__name__) as progress:
            graph = build(model, max_states, stutters=stutters, progress=progress, limits=limits)
    except TooLarge as error:
        note(f"{target.name} is too large to look at: {error}.\n{advice(target.name)}")
        return UNDECIDED
    text = rendered(graph, form, title_of(model, graph)) if output or not as_json else ""
    if output is not None:
        write_file(output, lambda: output.write_text(text, encoding="utf-8"))
        note(f"{len(graph):,} states and {graph.number_of_edges():,} edges are in {output}")
    if as_json:
        emit_json(graph_json(graph, model, target.name, output))
    elif output is None:
        put_text(text)
    return 0


def format_of(output: Path | None, given: str | None) -> str:
    """What to write: as given, else by the file's suffix, else DOT."""
    from checker.cli.status import BadInput

    if given:
        return given
    if output is None:
        return "dot"
    suffix = output.suffix.lstrip(".").lower()
    suffix = "dot" if suffix == "gv" else suffix
    if suffix not in FORMATS:
        raise BadInput(f"{output}: which format?  Name it .dot, .svg or .graphml, or use --format")
    return suffix


def advice(name: str) -> str:
    return (
        "  Smaller constants make a graph that a person can read: -c NAME=VALUE\n"
        "  --max-states N draws a larger one; with -o FILE.graphml, for Gephi or Cytoscape\n"
        f"  quorate check {name} and quorate simulate {name} need no picture"
    )


def title_of(model: Model, graph: nx.DiGraph[int]) -> str:
    from checker.report.constants import instance_text

    return f"{instance_text(model)}: {len(graph):,} states"


def rendered(graph: nx.DiGraph[int], form: str, title: str) -> str:
    """The graph as the text of a file."""
    from checker.graph import dot, drawing
    from checker.graph.build import plain_copy

    if form == "dot":
        return str(dot.dot(graph, title).to_string())
    if form == "svg":
        try:
            return dot.svg(graph, title) if dot.installed() else drawing.svg(graph, title)
        except (OSError, AssertionError):  # what pydot raises if `dot` is there and fails
            return drawing.svg(graph, title)
    import networkx as nx

    held = BytesIO()
    nx.write_graphml(plain_copy(graph), held)
    return held.getvalue().decode("utf-8") + "\n"


def graph_json(
    graph: nx.DiGraph[int], model: Model, name: str, output: Path | None
) -> dict[str, Any]:
    from checker.report.constants import constants_json

    return {
        "spec": name,
        "constants": constants_json(model),
        "states": len(graph),
        "edges": graph.number_of_edges(),
        "file": str(output) if output else None,
        "nodes": [
            {
                "id": number,
                "state": node["state"],
                "initial": node["initial"],
                "final": node["final"],
                "violates": node["violates"],
            }
            for number, node in graph.nodes(data=True)
        ],
        "links": [
            {
                "source": source,
                "target": target,
                "actions": edge["actions"],
                "violates": edge["violates"],
            }
            for source, target, edge in graph.edges(data=True)
        ],
    }
