"""`quorate learn`: what a running cluster has decided."""

from __future__ import annotations

from pathlib import Path

import click

from checker.cli.cluster import client, cluster_options
from checker.cli.options import json_option


@click.command("learn", short_help="What a running cluster has decided for a key.")
@click.argument("key")
@cluster_options
@json_option
def command(
    *, key: str, cluster: str, timeout: float, tls: tuple[Path, Path, Path] | None, as_json: bool
) -> int:
    """Print what is decided for KEY; if nothing is chosen, say so on standard error.

    \b
    quorate learn leader --cluster 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003

    A value that was proposed and is about to be chosen may be chosen by asking.
    Exit status: 0 with a decision and without, 2 wrong usage, 3 no answer.
    """
    from checker.cli.output import emit_json, note, put_text

    with client(cluster, timeout, tls) as opened:
        decided = opened.learn(key)
    if as_json:
        emit_json({"key": key, "decided": decided})
    elif decided is None:
        note(f"nothing is chosen for {key}")
    else:
        put_text(f"{decided}\n")
    return 0
