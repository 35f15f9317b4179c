"""The command `quorate`.

Rules of this package:

* It translates: from words to a spec and its constants, from a result to text, JSON and an
  exit status.  What is true is decided elsewhere.
* Standard output holds the answer and nothing else; progress and errors go to standard error.
* Each command is a module that is imported when it is used, and imports what is heavy
  (networkx, rich, an engine) inside its functions: `quorate --help` is there at once.
* Exit statuses are those of `status.py`, whatever happens.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from checker.cli.status import BAD_INPUT, BUG, NO_OUTPUT, UNDECIDED

COMMANDS = {
    "specs": "checker.cli.specs",
    "check": "checker.cli.check",
    "simulate": "checker.cli.simulate",
    "graph": "checker.cli.graph",
    "serve": "checker.cli.serve",
    "propose": "checker.cli.propose",
    "learn": "checker.cli.learn",
    "conform": "checker.cli.conform",
    "trace": "checker.cli.trace",
    "linearize": "checker.cli.linearize",
}
"""Each command and its module, which holds it as `command`."""


OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""What is imported is no garbage, and to look through it again and again takes 10 ms."""


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message}  There are: {', '.join(COMMANDS)}.") from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run, and exit with a documented status whatever happens."""
        if args is None:
            gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
        try:
            status = super().main(
                args, prog_name or "quorate", complete_var, standalone_mode=False, **extra
            )
            sys.stdout.flush()
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            click.echo("quorate: interrupted, so undecided", err=True)
            sys.exit(UNDECIDED)
        except (BrokenPipeError, SystemExit):  # click would end with 1 where nobody reads
            _silence()
            sys.exit(NO_OUTPUT)
        except MemoryError:
            click.echo(
                "quorate: undecided: out of memory.  Try smaller constants (-c), "
                "or `quorate simulate`.",
                err=True,
            )
            sys.exit(UNDECIDED)
        except Exception as error:
            status = _failed(error)
            if status == NO_OUTPUT:
                _silence()
            sys.exit(status)
        status = status if isinstance(status, int) else 0
        if args is None:
            _leave(status)
        sys.exit(status)


def _leave(status: int) -> None:
    """End at once: to take a large heap apart, object by object, takes longer than many a check.

    Not where there are other threads; and what is registered for the end is done.
    """
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _silence() -> None:
    """Nobody reads standard output any more: let the interpreter's last flush succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _failed(error: Exception) -> int:
    """Say what went wrong; the status to exit with."""
    from checker.errors import QuorateError

    if os.environ.get("QUORATE_DEBUG"):
        traceback.print_exc()
    if isinstance(error, QuorateError):
        click.echo(f"quorate: {error}", err=True)
        return BAD_INPUT
    if isinstance(error, OSError) and not isinstance(error, BlockingIOError):
        click.echo(f"quorate: {error}", err=True)
        return NO_OUTPUT
    click.echo(
        f"quorate: this is a bug in quorate, and no verdict: {type(error).__name__}: {error}\n"
        "Please report it, with the command and the spec.  QUORATE_DEBUG=1 shows where.",
        err=True,
    )
    return BUG


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quorate", prog_name="quorate")
def main() -> None:
    """Check executable specifications of distributed protocols.

    \b
    quorate specs                          what ships
    quorate check paxos                    explore every reachable state
    quorate check paxos -c ballots=3       a larger instance
    quorate check paxos:ForgetsPromise     a seeded bug, with its counterexample
    quorate check my_lock.py               your own spec

    Exit status: 0 holds, 1 violated, 2 wrong usage or bad input, 3 undecided.
    """


__all__ = ["main"]
