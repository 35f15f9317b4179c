"""What `spec/paxos_nodes.py` says beside its properties."""

from typing import Any

from checker import check
from checker.lang import action
from spec.paxos import Accept, Prepare
from spec.paxos_nodes import PaxosNodes
from spec.voting import Acceptor


def counts(spec: PaxosNodes) -> tuple[str, int, int, int]:
    found = check(spec, engine="python")
    return found.verdict, found.distinct_states, found.transitions, found.depth


def asked(*wishes: set[int | None]) -> dict[str, Any]:
    """Constants: what the clients of each acceptor may ask for, by the numbers of values."""
    some = PaxosNodes(acceptors=len(wishes))
    values = list(some.values)
    return {
        "acceptors": len(wishes),
        "wishes": {
            n: {None if i is None else values[i] for i in mine}
            for n, mine in zip(some.acceptors, wishes, strict=True)
        },
    }


def test_nodes_that_only_want_to_know() -> None:
    assert counts(PaxosNodes(**asked({0}, {None}))) == ("holds", 857, 8_713, 24)
    assert counts(PaxosNodes(**asked({0, None}, {1, None}))) == ("holds", 2_290, 22_124, 24)


class Silent(PaxosNodes):
    """Without the answers to those who are behind: neither the decision nor the higher ballot."""

    @action
    def receive_prepare(self, n: Acceptor, m: Prepare) -> None:
        super().receive_prepare(n, m)
        self.sent = self.old.sent

    @action
    def receive_accept(self, n: Acceptor, m: Accept) -> None:
        super().receive_accept(n, m)
        self.sent = self.old.sent


def test_the_answers_to_those_who_are_behind_were_sent_before() -> None:
    for constants in ({"acceptors": 2}, {"ballots": 1}):
        assert counts(Silent(**constants)) == counts(PaxosNodes(**constants))


def test_a_reader_never_makes_a_value_up() -> None:
    """If all only want to know, nothing is ever proposed."""
    found = check(PaxosNodes(**asked({None}, {None})), engine="python")
    assert found.properties["any_node_can_learn"] == "violated"
    assert found.actions["receive_accept"] == 0
