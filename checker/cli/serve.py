"""`quorate serve`: a node of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from checker.cli.options import json_option

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("serve", short_help="Run a node of a cluster that decides values.")
@click.option("--node", type=click.IntRange(0), metavar="ID", help="Which node this is: 0, 1 ...")
@click.option("--config", type=FILE, metavar="FILE", help="The cluster: a TOML file.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Its journal.  Without: what the configuration says.",
)
@click.option("--history", type=FILE, metavar="FILE", help="Append what clients ask and are told.")
@click.option("--trace-log", type=FILE, metavar="FILE", help="Append each step of the protocol.")
@click.option("--example-config", is_flag=True, help="Print a configuration to begin with.")
@json_option
def command(
    *,
    node: int | None,
    config: Path | None,
    data: Path | None,
    history: Path | None,
    trace_log: Path | None,
    example_config: bool,
    as_json: bool,
) -> int:
    """Run node ID of the cluster in FILE, until it is told to stop.

    The nodes of a cluster decide one value for each key, by Paxos.  Each keeps a journal; a node
    that was killed goes on where it was.  A majority of the nodes is needed to decide.

    \b
    quorate serve --example-config > demo.toml
    quorate serve --node 0 --config demo.toml
    quorate serve --node 1 --config demo.toml --history h1.jsonl --trace-log t1.jsonl

    When it listens it prints one line, with its address; with --json, as an object.  SIGTERM and
    Ctrl-C stop it: exit status 0.  It is 2 if the node cannot begin, and 74 if its disk fails.
    """
    from checker.cli.output import put_text
    from checker.cli.status import BadInput
    from impl.server.config import EXAMPLE, ConfigError, load
    from impl.server.main import serve
    from impl.server.server import DiskError, StartError

    if example_config:
        put_text(EXAMPLE)
        return 0
    if node is None or config is None:
        raise click.UsageError(
            "a node needs --node and --config.  `quorate serve --example-config` prints a first."
        )
    try:
        serve(load(config, node, data), history=history, trace_log=trace_log, as_json=as_json)
    except (ConfigError, StartError) as error:
        raise BadInput(str(error)) from None
    except DiskError as error:
        raise OSError(f"node {node} has stopped: {error}") from None
    return 0
