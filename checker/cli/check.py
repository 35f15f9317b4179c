"""`quorate check`: every reachable state, and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from checker.cli.options import (
    constants_option,
    file_options,
    json_option,
    limits_options,
    property_option,
    spec_argument,
    storage_options,
)

if TYPE_CHECKING:
    from checker.engines.native.options import Options
    from checker.lang.spec import Spec


@click.command("check", short_help="Explore every reachable state; a verdict.")
@spec_argument
@constants_option
@click.option(
    "--engine",
    type=click.Choice(["auto", "native", "python"]),
    default="auto",
    show_default=True,
    help="native: generated C.  python: the reference.  auto: native unless the spec is small.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Threads of the native engine.  [default: cores]"
)
@click.option(
    "--symmetry", is_flag=True, help="One state for all that differ in names of members only."
)
@click.option(
    "--por", is_flag=True, help="Partial-order reduction: for invariants, goals and deadlock."
)
@click.option(
    "--fingerprint",
    type=click.Choice(["64", "128"]),
    help="Keep hashes of so many bits, not states: less memory, and states may be missed.",
)
@click.option("--max-states", type=click.IntRange(min=1), help="Stop after so many states.")
@limits_options
@storage_options
@property_option
@click.option("--all", "everything", is_flag=True, help="Go on after a violation; show each.")
@click.option("--allow-unused", is_flag=True, help="An action never taken is no failure.")
@click.option(
    "--emit-c",
    "emit_c",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the C that the native engine would run (-: to standard output); check nothing.",
)
@file_options
@json_option
def command(
    *,
    spec: str,
    constants: tuple[str, ...],
    engine: str,
    workers: int | None,
    symmetry: bool,
    por: bool,
    fingerprint: str | None,
    max_states: int | None,
    max_seconds: float | None,
    max_memory: int | None,
    disk: Path | None,
    checkpoint: Path | None,
    checkpoint_every: float,
    resume: Path | None,
    properties: tuple[str, ...],
    everything: bool,
    allow_unused: bool,
    emit_c: Path | None,
    trace: Path | None,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Explore every reachable state of SPEC, and judge its properties.

    SPEC is a spec that ships (see `quorate specs`), a broken variant of one, or a class in a
    file of yours.

    \b
    quorate check paxos
    quorate check paxos -c acceptors=3 -c ballots=3 --max-seconds 10m
    quorate check paxos -c acceptors=ada,bob,cyd
    quorate check paxos:ForgetsPromise --svg forgets.svg
    quorate check path/to/lock.py:Lock --property mutual_exclusion --json
    quorate check paxos -c ballots=4 --checkpoint run.saved
    quorate check paxos -c ballots=4 --checkpoint run.saved --resume run.saved

    A counterexample is the shortest there is.  Ctrl-C stops, and shows what was covered.

    Exit status: 0 holds, 1 violated, 2 wrong usage or bad input, 3 undecided.
    """
    from checker.cli.answer import give
    from checker.cli.constants import instance
    from checker.cli.memory import guarded, limit_bytes
    from checker.cli.output import writable
    from checker.cli.progress import showing
    from checker.cli.target import find
    from checker.engines.check import check
    from checker.engines.native.options import Options

    target = find(spec)
    machine = instance(target, constants)
    writable(trace)
    writable(svg)
    names = list(properties) or None
    if allow_unused:
        names = [name for name in names or every_name(machine) if name != "coverage"]
    if emit_c is not None:
        return write_c(machine, names, emit_c, Options(symmetry=symmetry, por=por))
    memory = limit_bytes(max_memory)
    with guarded(memory), showing(target.cls.__name__) as progress:
        result = check(
            machine,
            engine=engine,
            workers=workers,
            symmetry=symmetry,
            por=por,
            fingerprint=int(fingerprint) if fingerprint else None,
            max_states=max_states,
            max_seconds=max_seconds,
            max_memory=memory,
            disk=disk,
            checkpoint=checkpoint,
            checkpoint_minutes=checkpoint_every / 60,
            resume=resume,
            progress=progress,
            properties=names,
            stop_at_first=not everything,
        )
    return give(result, target.name, as_json=as_json, trace=trace, svg=svg, everything=everything)


def write_c(spec: Spec, names: list[str] | None, file: Path, options: Options) -> int:
    """Write what the native engine would compile."""
    from checker.cli.output import put_text, write_file
    from checker.engines.check import checked_model
    from checker.engines.native.generate import generate
    from checker.engines.python.plan import Plan

    model = checked_model(spec)
    plan = Plan.of(model, names)
    options.allow(plan)
    source = generate(model, plan, options).source
    if str(file) == "-":
        put_text(source)
    else:
        write_file(file, lambda: file.write_text(source, encoding="utf-8"))
    return 0


def every_name(spec: Spec) -> list[str]:
    """What a check of everything checks."""
    from checker.engines.check import model_of
    from checker.engines.python.plan import ALWAYS

    model = model_of(spec)
    named = [what.name for what in model.properties]
    return [*named, *(what.name for what in model.refinements), *ALWAYS]
