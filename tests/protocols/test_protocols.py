"""Well-known protocols, each written from the language's page alone.

Each holds, with the counts that TLC publishes or a search by hand gives (`by_hand.py`), and each
has a variant whose mistake is found by a shortest run.
"""

from dataclasses import dataclass

import pytest

from checker import check
from checker.lang import Spec
from tests.lang.test_interpret import walk
from tests.protocols import by_hand
from tests.protocols.allocator import SimpleAllocator, WeakAllocator
from tests.protocols.alternating_bit import AlternatingBit, FairChoice, NoBit, WeaklyFair
from tests.protocols.bakery import Bakery, DoesNotWaitForChoices
from tests.protocols.chang_roberts import ForwardsToo, Ring, SetRing
from tests.protocols.die_hard import DieHard, NeverSolved
from tests.protocols.dining import Dining, Ordered, OrderedWeak
from tests.protocols.lamport_mutex import LamportMutex, NoTieBreak
from tests.protocols.lease import Lease, TrustsClocks
from tests.protocols.missionaries import Careless, River
from tests.protocols.primary_backup import AcknowledgesEarly, PrimaryBackup
from tests.protocols.raft_election import ForgetsItsVote, RaftElection
from tests.protocols.readers_writers import GivesBackAtOnce, ReadersFirst, ReadersWriters
from tests.protocols.register import NoWriteBack, Register
from tests.protocols.sliding_puzzle import Puzzle, Swapped
from tests.protocols.snapshot import IgnoresLinks, Snapshot
from tests.protocols.termination import BlackensTheWrongWay, Termination


@dataclass(frozen=True)
class Holds:
    spec: Spec
    space: by_hand.Space
    """The same protocol by hand."""

    def __str__(self) -> str:
        return str(self.spec)


HOLDING = [
    Holds(DieHard(), by_hand.die_hard(3, 5)),
    Holds(DieHard(small=4, big=9, goal=6), by_hand.die_hard(4, 9)),
    Holds(River(), by_hand.missionaries(3)),
    Holds(Termination(machines=3), by_hand.termination(3)),
    Holds(Termination(machines=4), by_hand.termination(4)),
    Holds(Ring(machines=3), by_hand.ring(3)),
    Holds(Ring(machines=4), by_hand.ring(4)),
    Holds(Ordered(seats=3), by_hand.dining(3, ordered=True)),
    Holds(Ordered(seats=5), by_hand.dining(5, ordered=True)),
    Holds(Bakery(), by_hand.bakery(2, 4)),
    Holds(LamportMutex(), by_hand.lamport_mutex(3)),
    Holds(LamportMutex(latest=6), by_hand.lamport_mutex(6)),
    Holds(AlternatingBit(), by_hand.alternating_bit(2, 2)),
    Holds(FairChoice(data=1), by_hand.alternating_bit(1, 2)),
    Holds(ReadersWriters(), by_hand.readers_writers(2, 2)),
    Holds(ReadersWriters(threads=3), by_hand.readers_writers(3, 2)),
    Holds(RaftElection(), by_hand.raft_election(3, 1)),
    Holds(RaftElection(servers=2, terms=2), by_hand.raft_election(2, 2)),
    Holds(PrimaryBackup(), by_hand.primary_backup(2, 2, 1)),
    Holds(PrimaryBackup(crashes=3, restarts=2), by_hand.primary_backup(2, 3, 2)),
    Holds(Register(), by_hand.register(3, 2, 1)),
    Holds(Lease(), by_hand.lease(2, 5, 2, 1)),
    Holds(Puzzle(), by_hand.puzzle()),
    Holds(Snapshot(), by_hand.snapshot(2, 2)),
    Holds(Snapshot(money=3), by_hand.snapshot(3, 2)),
]


@pytest.mark.parametrize("case", HOLDING, ids=str)
def test_it_holds_with_the_counts_of_a_search_by_hand(case: Holds) -> None:
    result = check(case.spec)
    assert result, result
    found = result.distinct_states, result.transitions, result.depth
    assert found == by_hand.count(case.space)


@pytest.mark.parametrize(
    ("spec", "distinct", "transitions"),
    [
        # tlaplus/Examples publishes "states generated", which are transitions and initial states.
        (SetRing(machines=3), 137, 227 - 8),  # chang_roberts/MCChangRoberts
        (SimpleAllocator(clients=3), 400, 1633 - 1),  # allocator/SimpleAllocator
        # TLC takes each true part of a guard with "or" as a step of its own, and so says 2,001 and
        # 15,986 of these two; with one step for each guard it is 1,817 and 14,962.
        (Termination(machines=3), 302, 1817 - 192),  # ewd840/EWD840
        (Termination(machines=4), 1566, 14962 - 1024),  # ewd840/EWD840_json
    ],
    ids=str,
)
def test_it_has_the_counts_that_are_published(spec: Spec, distinct: int, transitions: int) -> None:
    result = check(spec)
    assert result, result
    assert (result.distinct_states, result.transitions) == (distinct, transitions)


@pytest.mark.parametrize(
    ("spec", "violated", "steps"),
    [
        # A shortest run to it has so many steps; None: a lasso.
        (NeverSolved(), "there_is_no_solution", 6),
        (Careless(), "nobody_is_eaten", 1),
        (BlackensTheWrongWay(), "dijkstra_s_invariant", 3),
        (WeakAllocator(), "clients_obtain", None),
        (ForwardsToo(), "the_least_initiator_wins", 7),
        (Dining(seats=3), "deadlock", 3),
        (Dining(seats=5), "deadlock", 5),
        (OrderedWeak(), "nobody_starves", None),
        (DoesNotWaitForChoices(), "one_at_a_time", 20),
        (NoTieBreak(), "one_at_a_time", 8),
        (WeaklyFair(), "what_is_sent_arrives", None),
        (NoBit(), "what_is_acknowledged_has_arrived", 4),
        (GivesBackAtOnce(), "a_writer_is_alone", 3),
        (ReadersFirst(threads=3, depth=1), "who_wants_to_write_writes", None),
        (ForgetsItsVote(), "one_vote_a_term", 5),
        (AcknowledgesEarly(), "no_write_is_lost", 3),
        (NoWriteBack(), "reads_are_atomic", 6),
        (TrustsClocks(), "one_holds_it", 4),
        (IgnoresLinks(), "all_the_money_is_found", 5),
    ],
    ids=str,
)
def test_the_mistake_is_found(spec: Spec, violated: str, steps: int | None) -> None:
    found = check(spec).counterexample
    assert found is not None
    assert found.property == violated
    if steps is None:
        assert found.loop is not None
    else:
        assert len(found.steps) - 1 == steps


def test_what_cannot_be_reached_has_no_run() -> None:
    result = check(Swapped())
    assert result.properties["can_be_solved"] == "violated"
    assert result.distinct_states == 360


COMPARED = [
    *(case.spec for case in HOLDING[::2] if not isinstance(case.spec, Termination)),
    Termination(machines=3),
    SetRing(machines=2),
    SimpleAllocator(),
]


@pytest.mark.parametrize("spec", COMPARED, ids=str)
def test_the_ir_means_the_same(spec: Spec) -> None:
    states, steps, _ = walk(spec)
    assert states > 5
    assert steps > states
