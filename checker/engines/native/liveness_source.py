"""C for liveness: which assumption each step serves, and what properties say of a state.

A second build of the model gives each successor a *label*, a number for the fairness assumption
that the step serves together with the condition under which it does.  Another piece of C has what
`runtime/graph.h` asks for.  A program without fairness needs no second build.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.errors import NotNativeError
from checker.engines.native.conditions import Conditions
from checker.engines.native.generated import Args, LivenessSource
from checker.engines.native.packing import Packing
from checker.engines.native.unrolled import unrolled
from checker.ground.conditions import FALSE, TRUE, Condition, either
from checker.ground.lower import Binding, Ground, Judgement
from checker.lang import ir

SERVES_NONE = 0xFFFF
"""As in `runtime/graph.h`."""
MOST_LABELS = 0xFFFF

Assumption = tuple[str, Args]
"""An action, and the values of the parameters that its fairness is for each of."""


@dataclass(frozen=True)
class _Label:
    """What is to be known of a step: the assumption that it serves, and when."""

    assumption: int
    when: Condition
    when_fails: Condition


def liveness_source(
    program: ir.Program, ground: Ground, instances: Iterable[tuple[str, Args]]
) -> LivenessSource:
    """C that tells of these instances of liveness properties, each a name and arguments."""
    fair = {action.name: action for action in program.actions if action.fairness is not None}
    assumptions: dict[Assumption, int] = {}
    labels: dict[_Label, int] = {}
    of_binding: list[int] = []
    for binding in ground.bindings:
        label = _Label(SERVES_NONE, TRUE, FALSE)
        if binding.action in fair:
            assumption = _assumption(fair[binding.action], binding)
            number = assumptions.setdefault(assumption, len(assumptions))
            label = _Label(number, binding.when, binding.when_fails)
        of_binding.append(labels.setdefault(label, len(labels)))
    if len(labels) > MOST_LABELS:
        raise NotNativeError(f"fairness of more than {MOST_LABELS:,} kinds")
    judgements = {(j.name, j.args): j for j in ground.judgements}
    observed = [judgements[instance] for instance in instances]
    strong = [fair[action].fairness.strength == "strong" for action, _ in assumptions]
    return LivenessSource(
        _Observing(ground, observed, list(labels), strong).source(),
        unrolled(program, ground, (), of_binding).source if assumptions else None,
        tuple(assumptions),
    )


def _assumption(action: ir.ActionIR, binding: Binding) -> Assumption:
    assert action.fairness is not None
    values = (
        arg
        for choice, arg in zip(action.choices, binding.args, strict=True)
        if choice.name in action.fairness.for_each
    )
    return action.name, tuple(values)


class _Observing:
    """Writes the symbol `liveness`."""

    def __init__(
        self, ground: Ground, observed: list[Judgement], labels: list[_Label], strong: list[bool]
    ) -> None:
        self.observed = observed
        self.labels = labels
        self.strong = strong
        self.conditions = Conditions(Packing(ground.layout))
        self.functions: list[str] = []

    def source(self) -> str:
        fails = either(j.errors for j in self.observed)
        expected = [c for j in self.observed for c in (j.holds, j.second)]
        expected += [c for label in self.labels for c in (label.when, label.when_fails)]
        self.conditions.expect([*expected, fails])
        serves = [label.assumption for label in self.labels]
        asked = [
            (number, self._told(label.when, label.when_fails))
            for number, label in enumerate(self.labels)
            if label.assumption != SERVES_NONE and label.when is not TRUE
        ]
        seen = [
            (number, f"{self._call(j.holds)} | {self._call(j.second)} << 1")
            for number, j in enumerate(self.observed)
        ]
        body = [
            f"static const u16 serves[] = {_row(serves)};",
            f"static const u8 strong[] = {_row([*map(int, self.strong), 0])};",
            self._switch("int counts(u32 which, const u64 *s)", asked, 1),
            self._switch("int observe(u32 which, const u64 *s)", seen, 0),
            f"static int fails(const u64 *s) {{ return {self._call(fails)}; }}",
            "const Liveness liveness = {\n"
            f"    .assumptions = {len(self.strong)}, .serves = serves, .strong = strong,\n"
            "    .counts = counts, .observe = observe, .fails = fails,\n};",
        ]
        parts = ['#include "graph.h"', *self.conditions.functions, *self.functions, *body]
        return "\n\n".join(parts) + "\n"

    def _call(self, of: Condition) -> str:
        """The condition of the state at `s`, as a call of a function of its own."""
        if of in (TRUE, FALSE):
            return str(int(of is TRUE))
        name = f"holds_{len(self.functions)}"
        text = self.conditions.text(of)
        self.functions.append(f"static int {name}({self.conditions.params}) {{ return {text}; }}")
        return f"{name}({self.conditions.spread})"

    def _told(self, when: Condition, fails: Condition) -> str:
        told = self._call(when)
        return told if fails is FALSE else f"{self._call(fails)} ? -1 : {told}"

    @staticmethod
    def _switch(head: str, cases: list[tuple[int, str]], otherwise: int) -> str:
        lines = [f"    case {number}: return {text};" for number, text in cases]
        return "\n".join(
            [f"static {head} {{", "    switch (which) {", *lines, "    }"]
            + [f"    return {otherwise};", "}"]
        )


def _row(numbers: list[int]) -> str:
    return "{" + ", ".join(map(str, numbers)) + "}"
