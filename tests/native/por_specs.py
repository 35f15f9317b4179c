"""Random specs of loosely coupled processes: what partial-order reduction is for.

Each process has a few fields of its own and acts on them, and now and then on the shared ones.
"""

from __future__ import annotations

from collections.abc import Callable

Pick = Callable[[int], int]

HEADER = """\
from typing import Annotated

from checker.lang import *

Small = Annotated[int, Range(3)]


class Random(Spec):
"""


class Writer:
    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.processes = 2 + pick(3)

    def one(self, choices: list[str]) -> str:
        return choices[self.pick(len(choices))]

    def owner(self, process: int) -> str:
        """A process, or what is shared."""
        return "s" if self.pick(4) == 0 else f"p{process}"

    def condition(self, process: int) -> str:
        at, k = f"self.{self.owner(process)}", self.pick(3)
        other = f"self.{self.owner(process)}"
        return self.one(
            [
                f"{at}_flag",
                f"not {at}_flag",
                f"{at}_n == {k}",
                f"{at}_n == {k}",
                f"{at}_n < {k}",
                f"{k} in {at}_set",
                f"{k} not in {at}_set",
                f"len({at}_set) < {k}",
                f"({at}_flag or {other}_n == {k})",
                f"{at}_n == {other}_n",
            ]
        )

    def effect(self, process: int) -> str:
        at, k = f"self.{self.owner(process)}", self.pick(3)
        other = f"self.{self.owner(process)}"
        return self.one(
            [
                f"{at}_flag = True",
                f"{at}_flag = not {at}_flag",
                f"{at}_flag = {other}_flag",
                f"{at}_n = {k}",
                f"{at}_n = ({at}_n + 1) % 3",
                f"{at}_n = min({at}_n + 1, 2)",
                f"{at}_n = {other}_n",
                f"{at}_set.add({k})",
                f"{at}_set.add({k})",
                f"{at}_set.discard({k})",
            ]
        )

    def action(self, process: int, number: int) -> list[str]:
        effects = [self.effect(process) for _ in range(1 + self.pick(2))]
        if self.pick(30) == 0:
            effects.append(f"self.{self.owner(process)}_n += 1")  # may leave its domain
        return [
            "@action(optional=True)" if self.pick(2) else "@action",
            f"def p{process}_does_{number}(self) -> None:",
            *(f"    require({self.condition(process)})" for _ in range(self.pick(3))),
            *(f"    {effect}" for effect in effects),
        ]

    def judged(self, kind: str, number: int) -> list[str]:
        first, second = (self.condition(self.pick(self.processes)) for _ in range(2))
        says = f"{first} and {second}"
        return [
            f"@{kind}",
            f"def {kind}_{number}(self) -> bool:",
            f"    return {says if kind == 'reachable' else f'not ({says})'}",
        ]

    def text(self) -> str:
        lines = []
        for owner in ["s", *(f"p{process}" for process in range(self.processes))]:
            lines += [f"{owner}_flag: bool = False", f"{owner}_n: Small = 0"]
            lines.append(f"{owner}_set: Set[Small]")
        for process in range(self.processes):
            for number in range(2 + self.pick(2)):
                lines += self.action(process, number)
        for number in range(2):
            lines += self.judged("reachable", number) + self.judged("invariant", number)
        if self.pick(5) == 0:
            lines += self.judged("constraint", 0)
        if self.pick(2) == 0:
            lines += self.judged("final", 0)
        return HEADER + "".join(f"    {line}\n" for line in lines)


def processes(pick: Pick) -> str:
    """The text of a module with one spec, `Random`."""
    return Writer(pick).text()
