"""`quorate linearize --html FILE --svg FILE`: pictures of one history, after its verdict."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.cli.output import note, writable, write_file
from checker.cli.status import BadInput

if TYPE_CHECKING:
    from checker.history.budget import Spending
    from checker.history.history import History
    from checker.history.models.model import Model
    from checker.history.pictures import Scene
    from checker.history.result import Result

MORE = 0.04
"""Of the time limit: for the pictures of what was not decided within it."""
LEAST_SECONDS = 0.5


@dataclass
class Pictures:
    """Which files are asked for, and the history that they will show."""

    html: Path | None
    svg: Path | None
    history: History | None = field(default=None, init=False)

    def __bool__(self) -> bool:
        return self.html is not None or self.svg is not None

    def check(self, histories: tuple[str, ...], **others: bool) -> None:
        """`BadInput` before any work is done.  `others`: options that do not go with pictures."""
        if not self:
            return
        option = "--html" if self.html is not None else "--svg"
        if len(histories) > 1:
            raise BadInput(f"{option} draws one HISTORY, and here are {len(histories)}")
        for name, is_given in others.items():
            if is_given:
                raise BadInput(f"{option} does not go with --{name.replace('_', ' ')}")
        files = [path for path in (self.html, self.svg) if path is not None]
        for path in files:
            writable(path)
            source = Path(histories[0])
            if path.exists() and source.exists() and path.samefile(source):
                raise BadInput(f"{option} {path}: this is the history itself")
        if len({path.absolute() for path in files}) < len(files):
            raise BadInput(f"--html and --svg name one file, {files[0]}")

    def write(self, result: Result, model: Model, spending: Spending, **rules: Any) -> None:
        """Draw, and say where."""
        if not self:
            return
        if self.history is None:
            note("nothing was decided before the limit, so nothing is drawn")
            return
        rules |= {"spending": _more(spending, result)}
        if self.svg is not None:
            self.write_svg(self.svg, result, model, rules)
        if self.html is not None:
            from checker.history.pictures import page

            whole(self.html, page(self.history, result, model, **rules))
            note(f"the page is in {self.html}")

    def write_svg(self, svg: Path, result: Result, model: Model, rules: dict[str, Any]) -> None:
        from checker.history.pictures import figure, scene
        from checker.history.pictures.figure import TooMany, assert_drawable

        assert self.history is not None
        try:
            assert_drawable(result)
            drawn: Scene = scene(self.history, result, model, **rules)
            whole(svg, figure(drawn))
        except TooMany as reason:
            note(f"{svg} is not written: {reason}")
            return
        shown = "history"
        if result.witness is not None:
            count = f"{len(result.witness):,} of {result.operations:,} operations"
            shown = f"contradiction ({count})"
        note(f"the {shown} is drawn in {svg}")


def _more(spending: Spending, result: Result) -> Spending:
    """What is left; and a little more if the time was spent before there was a verdict."""
    if result.limit != "time":
        return spending
    from checker.history.budget import Spending as Fresh

    given = spending.deadline - spending.begun
    until = time.monotonic() + max(LEAST_SECONDS, MORE * given)
    return Fresh(until, spending.memory_bytes)


def whole(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; what is no file (/dev/stdout) as it is."""

    def write() -> None:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)

    write_file(path, write)


__all__ = ["Pictures", "whole"]
