"""`quorate simulate`: random walks, for instances too large to exhaust."""

from __future__ import annotations

from pathlib import Path

import click

from checker.cli.options import (
    choose_option,
    constants_option,
    depth_option,
    file_options,
    json_option,
    limits_options,
    property_option,
    seed_option,
    spec_argument,
)


@click.command("simulate", short_help="Random walks, for instances too large to exhaust.")
@spec_argument
@constants_option
@click.option(
    "--walks", type=click.IntRange(min=1), default=1000, show_default=True, help="How many."
)
@depth_option
@seed_option("walks")
@choose_option(
    ["steps", "actions"],
    "What is equally likely: all steps that are possible, or all actions that have some.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="ACTION=N",
    help="Make an action so many times as likely; 0: never.  May be repeated.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "native", "python"]),
    default="auto",
    show_default=True,
    help="native: generated C.  python: the reference.  auto: native unless the steps are few.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Threads of the native engine.  [default: cores]"
)
@limits_options
@property_option
@file_options
@json_option
def command(
    *,
    spec: str,
    constants: tuple[str, ...],
    walks: int,
    depth: int,
    seed: int,
    choose: str,
    weights: tuple[str, ...],
    engine: str,
    workers: int | None,
    max_seconds: float | None,
    max_memory: int | None,
    properties: tuple[str, ...],
    trace: Path | None,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Walk SPEC at random, and look for a violation.

    What a walk finds is real, and is shown as `quorate check` shows it.  Walks that find
    nothing prove nothing: the verdict is then undecided.  The same seed gives the same walks
    of the same engine, on any number of cores.

    \b
    quorate simulate paxos -c acceptors=5 -c ballots=4
    quorate simulate paxos:ForgetsPromise --seed 7 --depth 200
    quorate simulate path/to/lock.py --walks 100000000 --max-seconds 10m
    quorate simulate paxos --choose actions --weight prepare=5

    Exit status: 1 violated, 2 wrong usage or bad input, 3 undecided.
    """
    from checker.cli.answer import give
    from checker.cli.constants import instance
    from checker.cli.memory import guarded, limit_bytes
    from checker.cli.output import writable
    from checker.cli.progress import showing
    from checker.cli.target import find
    from checker.engines.check import simulate

    target = find(spec)
    machine = instance(target, constants)
    writable(trace)
    writable(svg)
    memory = limit_bytes(max_memory)
    with guarded(memory), showing(target.cls.__name__) as progress:
        result = simulate(
            machine,
            engine=engine,
            workers=workers,
            walks=walks,
            depth=depth,
            seed=seed,
            choose=choose,
            weights=dict(map(weight, weights)),
            max_seconds=max_seconds,
            max_memory=memory,
            progress=progress,
            properties=list(properties) or None,
        )
    more = {"walks": result.walks, "seed": result.seed}
    return give(result, target.name, as_json=as_json, trace=trace, svg=svg, more=more)


def weight(text: str) -> tuple[str, int]:
    """`ACTION=N`: the action, and how likely it is."""
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise click.BadParameter(
            f"`{text}`: write ACTION=N, N a whole number", param_hint="--weight"
        )
    return name, int(number)
