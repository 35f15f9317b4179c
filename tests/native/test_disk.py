"""A search that goes on in a file gives the answer of one that has all states in memory.

How many states memory holds is set to almost nothing, so that every level is sifted many times.
"""

import random
import tempfile
from pathlib import Path
from typing import IO, Any

import pytest

from checker import Result
from checker.engines.errors import NotNativeError
from checker.engines.native import disk
from checker.engines.native.disk import LEAST_BYTES, most_in_memory
from checker.engines.native.explore import explore
from checker.engines.native.generate import generate
from checker.engines.native.library import FULLEST, Library
from checker.engines.native.options import Options
from checker.engines.python.plan import Plan
from checker.engines.python.watch import memory_bytes
from checker.engines.result import Limits
from checker.lang import (
    Spec,
    action,
    eventually,
    invariant,
    reachable,
    require,
    step_property,
)
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from spec.voting import Voting
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.answers import ALWAYS_SAFE, but_warnings, safety
from tests.native.grids import Grid


def run(model: Model, held: int | None, workers: int = 1, **asked: Any) -> Result:
    options = Options(workers, most_in_memory=held)
    return explore(model, options, properties=safety(model), **asked)


@pytest.mark.parametrize(
    ("spec", "helds"),
    [
        (Paxos(ballots=2, values=2), (150, 3000)),
        (TwoPhase(), (5, 60)),
        (Voting(ballots=2, values=2), (1, 100)),
    ],
)
def test_shipped_specs(spec: Spec, helds: tuple[int, ...]) -> None:
    model = Model.of(spec)
    for stop in (True, False):
        expected = but_warnings(run(model, None, stop_at_first=stop))
        for workers, held in enumerate(helds, 1):
            assert but_warnings(run(model, held, workers, stop_at_first=stop)) == expected, held


def test_random_specs(tmp_path: Path) -> None:
    compared = violated = 0
    for seed in range(24):
        model = Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        few = Limits(max_states=1500)
        stop = seed % 2 == 0
        try:
            result = run(model, None, limits=few, stop_at_first=stop)
        except (SpecError, NotNativeError):
            continue
        if result.undecided_because.startswith("the limit"):
            continue
        held = len(model.initial_states()) + seed
        ours = run(model, held, 1 + seed % 2, limits=few, stop_at_first=stop)
        assert but_warnings(ours) == but_warnings(result), (seed, held)
        compared += 1
        violated += bool(result.counterexamples)
    assert compared > 12
    assert 3 < violated < compared


class Back(Grid):
    """Each state leads back to the first, which memory has forgotten."""

    @action(optional=True)
    def back(self) -> None:
        require(self.x + self.y < 78)
        self.x = 0
        self.y = 0

    @reachable
    def corner(self) -> bool:
        return self.x == 39 and self.y == 39


class Fenced(Back):
    @invariant
    def inside(self) -> bool:
        return self.x != 21 or self.y != 17

    @step_property
    def no_jump(self) -> bool:
        return self.x >= self.old.x or self.old.y < 12

    @reachable
    def outside(self) -> bool:
        return self.x + self.y == 79


class Live(Back):
    @eventually
    def at_the_corner(self) -> bool:
        return self.x == 39 and self.y == 39


@pytest.mark.parametrize("spec", [Back, Fenced])
def test_what_is_violated_is_found_on_disk(spec: type[Back]) -> None:
    model = Model(spec, {})
    for stop in (True, False):
        expected = run(model, None, stop_at_first=stop)
        found = {one.property for one in expected.counterexamples}
        assert (
            found
            == {
                (Back, True): {"deadlock"},
                (Back, False): {"deadlock"},
                (Fenced, True): {"no_jump"},
                (Fenced, False): {"deadlock", "inside", "no_jump", "outside"},
            }[spec, stop]
        )
        for held in (25, 1599):
            assert but_warnings(run(model, held, 2, stop_at_first=stop)) == but_warnings(expected)


def test_the_limit_of_states_is_exact_on_disk() -> None:
    model = Model(Back, {})
    whole = run(model, 100, limits=Limits(max_states=1600))
    assert (whole.verdict, whole.distinct_states) == ("violated", 1600)
    cut = run(model, 100, limits=Limits(max_states=1599))
    assert cut.undecided_because == "the limit of 1,599 states was reached"
    assert cut.distinct_states == 1599


# --------------------------------------------------------------------------- what cannot be done


def test_liveness_is_undecided_on_disk() -> None:
    result = explore(Model(Live, {}), Options(1, most_in_memory=100), properties=["at_the_corner"])
    assert (
        result.undecided_because
        == "memory was full, and judging liveness needs all states in memory"
    )
    assert result.distinct_states == 1600


def test_partial_order_reduction_ends_where_memory_is_full() -> None:
    options = Options(1, por=True, most_in_memory=10)
    result = explore(Model.of(TwoPhase()), options, properties=["deadlock"])
    assert result.undecided_because == (
        "memory is full, and partial-order reduction needs all states in memory"
    )


def test_a_full_disk_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_asked: object) -> IO[bytes]:
        return Path("/dev/full").open("r+b", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    result = run(Model(Back, {}), 100)
    assert result.undecided_because == (
        f"memory is full, and states cannot be kept in {disk.usual_folder()}: "
        "No space left on device"
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    options = Options(1, most_in_memory=100, disk=tmp_path / "none")
    result = explore(Model(Back, {}), options, properties=ALWAYS_SAFE)
    assert result.undecided_because == (
        f"memory is full, and states cannot be kept in {tmp_path}/none: No such file or directory"
    )


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    options = Options(1, most_in_memory=100, disk=tmp_path)
    assert explore(Model(Back, {}), options, properties=ALWAYS_SAFE).distinct_states == 1600
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------- memory


def test_what_memory_holds_fits_the_limit() -> None:
    model = Model(Back, {})
    library = Library(generate(model, Plan.of(model), Options()))
    options = Options(2)
    assert most_in_memory(library, options, None) is None
    least = library.most_in_memory(LEAST_BYTES, reduced=False)
    assert most_in_memory(library, options, 1) == least > 100_000
    free = 2**31
    held = most_in_memory(library, options, memory_bytes() + free)
    assert held is not None
    # A slot of the table takes 64 / 12 bytes, and nine in ten are used.
    assert 0.9 * free < held * (library.state_bytes + 64 / 12 / FULLEST + 1 / 8) < free
