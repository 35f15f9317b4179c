"""The logs of impl's nodes of Paxos (`quorate serve --trace-log`) in the words of `paxos_nodes`.

Each key is a decision of its own, and so a run of its own of the spec: node i is the acceptor
`n<i>`, and the values, which are strings in a log, are members of the spec's Sort in the order in
which the key's lines name them.  Most keys are decided in the same few ways; with values named so
the same spec states come back for all of them, and each step is worked out once.

    {"quorate": "trace", "version": 1, "protocol": "paxos", "node": 0, "nodes": 3}
    {"time": 17, "node": 0, "key": "x", "event": {"type": "start", "wish": "blue"}, "state": {...}}

| event | step of the spec |
| --- | --- |
| `start`, `timeout` | `start(n, wish)`; none where it is decided, or where nothing is waited for |
| `receive` of a message | `receive_prepare(n, m)` and so on |
| `written` | `sync(n)` |
| `recovered`, or a header and then another event | `crash(n)` |

**What a kill hides.**  A node writes its lines before it sends what rests on them, so all that
others can have seen of it is in its log.  What can be missing is a suffix of what it did before
the kill, of which nobody knows but its own disk.  So before a `crash(n)`, and only there, steps
of n that reach the disk may be hidden (`start`, `receive_prepare`, `receive_accept`, `sync`): as
few as explain what was recovered, and at most three writes.  A last line that was cut off is such a
suffix as well.  What was in memory is gone in any case.

**Keys that were not recovered.**  A node that starts again without a key in its journal has
crashed there, too, and must not have promised anything that it knew to be on disk.  This is
judged when the node next acts on the key, or at the end of the log.  To take the step that late
is right, for no step of another node reads what a crash of this one changes.

The instance of the spec grows with the log: as many ballots, values and crashes as are needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from checker.lang import AtMost, Set, Spec
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import Action, Model, State
from checker.trace.candidates import Candidates, Follower
from checker.trace.events import UNKNOWN, Check, Event, Pattern
from checker.trace.explain import Where
from checker.trace.reading import Line, LogError, LogFile, NotJson, WrongShape, decoded
from checker.trace.validate import Outcome
from spec.paxos import Accept, Accepted, Paxos, Prepare, Promise
from spec.paxos_nodes import Decided, PaxosNodes
from spec.voting import Vote

VERSION = 1
MOST_NODES = 64
MOST_BALLOTS = 20_000
MOST_VALUES = 2_000
MOST_MESSAGES = 4_000
"""Different ones in the run of one key."""
CRASHES = 1_000_000
HIDDEN_STEPS = 6
"""Before a crash: three writes, begun and done."""
REMEMBERED_EVENTS = 100_000


# --------------------------------------------------------------------------- the format


class Header(msgspec.Struct):
    """The first line of a process."""

    quorate: str
    version: int
    protocol: str
    node: int
    nodes: int


class VoteLine(msgspec.Struct, gc=False):
    ballot: int
    value: str


class PrepareLine(msgspec.Struct, tag="Prepare", gc=False):
    ballot: int


class PromiseLine(msgspec.Struct, tag="Promise", gc=False):
    ballot: int
    vote: VoteLine | None


class AcceptLine(msgspec.Struct, tag="Accept", gc=False):
    ballot: int
    value: str


class AcceptedLine(msgspec.Struct, tag="Accepted", gc=False):
    ballot: int
    value: str


class DecidedLine(msgspec.Struct, tag="Decided", gc=False):
    value: str


class Start(msgspec.Struct, tag="start", gc=False):
    wish: str | None = None


class Timeout(msgspec.Struct, tag="timeout", gc=False):
    pass


class Receive(msgspec.Struct, tag="receive", rename={"sender": "from"}, gc=False):
    sender: int
    message: PrepareLine | PromiseLine | AcceptLine | AcceptedLine | DecidedLine


class Written(msgspec.Struct, tag="written", gc=False):
    pass


class Recovered(msgspec.Struct, tag="recovered", gc=False):
    pass


class NodeState(msgspec.Struct, gc=False, frozen=True):
    """The state of one instance at one node; what is left out was not logged."""

    promised: int | UnsetType = UNSET
    voted: VoteLine | UnsetType | None = UNSET
    writing: bool | UnsetType = UNSET
    trying: int | UnsetType = UNSET
    wish: str | UnsetType | None = UNSET
    promisers: list[int] | UnsetType = UNSET
    best: VoteLine | UnsetType | None = UNSET
    proposed: str | UnsetType | None = UNSET
    voters: list[int] | UnsetType = UNSET
    decided: str | UnsetType | None = UNSET


class EventLine(msgspec.Struct, gc=False):
    """Any other line: what an instance at a node handled, and its state after that."""

    time: int
    node: int
    key: str
    event: Start | Timeout | Receive | Written | Recovered
    state: NodeState = NodeState()


_HEADER = msgspec.json.Decoder(Header)
_EVENT = msgspec.json.Decoder(EventLine)
_MARK = b'{"quorate"'

Read = tuple[int, int, int, "EventLine | Header"]
"""The time, the log (its place among the logs), the line's number, and what it says."""


def is_one(log: LogFile) -> bool:
    """Whether a log is of this kind: by its first line."""
    try:
        return log.first is not None and decoded(_HEADER, log.first.text).protocol == "paxos"
    except (NotJson, WrongShape):
        return False


def spec_for(cls: type[Spec]) -> type[PaxosNodes] | None:
    """The spec of the nodes, if `cls` is it or stands for it (`paxos`), or a variant of it."""
    if cls is Paxos:
        return PaxosNodes
    return cls if issubclass(cls, PaxosNodes) else None


# --------------------------------------------------------------------------- reading


def _read(logs: list[LogFile], torn: list[str]) -> Iterator[Read]:
    """All lines of all logs in the order of their times."""
    streams = [_lines(log, index, torn) for index, log in enumerate(logs)]
    return streams[0] if len(streams) == 1 else merge(*streams, key=_time_of)


def _time_of(read: Read) -> int:
    return read[0]


def _lines(log: LogFile, index: int, torn: list[str]) -> Iterator[Read]:
    """The lines of one log; a header comes with the time of the line after it."""
    headers: list[tuple[int, Header]] = []
    last = 0
    broken: tuple[Line, Exception] | None = None
    for line in log.lines():
        if broken is not None:
            if not line.text.startswith(_MARK):
                raise log.error(broken[0].number, str(broken[1]))
            torn.append(f"{log.name}:{broken[0].number}")
            broken = None
        try:
            found = _line(log, line)
        except (NotJson, LogError) as error:
            # Who wrote it was killed; the next process may have gone on in the same line.
            after = _after_tear(log, line)
            if after is None and isinstance(error, LogError):
                raise
            if after is None:
                broken = (line, error)
                continue
            torn.append(f"{log.name}:{line.number}")
            found = after
        if isinstance(found, Header):
            headers.append((line.number, found))
            continue
        if found.time < last:
            raise log.error(line.number, f"the time {found.time} is before that of the last line")
        last = found.time
        for number, header in headers:
            yield last, index, number, header
        headers.clear()
        yield last, index, line.number, found
    if broken is not None:
        if broken[0].whole:
            raise log.error(broken[0].number, str(broken[1]))
        torn.append(f"{log.name}:{broken[0].number}")
    for number, header in headers:
        yield last, index, number, header


def _after_tear(log: LogFile, line: Line) -> EventLine | Header | None:
    """The header that stands in one line after what was cut off, if there is one."""
    start = line.text.find(_MARK, 1)
    if start < 0:
        return None
    try:
        return _line(log, Line(line.number, line.text[start:], line.whole))
    except (NotJson, LogError):
        return None


def _line(log: LogFile, line: Line) -> EventLine | Header:
    """`NotJson` if it is not even JSON, `LogError` if it is no line of such a log."""
    try:
        return decoded(_EVENT, line.text)
    except WrongShape as error:
        reason = error
    try:
        return decoded(_HEADER, line.text)
    except WrongShape:
        raise log.error(line.number, f"this is no line of a log: {reason}") from None


# --------------------------------------------------------------------------- the instance


class Instance:
    """The spec, as large as the log has needed it so far, and the events that it has."""

    ROOM: ClassVar[int] = 4

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
        while ballot + self.nodes >= self.ballots:
            self.ballots *= self.ROOM
        while values > self.values:
            self.values *= self.ROOM
        while messages + 2 > self.messages:
            self.messages *= self.ROOM
        for what, number, most in (
            ("ballots", self.ballots, MOST_BALLOTS),
            ("values", self.values, MOST_VALUES),
            ("messages", self.messages, MOST_MESSAGES),
        ):
            if number > most:
                raise LimitReached(f"there are too many {what} of one key: more than {most:,}")
        self.make()

    # ------------------------------------------------------------- from a line to an event

    def crash(self, node: int, checks: tuple[Check, ...]) -> Event:
        """Node crashes, and has on disk what `checks` say, perhaps by steps that were lost."""
        n = self.acceptors[node]
        hidden = (
            Pattern(self.actions["sync"], (n,)),
            Pattern(self.actions["receive_prepare"], (n, UNKNOWN)),
            Pattern(self.actions["receive_accept"], (n, UNKNOWN)),
            self.start(node, None),
        )
        promised, found = self.fields["promised"], {check.path: check.logged for check in checks}
        most = found.get(f"promised[{n}]", -1 if not checks else None)

        def may(state: State) -> bool:
            """What is promised is never taken back, so there is no way through more."""
            held: int = state[promised][n]
            return most is None or held <= most

        step = Pattern(self.actions["crash"], (n,))
        return Event(step, checks, hidden, HIDDEN_STEPS, may)

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
"""The variables of a node, in the order of `_canonical`, and how each is logged."""


# --------------------------------------------------------------------------- canonical lines


Canonical = tuple[int, tuple[Any, ...], tuple[Any, ...]]
"""A line, with numbers for values: its node, its event, and the state after it."""


class Run:
    """One key: where it may be, the numbers of its values, and which process of each node acted."""

    __slots__ = ("now", "processes", "values")

    def __init__(self, now: Candidates, nodes: int) -> None:
        self.now = now
        self.values: dict[str, int] = {}
        self.processes = [0] * nodes


def _canonical(line: EventLine, values: dict[str, int]) -> Canonical:
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


def _event_of(instance: Instance, canonical: Canonical) -> Event:
    node, said, state = canonical
    checks = instance.checks(node, state)
    kind = said[0]
    if kind is Recovered:
        return instance.crash(node, checks)
    if kind is Written:
        return Event(Pattern(instance.actions["sync"], (instance.acceptors[node],)), checks)
    if kind == "start" or kind is Timeout:
        trying, wish, decided = state[3], state[4], state[9]
        if decided not in (None, UNSET) or (kind is Timeout and trying == -1):
            return Event(None, checks)  # who knows the decision, or waits for nothing, begins none
        wished = said[1] if kind == "start" else wish
        value = UNKNOWN if wished is UNSET else instance.value(wished)
        return Event(instance.start(node, value), checks)
    return Event(instance.receive(node, said), checks)


# --------------------------------------------------------------------------- the whole


@dataclass
class Process:
    """A process of a node: how many there have been, and where the last one began."""

    count: int = 0
    where: str = ""
    acted: bool = False
    """Whether it has done more than to read its journal."""


def validate(cls: type[PaxosNodes], logs: list[LogFile], max_candidates: int) -> Outcome:
    """Whether the logs of some nodes are, for each key, a behaviour of the spec.

    `LogError` if a line cannot be read or the logs do not belong together.
    """
    return Validation(cls, logs, max_candidates).run()


class Validation:
    """One pass over the logs."""

    def __init__(self, cls: type[PaxosNodes], logs: list[LogFile], max_candidates: int) -> None:
        self.logs = logs
        self.torn: list[str] = []
        first = logs[0]
        assert first.first is not None
        self.nodes = self._nodes(decoded(_HEADER, first.first.text), first, first.first.number)
        self.instance = Instance(cls, self.nodes)
        crashed = self.instance.fields["crashed"]

        def same(state: State) -> State:
            """There is no bound on crashes here, so their number is not kept."""
            return state if not state[crashed] else (*state[:crashed], 0, *state[crashed + 1 :])

        self.follower = Follower(self.instance.model, max_candidates, same=same)
        self.outcome = Outcome(self.instance.model, tuple(log.name for log in logs))
        self.processes = [Process() for _ in range(self.nodes)]
        self.runs: dict[str, Run] = {}
        self.highest = -1
        self.most_values = 0

    def _nodes(self, header: Header, log: LogFile, number: int) -> int:
        if header.quorate != "trace" or header.version != VERSION or header.protocol != "paxos":
            raise log.error(
                number,
                f"this is a {header.quorate} of version {header.version} for {header.protocol}; "
                f"wanted is a trace of version {VERSION} for paxos",
            )
        if not 1 <= header.nodes <= MOST_NODES:
            raise log.error(number, f"{header.nodes} nodes: there may be 1 to {MOST_NODES}")
        if not 0 <= header.node < header.nodes:
            raise log.error(number, f"node {header.node} of {header.nodes}: the first is 0")
        return header.nodes

    def run(self) -> Outcome:
        started = time.perf_counter()
        outcome = self.outcome
        if self._follow():
            self._end()
        outcome.model = self.instance.model
        outcome.instances = len(self.runs)
        restarts = sum(max(0, process.count - 1) for process in self.processes)
        outcome.constants = {
            "acceptors": self.nodes,
            "values": self.most_values,
            "ballots": self.highest + 1,
            "crashes": restarts,
        }
        outcome.notes += [f"{where}: the line is cut off, and was left out" for where in self.torn]
        return outcome.end(self.follower, started)

    def _follow(self) -> bool:
        """Whether all lines match."""
        runs, nodes, count = self.runs, self.nodes, 0
        first = self.follower.start()
        for _, index, where, line in _read(self.logs, self.torn):
            if line.__class__ is Header:
                self._begin(line, self.logs[index], where)
                continue
            node, key = line.node, line.key  # type: ignore[union-attr]
            if not 0 <= node < nodes or not self.processes[node].count:
                raise self.logs[index].error(where, f"no header of node {node} stands before this")
            run = runs.get(key)
            if run is None:
                run = runs[key] = Run(first, nodes)
            if not self._line(run, line, index, where):  # type: ignore[arg-type]
                self.outcome.events = count
                return False
            count += 1
        self.outcome.events = count
        return True

    def _begin(self, header: Header, log: LogFile, number: int) -> None:
        if self._nodes(header, log, number) != self.nodes:
            raise log.error(
                number, f"{header.nodes} nodes, and {self.nodes} in {self.logs[0].name}"
            )
        process = self.processes[header.node]
        process.count += 1
        process.where = f"{log.name}:{number}"
        process.acted = False

    def _line(self, run: Run, line: EventLine, index: int, number: int) -> bool:
        """Whether a line matches."""
        node = line.node
        process = self.processes[node]
        recovered = line.event.__class__ is Recovered
        if not recovered:
            process.acted = True
        if run.processes[node] != process.count:
            before, run.processes[node] = run.processes[node], process.count
            if before and not recovered:
                where = Where(self.logs[index].name, number, line.key)
                if not self._lost(run, node, where):
                    return False
        canonical = _canonical(line, run.values)
        event = self.instance.events.get(canonical)
        after = None if event is None else run.now.after.get(event)
        if after is not None:
            run.now = after
            return True
        where = Where(self.logs[index].name, number, line.key)
        return self._advance(run, canonical, where)

    def _advance(self, run: Run, canonical: Canonical, where: Where, *notes: str) -> bool:
        """Take a step that is not remembered.  Whether there is one."""
        try:
            event = self._event(run, canonical, where)
            after = self.follower.advance(run.now, event)
        except LimitReached as reason:
            self.outcome.give_up(reason, where)
            return False
        except ModelError as error:
            error.during += f", at {where}"
            raise
        if after.states:
            run.now = after
            return True
        named = ", ".join(
            f"{self.instance.members[place].name} is {value!r}"
            for value, place in list(run.values.items())[:8]
        )
        said = [*notes, *([f"values: {named}"] if named else [])]
        self.outcome.fail(self.follower, run.now, event, where, said)
        return False

    def _event(self, run: Run, canonical: Canonical, where: Where) -> Event:
        """What a line says, in an instance with room for it.  `LimitReached` if there is none."""
        instance = self.instance
        try:
            highest = _highest_ballot(canonical, self.nodes)
        except WrongShape as error:
            raise LogError(where.file, where.line, str(error)) from None
        self.highest = max(self.highest, highest)
        self.most_values = max(self.most_values, len(run.values))
        sent = instance.fields["sent"]
        messages = max((len(state[sent]) for state in run.now.states), default=0)
        if not instance.fits(highest, len(run.values), messages):
            instance.grow(highest, len(run.values), messages)
            self.follower.use(instance.model)
        event = instance.events.get(canonical)
        if event is None:
            if len(instance.events) >= REMEMBERED_EVENTS:
                instance.events.clear()
            event = instance.events[canonical] = _event_of(instance, canonical)
        return event

    # ------------------------------------------------------------- nodes that forgot a key

    def _lost(self, run: Run, node: int, where: Where) -> bool:
        """The node has started again, and its journal did not have this key."""
        canonical = (node, (Recovered,), (-1, None, *([UNSET] * (len(_STATE) - 2))))
        note = (
            f"node {node} started again at {self.processes[node].where}, and recovered "
            f"nothing for this key"
        )
        return self._advance(run, canonical, where, note)

    def _end(self) -> None:
        """Each node that acted again, for the keys that it has not touched since."""
        for key, run in self.runs.items():
            for node, process in enumerate(self.processes):
                old = run.processes[node]
                if old and old != process.count and process.acted:
                    where = Where(self.logs[-1].name, 0, key)
                    if not self._lost(run, node, where):
                        return


def _highest_ballot(canonical: Canonical, nodes: int) -> int:
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


__all__ = ["is_one", "spec_for", "validate"]
