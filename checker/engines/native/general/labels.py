"""What the labels of successors tell: the action; for liveness, what its fairness asks about too.

That is the values of the parameters that it is for each of; of all parameters, if it has a
condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from checker.engines.native.general.codes import codes, members, value_of
from checker.engines.native.general.library import Library
from checker.engines.native.general.shapes import NotInCError
from checker.engines.native.generated import Args
from checker.lang import ir

MOST_LABELS = 0xFFFF


@dataclass(frozen=True)
class Told:
    """The labels of one action: one for each code of these parameters together."""

    action: ir.ActionIR
    first: int
    params: tuple[int, ...]
    """Which of the action's parameters."""

    def types(self) -> list[ir.Param]:
        return [self.action.params[at] for at in self.params]

    @property
    def count(self) -> int | None:
        sizes = [codes(param.type) for param in self.types()]
        return None if None in sizes else prod(size or 0 for size in sizes)

    def args(self) -> Iterator[tuple[int, Args]]:
        """Each label with the values that it tells."""

        def walk(params: list[ir.Param], label: int, args: Args) -> Iterator[tuple[int, Args]]:
            if not params:
                yield label, args
                return
            first, rest = params[0], params[1:]
            for code in members(first.type):
                value = value_of(first.type, code)
                yield from walk(rest, label * (codes(first.type) or 0) + code, (*args, value))

        for label, args in walk(self.types(), 0, ()):
            yield self.first + label, args


class Labels:
    """`liveness`: whether more than the action is asked for."""

    def __init__(self, program: ir.Program, liveness: bool) -> None:
        self.actions: list[Told] = []
        self.count = 0
        for action in program.actions:
            told = Told(action, self.count, _asked(action) if liveness else ())
            if told.count is None or self.count + told.count > MOST_LABELS:
                raise NotInCError("fairness for each of too many values")
            self.actions.append(told)
            self.count += told.count

    def of(self, library: Library, number: int, params: list[str]) -> str:
        """The label of a binding of an action, from its parameters."""
        told = self.actions[number]
        label = ""
        for at in told.params:
            of = told.action.params[at].type
            code = library.code(of, params[at] if library.scalar(of) else f"(*{params[at]})")
            label = f"({label}) * {codes(of)} + (u32){code}" if label else f"(u32){code}"
        return f"{told.first} + {label}" if label else str(told.first)


def _asked(action: ir.ActionIR) -> tuple[int, ...]:
    fair = action.fairness
    if fair is None:
        return ()
    names = [param.name for param in action.params]
    return tuple(at for at, name in enumerate(names) if fair.when or name in fair.for_each)
