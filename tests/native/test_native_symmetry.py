"""A search with symmetry gives the verdicts of the whole one, and runs that are real."""

import os
from pathlib import Path
from typing import Any

import pytest

from checker import Counterexample, check
from checker.engines.check import model_of
from checker.engines.errors import NotNativeError
from checker.lang import (
    Annotated,
    Map,
    Range,
    Set,
    Sort,
    Spec,
    action,
    everywhere,
    final,
    invariant,
    members,
    reachable,
    require,
)
from checker.lang.errors import SpecError
from checker.lang.model import LIVENESS_KINDS, Model
from spec.broken.paxos import ForgetsPromise
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from tests.native.answers import answer
from tests.native.test_native_agreement import random_one

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 2
COUNTS = ("states", "transitions", "actions", "depth")
"""What may be less, or other, where one state stands for many."""


def safety(spec: Spec | type[Spec]) -> list[str]:
    model = model_of(spec)
    names = [what.name for what in model.properties if what.kind not in LIVENESS_KINDS]
    names += [refinement.name for refinement in model.refinements]
    return [*names, "deadlock", "coverage"]


def verdicts(answered: dict[str, Any]) -> dict[str, Any]:
    """Without counts, and without what is said of Sorts that are not symmetric."""
    kept = {name: held for name, held in answered.items() if name not in COUNTS}
    kept["warnings"] = [w for w in kept["warnings"] if "is not symmetric" not in w]
    return kept


def replay(model: Model, shown: Counterexample) -> None:
    state = shown.steps[0].state
    assert state in model.initial_states()
    for step in shown.steps[1:]:
        assert step.action is not None
        state = model.step(state, model.action(step.action), step.args)
        assert state == step.state


@pytest.mark.parametrize(
    ("spec", "orbits"),
    [
        (Paxos(ballots=3, values=2), 17_153),
        (TwoPhase(resource_managers=3), 80),
        (TwoPhase(resource_managers=5), 314),
        (TwoPhase(resource_managers=7), 920),
    ],
    ids=str,
)
def test_the_published_orbits(spec: Spec, orbits: int) -> None:
    result = check(spec, properties=safety(spec), symmetry=True)
    assert result, result
    assert result.distinct_states == orbits
    assert result.reductions
    assert not result.warnings


def test_a_counterexample_is_a_real_shortest_run() -> None:
    whole = check(ForgetsPromise(), properties=["agreement"], engine="native")
    found = check(ForgetsPromise(), properties=["agreement"], symmetry=True)
    assert found.counterexample is not None
    assert whole.counterexample is not None
    assert len(found.counterexample.steps) == len(whole.counterexample.steps)
    replay(found.model, found.counterexample)
    agreement = found.model.property("agreement")
    assert not found.model.holds(agreement, found.counterexample.steps[-1].state, ())


class Node(Sort):
    """A member like the others."""


class Tokens(Spec):
    """Each node counts; what is said of a node may be broken by any of them."""

    nodes: Set[Node] = members(3)
    held: Map[Node, Annotated[int, Range(4)]] = everywhere(0)

    @action
    def add(self, n: Node) -> None:
        require(self.held[n] < 3)
        self.held[n] += 1

    @invariant
    def few(self, n: Node) -> bool:
        return self.held[n] < 3

    @reachable
    def alone(self, n: Node) -> bool:
        return self.held[n] == 2 and all(self.held[m] == 0 for m in self.nodes if m != n)

    @final
    def full(self) -> bool:
        return all(self.held[n] == 3 for n in self.nodes)


def test_what_is_said_of_a_member_is_said_of_each() -> None:
    result = check(Tokens(), symmetry=True, stop_at_first=False)
    assert result.distinct_states == 20  # of 64
    assert result.properties["alone"] == "holds"
    assert result.counterexample is not None
    assert "few(" in result.counterexample.explanation
    replay(result.model, result.counterexample)


def test_random_specs_have_the_same_verdicts(tmp_path: Path) -> None:
    reduced = 0
    for seed in range(RANDOM_SPECS):
        spec = random_one(seed, tmp_path)
        asked: dict[str, Any] = {"properties": safety(spec), "stop_at_first": False}
        try:
            whole = check(spec, engine="python", max_states=3000, **asked)
            if whole.undecided_because.startswith("the limit"):
                continue
            found = check(spec, symmetry=True, workers=1 + seed % 2, **asked)
        except (SpecError, NotNativeError):
            continue
        assert verdicts(answer(found)) == verdicts(answer(whole)), seed
        assert found.distinct_states <= whole.distinct_states
        reduced += found.distinct_states < whole.distinct_states
    assert reduced > RANDOM_SPECS // 4
