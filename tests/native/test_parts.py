"""A search whose states are cut in two parts gives the answer of one that keeps them whole.

States are cut as soon as there are a few, whether it is worth it or not, and are made wide by cells
that get a word for every few bits.  A long run: QUORATE_RANDOM_SPECS=3000 pytest <this file>
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checker import Result
from checker.engines.errors import NotNativeError
from checker.engines.native import checkpoint, library, packing
from checker.engines.native.explore import explore
from checker.engines.native.options import Options
from checker.engines.python.explore import INTERRUPTED
from checker.engines.result import Limits
from checker.lang import Spec
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec.broken.paxos import ForgetsPromise
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.answers import everything
from tests.native.grids import Plane, wide_bytes
from tests.native.test_checkpoint import Interruptions

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "24"))
LARGEST = 1500
EARLY = ("-DFIRST_LINES=1", "-DCUT_FROM=9", "-DTRAINING=8", "-DWORTH=1000")
NEVER = ("-DFIRST_LINES=1", "-DCUT_FROM=100000")


@contextmanager
def built(*options: str) -> Iterator[None]:
    """Wide states, and a runtime with these options."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "WORD", 4)
        patch.setattr(library, "RUNTIME_OPTIONS", ("-O1", *options))
        yield


def both(model: Model, options: Options, *more: str, **asked: Any) -> tuple[Result, Result]:
    """Of the search that keeps states whole, in memory; and of ours."""
    with built(*NEVER):
        whole = explore(model, Options(options.workers, options.symmetry, options.por), **asked)
    with built(*EARLY, *more):
        return whole, explore(model, options, **asked)


# --------------------------------------------------------------------------- the same answer


def test_random_specs(tmp_path: Path) -> None:
    """In memory, with pools that are too crowded, and with memory that gets full."""
    compared = violated = 0
    for seed in range(RANDOM_SPECS):
        model = Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        held = [None, 40, 400][seed % 3]
        options = Options(1 + seed % 2, most_in_memory=held)
        more = [(), ("-DPROBES=1",)][seed // 3 % 2]
        try:
            whole, ours = both(
                model,
                options,
                *more,
                limits=Limits(max_states=LARGEST),
                stop_at_first=seed // 2 % 2 == 0,
            )
        except (SpecError, NotNativeError):
            continue
        if whole.undecided_because.startswith("the limit"):
            continue
        if held:  # which warnings there are depends on whether all states are in memory
            whole.warnings = ours.warnings = ()
        assert everything(ours) == everything(whole), seed
        compared += 1
        violated += bool(whole.counterexamples)
    assert compared > RANDOM_SPECS // 2
    assert 1 < violated < compared


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    "spec", [Paxos(ballots=2, values=2), ForgetsPromise(), TwoPhase(resource_managers=4)], ids=str
)
def test_shipped_specs(spec: Spec, workers: int) -> None:
    whole, ours = both(Model.of(spec), Options(workers))
    assert everything(ours) == everything(whole)


def test_both_parts_are_compared() -> None:
    """Thousands of states have one part, and the byte of their hash, in common with another."""
    with built(*EARLY):
        assert explore(Model(Plane, {}), Options(1)).distinct_states == 90_000


@pytest.mark.parametrize("reduction", ["symmetry", "por"])
def test_with_a_reduction(reduction: str) -> None:
    options = Options(2, symmetry=reduction == "symmetry", por=reduction == "por")
    names = ["decisions_are_consistent", "deadlock"]
    whole, ours = both(Model.of(TwoPhase(resource_managers=4)), options, properties=names)
    assert everything(ours) == everything(whole)


@pytest.mark.parametrize("held", [30, 1000, 3000])
def test_memory_that_gets_full(held: int) -> None:
    """Cut states are written whole.  With room for 1000, that is more than a block of them."""
    whole, ours = both(Model.of(Paxos(ballots=2, values=2)), Options(2, most_in_memory=held))
    assert everything(ours) == everything(whole)


@pytest.mark.parametrize("held", [(None, None), (None, 100), (700, 700), (3000, 300)])
def test_a_search_that_is_resumed(
    held: tuple[int | None, int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into memory, which gets full on the way: states are cut then, and go to disk later."""
    monkeypatch.setattr(checkpoint, "PIECE", 100)
    model, file = Model.of(Paxos(ballots=2, values=2)), tmp_path / "saved"
    with built(*EARLY), pytest.MonkeyPatch.context() as patch:
        Interruptions(patch).left = 60
        first = explore(model, Options(2, checkpoint=file, most_in_memory=held[0]))
    assert first.undecided_because == INTERRUPTED
    assert first.distinct_states > 1000
    whole, ours = both(model, Options(2, resume=file, most_in_memory=held[1]))
    assert everything(ours) == everything(whole)


# --------------------------------------------------------------------------- memory


def held_bytes(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """What a search takes in memory for states, after it has ended."""
    monkeypatch.setattr(library, "RUNTIME_OPTIONS", ("-O1", *options))
    return wide_bytes()


def test_states_take_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is 8 bytes, and its parts are those of few others.  Memory comes in pieces."""
    whole = held_bytes(monkeypatch, "-DFIRST_LINES=64", "-DCUT_FROM=100000")
    ours = held_bytes(monkeypatch, "-DFIRST_LINES=64", "-DTRAINING=500")
    piece = 2**21
    assert whole > 90_000 * 128
    assert ours < 90_000 * 8 + 5 * piece


def test_what_is_not_worth_it_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = held_bytes(monkeypatch, "-DFIRST_LINES=64", "-DTRAINING=500", "-DWORTH=1")
    assert whole > 90_000 * 128
