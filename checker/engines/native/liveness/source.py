"""C for liveness: which assumption each step serves, and what properties say of a state.

The model gives each successor a *label*, a number for the fairness assumption that the step serves
together with the condition under which it does.  Another piece of C has what `runtime/graph.h` asks
for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.errors import NotNativeError
from checker.engines.native.conditions import Conditions
from checker.engines.native.generated import Args, LivenessSource
from checker.engines.native.packing import Packing
from checker.ground.conditions import FALSE, TRUE, Condition, either
from checker.ground.lower import Binding, Ground, Judgement
from checker.lang import ir

SERVES_NONE = 0xFFFF
"""As in `runtime/graph.h`."""
MOST_LABELS = 0xFFFF

Assumption = tuple[str, Args]
"""An action, and the values of the parameters that its fairness is for each of."""


@dataclass(frozen=True)
class Label:
    """What is to be known of a step: the assumption that it serves, and when."""

    assumption: int
    when: Condition
    when_fails: Condition


class Labels:
    """The labels of a program."""

    def __init__(self, program: ir.Program, ground: Ground) -> None:
        self.assumptions: dict[Assumption, bool] = {}
        """In the order of their numbers, and whether each is strong."""
        numbers: dict[Assumption, int] = {}
        known: dict[Label, int] = {}
        of_bindings: list[int] = []
        actions = {action.name: action for action in program.actions}
        for binding in ground.bindings:
            action, label = actions[binding.action], Label(SERVES_NONE, TRUE, FALSE)
            if action.fairness is not None:
                assumption = _assumption(action, action.fairness, binding)
                self.assumptions[assumption] = action.fairness.strength == "strong"
                number = numbers.setdefault(assumption, len(numbers))
                label = Label(number, binding.when, binding.when_fails)
            of_bindings.append(known.setdefault(label, len(known)))
        if len(known) > MOST_LABELS:
            raise NotNativeError(f"fairness of more than {MOST_LABELS:,} kinds")
        self.all = list(known)
        self.of_bindings = of_bindings if numbers else []
        """By the number of a binding; empty where no step is fair."""


def _assumption(action: ir.ActionIR, fairness: ir.Fair, binding: Binding) -> Assumption:
    pairs = zip(action.choices, binding.args, strict=True)
    return action.name, tuple(arg for choice, arg in pairs if choice.name in fairness.for_each)


def liveness_source(
    ground: Ground, labels: Labels, instances: Iterable[tuple[str, Args]]
) -> LivenessSource:
    """C that tells of these instances of liveness properties, each a name and arguments."""
    judgements = {(j.name, j.args): j for j in ground.judgements}
    observed = [judgements[instance] for instance in instances]
    return LivenessSource(
        _Observing(ground, observed, labels).source(),
        tuple(labels.assumptions),
    )


class _Observing:
    """Writes the symbol `liveness`."""

    def __init__(self, ground: Ground, observed: list[Judgement], labels: Labels) -> None:
        self.observed = observed
        self.labels = labels.all
        self.strong = [int(strong) for strong in labels.assumptions.values()]
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
            if (label.when, label.when_fails) != (TRUE, FALSE)
        ]
        seen = [
            (number, f"{self._call(j.holds)} | {self._call(j.second)} << 1")
            for number, j in enumerate(self.observed)
        ]
        body = [
            f"static const u16 serves[] = {_row(serves)};",
            f"static const u8 strong[] = {_row([*self.strong, 0])};",
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
        parts = [f"static {head} {{", "    switch (which) {", *lines, "    }"]
        return "\n".join([*parts, f"    return {otherwise};", "}"])


def _row(numbers: list[int]) -> str:
    return "{" + ", ".join(map(str, numbers)) + "}"
