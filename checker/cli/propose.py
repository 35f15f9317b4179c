"""`quorate propose`: let a running cluster decide."""

from __future__ import annotations

from pathlib import Path

import click

from checker.cli.cluster import client, cluster_options
from checker.cli.options import json_option


@click.command("propose", short_help="Let a running cluster decide a key.")
@click.argument("key")
@click.argument("value")
@cluster_options
@json_option
def command(
    *,
    key: str,
    value: str,
    cluster: str,
    timeout: float,
    tls: tuple[Path, Path, Path] | None,
    as_json: bool,
) -> int:
    """Propose VALUE for KEY, and print what is decided: VALUE, or what was chosen before it.

    \b
    quorate propose leader ada --cluster 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003

    Exit status: 0 decided, 2 wrong usage, 3 no answer: the value may be chosen all the same.
    """
    from checker.cli.output import emit_json, put_text

    with client(cluster, timeout, tls) as opened:
        decided = opened.propose(key, value)
    if as_json:
        emit_json({"key": key, "proposed": value, "decided": decided, "ours": decided == value})
    else:
        put_text(f"{decided}\n")
    return 0
