"""The node and `spec/paxos_nodes.py`, in step: every edge of small instances, in one process.

Each state of the spec is made into nodes, each step of the spec into an event, and what the node
then holds and sends must be what the spec says.  `quorate conform paxos` does the same over
sockets and from saved bytes; this is the quick look that names the line.
"""

from collections import deque
from typing import Any

import pytest

from checker.lang.model import Model, State
from impl.paxos import instance as core
from impl.paxos import messages as wire
from spec import paxos
from spec.paxos_nodes import PaxosNodes

KEY = "x"

ANSWERS = (paxos.Promise, paxos.Accepted)


class InStep:
    """An instance of the spec, and how its states are those of nodes."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self.model = Model.of(PaxosNodes(**constants))
        self.fields = [field.name for field in self.model.fields]
        self.acceptors = list(self.model.constants["acceptors"].value)

    def id(self, acceptor: Any) -> int:
        return self.acceptors.index(acceptor)

    def vote(self, vote: Any) -> wire.Vote | None:
        return None if vote is None else wire.Vote(vote.ballot, vote.value.name)

    def message(self, m: Any) -> wire.Message:
        match m:
            case paxos.Prepare():
                return wire.Prepare(m.ballot)
            case paxos.Promise():
                return wire.Promise(m.ballot, self.vote(m.vote))
            case paxos.Accept():
                return wire.Accept(m.ballot, m.value.name)
            case paxos.Accepted():
                return wire.Accepted(m.ballot, m.value.name)
            case _:
                return wire.Decided(m.value.name)

    def write(self, w: Any) -> core.Write | None:
        if w is None:
            return None
        answer = self.message(w.answer)
        assert isinstance(answer, wire.Promise | wire.Accepted)
        return core.Write(w.promised, self.vote(w.voted), w.prepares, answer)

    def node(self, state: State, n: Any) -> core.Instance:
        """What node n holds in this state."""
        at = {name: value[n] for name, value in zip(self.fields, state, strict=True)
              if name not in ("sent", "crashed")}  # fmt: skip
        names = {name: None if at[name] is None else at[name].name
                 for name in ("wish", "proposed", "decided")}  # fmt: skip
        return core.Instance(
            KEY,
            self.id(n),
            len(self.acceptors),
            promised=at["promised"],
            voted=self.vote(at["voted"]),
            writing=self.write(at["writing"]),
            trying=at["trying"],
            promisers={self.id(a) for a in at["promisers"]},
            best=self.vote(at["best"]),
            voters={self.id(a) for a in at["voters"]},
            **names,
        )

    def sent(self, state: State) -> set[tuple[int | None, wire.Message]]:
        """All messages, those that count who sent them with their sender."""
        all_sent = state[self.fields.index("sent")]
        return {
            (self.id(m.acceptor) if isinstance(m, ANSWERS) else None, self.message(m))
            for m in all_sent
        }

    def event(self, action: str, args: tuple[Any, ...]) -> core.Event | None:
        """What happens to the node; None for a crash."""
        match action, args:
            case "start", (_, wish):
                return core.Start(None if wish is None else wish.name)
            case "sync", _:
                return core.Written()
            case "crash", _:
                return None
            case _, (_, m):
                sender = self.id(m.acceptor) if isinstance(m, ANSWERS) else 0
                return core.Receive(sender, self.message(m))
        raise AssertionError(action)

    def check(self, before: State, action: str, args: tuple[Any, ...], after: State) -> None:
        n = args[0]
        node = self.node(before, n)
        event = self.event(action, args)
        if event is None:
            node = core.Instance(KEY, node.id, node.nodes, node.promised, node.voted)
            effects: list[core.Effect] = []
        else:
            effects = node.handle(event)
        sent = self.sent(before)
        for effect in effects:
            if isinstance(effect, core.Send):
                counts = isinstance(effect.message, wire.Promise | wire.Accepted)
                sent.add((node.id if counts else None, effect.message))
        where = f"{action}{args} in {before}"
        assert node == self.node(after, n), where
        assert sent == self.sent(after), where
        self.check_others(before, n, after, where)

    def check_others(self, before: State, n: Any, after: State, where: str) -> None:
        for other in self.acceptors:
            if other != n:
                assert self.node(before, other) == self.node(after, other), where

    def check_all(self) -> tuple[int, int]:
        """Every edge; how many states and edges there were."""
        todo = deque(self.model.initial_states())
        seen = set(todo)
        edges = 0
        while todo:
            state = todo.popleft()
            for action, args, after in self.model.successors(state):
                edges += 1
                self.check(state, action.name, args, after)
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return len(seen), edges


def readers() -> dict[str, Any]:
    """Two nodes; each may be asked for its value, or what is chosen."""
    two = PaxosNodes(acceptors=2)
    wishes = {n: {v, None} for n, v in zip(two.acceptors, two.values, strict=True)}
    return {"acceptors": 2, "wishes": wishes}


@pytest.mark.parametrize(
    ("constants", "states", "edges"),
    [
        (readers(), 2_290, 22_124),
        ({"ballots": 1}, 964, 9_522),
        ({"acceptors": 2, "ballots": 3, "crashes": 0}, 2_974, 38_690),
        pytest.param({}, 140_342, 2_336_028, marks=pytest.mark.slow),
    ],
    ids=[
        "two nodes that read",
        "one ballot",
        "a leader that starts again",
        "all that conform covers",
    ],
)
def test_every_edge(constants: dict[str, Any], states: int, edges: int) -> None:
    assert InStep(constants).check_all() == (states, edges)
