"""C, as text that is written line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from checker.engines.native.general.shapes import RESERVED, member

SUPPORT = (Path(__file__).parent / "support.h").read_text()

WORDS = RESERVED | set(re.findall(r"\w+(?=\()|(?<=#define )\w+", SUPPORT))
"""What no local may be called."""


class Body:
    """The lines of one C function, and the names in it."""

    def __init__(self, taken: Set[str] = frozenset()) -> None:
        self.lines: list[str] = []
        self.taken = set(WORDS | taken)

    def line(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """`header { ... }`."""
        self.line(f"{header} {{" if header else "{")
        yield
        self.line("}")

    @contextmanager
    def captured(self) -> Iterator[list[str]]:
        """What is written inside, to be put elsewhere."""
        held, self.lines = self.lines, []
        try:
            yield self.lines
        finally:
            self.lines = held

    def name(self, wanted: str) -> str:
        """A name that nothing in this function has yet."""
        base = member(wanted)
        found, number = base, 1
        while found in self.taken:
            number += 1
            found = f"{base}_{number}"
        self.taken.add(found)
        return found


def address(place: str) -> str:
    """A pointer to a place."""
    if place.startswith("(*") and place.endswith(")") and place[2:-1].isidentifier():
        return place[2:-1]
    return f"&{place}"


def pointed(name: str) -> str:
    """The place that a pointer points to."""
    return f"(*{name})"


def part(place: str, name: str) -> str:
    """A member of a place."""
    if place.startswith("(*") and place.endswith(")") and place[2:-1].isidentifier():
        return f"{place[2:-1]}->{name}"
    return f"{place}.{name}"


def function(header: str, lines: list[str], comment: str = "") -> str:
    """A whole function, indented."""
    said = f"/* {comment} */\n" if comment else ""
    return f"{said}{header} {{\n" + indented(lines, 1) + "}\n"


def indented(lines: list[str], depth: int = 0) -> str:
    made = []
    for line in lines:
        if line.startswith("}"):
            depth -= 1
        label = line.endswith(":;")
        made.append("    " * (0 if label else depth) + line + "\n")
        if line.endswith("{"):
            depth += 1
    return "".join(made)
