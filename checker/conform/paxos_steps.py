"""Lines of the logs of Paxos, as steps of `paxos_nodes`.

Each key is a decision of its own, and so a run of its own of the spec.  Node i is the acceptor
`n<i>`; values, which are strings in a log, are members of the spec's Sort in the order in which the
key's lines name them.  Most keys are decided in the same few ways, and with values named so the
same lines and the same states come back for all of them: each step is worked out once.

| event | step of the spec |
| --- | --- |
| `start`, `timeout` | `start(n, wish)`; none where it is decided, or where nothing is waited for |
| `receive` of a message | `receive_prepare(n, m)` and so on |
| `written` | `sync(n)` |
| `recovered` | `crash(n)` |

**What a kill hides.**  A node writes its lines before it sends what rests on them, so all that
others can have seen of it is in its log.  What can be missing is a suffix of what it did before
the kill, of which nothing is left but what it brought to its own disk.  So before a `crash(n)`, and
only there, steps of n that reach the disk may be hidden: as few as explain what was recovered, and
at most three writes.  More of them would add messages that were never sent.

The instance of the spec grows with the log: as many ballots, values and messages as it needs.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET

from checker.conform.paxos_log import (
    AcceptedLine,
    AcceptLine,
    DecidedLine,
    EventLine,
    PrepareLine,
    PromiseLine,
    Receive,
    Recovered,
    Start,
    Timeout,
    VoteLine,
    Written,
)
from checker.lang import AtMost, Set, Spec
from checker.lang.errors import LimitReached
from checker.lang.model import Action, Model, State
from checker.trace.events import UNKNOWN, Check, Event, Hidden, Pattern
from checker.trace.reading import WrongShape
from spec.paxos import Accept, Accepted, Prepare, Promise
from spec.paxos_nodes import Decided, PaxosNodes
from spec.voting import Vote

MOST_BALLOTS = 20_000
MOST_VALUES = 2_000
MOST_MESSAGES = 4_000
"""Different ones in the run of one key."""
CRASHES = 1_000_000
HIDDEN_STEPS = 6
"""Before a crash: three writes, begun and done."""
REMEMBERED_EVENTS = 100_000

Canonical = tuple[int, tuple[Any, ...], tuple[Any, ...]]
"""A line, with numbers for values: its node, its event, and the state after it."""


class Instance:
    """The spec, as large as the log has needed it so far, and the events that it has."""

    def __init__(self, cls: type[PaxosNodes], nodes: int) -> None:
        self.cls, self.nodes = cls, nodes
        self.ballots, self.values, self.messages = 4 * nodes, 4, 250
        self.model: Model
        self.make()

    def _bounded(self) -> type[Spec]:
        """The spec with room for so many messages: all sets of all messages cannot be counted."""
        annotation = Annotated[
            Set[Prepare | Promise | Accept | Accepted | Decided], AtMost(self.messages)
        ]
        made: dict[str, Any] = {
            "__annotations__": {"sent": annotation},
            "__module__": self.cls.__module__,
            "paxos": None,  # the refinement is of no use here, and its spec has no such bound
        }
        return type(self.cls.__name__, (self.cls,), made)

    def make(self) -> None:
        """A model of the present size."""
        names = [f"n{node}" for node in range(self.nodes)]
        self.model = Model(
            self._bounded(),
            {
                "acceptors": names,
                "values": self.values,
                "ballots": self.ballots,
                "crashes": CRASHES,
                "wishes": lambda machine: {
                    n: Set((None, *machine.values)) for n in machine.acceptors
                },
            },
        )
        self.acceptors = tuple(self.model.constants["acceptors"].value)
        self.members = tuple(self.model.constants["values"].value)
        self.actions = {action.name: action for action in self.model.actions}
        self.fields = {field.name: number for number, field in enumerate(self.model.fields)}
        self.events: dict[Any, Event] = {}

    def fits(self, ballot: int, values: int, messages: int) -> bool:
        """Whether there is room for a ballot, the next one of each node, and so much else."""
        return (
            ballot + self.nodes < self.ballots
            and values <= self.values
            and messages + 2 <= self.messages
        )

    def grow(self, ballot: int, values: int, messages: int) -> None:
        """Make room.  `LimitReached` if that is more than a spec can have."""
        self.ballots = _grown("ballots", self.ballots, ballot + self.nodes + 1, MOST_BALLOTS)
        self.values = _grown("values", self.values, values, MOST_VALUES)
        self.messages = _grown("messages", self.messages, messages + 2, MOST_MESSAGES)
        self.make()

    # ------------------------------------------------------------- from a line to an event

    def event(self, said: Canonical) -> Event:
        """What a line says."""
        found = self.events.get(said)
        if found is None:
            if len(self.events) >= REMEMBERED_EVENTS:
                self.events.clear()
            found = self.events[said] = self._event(*said)
        return found

    def _event(self, node: int, said: tuple[Any, ...], state: tuple[Any, ...]) -> Event:
        checks = self.checks(node, state)
        kind = said[0]
        if kind is Recovered:
            return self.crash(node, state, checks)
        if kind is Written:
            return Event(Pattern(self.actions["sync"], (self.acceptors[node],)), checks)
        if kind == "start" or kind is Timeout:
            trying, wish, decided = state[3], state[4], state[9]
            if decided not in (None, UNSET) or (kind is Timeout and trying == -1):
                return Event(None, checks)  # it knows the decision, or waits for nothing
            wished = said[1] if kind == "start" else wish
            value = UNKNOWN if wished is UNSET else self.value(wished)
            return Event(self.start(node, value), checks)
        return Event(self.receive(node, said), checks)

    def crash(self, node: int, state: tuple[Any, ...], checks: tuple[Check, ...]) -> Event:
        """A crash, perhaps after steps that were lost."""
        n = self.acceptors[node]
        hidden = (
            Pattern(self.actions["sync"], (n,)),
            Pattern(self.actions["receive_prepare"], (n, UNKNOWN)),
            Pattern(self.actions["receive_accept"], (n, UNKNOWN)),
            self.start(node, None),
        )
        promised, voted = state[0], state[1]
        field = self.fields["promised"]

        def may(before: State) -> bool:
            """What is promised is never taken back, so there is no way through more."""
            held: int = before[field][n]
            return promised is UNSET or held <= promised

        step = Pattern(self.actions["crash"], (n,))
        known = promised is not UNSET and voted is not UNSET
        return Event(step, checks, Hidden(hidden, HIDDEN_STEPS, fewest=known, may=may))

    def start(self, node: int, wish: Any) -> Pattern:
        n = self.acceptors[node]
        action = self.actions["start"]
        return Pattern(action, (n, wish)[: len(action.params)])

    def receive(self, node: int, said: tuple[Any, ...]) -> Pattern:
        n, kind = self.acceptors[node], said[0]
        if kind == "Prepare":
            return self._received("receive_prepare", n, Prepare(said[1]))
        if kind == "Promise":
            sender = self.acceptors[said[1]]
            return self._received(
                "receive_promise", n, Promise(sender, said[2], self.vote(said[3]))
            )
        if kind == "Accept":
            return self._received("receive_accept", n, Accept(said[1], self.members[said[2]]))
        if kind == "Accepted":
            sender = self.acceptors[said[1]]
            return self._received(
                "receive_accepted", n, Accepted(sender, said[2], self.members[said[3]])
            )
        return self._received("receive_decided", n, Decided(self.members[said[1]]))

    def _received(self, name: str, n: Any, message: Any) -> Pattern:
        action: Action = self.actions[name]
        return Pattern(action, (n, message))

    def vote(self, said: tuple[int, int] | None) -> Vote | None:
        return None if said is None else Vote(said[0], self.members[said[1]])

    def value(self, said: int | None) -> Any:
        return None if said is None else self.members[said]

    def checks(self, node: int, state: tuple[Any, ...]) -> tuple[Check, ...]:
        """What a logged state says, variable by variable."""
        n = self.acceptors[node]
        found = []
        for (name, read), said in zip(_STATE.items(), state, strict=True):
            if said is UNSET or name not in self.fields:
                continue
            number = self.fields[name]
            of = self.model.fields[number].type.value  # type: ignore[attr-defined]
            path = f"{name}[{n}]"
            if read == "presence":
                found.append(Check(path, number, (n,), of, said, presence=True))
                continue
            logged: Any = said
            if read == "vote":
                logged = self.vote(said)
            elif read == "value":
                logged = self.value(said)
            elif read == "nodes":
                logged = Set(self.acceptors[node] for node in said)
            found.append(Check(path, number, (n,), of, logged))
        return tuple(found)


_STATE = {
    "promised": "number",
    "voted": "vote",
    "writing": "presence",
    "trying": "number",
    "wish": "value",
    "promisers": "nodes",
    "best": "vote",
    "proposed": "value",
    "voters": "nodes",
    "decided": "value",
}
"""The variables of a node, in the order of `canonical`, and how each is logged."""


# --------------------------------------------------------------------------- canonical lines


def canonical(line: EventLine, values: dict[str, int]) -> Canonical:
    """What a line says, with values by number, as a key: the same for many keys of the log."""
    event, s = line.event, line.state

    def number(value: Any) -> Any:
        """Of a value; None and UNSET are themselves."""
        if value.__class__ is not str:
            return value
        found = values.get(value)
        if found is None:
            found = values[value] = len(values)
        return found

    def vote(said: Any) -> Any:
        return (said.ballot, number(said.value)) if said.__class__ is VoteLine else said

    said: tuple[Any, ...]
    if isinstance(event, Receive):
        m = event.message
        match m:
            case PrepareLine():
                said = ("Prepare", m.ballot)
            case PromiseLine():
                said = ("Promise", event.sender, m.ballot, vote(m.vote))
            case AcceptLine():
                said = ("Accept", m.ballot, number(m.value))
            case AcceptedLine():
                said = ("Accepted", event.sender, m.ballot, number(m.value))
            case DecidedLine():
                said = ("Decided", number(m.value))
    elif isinstance(event, Start):
        said = ("start", number(event.wish))
    else:
        said = (event.__class__,)
    promisers, voters = s.promisers, s.voters
    return (
        line.node, said,
        (s.promised, vote(s.voted), s.writing, s.trying, number(s.wish),
         tuple(promisers) if promisers.__class__ is list else promisers,
         vote(s.best), number(s.proposed),
         tuple(voters) if voters.__class__ is list else voters,
         number(s.decided)),
    )  # fmt: skip


def highest_ballot(canonical: Canonical, nodes: int) -> int:
    """The highest ballot of a line, -1 if there is none; `WrongShape` where a number is wrong."""
    _, said, state = canonical
    promised, voted, _, trying, _, promisers, best, _, voters, _ = state
    ballots = [one for one in (promised, trying) if one is not UNSET]
    ballots += [vote[0] for vote in (voted, best) if isinstance(vote, tuple)]
    people = [*(promisers or ()), *(voters or ())]
    match said:
        case ("Prepare" | "Accept", ballot, *_):
            ballots.append(ballot)
        case ("Promise" | "Accepted", sender, ballot, *rest):
            people.append(sender)
            ballots.append(ballot)
            ballots += [vote[0] for vote in rest if isinstance(vote, tuple)]
    for ballot in ballots:
        if ballot < -1:
            raise WrongShape(f"{ballot} is no ballot")
    for person in people:
        if not 0 <= person < nodes:
            raise WrongShape(f"there is no node {person}: the last is {nodes - 1}")
    return max(ballots, default=-1)


def _grown(what: str, held: int, needed: int, most: int) -> int:
    """Room for so many; more than is needed, so that this is rarely asked."""
    if needed > most:
        raise LimitReached(f"there are too many {what} of one key: more than {most:,}")
    while held < needed:
        held = min(4 * held, most)
    return held


def forgotten(node: int) -> Canonical:
    """A node has started again, and had nothing of a key on its disk."""
    return (node, (Recovered,), (-1, None, *([UNSET] * (len(_STATE) - 2))))
