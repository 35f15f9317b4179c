"""Sizes of domains: as many as their values, or as many as anyone can count."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker import check
from checker.lang import Map, Range, Set, Spec
from checker.lang.errors import SpecError
from checker.lang.types import (
    MANY,
    BagT,
    BoolT,
    IntT,
    MapT,
    OptionT,
    SeqT,
    SetT,
    TupleT,
    Type,
    counted,
)
from spec.paxos import Paxos

FEW = 3000

Wide = Annotated[int, Range(5000)]

bounds = st.one_of(st.none(), st.integers(0, 3))
small = st.one_of(st.just(BoolT()), st.builds(lambda n: IntT(0, n), st.integers(-1, 3)))


def larger(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.one_of(
        st.builds(OptionT, inner),
        st.builds(SetT, inner, bounds),
        st.builds(SeqT, inner, st.integers(0, 3)),
        st.builds(BagT, inner, st.integers(0, 3)),
        st.builds(MapT, inner, inner),
        st.builds(lambda *of: TupleT(of), inner, inner),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(small, larger, max_leaves=4))
def test_a_size_is_the_number_of_values(of: Type) -> None:
    size = of.size
    assert size is not None
    if size <= FEW:
        assert len(list(of.values())) == size


def test_a_size_that_no_memory_holds_is_many() -> None:
    wide = IntT(0, 10**6)
    for of in (
        SetT(SetT(wide)),
        SetT(SetT(wide), 5),
        SetT(wide, 10**6),
        MapT(wide, SetT(wide)),
        MapT(SetT(wide), SetT(wide)),
        SeqT(wide, 10**9),
        BagT(wide, 10**9),
        TupleT((SetT(wide), SetT(wide))),
        OptionT(SetT(SetT(wide))),
    ):
        assert of.size == MANY, of
    assert SetT(IntT(0, 4094)).size == 2**4095
    assert SetT(IntT(0, 4095)).size == SetT(IntT(0, 4096)).size == MANY
    assert SetT(wide, 2).size == 1 + (10**6 + 1) + (10**6 + 1) * 10**6 // 2
    assert SeqT(BoolT(), 3000).size == 2**3001 - 1


def test_sizes_in_words() -> None:
    assert counted(10**15) == "1,000,000,000,000,000"
    assert counted(2**50) == "more than 10^15"
    assert counted(MANY**3) == "more than 10^3699"


@pytest.mark.parametrize("engine", ["python", "native"])
def test_a_set_may_have_thousands_of_members(engine: str) -> None:
    """5,616 messages of Paxos: fewer states than that are enough to see that both count them."""
    result = check(Paxos(acceptors=5, ballots=16, values=4), engine=engine, max_states=300)
    assert result.undecided_because == "the limit of 300 states was reached"
    assert (result.distinct_states, result.counterexamples) == (300, ())


def test_keys_without_number_are_refused() -> None:
    class Keys(Spec):
        table: Map[Set[Wide], bool]

    with pytest.raises(SpecError, match=r"`table` has more than 10\^1233 keys"):
        check(Keys)
