"""CPython and the IR give the same meaning to random specs: the test of the front end.

Each example is a random well-typed spec. Over its first states, both must have the same
initial states, the same enabled bindings in the same order, the same successors, the same
truth of its property, and a model error in the same states.

    QUORATE_RANDOM_SPECS=5000 pytest tests/lang/test_agreement.py --hypothesis-profile=random

looks at more of them, fresh ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.lang import interpret
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError
from checker.lang.model import Model
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec

EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60"))
STATES = 30


def outcome(attempt: Callable[..., Any], *args: Any) -> Any:
    try:
        return attempt(*args)
    except ModelError:
        return "model error"


def steps(model: Model, state: Any) -> Any:
    found = outcome(model.successors, state)
    if found == "model error":
        return found
    return [(action.name, args, after) for action, args, after in found]


def compare(text: str, folder: Path) -> int:
    """Compare the two meanings of a spec; the number of states looked at."""
    model = Model(load_text(text, folder).Random, {})
    program = compile_model(model)
    first = outcome(model.initial_states)
    assert first == outcome(interpret.initial_states, program), text
    if first == "model error":
        return 0
    waiting = list(first)
    seen = set(waiting)
    for state in waiting[:STATES]:
        ours = steps(model, state)
        theirs = outcome(interpret.successors, program, state)
        assert ours == theirs, f"{text}\nin {model.show(state)}"
        compare_properties(model, program, state, text)
        for _, _, after in ours if ours != "model error" else ():
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return len(seen)


def compare_properties(model: Model, program: Any, state: Any, text: str) -> None:
    for prop, compiled in zip(model.properties, program.properties, strict=True):
        for args in prop.bindings():
            ours = outcome(model.holds, prop, state, args)
            theirs = outcome(interpret.holds, program, compiled, state, args)
            assert ours == theirs, f"{text}\n{prop.text(args)} in {model.show(state)}"


@given(st.data())
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
        HealthCheck.filter_too_much,
    ],
)
def test_shrinkable_random_specs(tmp_path: Path, data: st.DataObject) -> None:
    text = random_spec(lambda n: data.draw(st.integers(0, n - 1)), depth=2)
    compare(text, tmp_path)


@pytest.mark.parametrize("slice_", range(4))
def test_seeded_random_specs(tmp_path: Path, slice_: int) -> None:
    """Deeper specs, from seeds that the failure message names."""
    states = 0
    for seed in range(slice_ * EXAMPLES, (slice_ + 1) * EXAMPLES):
        try:
            states += compare(random_spec(random.Random(seed).randrange), tmp_path)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    assert states > EXAMPLES, "the specs are too small to say anything"
