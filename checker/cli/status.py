"""What the exit status says, and the errors that end a command with one clear message.

    0   it holds                     3   undecided: a limit was reached, or Ctrl-C
    1   it is violated               70  a bug in quorate itself
    2   wrong usage or bad input     74  the output could not be written

Nothing else may end with 1: a script that asks "is it violated?" must never be told so by an
accident.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import IO, Any

import click

HOLDS, VIOLATED, BAD_INPUT, UNDECIDED, BUG, NO_OUTPUT = 0, 1, 2, 3, 70, 74

STATUS = {"holds": HOLDS, "violated": VIOLATED, "undecided": UNDECIDED}


class BadInput(click.ClickException):
    """What was given cannot be used.  The message says what, where, and what would do."""

    exit_code = BAD_INPUT

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"quorate: {self.message}", err=True)


def nearest(given: str, known: list[str]) -> str:
    """` Did you mean ...?`, or nothing."""
    found = get_close_matches(given, known, n=1, cutoff=0.6)
    return f"  Did you mean `{found[0]}`?" if found else ""
