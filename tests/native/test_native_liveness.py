"""Liveness by the native engine: the reference's verdicts, and lassos that are what they claim.

A lasso is checked by running the spec: each step is one, the loop closes, it is fair, and it does
what the property forbids.  Nothing of the search for it is used.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from ctypes import c_uint8
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import pytest

from checker import Counterexample, Result, check
from checker.engines.native import generate
from checker.engines.native.liveness import graph as liveness_graph
from checker.engines.native.liveness.graph import LivenessGraph
from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.watch import Watch
from checker.lang import (
    Range,
    Set,
    Spec,
    action,
    constraint,
    eventually,
    infinitely_often,
    leads_to,
    require,
    weak,
)
from checker.lang.model import Model, State
from tests.engines import test_liveness
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.answers import answer
from tests.protocols import allocator, dining, lease

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 5
SLICES = 2
LARGEST = 2000

# --------------------------------------------------------------------------- lassos


def assert_lasso(model: Model, found: Counterexample) -> None:
    """It is a run for ever of the model, fair, and it violates its property."""
    states = [step.state for step in found.steps]
    assert found.loop is not None
    assert states[0] in model.initial_states()
    for before, step in zip(states, found.steps[1:], strict=False):
        assert step.action is not None
        assert model.step(before, model.action(step.action), step.args) == step.state
    assert states[-1] == states[found.loop]
    assert_fair(model, found)
    what = model.property(found.property)
    assert any(violates(model, found, args) for args in what.bindings())


def violates(model: Model, found: Counterexample, args: tuple[Any, ...]) -> bool:
    what = model.property(found.property)
    held = [model.holds(what, step.state, args) for step in found.steps]
    loop = held[found.loop :]
    match what.kind:
        case "eventually":
            return not any(held)
        case "infinitely_often":
            return not any(loop)
        case "eventually_always":
            return not all(loop)
    return any(
        cause and not any(effect for _, effect in held[at:])
        for at, (cause, _) in enumerate(held[: (found.loop or 0) + 1])
    )


Assumption = tuple[str, tuple[Any, ...]]


def served(model: Model, state: State, name: str, args: tuple[Any, ...]) -> Assumption | None:
    """The assumption that a step from a state serves."""
    action = model.action(name)
    fair = action.fairness
    if fair is None or model.step(state, action, args) == state:
        return None
    model.load(state)
    if fair.when is not None and not fair.when(action.machine, *args):
        return None
    pairs = zip(action.params, args, strict=True)
    return name, tuple(arg for param, arg in pairs if param.name in fair.for_each)


def assert_fair(model: Model, found: Counterexample) -> None:
    assert found.loop is not None
    loop = found.steps[found.loop :]
    taken = {
        served(model, before.state, after.action or "", after.args)
        for before, after in pairwise(loop)
    }
    possible = [
        {served(model, step.state, a.name, args) for a, args, _ in model.successors(step.state)}
        for step in loop
    ]
    always, ever = set.intersection(*possible), set.union(*possible)
    for assumption in ever - taken - {None}:
        assert assumption is not None
        fairness = model.action(assumption[0]).fairness
        assert fairness is not None
        assert fairness.strength == "weak", assumption
        assert assumption not in always


def native(spec: Spec | type[Spec], workers: int = 1, **asked: Any) -> Result:
    """The native answer, whose lassos are checked."""
    result = check(spec, engine="native", stop_at_first=False, workers=workers, **asked)
    for found in result.counterexamples:
        if found.loop is not None:
            assert_lasso(result.model, found)
    return result


# --------------------------------------------------------------------------- known specs


def of_module(module: Any) -> Iterator[type[Spec]]:
    for made in vars(module).values():
        if isinstance(made, type) and issubclass(made, Spec) and made.__module__ == module.__name__:
            yield made


MODULES = [test_liveness, allocator, dining, lease]
KNOWN = [spec for module in MODULES for spec in of_module(module)]


@pytest.mark.parametrize("spec", KNOWN, ids=lambda spec: spec.__name__)
def test_the_answers_are_the_reference_s(spec: type[Spec]) -> None:
    reference = check(spec, engine="python", stop_at_first=False)
    assert answer(native(spec, workers=2)) == answer(reference)


# --------------------------------------------------------------------------- random specs

FAIR: list[Callable[[str], str]] = [
    lambda _when: "@action",
    lambda _when: "@action(fairness=weak())",
    lambda _when: "@action(fairness=strong())",
    lambda _when: '@action(fairness=weak(for_each="p"))',
    lambda _when: '@action(fairness=strong(for_each="p"))',
    lambda when: f"@action(fairness=weak(when={when}))",
    lambda when: f'@action(fairness=strong(for_each="p", when={when}))',
]


def with_liveness(text: str, rng: random.Random) -> str:
    """A random spec of which the invariant's test is said to hold at some time, and so on."""
    head, _, test = text.rstrip().rpartition("        return ")
    head = head[: head.rindex("    @invariant")]

    def fair(found: re.Match[str]) -> str:
        names = ", ".join(["self", *re.findall(r"(\w+):", found[2])])
        return rng.choice(FAIR)(f"lambda {names}: {test}") + found[0][len("@action") :]

    head = re.sub(r"@action\n    def (a[0-9]+)\(self, (.*)\) -> None:", fair, head)
    says = {
        "eventually": f"not {test}",
        "infinitely_often": test,
        "eventually_always": test,
        "leads_to": f"(not {test}, {test})",
    }
    for kind, said in says.items():
        returns = "tuple[bool, bool]" if kind == "leads_to" else "bool"
        head += (
            f"    @{kind}\n    def l_{kind}(self, p: Node) -> {returns}:\n        return {said}\n\n"
        )
    return head


@pytest.mark.parametrize("part", range(SLICES))
def test_random_specs(part: int, tmp_path: Path) -> None:
    size = RANDOM_SPECS // SLICES
    violated = held = 0
    for seed in range(part * size, (part + 1) * size):
        rng = random.Random(seed)
        spec = load_text(with_liveness(random_spec(rng.randrange), rng), tmp_path).Random
        reference = check(spec, engine="python", max_states=LARGEST, stop_at_first=False)
        if reference.undecided_because.startswith("the limit"):
            continue
        result = native(spec, workers=2)
        assert answer(result) == answer(reference), seed
        verdicts = [v for name, v in result.properties.items() if name.startswith("l_")]
        violated += verdicts.count("violated")
        held += verdicts.count("holds")
    assert violated
    assert held


# --------------------------------------------------------------------------- several threads


class Lamps(Spec):
    """65,536 states, in levels that are large enough for several threads."""

    on: Set[Annotated[int, Range(16)]]

    @action(fairness=weak(when=lambda self, k: len(self.on) < 9))
    def light(self, k: Annotated[int, Range(16)]) -> None:
        require(k not in self.on)
        self.on.add(k)

    @infinitely_often
    def few(self) -> bool:
        return len(self.on) < 9

    @leads_to
    def two_in_a_row(self, k: Annotated[int, Range(3)]) -> tuple[bool, bool]:
        return (k in self.on, {k, k + 1} <= self.on)

    @eventually
    def many(self) -> bool:
        return len(self.on) == 8


def test_the_lassos_do_not_depend_on_threads() -> None:
    properties = ["few", "two_in_a_row", "many"]
    one, *others = [native(Lamps, workers, properties=properties) for workers in (1, 2, 3)]
    assert [shown.property for shown in one.counterexamples] == ["few", "two_in_a_row"]
    for other in others:
        assert other.counterexamples == one.counterexamples
        assert other.properties == one.properties


class Around(Spec):
    """To be fair, a loop must be led to where leaving it is not possible."""

    place: Annotated[int, Range(4)] = 0

    @action(fairness=weak())
    def spin(self) -> None:
        require(self.place < 3)
        self.place = 1 if self.place == 0 else 0

    @action
    def aside(self) -> None:
        require(self.place == 0)
        self.place = 2

    @action(fairness=weak())
    def leave(self) -> None:
        require(self.place < 2)
        self.place = 3

    @eventually
    def left(self) -> bool:
        return self.place == 3


def test_a_loop_is_led_to_a_state_where_nothing_is_owed() -> None:
    result = native(Around)
    assert answer(result) == answer(check(Around, engine="python", stop_at_first=False))
    lasso = next(shown for shown in result.counterexamples if shown.property == "left")
    assert {step.state for step in lasso.steps} == {(0,), (1,), (2,)}


def test_a_limit_of_memory_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness_graph, "BYTES_OF_EDGE", 1 << 40)
    result = check(Lamps, engine="native", properties=["few"], max_memory=1 << 40)
    assert result.undecided_because == "the limit of 1,099,511,627,776 bytes of memory was reached"
    assert result.properties["few"] == "undecided"


def test_it_stops_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user interrupts while C works: all of it is told to stop, and the answer says so."""
    stopped: list[int] = []
    close = LivenessGraph.close

    def interrupt(_watch: Watch, *said: Any, **_more: Any) -> None:
        if "liveness" in said:
            raise KeyboardInterrupt

    def look(graph: LivenessGraph) -> None:
        stops = [c_uint8.from_address(graph.runtime.graph_stop(made)) for made in graph.made]
        stopped.extend(stop.value for stop in stops)
        close(graph)

    monkeypatch.setattr(liveness_graph, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(Watch, "tick", interrupt)
    monkeypatch.setattr(LivenessGraph, "close", look)
    result = check(Lamps, engine="native", properties=["few"])
    assert result.undecided_because == INTERRUPTED
    assert stopped == [1]


# --------------------------------------------------------------------------- model errors


class Fails(Spec):
    level: Annotated[int, Range(6)] = 0

    @action(fairness=weak(when=lambda self: 6 // (4 - self.level) > 0))
    def rise(self) -> None:
        require(self.level < 5)
        self.level += 1

    @eventually
    def high(self) -> bool:
        return self.level == 5


class FailsInProperty(Fails):
    @leads_to
    def wrong(self) -> tuple[bool, bool]:
        return (self.level > 0, 6 // (3 - self.level) > 1)


@pytest.mark.parametrize("spec", [Fails, FailsInProperty])
def test_model_errors_are_the_reference_s(spec: type[Spec]) -> None:
    ours, reference = (
        check(spec, engine=engine, stop_at_first=False) for engine in ("native", "python")
    )
    assert answer(ours) == answer(reference)
    assert ours.properties["model error"] == "violated"
    assert ours.counterexamples == reference.counterexamples


# --------------------------------------------------------------------------- what is not known


class Cut(Spec):
    """Beyond the bound there may be steps that are owed: no loop goes through its last state."""

    n: Annotated[int, Range(4, beyond="prune")] = 0

    @action(fairness=weak())
    def up(self) -> None:
        self.n += 1

    @action
    def down(self) -> None:
        require(self.n > 2)
        self.n -= 1

    @infinitely_often
    def none(self) -> bool:
        return self.n == 0


class NoFairness(Cut):
    @action(fairness=None)
    def up(self) -> None:
        self.n += 1


class Constrained(NoFairness):
    @constraint
    def low(self) -> bool:
        return self.n < 3


@pytest.mark.parametrize(
    ("spec", "verdict"), [(Cut, "holds"), (NoFairness, "violated"), (Constrained, "violated")]
)
def test_states_with_steps_cut_off(spec: type[Spec], verdict: str) -> None:
    result = native(spec)
    assert answer(result) == answer(check(spec, engine="python", stop_at_first=False))
    assert result.properties["none"] == verdict


# --------------------------------------------------------------------------- from the typed form


@pytest.mark.parametrize("spec", [Around, Cut, FailsInProperty, allocator.WeakAllocator])
def test_the_general_generator_tells_the_same(
    spec: type[Spec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "MOST_UNROLLED", 0)
    reference = check(spec, engine="python", stop_at_first=False)
    assert answer(native(spec, workers=2)) == answer(reference)
