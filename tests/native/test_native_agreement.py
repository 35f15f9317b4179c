"""The native engine gives the reference's answers: on random specs, and not by accident.

A long run: QUORATE_RANDOM_SPECS=5000 pytest tests/native/test_native_agreement.py
"""

import os
import random
from pathlib import Path

import pytest

from checker import check
from checker.engines.errors import NotNativeError
from checker.engines.native import conditions, unrolled
from checker.ground.conditions import Condition
from checker.lang import Annotated, Range, Spec, action, final, require
from checker.lang.errors import SpecError
from spec.paxos import Paxos
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.answers import differences
from tests.protocols.test_protocols import HOLDING, Holds

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "60"))
SLICES = 4
LARGEST = 3000


def random_one(seed: int, folder: Path) -> type[Spec]:
    made = load_text(random_spec(random.Random(seed).randrange), folder)
    kind = made.Random
    assert isinstance(kind, type)
    assert issubclass(kind, Spec)
    return kind


def disagreements(seeds: range, folder: Path) -> tuple[int, dict[int, object]]:
    """How many random specs were compared, and those on which the engines differ."""
    compared = 0
    found: dict[int, object] = {}
    for seed in seeds:
        spec = random_one(seed, folder)
        everything = seed % 2 == 0
        try:
            reference = check(
                spec, engine="python", max_states=LARGEST, stop_at_first=not everything
            )
            if reference.undecided_because.startswith("the limit"):
                continue
            different = differences(spec, 1 + seed % 2, stop_at_first=not everything)
        except (SpecError, NotNativeError):
            continue
        except AssertionError as nonsense:  # what it reports cannot be explained
            different = {"explained": str(nonsense)}
        compared += 1
        if different:
            found[seed] = different
    return compared, found


@pytest.mark.parametrize("part", range(SLICES))
def test_the_engines_agree_on_random_specs(part: int, tmp_path: Path) -> None:
    size = RANDOM_SPECS // SLICES
    compared, found = disagreements(range(part * size, (part + 1) * size), tmp_path)
    assert not found
    assert compared > size // 2


@pytest.mark.parametrize("case", HOLDING, ids=str)
def test_the_engines_agree_on_protocols(case: Holds) -> None:
    assert not differences(case.spec, 2)


def test_a_wrong_condition_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that is put into the generated C: one "and" of a guard is an "or"."""

    def wrong(self: conditions.Conditions, of: Condition) -> str:
        return right(self, of).replace("&&", "||", 1)

    right = conditions.Conditions._joined
    monkeypatch.setattr(conditions.Conditions, "_joined", wrong)
    _, found = disagreements(range(12), tmp_path)
    assert found


def test_a_wrong_effect_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that is put into the generated C: a step that is taken to change the state always."""
    monkeypatch.setattr(unrolled._Writer, "_always_changes", lambda *_: True)
    _, found = disagreements(range(12), tmp_path)
    assert found


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_answer_does_not_depend_on_the_number_of_workers(workers: int) -> None:
    from spec.broken.paxos import IgnoresHighestVote

    alone = check(IgnoresHighestVote(), engine="native", workers=1)
    found = check(IgnoresHighestVote(), engine="native", workers=workers)
    assert found.counterexamples == alone.counterexamples
    assert found.distinct_states == alone.distinct_states


def test_the_published_counts_of_paxos_in_full() -> None:
    result = check(Paxos(ballots=4, values=1), engine="native")
    assert result, result
    found = result.distinct_states, result.transitions, result.depth
    assert found == (2_825_761, 23_851_996, 32)


class Wide(Spec):
    """A cell of more than 32 codes, of which any may be asked for."""

    held: Annotated[int, Range(45)] = 0

    @action
    def jump(self, by: Annotated[int, Range(6)]) -> None:
        require((self.held + by + 1) % 45 not in {3, 17, 33, 34, 41})
        self.held = (self.held + by + 1) % 45

    @action
    def leap(self) -> None:
        require(self.held in {3, 7, 20})
        self.held += 24

    @final
    def may_stop(self) -> bool:
        return True


def test_a_cell_of_many_codes() -> None:
    assert not differences(Wide(), 1)
