"""A reduced search says what the full one says, from fewer states.

A long run: QUORATE_RANDOM_SPECS=5000 pytest tests/native/test_por.py
"""

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checker import Result, check
from checker.engines.native import reduction, unrolled
from checker.engines.native.reduction import Reduction
from checker.lang import Annotated, Range, Spec, action, reachable, require
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec.broken.paxos import ForgetsPromise
from spec.broken.two_phase import CommitsEarly
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from spec.voting import Voting
from tests.generate.loading import load_text
from tests.native.por_specs import processes
from tests.protocols.bakery import Bakery, DoesNotWaitForChoices
from tests.protocols.dining import Dining, Ordered
from tests.protocols.raft_election import ForgetsItsVote, RaftElection

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 2
SLICES = 3


def judged(spec: Spec | type[Spec]) -> list[str]:
    """All that a reduced search may judge."""
    model = Model(spec, {}) if isinstance(spec, type) else Model.of(spec)
    kept = [p.name for p in model.properties if p.kind in {"invariant", "reachable"}]
    return [*kept, "deadlock", "coverage"]


def answer(result: Result) -> dict[str, Any]:
    """All of an answer that a reduction keeps."""
    return {
        "verdict": result.verdict,
        "properties": result.properties,
        "bounded": result.bounded,
        "taken": {name for name, times in result.actions.items() if times},
        "violated": {shown.property for shown in result.counterexamples},
    }


def both_ways(spec: Spec | type[Spec], full: str, workers: int = 2) -> tuple[Result, Result]:
    """The search by the engine `full`, and the reduced one: to the end, whatever is violated."""
    names = judged(spec)
    whole = check(spec, engine=full, properties=names, stop_at_first=False)
    few = check(spec, por=True, workers=workers, properties=names, stop_at_first=False)
    return whole, few


def disagreements(seeds: Iterable[int], folder: Path) -> tuple[int, dict[int, object]]:
    """How many states the reduced searches were spared, and where they say something else."""
    spared = 0
    found: dict[int, object] = {}
    for seed in seeds:
        spec = load_text(processes(random.Random(seed).randrange), folder).Random
        try:
            full, few = both_ways(spec, "python", 1 + seed % 2)
        except AssertionError as nonsense:  # what it reports cannot be explained
            found[seed] = str(nonsense)
            continue
        spared += full.distinct_states - few.distinct_states
        if answer(full) != answer(few) or few.distinct_states > full.distinct_states:
            found[seed] = answer(full), answer(few)
    return spared, found


@pytest.mark.parametrize("part", range(SLICES))
def test_both_searches_agree_on_random_processes(part: int, tmp_path: Path) -> None:
    size = RANDOM_SPECS // SLICES
    spared, found = disagreements(range(part * size, (part + 1) * size), tmp_path)
    assert not found
    assert spared > 5 * size


def test_whether_states_are_cut_off_is_kept(tmp_path: Path) -> None:
    """In these a step leads back from where the constraint is false."""
    _, found = disagreements([994, 1028, 1195, 1376], tmp_path)
    assert not found


FORGOTTEN: dict[str, Callable[[Reduction], Reduction]] = {
    "against": lambda r: replace(r, against=tuple(1 << b for b in range(len(r.against)))),
    "harmful": lambda r: replace(r, harmful=0),
    "blocking": lambda r: replace(r, blocking=0),
}


@pytest.mark.parametrize("table", FORGOTTEN)
def test_a_table_that_is_forgotten_is_noticed(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        unrolled, "reduction", lambda *given: FORGOTTEN[table](reduction.reduction(*given))
    )
    assert any(disagreements(range(n, n + 4), tmp_path)[1] for n in range(0, 60, 4))


class Race(Spec):
    """To take is at once possible; to overtake only after preparing."""

    prepared: bool = False
    taken: bool = False
    overtaken: bool = False

    @action
    def take(self) -> None:
        require(not self.taken)
        self.taken = True

    @action
    def prepare(self) -> None:
        require(not self.prepared)
        self.prepared = True

    @action
    def overtake(self) -> None:
        require(self.prepared and not self.taken)
        self.taken = True
        self.overtaken = True

    @reachable
    def one_is_faster(self) -> bool:
        return self.overtaken


def test_what_may_be_enabled_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["one_is_faster"]
    assert check(Race, por=True, properties=names)

    def forgetful(*given: Any) -> Reduction:
        whole = reduction.reduction(*given)
        return replace(whole, enabling=(0,) * len(whole.enabling))

    monkeypatch.setattr(unrolled, "reduction", forgetful)
    assert not check(Race, por=True, properties=names)


@pytest.mark.parametrize(
    "spec",
    [
        Paxos(),
        Voting(),
        TwoPhase(resource_managers=4),
        Ordered(seats=5),
        RaftElection(),
        Bakery(),
        ForgetsPromise(),
        CommitsEarly(),
        Dining(seats=5),
        DoesNotWaitForChoices(),
        ForgetsItsVote(),
    ],
    ids=str,
)
def test_both_searches_agree_on_protocols(spec: Spec) -> None:
    full, few = both_ways(spec, "native")
    assert answer(few) == answer(full)
    assert few.distinct_states < full.distinct_states
    assert few.reductions == ("partial order",)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_states_do_not_depend_on_the_number_of_workers(workers: int) -> None:
    spec = TwoPhase(resource_managers=6)
    one, other = (check(spec, por=True, workers=n, properties=judged(spec)) for n in (2, workers))
    found = one.distinct_states, one.actions, one.depth
    assert found == (other.distinct_states, other.actions, other.depth)


def test_what_speaks_of_steps_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        check(Paxos(), por=True)
    assert "cannot judge `promises_are_kept`, `voting`" in str(refused.value)
    assert "check only `agreement`" in str(refused.value)


def test_the_reference_engine_does_not_reduce() -> None:
    with pytest.raises(SpecError, match="the reference engine has no reductions"):
        check(Paxos(), por=True, engine="python", properties=["agreement"])


class Climbs(Spec):
    """A goal that fails in some states: when it is judged depends on what was found before."""

    height: Annotated[int, Range(3)] = 0

    @action
    def climb(self) -> None:
        require(self.height < 2)
        self.height += 1

    @reachable
    def divides(self) -> bool:
        return 2 // (2 - self.height) == 1


def test_a_goal_that_may_fail_is_refused() -> None:
    with pytest.raises(SpecError, match="`divides` may fail"):
        check(Climbs, por=True)
