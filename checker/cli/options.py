"""What several commands take: the spec, its constants, limits, and where the answer goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class Memory(click.ParamType[int]):
    """Bytes: `2G`, `500M`, `1.5g`, `1000000`; `2GB` and `2GiB` mean the same as `2G`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
        if not found or not float(found[1]):
            self.fail(f"`{value}` is not a size: write 2G or 500M", param, ctx)
        return int(float(found[1]) * UNITS[found[2].upper()])


class Seconds(click.ParamType[float]):
    """Seconds: `90`, `1.5`, `90s`, `10m`, `2h`."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", value.strip())
        if not found or not float(found[1]):
            self.fail(f"`{value}` is not a time: write 90, 10m or 2h", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


spec_argument = click.argument("spec", metavar="SPEC")

constants_option = click.option(
    "-c",
    "constants",
    multiple=True,
    metavar="NAME=VALUE",
    help="A constant of the spec: 3, true, ada,bob (members), or JSON.  May be repeated.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else."
)

property_option = click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="NAME",
    help="Only this property (`deadlock` and `coverage` are names, too).  May be repeated.",
)

depth_option = click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="The most steps of a walk.",
)

_LIMITS = (
    click.option("--max-seconds", type=Seconds(), help="Stop after so long: 90, 10m, 2h."),
    click.option(
        "--max-memory",
        type=Memory(),
        help="Take no more memory than this: 500M, 2G.  Without: 80% of what is free.",
    ),
)

_STORAGE = (
    click.option(
        "--disk",
        type=click.Path(path_type=Path, file_okay=False, exists=True, writable=True),
        metavar="FOLDER",
        help="Where states go when memory is full.  Without: $TMPDIR or /var/tmp.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the search down now and then, and when it is stopped.",
    ),
    click.option(
        "--checkpoint-every",
        type=Seconds(),
        default=600.0,
        metavar="TIME",
        help="How often: 90, 10m, 2h.  [default: 10m]",
    ),
    click.option(
        "--resume",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="Go on from a checkpoint of the same spec, constants and properties.",
    ),
)

_FILES = (
    click.option(
        "--trace",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the counterexample as JSON that can be replayed.",
    ),
    click.option(
        "--svg",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the counterexample as a picture.",
    ),
)


def limits_options(command: F) -> F:
    """--max-seconds, --max-memory."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


def storage_options(command: F) -> F:
    """--disk, --checkpoint, --checkpoint-every, --resume."""
    for option in reversed(_STORAGE):
        command = option(command)
    return command


def file_options(command: F) -> F:
    """--trace, --svg."""
    for option in reversed(_FILES):
        command = option(command)
    return command


def choose_option(ways: list[str], help_text: str) -> Callable[[F], F]:
    """--choose: how a walk goes on.  The first of the ways is the default."""
    return click.option(
        "--choose", type=click.Choice(ways), default=ways[0], show_default=True, help=help_text
    )


def seed_option(changes: str) -> Callable[[F], F]:
    """--seed, and what another one changes."""
    return click.option(
        "--seed", type=int, default=0, show_default=True, help=f"Another seed, other {changes}."
    )
