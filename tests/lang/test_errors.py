"""Every rule of the compiler, with the full text of its error.

The cases stand in `tests/data/lang/errors.txt`: a name, the methods of a spec (and after `%%`
functions of its module), and after `----` what the compiler says.  To rewrite what it says:

    QUORATE_REWRITE=1 pytest tests/lang/test_errors.py

and read the difference: a changed text is a change to be understood.
"""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from checker.lang.compile import compile_model
from checker.lang.errors import SpecError
from checker.lang.model import Model
from tests.generate.loading import load_text

CASES = Path(__file__).parent.parent / "data" / "lang" / "errors.txt"

PREAMBLE = """\
from enum import Enum
from checker.lang import *

class Node(Sort):
    pass

class Colour(Enum):
    RED = 1
    GREEN = 2

Num = Annotated[int, Range("top")]

class Vote(Record):
    ballot: Num
    value: Colour

class Ask(Record):
    ballot: Num

class Tell(Record):
    ballot: Num
    vote: Vote | None

class Bye(Record):
    pass

class Clock(Spec):
    now: Annotated[int, Range(9)] = 0

    @action
    def tick(self) -> None:
        self.now += 1

class Case(Spec):
    nodes: Set[Node] = members(2)
    top: int = const(3)

    clock: Clock
    count: Annotated[int, Range(0, 4)] = 0
    colour: Colour = Colour.RED
    leader: Node | None
    last: Map[Node, Num | None]
    votes: Map[Node, Vote | None]
    pair: tuple[Num, Colour] = (0, Colour.RED)
    sent: Set[Ask | Tell | Bye]
    queue: Annotated[Seq[Num], AtMost(2)]
    order: Annotated[Seq[Node], AtMost(2)]
    bag: Annotated[Bag[Num], AtMost(2)]
    log: Annotated[Seq[Num], AtMost(2)] = ghost()

    @process
    def worker(self, n: Node) -> Steps:
        yield "idle"
        self.count = 0
        yield "busy"

    @action
    def tick(self) -> None:
        self.clock.tick()

"""


def cases() -> list[tuple[str, str, str]]:
    found = []
    for part in ("\n" + CASES.read_text()).split("\n=== ")[1:]:
        name, _, rest = part.partition("\n")
        code, _, said = (rest + "\n").partition("----\n")
        found.append((name, code, said.rstrip("\n") + "\n"))
    return found


def error_of(code: str, folder: Path) -> str:
    """What the compiler says of these methods; lines count from the first of them."""
    methods, _, module = code.partition("%%\n")
    text = PREAMBLE + textwrap.indent(methods, "    ") + "\n" + module
    with pytest.raises(SpecError) as caught:
        compile_model(Model(load_text(text, folder).Case, {}))
    error = caught.value
    assert error.place is not None
    assert error.mend
    line = error.place.line - PREAMBLE.count("\n")
    column = error.place.column - (4 if line <= methods.count("\n") else 0)
    where = f"line {line}, column {column + 1}\n"
    return where + str(error).split("\n", 1)[1] + "\n"


@pytest.mark.parametrize(("name", "code", "said"), cases(), ids=[case[0] for case in cases()])
def test_the_compiler_says(name: str, code: str, said: str, tmp_path: Path) -> None:
    assert error_of(code, tmp_path) == said


def test_rewrite(tmp_path: Path) -> None:
    if "QUORATE_REWRITE" not in os.environ:
        assert len(cases()) >= 45
        return
    parts = []
    for name, code, _ in cases():
        try:
            said = error_of(code, tmp_path)
        except BaseException as problem:
            said = f"?? {problem}\n"
        parts.append(f"=== {name}\n{code}----\n{said}")
    CASES.write_text("".join(parts))
