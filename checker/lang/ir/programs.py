"""Functions, actions, properties: a whole specification with its constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf

from checker.lang.errors import Place
from checker.lang.ir.expressions import NOWHERE, TRUE, Expr, How, SortKind
from checker.lang.ir.statements import Body
from checker.lang.types import RecordT, SortT, Type


@dataclass(frozen=True)
class Param:
    name: str
    type: Type


@dataclass(frozen=True)
class Function:
    """A helper.  Ways through its body that meet no `Return` return nothing."""

    name: str
    params: tuple[Param, ...]
    returns: Type | None
    locals: tuple[Param, ...]
    body: Body
    writes: frozenset[str]
    """The fields that it may write, itself or through calls."""
    guarded: bool
    """Whether it may `require`, itself or through calls."""
    place: Place = field(compare=False, default=NOWHERE)

    @property
    def pure(self) -> bool:
        return not self.writes and not self.guarded


@dataclass(frozen=True)
class Choice:
    """What a parameter ranges over: its whole type, or `within` (read in the current state).

    "member": the distinct items of `within` that belong to the parameter's type; "subset": the
    subsets of it that do.  `within` may use the parameters before this one.  Where `given` is
    false there is nothing to choose, and `within` is not read.  Where one of them fails, the
    whole domains are to be walked (see `choices.py`).
    """

    name: str
    type: Type
    how: How
    within: Expr | None = None
    given: Expr = TRUE


@dataclass(frozen=True)
class Fair:
    """One fairness assumption: see `declare.Fairness`.  `when` is a function of the parameters."""

    strength: OneOf["weak", "strong"]
    for_each: tuple[str, ...]
    when: str | None


@dataclass(frozen=True)
class ActionIR:
    name: str
    function: str
    choices: tuple[Choice, ...]
    fairness: Fair | None = None
    optional: bool = False

    @property
    def params(self) -> tuple[Param, ...]:
        return tuple(Param(choice.name, choice.type) for choice in self.choices)


@dataclass(frozen=True)
class PropertyIR:
    """A property, `final`, `constraint` or `assume`: a pure function of its parameters."""

    name: str
    kind: str
    function: str
    params: tuple[Param, ...]


@dataclass(frozen=True)
class RefinementIR:
    """How a state is a state of another program: a pure function for each of its fields.

    What a function gives may lie outside the field's domain: that is a model error.
    """

    name: str
    other: Program
    fields: tuple[tuple[str, str], ...]
    """Each field of `other`, in order, and the name of its function here."""
    steps: int
    """The most steps there that one step here may be."""


@dataclass(frozen=True)
class StateField:
    name: str
    type: Type
    ghost: bool
    default: Any


@dataclass(frozen=True)
class ConstantIR:
    name: str
    type: Type
    value: Any
    members_of: SortKind | None


@dataclass(frozen=True)
class Program:
    """A whole specification with its constants.  `functions` has every body, by name."""

    name: str
    fields: tuple[StateField, ...]
    constants: dict[str, ConstantIR]
    sorts: tuple[SortT, ...]
    functions: dict[str, Function]
    actions: tuple[ActionIR, ...]
    inits: tuple[tuple[ActionIR, ...], ...]
    """One group for each part with an `@init`: one of each group is taken, in this order."""
    properties: tuple[PropertyIR, ...]
    final: tuple[PropertyIR, ...]
    constraints: tuple[PropertyIR, ...]
    assumes: tuple[PropertyIR, ...]
    refinements: tuple[RefinementIR, ...]
    records: dict[RecordT, tuple[str, ...]]
    """For each type of a record that is made and has invariants: the functions that check it."""

    def field(self, name: str) -> StateField:
        return next(f for f in self.fields if f.name == name)

    def action(self, name: str) -> ActionIR:
        return next(a for a in self.actions if a.name == name)
