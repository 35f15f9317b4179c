"""Three specs written from the docs alone hold, and each of their mistakes is found.

They were written as a new user writes, so CPython and the IR are compared on them, too.
"""

import pytest

from checker import check
from checker.lang import Spec
from tests.docs.allocator import Allocator, FirstComeFirstServed
from tests.docs.readers_writers import ReadersFirst, ReadersWriters, WritesAmongReaders
from tests.docs.token_ring import TokenRing, TooFewNumbers
from tests.lang.test_interpret import walk


@pytest.mark.parametrize(
    "spec", [Allocator(), ReadersWriters(), TokenRing(), TokenRing(machines=3, numbers=2)]
)
def test_it_holds(spec: Spec) -> None:
    assert check(spec)


@pytest.mark.parametrize(
    ("spec", "violated", "steps"),
    [
        (FirstComeFirstServed(), "deadlock", 4),
        (WritesAmongReaders(), "a_writer_is_alone", 4),
        (ReadersFirst(), "who_asks_gets_in", 9),
        (TooFewNumbers(), "one_token", 8),
    ],
)
def test_the_mistake_is_found(spec: Spec, violated: str, steps: int) -> None:
    found = check(spec).counterexample
    assert found is not None
    assert (found.property, len(found.steps) - 1) == (violated, steps)


@pytest.mark.parametrize("spec", [Allocator(), ReadersWriters(), TokenRing(machines=3)])
def test_the_ir_means_the_same(spec: Spec) -> None:
    states, steps, _ = walk(spec)
    assert states > 20
    assert steps > states
