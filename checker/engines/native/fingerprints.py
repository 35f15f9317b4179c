"""A search by fingerprints: what it may have missed, and the run to what it found.

A hash of 64 or 128 bits stands for a state (`runtime/fingerprint.h`).  Two states with the same one
are taken for one, so the second is not extended, and neither is what only it leads to.  What is
reported of a state is true of it, as it was reached; but the states before it are no longer known,
so an exact search finds the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from checker.engines.result import Counterexample, Result
from checker.lang.model import Model

WIDTHS = (64, 128)


def risk(bits: int, states: int) -> str:
    """How likely it is that a state was missed.

    Of n states that get fingerprints at random, some two get the same one with a probability of
    at most n(n-1)/2 / 2^bits: the sum over all pairs.  TLC's "optimistic" figure is of this kind.
    """
    chance = states * (states - 1) / 2 ** (bits + 1)
    return (
        f"states were told apart by fingerprints of {bits} bits: that some were missed has a "
        f"probability of at most {chance:.1e}, if fingerprints are as good as random"
    )


def with_run(found: Result, exactly: Callable[[], Result]) -> Result:
    """What an exact search says of the violations that a search by fingerprints found."""
    exact = exactly()
    if exact.verdict != "undecided":
        note = "fingerprints found a violation; this is the answer of an exact search for its run"
        exact.warnings = (note, *exact.warnings)
        return exact
    note = f"no run is shown: the exact search for it stopped: {exact.undecided_because}"
    found.warnings = (note, *found.warnings)
    found.counterexamples = tuple(_without_run(found.model, one) for one in found.counterexamples)
    found.seconds = exact.seconds
    return found


def _without_run(model: Model, found: Counterexample) -> Counterexample:
    """Only the last states are known: they are told in words, for they are no run."""
    states = [json.dumps(model.json(step.state)) for step in found.steps]
    said = "\n".join([found.explanation, *(f"A state of it: {state}" for state in states)])
    return replace(found, explanation=said, steps=())
