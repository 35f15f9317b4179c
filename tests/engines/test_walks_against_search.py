"""Random specs: what a random walk finds, the exhaustive search finds too, and never later."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from checker.engines.check import model_of
from checker.engines.python.explore import explore
from checker.engines.python.simulate import simulate
from checker.engines.result import Limits
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec


@pytest.mark.parametrize("seed", range(24))
def test_a_walk_finds_nothing_that_is_not_there(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checker.engines.walked.SEARCHED_STATES", 0)
    made = load_text(random_spec(random.Random(seed).randrange), tmp_path)
    model = model_of(made.Random)
    searched = explore(model, limits=Limits(max_states=1500), stop_at_first=False)
    if not searched.undecided_because:
        shortest = {found.property: len(found.steps) for found in searched.counterexamples}
        walked = simulate(model, walks=10, depth=15, seed=seed)
        assert walked.distinct_states <= searched.distinct_states
        for found in walked.counterexamples:
            assert shortest[found.property] <= len(found.steps)
