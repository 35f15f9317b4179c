"""The logs of the nodes of Paxos against `paxos_nodes`: one pass, a run of the spec for each key.

**Keys that were not recovered.**  A node that starts again without a key in its journal has
crashed there, too, and must not have had anything of it on disk.  This is judged when the node
next acts on the key, or at the end of the logs.  To take the step that late is right: no step of
another node reads what a crash of this one changes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from checker.conform.paxos_log import EventLine, Header, Recovered, header_of, nodes_of, read
from checker.conform.paxos_steps import (
    Canonical,
    Instance,
    canonical,
    forgotten,
    highest_ballot,
)
from checker.lang import Spec
from checker.lang.errors import LimitReached, ModelError
from checker.lang.model import State
from checker.trace.candidates import Candidates, Follower
from checker.trace.events import Event
from checker.trace.explain import Where
from checker.trace.reading import LogError, LogFile, WrongShape
from checker.trace.validate import Outcome
from spec.paxos import Paxos
from spec.paxos_nodes import PaxosNodes


def spec_for(cls: type[Spec]) -> type[PaxosNodes] | None:
    """The spec of the nodes, if `cls` is it or stands for it (`paxos`), or a variant of it."""
    if cls is Paxos:
        return PaxosNodes
    return cls if issubclass(cls, PaxosNodes) else None


def _nodes(logs: list[LogFile]) -> int:
    """How many nodes there are, by the first header.  `LogError` if there is none."""
    for log in logs:
        header = header_of(log)
        if header is not None and log.first is not None:
            return nodes_of(header, log, log.first.number)
    raise logs[0].error(1, "this is no log of nodes of Paxos: it begins with no header")


class Run:
    """One key: where it may be, the numbers of its values, and which process of each node acted."""

    __slots__ = ("now", "processes", "values")

    def __init__(self, now: Candidates, nodes: int) -> None:
        self.now = now
        self.values: dict[str, int] = {}
        self.processes = [0] * nodes


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
        self.nodes = _nodes(logs)
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
        for _, index, where, line in read(self.logs, self.torn):
            if isinstance(line, Header):
                self._begin(line, self.logs[index], where)
                continue
            node, key = line.node, line.key
            if not 0 <= node < nodes or not self.processes[node].count:
                raise self.logs[index].error(where, f"no header of node {node} stands before this")
            run = runs.get(key)
            if run is None:
                run = runs[key] = Run(first, nodes)
            if not self._line(run, line, index, where):
                self.outcome.events = count
                return False
            count += 1
        self.outcome.events = count
        return True

    def _begin(self, header: Header, log: LogFile, number: int) -> None:
        if nodes_of(header, log, number) != self.nodes:
            raise log.error(number, f"{header.nodes} nodes, and {self.nodes} before")
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
        said = canonical(line, run.values)
        event = self.instance.events.get(said)
        after = None if event is None else run.now.after.get(event)
        if after is not None:
            run.now = after
            return True
        where = Where(self.logs[index].name, number, line.key)
        return self._advance(run, said, where)

    def _advance(self, run: Run, said: Canonical, where: Where, *notes: str) -> bool:
        """Take a step that is not remembered.  Whether there is one."""
        try:
            event = self._event(run, said, where)
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
        told = [*notes, *self._absent(), *([f"values: {named}"] if named else [])]
        self.outcome.fail(self.follower, run.now, event, where, told)
        return False

    def _absent(self) -> list[str]:
        """A word on nodes that no log is of: then what they have sent is not known."""
        headers = [header_of(log) for log in self.logs]
        there = {header.node for header in headers if header is not None}
        absent = [f"node {node}" for node in range(self.nodes) if node not in there]
        if not absent:
            return []
        return [f"there is no log of {' and '.join(absent)}: give those of all nodes that ran"]

    def _event(self, run: Run, said: Canonical, where: Where) -> Event:
        """What a line says, in an instance with room for it.  `LimitReached` if there is none."""
        instance = self.instance
        try:
            highest = highest_ballot(said, self.nodes)
        except WrongShape as error:
            raise LogError(where.file, where.line, str(error)) from None
        self.highest = max(self.highest, highest)
        self.most_values = max(self.most_values, len(run.values))
        sent, promised = instance.fields["sent"], instance.fields["promised"]
        messages = max(len(state[sent]) for state in run.now.states)
        for state in run.now.states:  # the next ballot of a node may not be in the line
            highest = max(highest, *state[promised].values())
        if not instance.fits(highest, len(run.values), messages):
            instance.grow(highest, len(run.values), messages)
            self.follower.use(instance.model)
        return instance.event(said)

    # ------------------------------------------------------------- nodes that forgot a key

    def _lost(self, run: Run, node: int, where: Where) -> bool:
        """The node has started again, and its journal did not have this key."""
        note = (
            f"node {node} started again at {self.processes[node].where}, and recovered "
            f"nothing for this key"
        )
        return self._advance(run, forgotten(node), where, note)

    def _end(self) -> None:
        """Each node that acted again, for the keys that it has not touched since."""
        for key, run in self.runs.items():
            for node, process in enumerate(self.processes):
                old = run.processes[node]
                if old and old != process.count and process.acted:
                    where = Where(self.logs[-1].name, 0, key)
                    if not self._lost(run, node, where):
                        return
