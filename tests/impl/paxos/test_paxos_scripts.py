"""Runs that read like documents: `data/*.txt`.  What happens, `----`, and what the nodes do.

    0 start red             node 0 is asked to have red chosen;  0 start -  to tell what is
    0 written               its write is on disk
    0->1 Prepare(0)         node 1 receives this, which node 0 has sent before; perhaps again
    0->* Prepare(0)         all nodes do, in order
    0 timeout
    0 crash                 and starts again from its disk
    settle                  all writes are done and all that flies arrives, once
    0 state                 shows what it holds

`pytest --rewrite-golden` writes down what the nodes do now; a line that changes is a change to be
understood.  The invariants of `cluster.py` are checked at every step.
"""

from pathlib import Path

import pytest

from impl.paxos.instance import Decide, Effect, Persist, Send, SetTimer, Start, Written
from impl.paxos.messages import Accept, Accepted, Decided, Message, Prepare, Promise, Vote
from tests.impl.paxos.cluster import Cluster, Flight

SCRIPTS = sorted((Path(__file__).parent / "data").glob("*.txt"))


def vote_text(vote: Vote | None) -> str:
    return "no vote" if vote is None else f"{vote.value} in {vote.ballot}"


def message_text(message: Message) -> str:
    match message:
        case Prepare(ballot):
            return f"Prepare({ballot})"
        case Promise(ballot, vote):
            return f"Promise({ballot}, {vote_text(vote)})"
        case Accept(ballot, value) | Accepted(ballot, value):
            return f"{type(message).__name__}({ballot}, {value})"
        case Decided(value):
            return f"Decided({value})"


def effect_text(cluster: Cluster, i: int, effect: Effect) -> str:
    match effect:
        case Persist():
            writing = cluster.instance(i).writing
            assert writing is not None
            return f"persist promised {writing.promised}, {vote_text(writing.voted)}"
        case Send(to, message):
            return f"send {to} {message_text(message)}"
        case SetTimer():
            return "set timer"
        case Decide(value):
            return f"decide {value}"
        case _:
            return "nothing chosen"


def joined(cluster: Cluster, i: int, effects: list[Effect]) -> list[str]:
    """One line for each effect; the same message to several nodes is one line."""
    lines: list[str] = []
    to: dict[str, list[str]] = {}
    for effect in effects:
        if isinstance(effect, Send):
            text = message_text(effect.message)
            if text not in to:
                lines.append(text)
            to.setdefault(text, []).append(str(effect.to))
        else:
            lines.append(effect_text(cluster, i, effect))
    return [f"{i}: " + (f"send {' '.join(to[x])} {x}" if x in to else x) for x in lines]


def state_text(cluster: Cluster, i: int) -> list[str]:
    x = cluster.instance(i)
    lines = [f"{i}: promised {x.promised}, {vote_text(x.voted)}"]
    if x.trying != -1:
        lines.append(f"{i}: trying {x.trying} with {x.wish}, joined by {sorted(x.promisers)}")
    if x.proposed is not None:
        lines.append(f"{i}: proposed {x.proposed}, votes of {sorted(x.voters)}")
    if x.decided is not None:
        lines.append(f"{i}: decided {x.decided}")
    return lines


def find(cluster: Cluster, sender: int, to: int, text: str) -> Flight:
    for flight in cluster.sent:
        if flight[:2] == (sender, to) and message_text(flight[2]) == text:
            return flight
    raise AssertionError(f"node {sender} has sent no {text} to node {to}")


def deliver(cluster: Cluster, where: str, text: str) -> list[str]:
    sender, _, to = where.partition("->")
    lines = []
    for i in range(cluster.size) if to == "*" else [int(to)]:
        flight = find(cluster, int(sender), i, text)
        effects = cluster.deliver(flight)
        if flight in cluster.flying:
            cluster.flying.remove(flight)
        lines += joined(cluster, i, effects)
    return lines


def play(cluster: Cluster, command: str) -> list[str]:
    where, _, what = command.partition(" ")
    if where == "settle":
        cluster.settle()
        return [line for i in range(cluster.size) for line in state_text(cluster, i)]
    if "->" in where:
        return deliver(cluster, where, what)
    i = int(where)
    match what.split():
        case ["start", wish]:
            effects = cluster.start(i, None if wish == "-" else wish)
        case ["written"] if cluster.unsynced[i] is None:
            effects = cluster.take(i, Written())
        case ["written"]:
            effects = cluster.write(i)
        case ["timeout"]:
            effects = cluster.time_out(i)
        case ["crash"]:
            cluster.crash(i)
            return state_text(cluster, i)
        case ["state"]:
            return state_text(cluster, i)
        case _:
            raise AssertionError(f"what is {command!r}?")
    return joined(cluster, i, effects)


def answer(cluster: Cluster, command: str) -> list[str]:
    try:
        return play(cluster, command) or ["nothing"]
    except ValueError as error:
        return [f"refused: {error}"]


def played(script: str) -> str:
    """The script with what happens now: the lines between `----` and an empty line are ours."""
    cluster = Cluster(3)
    out: list[str] = []
    pending: list[str] = []
    ours = False
    for line in script.splitlines():
        if line == "----":
            out.append(line)
            out += [text for command in pending for text in answer(cluster, command)]
            pending, ours = [], True
        elif not line:
            ours = False
            out.append(line)
        elif not ours:
            out.append(line)
            if line.startswith("nodes "):
                cluster = Cluster(int(line.split()[1]))
            elif not line.startswith("#"):
                pending.append(line)
    assert not pending, f"nothing comes after {pending[-1]!r}: end with a line ----"
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_script(file: Path, request: pytest.FixtureRequest) -> None:
    script = file.read_text(encoding="utf-8")
    now = played(script)
    if request.config.getoption("--rewrite-golden"):
        file.write_text(now, encoding="utf-8")
    assert now == file.read_text(encoding="utf-8")


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 11


def test_a_decided_node_answers_its_client_at_once() -> None:
    cluster = Cluster(1)
    cluster.start(0, "red")
    cluster.settle()
    before = cluster.nodes[0].save()
    assert cluster.take(0, Start("blue")) == [Decide("red")]
    assert cluster.nodes[0].save() == before
