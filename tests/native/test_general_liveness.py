"""Liveness in C from the typed form: what is said of states, and what each step serves."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from collections import Counter
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_uint8, c_uint16, c_uint32
from pathlib import Path
from typing import Any

import pytest

from checker.engines.native.general import general
from checker.engines.native.generated import LivenessSource
from checker.lang import ModelError, Spec
from checker.lang.compile import compile_model
from checker.lang.model import LIVENESS_KINDS, Action, Model, State
from tests.lang.constructs import Team, Wide
from tests.native.test_general import OPTIONS, Compiled, Words, built
from tests.protocols.allocator import SimpleAllocator
from tests.protocols.alternating_bit import AlternatingBit
from tests.protocols.dining import Dining

STATES = 60
SERVES_NONE = 0xFFFF

malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p


class Liveness(Structure):
    _fields_ = [
        ("assumptions", c_uint32),
        ("serves", POINTER(c_uint16)),
        ("strong", POINTER(c_uint8)),
        ("counts", CFUNCTYPE(c_int, c_uint32, Words)),
        ("observe", CFUNCTYPE(c_int, c_uint32, Words)),
        ("fails", CFUNCTYPE(c_int, Words)),
    ]


def observing(source: LivenessSource, words: int, folder: Path) -> Liveness:
    file, library = folder / "liveness.c", folder / "liveness.so"
    file.write_text(f"#define NW {words}\n{source.observing}")
    subprocess.run(["gcc", *OPTIONS, str(file), "-o", str(library)], check=True)
    return Liveness.in_dll(ctypes.CDLL(str(library)), "liveness")


def served(action: Action, args: tuple[Any, ...]) -> Any:
    """The assumption that a step of the state which the machine holds serves."""
    fairness = action.fairness
    if fairness is None:
        return None
    if fairness.when is not None and not fairness.when(action.machine, *args):
        return None
    pairs = zip(action.params, args, strict=True)
    return action.name, tuple(arg for param, arg in pairs if param.name in fairness.for_each)


def steps_in_c(compiled: Compiled, live: Liveness, source: LivenessSource, state: State) -> Any:
    compiled.expand(state)
    found: Counter[Any] = Counter()
    words = compiled.words(state)
    for at, label in enumerate(compiled.out.labels[: compiled.out.count]):
        size = compiled.packing.words
        after = compiled.packing.decode(tuple(compiled.out.next[at * size : (at + 1) * size]))
        number = live.serves[label]
        serves = number != SERVES_NONE and live.counts(label, words) == 1
        found[after, source.assumptions[number] if serves else None] += 1
    return found


def steps_in_python(model: Model, state: State) -> Any:
    steps = [step for step in model.successors(state) if step[2] != state]
    model.load(state)
    return Counter((after, served(action, args)) for action, args, after in steps)


@pytest.mark.parametrize("spec", [AlternatingBit, SimpleAllocator, Dining, Team, Wide])
def test_what_is_said_of_states_and_steps(spec: type[Spec], tmp_path: Path) -> None:
    model = Model(spec, {})
    generated = general(compile_model(model), liveness=True)
    assert generated.liveness is not None
    properties = [prop for prop in model.properties if prop.kind in LIVENESS_KINDS]
    instances = [(prop, args) for prop in properties for args in prop.bindings()]
    assert instances
    source = generated.liveness((prop.name, args) for prop, args in instances)
    (compiled,) = built([generated], tmp_path)
    live = observing(source, compiled.packing.words, tmp_path)
    compiled.out.labels = ctypes.cast(malloc(2), POINTER(c_uint16))
    compiled.out.next = ctypes.cast(malloc(8 * compiled.packing.words), Words)
    compiled.out.room = 1
    strong = [model.action(name).fairness.strength == "strong" for name, _ in source.assumptions]  # type: ignore[union-attr]
    assert list(live.strong[: live.assumptions]) == strong
    waiting = model.initial_states()
    seen, fair = set(waiting), 0
    for state in itertools.islice(waiting, STATES):
        words = compiled.words(state)
        for number, (prop, args) in enumerate(instances):
            said = model.holds(prop, state, args)
            pair = said if prop.kind == "leads_to" else (said, False)
            assert live.observe(number, words) == pair[0] + 2 * pair[1]
        assert not live.fails(words)
        try:
            steps = steps_in_python(model, state)
        except ModelError:
            continue
        assert steps_in_c(compiled, live, source, state) == steps, model.show(state)
        fair += sum(assumption is not None for _, assumption in steps)
        for after, _ in steps:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    assert fair > 0
