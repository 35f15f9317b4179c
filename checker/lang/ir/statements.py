"""Statements: what an action does, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from checker.lang.errors import Place
from checker.lang.ir.expressions import NOWHERE, Expr, Node, Source
from checker.lang.types import Type


@dataclass(frozen=True)
class Stmt(Node):
    """A statement.  A body is a tuple of them, run in order."""

    place: Place = field(kw_only=True, compare=False, repr=False, default=NOWHERE)


@dataclass(frozen=True)
class Let(Stmt):
    """A local variable gets a value.  Every `Let` of one name has the same type."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Write(Stmt):
    """`field[path...] = value`: each step of the path is a key of a Map or an index of a Seq."""

    field: str
    path: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True)
class Require(Stmt):
    """If false, the whole step is not enabled."""

    test: Expr


@dataclass(frozen=True)
class Assert(Stmt):
    """If false, it is a model error."""

    test: Expr
    text: str = ""


@dataclass(frozen=True)
class If(Stmt):
    test: Expr
    then: tuple[Stmt, ...]
    other: tuple[Stmt, ...] = ()


@dataclass(frozen=True)
class For(Stmt):
    """`for name in source`: the source is read once, before the first round.

    `ordered` is false for a Set, a Bag and the domain of a Sort; then the rounds commute.
    """

    name: str
    of: Type
    source: Source
    body: tuple[Stmt, ...]
    ordered: bool


@dataclass(frozen=True)
class Return(Stmt):
    value: Expr | None = None


@dataclass(frozen=True)
class Do(Stmt):
    """A call of a function that may write and require; its value goes into a local, if named."""

    function: str
    args: tuple[Expr, ...]
    into: str | None = None


Body = tuple[Stmt, ...]
