"""The kinds of failure, and the form of their messages.

Three things can be wrong, and they have three types (nothing else is raised on purpose):

* `SpecError`: the specification itself is wrong.  Found before anything runs.
* `ModelError`: a step of the specification does what no step may do (a value outside its
  domain, the greatest of an empty set, an absent value used).  Found while running.
* `LimitReached`: nothing is wrong; a limit on states, seconds or memory was reached.

They import nothing, so that who reads a history need not load the language of specifications.

Every message says where (file, line, column and the line itself), which rule, and the mend.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place in a source file.  `line` counts from 1, `column` from 0 (as `ast` does)."""

    file: str
    line: int
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}"

    def show(self) -> str:
        """The place, the line itself, and a caret under the column."""
        if not self.text.strip():
            return str(self)
        stripped = self.text.strip()
        indent = len(self.text) - len(self.text.lstrip())
        caret = " " * max(0, self.column - indent) + "^"
        return f"{self}\n    {stripped}\n    {caret}"


class QuorateError(Exception):
    """The base of every error that Quorate raises on purpose."""


class LocatedError(QuorateError):
    """An error with a place, a rule that was broken, and a mend."""

    def __init__(self, rule: str, mend: str = "", place: Place | None = None) -> None:
        self.rule = rule
        self.mend = mend
        self.place = place
        super().__init__(rule)

    def __str__(self) -> str:
        where = f"{self.place.show()}\n" if self.place else ""
        mend = f"\n  mend: {self.mend}" if self.mend else ""
        return f"{where}{self.rule}{mend}"


class SpecError(LocatedError):
    """The specification is wrong: a construct, a type, a domain or a declaration."""


class ModelError(LocatedError):
    """A step does what no step may do.  `during` names the step that did it."""

    def __init__(
        self, rule: str, mend: str = "", place: Place | None = None, during: str = ""
    ) -> None:
        super().__init__(rule, mend, place)
        self.during = during

    def __str__(self) -> str:
        during = f"\n  during: {self.during}" if self.during else ""
        return super().__str__() + during


class LimitReached(QuorateError):
    """A limit on states, seconds or memory was reached; the search is undecided."""


class NotEnabled(QuorateError):
    """A guard (`require`) does not hold, so this step cannot be taken from this state."""


class Blocked(NotEnabled):
    """A value would leave a domain declared with `beyond="block"`: the step is not enabled."""


class Pruned(NotEnabled):
    """A value would leave a domain declared with `beyond="prune"`: the state is cut off."""


__all__ = [
    "Blocked",
    "LimitReached",
    "LocatedError",
    "ModelError",
    "NotEnabled",
    "Place",
    "Pruned",
    "QuorateError",
    "SpecError",
]
