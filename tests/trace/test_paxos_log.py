"""The logs of the nodes of Paxos: runs of the real nodes match, and runs of wrong nodes do not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.paxos_runs import Runs, Weather
from checker.cli import main
from checker.conform import paxos_steps, paxos_trace
from checker.trace.reading import LogError, LogFile
from checker.trace.report import report
from checker.trace.validate import Outcome
from impl.paxos.instance import Effect, Instance, Record
from impl.paxos.messages import Accept, Accepted, Prepare, Promise, Vote
from impl.paxos.node import Node
from spec.paxos_nodes import PaxosNodes

STORMY = Weather(kill=0.01, lose=0.1, repeat=0.1, window=4)


def validated(paths: list[Path], max_candidates: int = 10_000) -> Outcome:
    return paxos_trace.validate(PaxosNodes, [LogFile(str(path)) for path in paths], max_candidates)


def text(outcome: Outcome) -> str:
    return "\n".join(line.plain for line in report(outcome))


# --------------------------------------------------------------------------- right nodes


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_runs_of_the_nodes_match(nodes: int, tmp_path: Path) -> None:
    runs = Runs(tmp_path, seed=nodes, nodes=nodes, weather=STORMY)
    outcome = validated(runs.run(1_500))
    assert outcome.verdict == "matches", text(outcome)
    assert runs.kills >= 3
    assert outcome.events >= 1_400
    assert outcome.constants["acceptors"] == nodes
    assert outcome.constants["crashes"] == runs.kills


def test_a_log_that_is_not_given_is_named(tmp_path: Path) -> None:
    paths = Runs(tmp_path, seed=3, nodes=3, weather=Weather()).run(200)
    outcome = validated(paths[:1])
    assert outcome.verdict == "does not match"
    shown = text(outcome)
    assert "there is no log of node 1 and node 2: give those of all nodes that ran" in shown


def test_many_ballots_and_values(tmp_path: Path) -> None:
    """The instance of the spec grows with the log."""
    weather = Weather(retry=0.3, lose=0.4, kill=0.0, window=1, wishes=30)
    outcome = validated(Runs(tmp_path, seed=1, weather=weather).run(1_500))
    assert outcome.verdict == "matches", text(outcome)
    assert outcome.constants["ballots"] > 100
    assert outcome.constants["values"] > 16


def test_ballots_that_no_line_names(tmp_path: Path) -> None:
    """The instance has room for the next ballot, though it is known from the spec alone."""
    whole = [
        part.replace(', "state": {}', "")
        for time in range(1, 60, 2)
        for part in (line(time, {"type": "start"}), line(time + 1, {"type": "written"}))
    ]
    outcome = log(tmp_path, header(), *whole, line(99, {"type": "start"}, trying=90))
    assert outcome.verdict == "matches", text(outcome)


def test_a_kill_may_hide_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Runs(tmp_path, seed=2, weather=STORMY).run(1_500)
    assert validated(paths).verdict == "matches"
    monkeypatch.setattr(paxos_steps, "HIDDEN_STEPS", 0)
    outcome = validated(paths)
    assert outcome.failure is not None
    assert outcome.failure.said.startswith("crash(")


# --------------------------------------------------------------------------- wrong nodes


def forgets_its_promise(self: Instance, m: Prepare) -> list[Effect]:
    return [self.persist_(m.ballot, self.voted, Promise(m.ballot, self.voted))]  # type: ignore[attr-defined]


def votes_below_its_promise(self: Instance, m: Accept) -> list[Effect]:
    if self.decided is not None or self.voted == Vote(m.ballot, m.value):
        return []
    vote = Vote(m.ballot, m.value)
    return [self.persist_(m.ballot, vote, Accepted(m.ballot, m.value))]  # type: ignore[attr-defined]


def a_quorum_of_one(self: Instance, some: set[int]) -> bool:
    return len(some) >= 1


def proposes_its_own_wish(self: Instance) -> list[Effect]:
    value = self.wish or "mine"
    self.proposed = value
    return self.to_all(Accept(self.trying, value))


WRONG = [
    (forgets_its_promise, "receive_prepare", "promised", "receive_prepare("),
    (votes_below_its_promise, "receive_accept", "", "receive_accept("),
    (a_quorum_of_one, "is_quorum", "", "receive_"),
    (proposes_its_own_wish, "propose", "proposed", "receive_promise("),
]


def persist_(self: Instance, promised: int, voted: Vote | None, answer: Any) -> Effect:
    from impl.paxos.instance import Write

    return self.persist(Write(promised, voted, False, answer))


@pytest.mark.parametrize(("wrong", "instead_of", "path", "said"), WRONG)
def test_wrong_nodes_are_found(  # noqa: PLR0917
    wrong: Callable[..., Any],
    instead_of: str,
    path: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Instance, "persist_", persist_, raising=False)
    monkeypatch.setattr(Instance, instead_of, wrong)
    weather = replace(STORMY, kill=0.0)  # else the nodes see themselves that this is wrong
    outcome = validated(Runs(tmp_path, seed=3, weather=weather).run(3_000))
    assert outcome.verdict == "does not match"
    assert outcome.failure is not None
    assert outcome.failure.said.startswith(said), text(outcome)
    assert f"    {path}" in text(outcome)


def test_a_journal_that_loses_promises_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Node, "recover", lambda self, records: None)
    outcome = validated(Runs(tmp_path, seed=3, weather=STORMY).run(3_000))
    assert outcome.verdict == "does not match"
    said = text(outcome)
    assert "recovered nothing for this key" in said
    assert "promised[" in said


def test_a_journal_that_forgets_the_ballot_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Node.recover

    def recover(self: Node, records: Any) -> None:
        whole(self, records)
        for instance in self.instances.values():
            instance.promised = -1 if instance.voted is None else instance.voted.ballot

    monkeypatch.setattr(Node, "recover", recover)
    many = Weather(retry=0.3, lose=0.3, kill=0.002, window=1)
    paths = Runs(tmp_path, seed=3, weather=many).run(3_000)
    # A promise is never taken back, so there is not much to look at before this is said.
    outcome = validated(paths, max_candidates=30)
    assert outcome.verdict == "does not match"
    assert outcome.failure is not None
    assert outcome.failure.said.startswith("crash(")


# --------------------------------------------------------------------------- wrong logs


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a run of one node's log without kills, the header first, all nodes together."""
    folder = tmp_path_factory.mktemp("calm")
    paths = Runs(folder, seed=5, weather=Weather(kill=0.0, window=5)).run(600)
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    headers = [line for line in lines if "quorate" in line]
    return headers + sorted((one for one in lines if "time" in one), key=lambda one: one["time"])


def put(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "all.trace"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_logs_of_all_nodes_may_be_one_file(calm: list[dict[str, Any]], tmp_path: Path) -> None:
    outcome = validated([put(tmp_path, calm)])
    assert (outcome.verdict, outcome.events) == ("matches", len(calm) - 3)


def changes(line: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Wrong values for each variable of a line."""
    state = line["state"]
    yield "promised", state["promised"] + 1
    yield "trying", state["trying"] + 3
    yield "writing", not state["writing"]
    yield "voted", {"ballot": 77, "value": "never"} if state["voted"] is None else None
    yield "wish", "never"
    yield "best", {"ballot": 77, "value": "never"}
    yield "proposed", "never"
    yield "decided", "never" if state["decided"] is None else None
    yield "promisers", [] if state["promisers"] else [1]
    yield "voters", [] if state["voters"] else [0, 2]


def test_a_wrong_variable_is_found_at_its_line(calm: list[dict[str, Any]], tmp_path: Path) -> None:
    chance = random.Random(6)
    for _ in range(12):
        at = chance.randrange(3, len(calm))
        name, value = chance.choice(list(changes(calm[at])))
        wrong = calm[at] | {"state": calm[at]["state"] | {name: value}}
        outcome = validated([put(tmp_path, [*calm[:at], wrong, *calm[at + 1 :]])])
        assert outcome.failure is not None, (name, value)
        assert outcome.failure.where.line == at + 1
        node = calm[at]["node"]
        assert f"    {name}[n{node}]: the log has" in text(outcome)


def test_variables_that_were_not_logged_may_be_anything(
    calm: list[dict[str, Any]], tmp_path: Path
) -> None:
    chance = random.Random(7)
    some = [
        line
        if "quorate" in line
        else line | {"state": {k: v for k, v in line["state"].items() if chance.random() < 0.3}}
        for line in calm
    ]
    assert validated([put(tmp_path, some)]).verdict == "matches"
    for line in some[3:]:
        del line["state"]
    outcome = validated([put(tmp_path, some)])
    assert outcome.verdict == "matches", text(outcome)


def test_a_lost_line_is_found(calm: list[dict[str, Any]], tmp_path: Path) -> None:
    """At the next line of the same node and key, at the latest; if it changed anything."""
    for at in [number for number, line in enumerate(calm) if number % 40 == 3]:
        line = calm[at]
        if line.get("event", {}).get("type") not in ("start", "written"):
            continue
        same = [
            number
            for number, other in enumerate(calm)
            if number > at and (other["node"], other["key"]) == (line["node"], line["key"])
        ]
        outcome = validated([put(tmp_path, calm[:at] + calm[at + 1 :])])
        if same:
            assert outcome.failure is not None
            assert at < outcome.failure.where.line <= same[0]


# --------------------------------------------------------------------------- kills and torn lines


def header(node: int = 0, nodes: int = 3) -> str:
    made = {"quorate": "trace", "version": 1, "protocol": "paxos", "node": node, "nodes": nodes}
    return json.dumps(made) + "\n"


def line(time: int, event: dict[str, Any], node: int = 0, key: str = "x", **state: Any) -> str:
    made = {"time": time, "node": node, "key": key, "event": event, "state": state}
    return json.dumps(made) + "\n"


START = line(1, {"type": "start", "wish": "red"}, promised=-1, writing=True)
WRITTEN = line(2, {"type": "written"}, promised=0, writing=False)


def log(tmp_path: Path, *lines: str) -> Outcome:
    path = tmp_path / "node-0.trace"
    path.write_text("".join(lines))
    return validated([path])


def test_a_torn_line_is_a_lost_suffix(tmp_path: Path) -> None:
    for size in range(1, len(WRITTEN) - 1, 9):
        outcome = log(tmp_path, header(), START, WRITTEN[:size])
        assert (outcome.verdict, outcome.events) == ("matches", 1)
        assert outcome.notes == [
            f"{tmp_path}/node-0.trace:3: the line is cut off, and was left out"
        ]
    recovered = line(5, {"type": "recovered"}, promised=0, voted=None)
    for between in ("", "\n"):
        outcome = log(tmp_path, header(), START, WRITTEN[:20] + between, header(), recovered)
        assert (outcome.verdict, outcome.events) == ("matches", 2), text(outcome)


def test_damage_in_the_middle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"node-0\.trace:2: this is not JSON"):
        log(tmp_path, header(), START[:20] + "\n", WRITTEN)
    with pytest.raises(LogError, match=r"node-0\.trace:3: this is not JSON"):
        log(tmp_path, header(), START, WRITTEN[:20] + "\n")


def test_what_is_recovered_may_be_what_was_being_written(tmp_path: Path) -> None:
    for promised in (-1, 0):
        outcome = log(
            tmp_path, header(), START, header(), line(5, {"type": "recovered"}, promised=promised)
        )
        assert outcome.verdict == "matches", text(outcome)
    outcome = log(tmp_path, header(), START, header(), line(5, {"type": "recovered"}, promised=4))
    assert outcome.verdict == "does not match"


def test_what_was_recovered_may_be_unlogged(tmp_path: Path) -> None:
    """Then all that may have been written comes in question, until a line says more."""
    for promised in (-1, 0):
        outcome = log(
            tmp_path,
            header(),
            START,
            header(),
            line(5, {"type": "recovered"}),
            line(6, {"type": "start"}, trying=0 if promised == -1 else 3, promised=promised),
        )
        assert outcome.verdict == "matches", text(outcome)


def test_what_was_on_disk_must_be_recovered(tmp_path: Path) -> None:
    again = line(6, {"type": "recovered"}, promised=-1)
    outcome = log(tmp_path, header(), START, WRITTEN, header(), again)
    assert outcome.verdict == "does not match"
    assert "promised[n0]: the log has -1, the spec 0" in text(outcome)


def test_a_key_that_nobody_touches_again_must_be_recovered(tmp_path: Path) -> None:
    other = line(9, {"type": "start", "wish": None}, key="other")
    outcome = log(tmp_path, header(), START, WRITTEN, header(), other)
    assert outcome.verdict == "does not match"
    said = text(outcome)
    assert f"the end of {tmp_path}/node-0.trace, of key 'x', does not match" in said
    assert f"node 0 started again at {tmp_path}/node-0.trace:4, and recovered nothing" in said
    # A process that was killed while it read its journal has said nothing of the others.
    assert log(tmp_path, header(), START, WRITTEN, header()).verdict == "matches"


def test_who_knows_the_decision_begins_no_ballot(tmp_path: Path) -> None:
    one = [
        header(nodes=1),
        line(1, {"type": "start", "wish": "red"}),
        line(2, {"type": "written"}),
        line(3, {"type": "receive", "from": 0, "message": {"type": "Promise", "ballot": 0,
                                                            "vote": None}}),
        line(4, {"type": "receive", "from": 0, "message": {"type": "Accept", "ballot": 0,
                                                            "value": "red"}}),
        line(5, {"type": "written"}),
        line(6, {"type": "receive", "from": 0, "message": {"type": "Accepted", "ballot": 0,
                                                            "value": "red"}}, decided="red"),
        line(7, {"type": "start", "wish": "blue"}, decided="red"),
        line(8, {"type": "timeout"}, trying=-1),
    ]  # fmt: skip
    outcome = log(tmp_path, *one)
    assert (outcome.verdict, outcome.events) == ("matches", 8), text(outcome)
    outcome = log(tmp_path, *one, line(9, {"type": "start", "wish": "blue"}, decided="blue"))
    assert "decided[n0]: the log has v2, the spec v1" in text(outcome)
    assert "values: v1 is 'red', v2 is 'blue'" in text(outcome)


# --------------------------------------------------------------------------- bad input


BAD = [
    ([START], "no header of node 0 stands before this"),
    ([header(3)], "node 3 of 3: the first is 0"),
    ([header(0, 0)], "0 nodes: there may be 1 to 64"),
    ([header(0, 65)], "65 nodes: there may be 1 to 64"),
    ([header(), header(1, 5)], "5 nodes, and 3 before"),
    ([header(), line(1, {"type": "written"}, node=1)], "no header of node 1 stands before this"),
    ([header(), line(1, {"type": "written"}, node=-1)], "no header of node -1 stands before"),
    ([header(), START, WRITTEN, START], "the time 1 is before that of the last line"),
    ([header(), line(1, {"type": "wrote"})], "this is no line of a log: invalid value 'wrote'"),
    ([header(), line(1, {"type": "start"}, promised=-2)], "-2 is no ballot"),
    ([header(), line(1, {"type": "start"}, voters=[3])], "there is no node 3: the last is 2"),
    ([header(), '{"time": 1}\n'], "this is no line of a log: object missing required field"),
]


@pytest.mark.parametrize(("lines", "said"), BAD)
def test_a_bad_line_is_named(lines: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "node.trace"
    first = header() if lines[0] == START else ""
    path.write_text((first and header(1)) + "".join(lines))
    with pytest.raises(LogError) as error:
        validated([path])
    number = len(lines) + bool(first)
    assert str(error.value).startswith(f"{path}:{number}: {said}")


def test_too_many_ballots_are_undecided(tmp_path: Path) -> None:
    outcome = log(tmp_path, header(), line(1, {"type": "start"}, trying=10**12))
    assert outcome.verdict == "undecided"
    assert "there are too many ballots of one key: more than 20,000" in outcome.because


pieces = st.sampled_from(
    [header(), header(1), START, WRITTEN, line(3, {"type": "recovered"}), "{", "\n", "\x00"]
)


@settings(max_examples=80, deadline=None)
@given(
    parts=st.lists(pieces | st.text(max_size=5), max_size=6),
    at=st.integers(0, 400),
    flip=st.integers(0, 255),
)
def test_any_bytes_are_judged_or_refused(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], at: int, flip: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.trace"
    data = bytearray((header() + "".join(parts)).encode())
    if len(header()) < at < len(data):
        data[at] ^= flip
    path.write_bytes(bytes(data))
    try:
        said: str = validated([path]).verdict
    except LogError as error:
        said = str(error)
    assert said in ("matches", "does not match", "undecided") or said.startswith(f"{path}:")


# --------------------------------------------------------------------------- the command


def trace(*args: object) -> Any:
    return CliRunner().invoke(main, ["trace", *map(str, args)])


def test_the_command(tmp_path: Path) -> None:
    paths = Runs(tmp_path, seed=8, weather=STORMY).run(300)
    for name in ("paxos", "paxos_nodes"):
        result = trace(name, *paths)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("✓ PaxosNodes(acceptors=3, values=")
    data = json.loads(trace("paxos", *paths, "--json").stdout)
    assert data["verdict"] == "matches"
    assert data["constants"]["acceptors"] == 3
    assert trace("paxos", paths[0]).exit_code == 1  # what the others sent is missing
    for args in (["two_phase"], ["paxos", "-c", "ballots=3"], ["paxos", "--hidden", "sync"]):
        result = trace(args[0], *paths, *args[1:])
        assert result.exit_code == 2
        assert result.stdout == ""


def test_a_record_is_what_the_nodes_keep() -> None:
    """`forgets the ballot` above is about these fields."""
    assert Record.__struct_fields__ == ("key", "promised", "voted")
