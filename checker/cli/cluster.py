"""What the commands for a running cluster share: where it is, and how its errors are told."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from checker.cli.options import Seconds
from checker.cli.status import UNDECIDED, BadInput

if TYPE_CHECKING:
    from impl.client import Client

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option(
        "--cluster",
        required=True,
        metavar="HOST:PORT,...",
        help="Its nodes, or some of them.  They are tried in this order.",
    ),
    click.option(
        "--timeout",
        type=Seconds(),
        default=10.0,
        metavar="TIME",
        help="Wait so long: 0.5, 10, 1m.  [default: 10]",
    ),
    click.option(
        "--tls",
        type=(FILE, FILE, FILE),
        metavar="CERT KEY CA",
        help="Files in PEM form: this client's certificate and key, and who may sign the nodes'.",
    ),
)


def cluster_options(command: F) -> F:
    """--cluster, --timeout, --tls."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Undecided(click.ClickException):
    """No answer; the message says what that means."""

    exit_code = UNDECIDED

    def show(self, file: Any = None) -> None:
        click.echo(f"quorate: {self.message}", err=True)


@contextmanager
def client(cluster: str, timeout: float, tls: tuple[Path, Path, Path] | None) -> Iterator[Client]:
    """A client, whose errors are those of the command line."""
    from impl.client import Client, ClientError, Rejected, addresses

    try:
        addresses(cluster)
    except ValueError as error:
        raise BadInput(f"--cluster: {error}") from None
    try:
        with Client(cluster, timeout=timeout, tls=_context(tls)) as opened:
            yield opened
    except Rejected as error:
        raise BadInput(str(error)) from None
    except ClientError as error:
        raise Undecided(str(error)) from None


def _context(tls: tuple[Path, Path, Path] | None) -> ssl.SSLContext | None:
    from impl.client import tls_context

    if tls is None:
        return None
    try:
        return tls_context(*tls)
    except OSError as error:
        raise BadInput(f"--tls: these files cannot be used: {error}") from None
