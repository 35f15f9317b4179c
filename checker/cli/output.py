"""Writing the answer: to standard output, in the width and with the colours that it has.

Rules of this file:

* Colour only on a terminal, and never where `NO_COLOR` is set or `TERM` is `dumb` (rich knows).
* Where standard output cannot write `→` or `●`, plain signs stand for them: no traceback.
* A reader who leaves early (`| head`) changes nothing about the exit status.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.status import BadInput

if TYPE_CHECKING:
    from rich.text import Text

WIDTH = 100
"""Where standard output is no terminal and COLUMNS says nothing."""

PLAIN = str.maketrans(
    {
        **dict.fromkeys("│┃", "|"),
        **dict.fromkeys("─━", "-"),
        **dict.fromkeys("├┤┼╭╰╮╯┌┐└┘┬┴", "+"),
        **{"→": "->", "←": "<-", "▶": ">", "◀": "<", "●": "*", "−": "-", "×": "x", "…": "..."},
        **{"✓": "+", "✗": "x", "·": "-"},
    }
)


def width() -> int:
    """Columns of the terminal; never so few that nothing could be shown."""
    return max(40, shutil.get_terminal_size((WIDTH, 24)).columns)


def emit(lines: Iterable[Text]) -> None:
    """Styled lines on standard output."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"

    def write() -> None:
        for line in lines:
            if not _can_write(line.plain, encoding):
                click.echo(line.plain.translate(PLAIN).encode(encoding, "replace"))
            elif console.is_terminal:
                console.print(line)
            else:
                click.echo(line.plain)
        sys.stdout.flush()

    _unless_nobody_reads(write)


def emit_json(data: dict[str, Any]) -> None:
    """One JSON object on standard output, in ASCII, so that every terminal and pipe takes it."""

    def write() -> None:
        click.echo(json.dumps(data, indent=1))
        sys.stdout.flush()

    _unless_nobody_reads(write)


def put_text(text: str) -> None:
    """A file's content on standard output, always in UTF-8: it is for a program."""

    def write() -> None:
        click.echo(text.encode("utf-8"), nl=False)
        sys.stdout.flush()

    _unless_nobody_reads(write)


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _unless_nobody_reads(write: Callable[[], object]) -> None:
    try:
        write()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def note(text: str) -> None:
    """A remark on standard error."""
    click.echo(f"quorate: {text}", err=True)


def writable(path: Path | None) -> None:
    """`BadInput` before any work is done, if a file could not be written after it."""
    if path is None:
        return
    if path.is_dir():
        raise BadInput(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise BadInput(f"cannot write {path}: the folder {path.parent} does not exist")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadInput(f"cannot write {path}: permission denied")


def write_file(path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from None
