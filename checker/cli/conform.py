"""`quorate conform`: an implementation, against its spec, edge by edge."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import (
    choose_option,
    constants_option,
    depth_option,
    json_option,
    limits_options,
    seed_option,
)
from checker.cli.progress import clock, drawing
from checker.cli.status import BadInput

if TYPE_CHECKING:
    from checker.cli.systems import Chosen
    from checker.conform.result import Conformance, Progress

REPLAYS = 1000
"""As in `checker/conform/run.py`, which is not imported for a help text."""


@click.command("conform", short_help="An implementation against its spec, every edge.")
@click.argument("spec", metavar="[SPEC]", required=False)
@constants_option
@click.option(
    "--system", metavar="NAME|FILE.py:CLASS", help="What is checked.  Without: what ships for SPEC."
)
@click.option(
    "--system-command",
    metavar="COMMAND",
    help="What is checked is a process that speaks lines of JSON on its standard input and output.",
)
@click.option("--list", "list_them", is_flag=True, help="The systems that ship.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes, a system each.  [default: cores]",
)
@click.option(
    "--replays",
    type=click.IntRange(min=0),
    default=REPLAYS,
    show_default=True,
    help="So many edges are taken again, from the start and without snapshots.",
)
@click.option(
    "--walks", type=click.IntRange(min=1), help="Instead of all edges: so many walks of chance."
)
@depth_option
@choose_option(
    ["guided", "random"],
    "Walks prefer steps to what they have not seen, or all steps are equally likely.",
)
@seed_option("walks and replays")
@click.option(
    "--max-states", type=click.IntRange(min=1), help="Stop when the spec has more states than this."
)
@limits_options
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the divergence as JSON that can be replayed.",
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the path to the divergence.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Only this: does what --save wrote still diverge?",
)
@json_option
def command(
    *,
    spec: str | None,
    constants: tuple[str, ...],
    system: str | None,
    system_command: str | None,
    list_them: bool,
    workers: int | None,
    replays: int,
    walks: int | None,
    depth: int,
    choose: str,
    seed: int,
    max_states: int | None,
    max_seconds: float | None,
    max_memory: int | None,
    save: Path | None,
    svg: Path | None,
    replay: Path | None,
    as_json: bool,
) -> int:
    """Drive an implementation along every step of SPEC, and compare both sides each time.

    What the spec allows must be possible, and nothing else; every step must lead to the same
    state and the same messages.  A divergence is shown with a shortest path.

    \b
    quorate conform --list
    quorate conform paxos
    quorate conform two_phase --system-command "node docs/examples/two_phase.js"
    quorate conform lock.py:Lock --system lock_nodes.py:Nodes --save found.json
    quorate conform lock.py:Lock --system lock_nodes.py:Nodes --replay found.json
    quorate conform paxos -c ballots=5 --walks 10000 --depth 200

    Exit status: 0 conforms, 1 diverges, 2 wrong usage or bad input, 3 undecided.
    """
    from checker.cli.output import writable

    writable(save)
    writable(svg)
    if replay is not None:
        if constants or walks is not None:
            raise BadInput("--replay goes without -c and --walks: the file says the instance")
        from checker.cli.replayed import replayed

        return replayed(replay, spec, system, system_command, svg=svg, as_json=as_json)
    if spec is None or list_them:
        return listed(as_json)
    from checker.cli.constants import instance
    from checker.cli.memory import guarded, limit_bytes
    from checker.cli.systems import choose as chosen_of
    from checker.conform.run import conform
    from checker.conform.walks import walk

    chosen = chosen_of(spec, system, system_command)
    walks = walks or chosen.walks
    machine = instance(chosen.target, constants)
    memory = limit_bytes(max_memory)
    line = partial(line_of, chosen.name)
    with guarded(memory), drawing(f"{chosen.name} ...", line) as progress:
        common: dict[str, Any] = {
            "workers": workers or len(os.sched_getaffinity(0)),
            "seed": seed,
            "max_seconds": max_seconds,
            "progress": progress,
            "name": chosen.name,
        }
        if walks is not None:
            guided = choose == "guided"
            result = walk(
                machine, chosen.factory, walks=walks, depth=depth, guided=guided, **common
            )
        else:
            result = conform(
                machine,
                chosen.factory,
                replays=replays,
                max_states=max_states,
                max_memory=memory,
                **common,
            )
    return give(result, chosen, as_json=as_json, save=save, svg=svg)


# --------------------------------------------------------------------------- the answer


def give(
    result: Conformance, chosen: Chosen, *, as_json: bool, save: Path | None, svg: Path | None
) -> int:
    """Show the answer, and write the files."""
    from checker.cli.output import emit, emit_json, note, width, write_file
    from checker.cli.status import STATUS
    from checker.conform import recorded
    from checker.conform.report import report, result_json

    name, found = chosen.target.name, result.divergence
    if as_json:
        emit_json(result_json(result, name))
    else:
        emit(report(result, width()))
    if found is None:
        for path in (save, svg):
            if path is not None:
                note(f"there is no divergence, so {path} is not written")
        return STATUS[result.verdict]
    if save is not None:
        write_file(save, lambda: recorded.write(save, result.model, found, name, chosen.name))
        note(f"the divergence is in {save}")
    if svg is not None:
        from checker.report import svg as pictures

        write_file(svg, lambda: pictures.write(svg, result.model, found.run))
        note(f"the divergence is drawn in {svg}")
    return STATUS[result.verdict]


def listed(as_json: bool) -> int:
    """The systems that ship."""
    from rich.text import Text

    from checker.cli.output import emit, emit_json
    from checker.conform.shipped import ALIASES, SYSTEMS

    called = {spec: name for name, spec in ALIASES.items()}
    rows = [
        {"spec": one.spec, "called": called.get(one.spec, one.spec), "system": one.name}
        | {"about": one.about}
        for one in SYSTEMS
    ]
    if as_json:
        emit_json({"systems": rows})
        return 0
    lines = [
        Text.assemble(
            (f"{row['called']}", "bold cyan"), f"  --system {row['system']}  {row['about']}"
        )
        for row in rows
    ]
    own = (
        "your own: quorate conform FILE.py:Spec --system FILE.py:Class, or --system-command COMMAND"
    )
    every = "every spec: --system echo, the spec as an implementation of itself"
    emit([*lines, Text(every, "dim"), Text(own, "dim")])
    return 0


# --------------------------------------------------------------------------- progress


def line_of(title: str, now: Progress) -> str:
    """`nodes  1,234,567 of 2,336,028 edges  21,300/s  depth 17  0:58  about 0:52 left`."""
    what = {"reading the spec": "states of the spec"}.get(now.phase, now.phase)
    of = f" of {now.total:,}" if now.total else ""
    parts = [
        title,
        f"{now.done:,}{of} {what}",
        f"{now.rate:,.0f}/s",
        f"depth {now.depth:,}",
        clock(now.seconds),
    ]
    if now.seconds_left is not None and now.phase == "edges":
        parts.append(f"about {clock(now.seconds_left)} left")
    return "  ".join(parts)
