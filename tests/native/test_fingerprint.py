"""A search by fingerprints gives the exact search's answer, unless fingerprints are too short."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from checker import Result, check
from checker.cli import main
from checker.engines.errors import NotNativeError
from checker.engines.native import explore as engine
from checker.engines.native import library
from checker.engines.native.explore import explore
from checker.engines.native.fingerprints import with_run
from checker.engines.native.options import Options
from checker.engines.result import Limits
from checker.lang import Spec, invariant, reachable, step_property
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec.broken.paxos import ForgetsPromise
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.answers import but_warnings, safety
from tests.native.grids import Grid, wide_bytes


def run(model: Model, bits: int | None, workers: int = 1, **asked: Any) -> Result:
    """All of a check but liveness."""
    options = Options(workers, fingerprint=bits)
    return explore(model, options, properties=safety(model), **asked)


# --------------------------------------------------------------------------- the same answer


@pytest.mark.parametrize("bits", [64, 128])
@pytest.mark.parametrize(
    "spec", [Paxos(acceptors=3, ballots=2), TwoPhase(resource_managers=7)], ids=str
)
def test_shipped_specs(spec: Spec, bits: int) -> None:
    model = Model.of(spec)
    assert but_warnings(run(model, bits, 2)) == but_warnings(run(model, None, 2))


@pytest.mark.parametrize("reduction", ["symmetry", "por"])
def test_with_a_reduction(reduction: str) -> None:
    model = Model.of(TwoPhase(resource_managers=4))
    exactly = Options(2, symmetry=reduction == "symmetry", por=reduction == "por")
    names = ["decisions_are_consistent", "deadlock"]
    exact = explore(model, exactly, properties=names)
    ours = explore(model, replace(exactly, fingerprint=64), properties=names)
    assert but_warnings(ours) == but_warnings(exact)
    assert ours.reductions == (*exact.reductions, "fingerprints of 64 bits")


def test_random_specs(tmp_path: Path) -> None:
    compared = violated = 0
    for seed in range(12):
        model = Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        asked: dict[str, Any] = {
            "limits": Limits(max_states=1500),
            "stop_at_first": seed % 2 == 0,
        }
        try:
            exact = run(model, None, **asked)
            ours = run(model, 128 if seed % 3 else 64, 1 + seed % 2, **asked)
        except (SpecError, NotNativeError):
            continue
        if exact.undecided_because.startswith("the limit"):
            continue
        assert but_warnings(ours) == but_warnings(exact), seed
        compared += 1
        violated += bool(exact.counterexamples)
    assert compared > 6
    assert 1 < violated < compared


class Fenced(Grid):
    """Something is wrong in the middle."""

    @invariant
    def inside(self) -> bool:
        return self.x != 21 or self.y != 17

    @step_property
    def no_jump(self) -> bool:
        return self.x >= self.old.x and self.old.y < 12

    @reachable
    def outside(self) -> bool:
        return self.x == 39 and self.y == 40


def same_violations(spec: type[Spec], stop: bool) -> Result:
    ours, exact = (run(Model(spec, {}), bits, 2, stop_at_first=stop) for bits in (64, None))
    assert but_warnings(ours) == but_warnings(exact)
    assert ours.counterexamples
    return ours


@pytest.mark.parametrize("stop", [True, False])
def test_a_violation_is_shown_by_the_exact_search(stop: bool) -> None:
    found = same_violations(Fenced, stop)
    assert found.warnings[0].startswith("fingerprints found a violation; this is the answer of an")
    assert not found.reductions
    same_violations(ForgetsPromise, stop)


# --------------------------------------------------------------------------- fingerprints decide


@pytest.mark.parametrize(("bits", "least", "most"), [(64, 1, 32), (128, 33, 32**2)])
def test_states_with_one_fingerprint_are_one(
    bits: int, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each half, 5 bits are kept: there are only so many states then."""
    monkeypatch.setattr(library, "RUNTIME_OPTIONS", ("-O2", "-DKEPT_BITS=5"))
    model = Model(Grid, {})
    lost = explore(model, Options(1, fingerprint=bits), properties=["model error"])
    assert least <= lost.distinct_states <= most
    exact = explore(model, Options(1), properties=["model error"])
    assert exact.distinct_states == 1600


def test_as_many_states_are_lost_as_chance_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 20 bits, about n(n-1)/2 / 2^20 of n = 15,361 states: 112."""
    monkeypatch.setattr(library, "RUNTIME_OPTIONS", ("-O2", "-DKEPT_BITS=20"))
    model = Model.of(Paxos(acceptors=3, ballots=2, values=2))
    exact = explore(model, Options(1), properties=["model error"]).distinct_states
    lost = exact - run(model, 64).distinct_states
    expected = exact * (exact - 1) / 2 / 2**20
    assert expected / 2 < lost < expected * 2


# --------------------------------------------------------------------------- memory


def test_states_that_were_expanded_take_no_memory() -> None:
    """Of 128 bytes for each state, 8 or 16 are left.  Memory comes in pieces of up to 2 MiB."""
    short, long, whole = (wide_bytes(bits, most_in_memory=200_000) for bits in (64, 128, None))
    piece = 2**21
    saved = 90_000 * (128 - 16) - 2 * piece
    assert short < long + piece < whole - saved


# --------------------------------------------------------------------------- what is not known


def test_a_violation_without_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact search stops at a limit that the search by fingerprints did not meet."""
    model = Model(Fenced, {})

    def stopped(found: Result, _exactly: object) -> Result:
        return with_run(found, lambda: run(model, None, limits=Limits(max_states=10)))

    monkeypatch.setattr(engine, "with_run", stopped)
    result = run(model, 64, stop_at_first=False)
    assert result.verdict == "violated"
    assert result.distinct_states == 1600
    assert result.warnings[0] == (
        "no run is shown: the exact search for it stopped: the limit of 10 states was reached"
    )
    said = {one.property: one.explanation for one in result.counterexamples}
    assert not any(one.steps for one in result.counterexamples)
    assert said["inside"].endswith('\nA state of it: {"x": 21, "y": 17}')
    assert said["no_jump"].count("A state of it") == 2
    assert set(said) == {"inside", "no_jump", "outside", "deadlock"}


def test_the_risk_is_told() -> None:
    asked = ["check", "two_phase", "--property", "decisions_are_consistent", "--json"]
    for bits, chance in (("64", "2.2e-15"), ("128", "1.2e-34")):
        answered = CliRunner().invoke(main, [*asked, "--fingerprint", bits])
        told = json.loads(answered.stdout)
        assert told["reductions"] == [f"fingerprints of {bits} bits"]
        assert told["warnings"][0] == (
            f"states were told apart by fingerprints of {bits} bits: that some were missed has a "
            f"probability of at most {chance}, if fingerprints are as good as random"
        )


class Premise(Grid):
    @invariant
    def nothing(self) -> bool:
        return self.x != 40 or self.y == 0


def test_branches_and_premises_are_not_looked_for() -> None:
    """The states are gone, so nothing is said of them."""
    model = Model(Premise, {})
    exact, ours = (
        explore(model, Options(1, fingerprint=bits), properties=["nothing"]).warnings
        for bits in (None, 64)
    )
    assert any("never put to the test" in one for one in exact)
    assert not any("never put to the test" in one for one in ours)
    assert "premises never true were not looked for" in ours[-1]


def test_memory_that_is_full_ends_the_search() -> None:
    options = Options(1, fingerprint=64, most_in_memory=100)
    result = explore(Model(Grid, {}), options, properties=["model error"])
    assert result.undecided_because == "memory is full, and fingerprints are not kept on disk"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "cannot judge `decides`"),
        ({"checkpoint": "saved"}, "cannot write them down"),
        ({"resume": "saved"}, "cannot write them down"),
        ({"disk": "."}, "cannot write them down"),
        ({"fingerprint": 32}, "a fingerprint has 64 or 128 bits"),
        ({"engine": "python"}, "the reference engine has no reductions"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        check(TwoPhase, **({"fingerprint": 64} | asked))
