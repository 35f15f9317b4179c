"""One step in C is the step of CPython: each binding of each action, taken or refused or an error.

    QUORATE_RANDOM_SPECS=600 pytest tests/native/test_stepping.py -k random

looks at more random specs.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.engines.native.build import RUNTIME
from checker.engines.native.general.stepping import DONE, NO_STEP, Stepping, stepping
from checker.lang import Spec
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError, NotEnabled
from checker.lang.model import Action, Model, State
from spec import catalogue
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.lang.constructs import Counts, Forest, Lists, Team, Wide
from tests.protocols.test_protocols import HOLDING

EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60"))
OPTIONS = ("-O0", "-std=gnu11", "-fPIC", "-shared", "-Wall", "-Werror", f"-I{RUNTIME}")
MOST_BINDINGS = 300


def loaded(made: Stepping, folder: Path) -> ctypes.CDLL:
    file = folder / "step.c"
    file.write_text(f"#define NW {made.packing.words}\n{made.source}")
    library = folder / f"step_{len(list(folder.iterdir()))}.so"
    subprocess.run(["gcc", *OPTIONS, str(file), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def compare(model: Model, folder: Path, states: int) -> Counter[str]:
    """Every binding of every action, in the first states; how often there was what."""
    made = stepping(compile_model(model))
    library = loaded(made, folder)
    words = ctypes.c_uint64 * made.packing.words
    arguments = ctypes.c_uint64 * made.argument_words
    found: Counter[str] = Counter()
    try:
        waiting = model.initial_states()
    except ModelError:
        return found
    seen = set(waiting)
    for state in itertools.islice(waiting, states):
        packed, to = words(*made.packing.encode(state)), words()
        for number, one in enumerate(model.actions):
            for args in bindings(one):
                after = step_of(model, state, one, args)
                given = arguments(*made.arguments(number, args))
                status = library.model_step(packed, number, given, to)
                if isinstance(after, str):
                    assert (status in NO_STEP) == (after == "no step"), one.text(args)
                    assert status != DONE, one.text(args)
                    found[after] += 1
                    continue
                assert status == DONE, one.text(args)
                assert made.packing.decode(tuple(to)) == after, one.text(args)
                found["step"] += 1
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
    return found


def bindings(one: Action) -> Iterator[tuple[object, ...]]:
    """Not only those that the guards leave."""
    whole = itertools.product(*(param.type.values() for param in one.params))
    return itertools.islice(whole, MOST_BINDINGS)


def step_of(model: Model, state: State, one: Action, args: tuple[object, ...]) -> State | str:
    try:
        return model.step(state, one, args)
    except NotEnabled:
        return "no step"
    except ModelError:
        return "model error"


def test_shipped_specs(tmp_path: Path) -> None:
    for cls in catalogue().values():
        if "broken" not in cls.__module__:
            assert compare(Model(cls, {}), tmp_path, 12)["step"] > 2, cls


@pytest.mark.parametrize("spec", [Wide, Lists, Team, Counts, Forest])
def test_every_construct(spec: type[Spec], tmp_path: Path) -> None:
    assert compare(Model(spec, {}), tmp_path, 12)["step"] > 10


@pytest.mark.parametrize("part", range(4))
def test_protocols(part: int, tmp_path: Path) -> None:
    for case in HOLDING[part::4]:
        assert compare(Model.of(case.spec), tmp_path, 8)["step"] > 5


@pytest.mark.parametrize("part", range(4))
def test_random_specs(part: int, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for seed in range(part, EXAMPLES, 4):
        model = Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        try:
            found += compare(model, tmp_path, 12)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    assert min(found["step"], found["no step"]) > 20
