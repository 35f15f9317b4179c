"""Every edge, and every way to diverge: which kind, by which path, by any number of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from checker.conform.divergence import divergence_json, step_text
from checker.conform.echo import Echo
from checker.conform.follow import NotAPath
from checker.conform.fresh import Fresh
from checker.conform.report import report, result_json
from checker.conform.result import Conformance, Progress
from checker.conform.run import conform
from checker.conform.system import AdapterError, NotPossible, Step, System
from checker.conform.walks import walk
from checker.lang import SpecError
from spec.two_phase import TwoPhase
from tests.conform import faulty
from tests.conform.mutex import Mutex, Nodes, Replayed
from tests.conform.test_conform_graph import Starts

ROOT = Path(__file__).resolve().parents[2]


def facts(result: Conformance) -> dict[str, Any]:
    """Everything that must not depend on how the work was shared."""
    found = result_json(result, "mutex")
    varying = ("seconds", "spec_seconds", "edges_per_second", "workers")
    return {key: value for key, value in found.items() if key not in varying}


def path_of(result: Conformance) -> list[str]:
    assert result.divergence is not None
    return [step_text(result.model, step) for step in result.divergence.spotted.path]


# --------------------------------------------------------------------------- what conforms


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("system", [Nodes, Replayed, Echo])
def test_a_right_system_conforms(system: type[System], workers: int) -> None:
    result = conform(Mutex, system, workers=workers)
    assert result
    assert (result.states, result.edges, result.edges_covered) == (141, 396, 396)
    assert result.replays == 396
    assert result.depth == 20


def test_what_is_counted_does_not_depend_on_the_processes() -> None:
    for system in (Nodes, Replayed):
        one, two, five = (facts(conform(Mutex, system, workers=n)) for n in (1, 2, 5))
        assert one == two == five


def test_steps_are_the_edges_with_snapshots_and_more_without() -> None:
    assert conform(Mutex, Nodes, replays=0).steps == 396
    assert conform(Mutex, Replayed, replays=0).steps > 3 * 396


def test_each_edge_is_taken_from_where_it_starts() -> None:
    """Counted at the system: every state and step of the spec, as often as it should be."""
    taken: dict[tuple[Any, Step], int] = {}

    class Counting(Nodes):
        def step(self, step: Step) -> None:
            here = (self.observe(), step)
            taken[here] = taken.get(here, 0) + 1
            super().step(step)

    assert conform(Mutex, Counting, replays=0)
    assert len(taken) == 396
    assert set(taken.values()) == {1}


def test_several_initial_states() -> None:
    result = conform(Starts, Echo)
    assert result
    assert result.bounded
    assert result.edges == result.edges_covered > 30

    class OneStart(Echo):
        reset_to = System.reset_to

    with pytest.raises(AdapterError, match="cannot choose among several initial states"):
        conform(Starts, OneStart)


def test_steps_beyond_a_bound_that_prunes_are_left_open() -> None:
    """The implementation goes on where the spec's bound cuts off; that is no divergence."""

    class Further(Echo):
        def enabled(self) -> Collection[Step]:
            x = self.now[0]
            more = {Step("up", (by,)) for by in (1, 2) if x + by >= 12}
            return {*super().enabled(), *more}

    assert conform(Starts, Further)

    class TooFar(Further):
        def enabled(self) -> Collection[Step]:
            return {*super().enabled(), *([Step("turn")] if self.now[0] == 11 else [])}

    result = conform(Starts, TooFar)
    assert result.divergence is not None
    assert result.divergence.steps == (Step("turn"),)


# --------------------------------------------------------------------------- what diverges

ASK, TAKE = "ask(c=c{})", "receive_request(m=Request(client=c{}))"


@pytest.mark.parametrize(
    ("system", "kind", "length", "words"),
    [
        (faulty.WrongState, "wrong state", 9, "phase[c1]: IDLE in the spec, INSIDE in the system"),
        (faulty.WrongOrder, "wrong state", 9, "holder: c2 in the spec, c1 in the system"),
        (faulty.UnexpectedMessage, "unexpected message", 4, "the system has Grant(client=c2)"),
        (faulty.MissingMessage, "missing message", 7, "the spec has Grant(client=c2)"),
        (faulty.UnexpectedStep, "unexpected step", 1, "the system offers release(c=c1)"),
        (faulty.MissingStep, "missing step", 2, "the spec allows ask(c=c2)"),
        (faulty.FailedStep, "failed step", 6, "RuntimeError: the queue is broken"),
        (faulty.WrongValue, "wrong state", 3, "asked: {c1: 1, c2: 0} in the spec, {c1: 7, c2: 7}"),
    ],
)
def test_each_verdict(system: type[System], kind: str, length: int, words: str) -> None:
    results = [conform(Mutex, system, workers=n) for n in (1, 2, 4)]
    assert facts(results[0]) == facts(results[1]) == facts(results[2])
    for result in results:
        found = result.divergence
        assert result.verdict == "violated"
        assert found is not None
        assert (found.kind, found.length) == (kind, length)
        assert words in found.explanation
        assert 0 < result.edges_covered < result.edges


def test_the_order_shows_with_three_clients() -> None:
    result = conform(Mutex(clients=3, turns=1), faulty.WrongOrder, workers=2)
    assert result.divergence is not None
    assert result.divergence.kind == "wrong state"
    assert result.divergence.length == 9
    assert {one.variable for one in result.divergence.differences} == {"holder", "queue", "wire"}
    variables = [one.path for one in result.divergence.differences]
    assert variables == ["holder", "queue", "wire", "wire"]


def test_the_path_is_shortest() -> None:
    """Against a search of our own: the fewest steps to a state where a client may not ask."""
    result = conform(Mutex, faulty.MissingStep)
    assert path_of(result) == [ASK.format(1), TAKE.format(1)]
    without = conform(Mutex, type("NoSnapshots", (faulty.MissingStep,), {"snapshots": False}))
    assert path_of(without) == path_of(result)


def test_no_step_is_taken_after_the_first_divergence() -> None:
    after = 0

    class Once(faulty.FailedStep):
        failed = False

        def step(self, step: Step) -> None:
            nonlocal after
            after += self.failed
            try:
                super().step(step)
            except RuntimeError:
                self.failed = True
                raise

    assert not conform(Mutex, Once, workers=1)
    assert after == 0


def test_a_failed_step_says_what_was_raised_and_where_and_whose_it_may_be() -> None:
    found = conform(Mutex, faulty.FailedStep).divergence
    assert found is not None
    what, *places, whose = found.said.splitlines()
    assert what == "RuntimeError: the queue is broken"
    assert places[0].startswith("  raised at ")
    assert places[0].endswith(': raise RuntimeError("the queue is broken")')
    assert "faulty.py:" in places[0]
    assert places[1].startswith("  called at ")
    assert whose == (
        "What FailedStep.step raises counts as the implementation's error; if it is the adapter's "
        "own, mend it there."
    )


def test_refusing_a_step_that_is_offered_is_a_missing_step() -> None:
    class Refuses(Nodes):
        def step(self, step: Step) -> None:
            if step.action == "look":
                raise NotPossible("it is closed on Sundays")
            super().step(step)

    found = conform(Mutex, Refuses).divergence
    assert found is not None
    assert (found.kind, found.length) == ("missing step", 1)
    assert "It says: it is closed on Sundays" in found.explanation


def test_an_unexpected_step_shows_the_guard_that_forbids_it() -> None:
    found = conform(Mutex, faulty.UnexpectedStep).divergence
    assert found is not None
    assert "require(self.phase[c] == Phase.INSIDE) is false" in found.explanation
    assert "mutex.py:" in found.explanation


def test_the_first_state_is_compared() -> None:
    class Begun(Nodes):
        def reset(self) -> None:
            super().reset()
            self.server.holder = "c1"

    result = conform(Mutex, Begun, workers=2)
    assert result.divergence is not None
    assert (result.divergence.kind, result.divergence.length) == ("wrong state", 0)
    assert (result.edges_covered, result.steps) == (0, 0)
    assert result.divergence.explanation.startswith("At the start")


# --------------------------------------------------------------------------- what snapshots miss


@pytest.mark.parametrize("workers", [1, 2])
def test_a_replay_finds_what_snapshots_miss(workers: int) -> None:
    assert conform(Mutex, faulty.ForgetsInSnapshot, replays=0, workers=workers)
    result = conform(Mutex, faulty.ForgetsInSnapshot, workers=workers)
    assert result.divergence is not None
    assert result.edges_covered == result.edges
    assert result.divergence.kind == "missing step"
    assert result.divergence.length == 3, "ask, look, look: shortened"
    assert path_of(result)[1:] == ["look(c=c1)"] * 2 or path_of(result)[1:] == ["look(c=c2)"] * 2


def test_without_snapshots_the_path_is_what_was_really_done() -> None:
    """The system stays where a step led back to: such steps are a part of the path."""
    honest = type("Honest", (faulty.ForgetsInSnapshot,), {"snapshots": False})
    results = [conform(Mutex, honest, replays=0, workers=n) for n in (1, 2)]
    assert facts(results[0]) == facts(results[1])
    found = results[0].divergence
    assert found is not None
    assert (found.kind, found.length) == ("missing step", 4)
    assert "save" not in found.explanation
    assert sum(step.action == "look" for step in found.spotted.path) == 2


def test_a_divergence_that_only_snapshots_show_says_so() -> None:
    found = conform(Mutex, faulty.Restless).divergence
    assert found is not None
    assert not found.confirmed
    assert "Found only with state that the snapshot does not hold" in found.explanation
    assert "Let `save`, `restore` and `reset` of the adapter take care of it" in found.explanation
    assert divergence_json(conform(Mutex, Nodes).model, found)["confirmed"] is False


class Marked(Nodes):
    """After two looks in this process, whatever was reset, it hangs."""

    looks: list[str] = []

    def step(self, step: Step) -> None:
        super().step(step)
        if step.action == "look":
            self.looks.append("one more")

    def enabled(self) -> Collection[Step]:
        return super().enabled() if len(self.looks) < 2 else []


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("snapshots", [True, False])
def test_what_outlives_a_reset_is_shown_by_a_path_from_a_fresh_process(
    workers: int, snapshots: bool
) -> None:
    """In the process that found it, the looks of thousands of paths have piled up."""
    looks: list[str] = []
    system = type("Marks", (Marked,), {"snapshots": snapshots, "looks": looks})
    result = conform(Mutex, system, workers=workers)
    found = result.divergence
    assert found is not None
    assert (found.kind, found.confirmed) == ("missing step", True)
    assert sum(step.action == "look" for step in found.spotted.path) == 2
    assert found.length <= 4, "two looks, and one or two clients who have asked"
    looks.clear()
    with Fresh(result.model, lambda: system(Mutex())) as fresh:
        path, start = found.spotted.path, found.spotted.start
        again = fresh.follow(start, path)
        assert again is not None
        assert again.kind == "missing step"
        for at in range(len(path)):
            with suppress(NotAPath):
                assert fresh.follow(start, path[:at] + path[at + 1 :]) is None


def test_what_outlives_a_reset_and_no_short_path_shows_is_told_so() -> None:
    looks: list[str] = []
    few = type("Few", (Marked,), {"snapshots": False, "looks": looks})
    few.enabled = lambda self: Nodes.enabled(self) if len(self.looks) < 40 else []  # type: ignore[attr-defined]
    found = conform(Mutex, few).divergence
    assert found is not None
    assert not found.confirmed
    assert "Found only with state that `reset` does not hold" in found.explanation
    assert "Let it take care of it, or take it out of the system." in found.explanation


def test_a_walk_is_confirmed_in_a_fresh_process() -> None:
    looks: list[str] = []
    system = type("Marks", (Marked,), {"snapshots": False, "looks": looks})
    found = walk(Mutex, system, walks=200, depth=2, guided=False).divergence
    assert found is not None
    assert not found.confirmed, "two steps are too few for two looks"
    looks.clear()
    found = walk(Mutex, system, walks=200, depth=30, guided=False).divergence
    assert found is not None
    assert found.confirmed
    assert found.length <= 4


def test_a_fresh_process_that_is_killed_gives_no_verdict(tmp_path: Path) -> None:
    parent = os.getpid()

    class Killed(faulty.MissingStep):
        def step(self, step: Step) -> None:
            if os.getpid() != parent:
                os.kill(os.getpid(), 9)
            super().step(step)

    with pytest.raises(AdapterError, match="ended without a word"):
        conform(Mutex, Killed)


def test_fresh_processes_end(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    class Known(faulty.MissingStep):
        def reset(self) -> None:
            with pids.open("a") as file:
                print(os.getpid(), os.getppid(), file=file)
            super().reset()

    assert not conform(Mutex, Known)
    seen = {int(pid) for pid in pids.read_text().split()} - {os.getpid(), os.getppid()}
    assert len(seen) >= 2, "a follower, and the nursery"
    assert not any(Path(f"/proc/{pid}").exists() for pid in seen)


def test_replays_are_those_of_the_seed() -> None:
    lengths = {
        seed: facts(conform(Mutex, faulty.ForgetsInSnapshot, replays=40, seed=seed))
        for seed in (1, 1, 2)
    }
    again = facts(conform(Mutex, faulty.ForgetsInSnapshot, replays=40, seed=1, workers=3))
    assert lengths[1] == again


# --------------------------------------------------------------------------- limits


def test_a_limit_on_states_is_undecided() -> None:
    result = conform(Mutex, Nodes, max_states=50)
    assert result.verdict == "undecided"
    assert result.undecided_because == "the limit of 50 states was reached"
    assert result.states <= 50
    assert 0 < result.edges_covered == result.edges < 396


def test_a_divergence_within_the_limit_is_found() -> None:
    result = conform(Mutex, faulty.MissingStep, max_states=50)
    assert result.verdict == "violated"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_on_time_is_undecided(workers: int) -> None:
    class Slow(Nodes):
        def restore(self, saved: Any) -> None:
            import time

            time.sleep(0.005)
            super().restore(saved)

    result = conform(Mutex, Slow, max_seconds=0.5, workers=workers)
    assert result.verdict == "undecided"
    assert "0.5 seconds" in result.undecided_because
    assert 0 < result.edges_covered < result.edges
    assert result.seconds < 3


class Interrupts(Nodes):
    """Ctrl-C, after some steps of one process."""

    left = 120

    def step(self, step: Step) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        super().step(step)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_is_undecided(workers: int) -> None:
    result = conform(Mutex, Interrupts, workers=workers)
    assert (result.verdict, result.undecided_because) == ("undecided", "it was interrupted")
    assert 0 < result.edges_covered < result.edges
    walks = walk(Mutex, Interrupts, workers=workers)
    assert walks.verdict == "undecided"
    assert walks.undecided_because.startswith("it was interrupted, and walks can show")


def test_progress_is_told() -> None:
    class Slow(Nodes):
        def restore(self, saved: Any) -> None:
            import time

            time.sleep(0.002)
            super().restore(saved)

    for workers in (1, 2):
        seen: list[Progress] = []
        assert conform(Mutex, Slow, workers=workers, progress=seen.append)
        edges = [one for one in seen if one.phase == "edges"]
        assert edges
        assert all(0 <= one.done <= one.total == 396 for one in edges)
        assert [one.done for one in edges] == sorted(one.done for one in edges)


# --------------------------------------------------------------------------- unobserved variables


def test_what_is_not_observed_is_not_compared_and_is_told() -> None:
    class Shy(Nodes):
        unobserved = {"queue": "the server keeps it to itself"}

        def state(self) -> Mapping[str, Any]:
            return {name: v for name, v in super().state().items() if name != "queue"}

    result = conform(Mutex, Shy)
    assert result
    assert result.unobserved == {"queue": "the server keeps it to itself"}
    shown = "\n".join(line.plain for line in report(result))
    assert "not compared: queue (the server keeps it to itself)" in shown
    assert result_json(result, "mutex")["unobserved"] == Shy.unobserved


# --------------------------------------------------------------------------- wrong adapters


def changed(**methods: Any) -> type[System]:
    return type("Adapter", (Nodes,), methods)


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (changed(messages=("post",)), "Adapter.messages names `post`, which is no variable"),
        (changed(unobserved={"x": ""}), "Adapter.unobserved names `x`, which is no variable"),
        (changed(state=lambda self: {}), "leaves out `phase`: give its value, or declare it"),
        (changed(state=lambda self: None), "gives None, and not values by variable"),
        (
            changed(state=lambda self: {**Nodes.state(self), "z": 1}),
            "gives `z`, which the spec has not",
        ),
        (changed(unobserved={"queue": "why"}), "gives `queue`, which is declared unobserved"),
        (
            changed(enabled=lambda self: [*Nodes.enabled(self), Step("fly")]),
            "offers `fly`, which is no action",
        ),
        (changed(enabled=lambda self: [Step("fly")]), "offers `fly`, which is no action"),
        (
            changed(enabled=lambda self: [*Nodes.enabled(self), Step("ask")]),
            "offers `ask` with 0 arguments instead of 1",
        ),
        (changed(enabled=lambda self: [*Nodes.enabled(self), "ask"]), "'ask', which is no Step"),
        (changed(enabled=lambda self: 1 // 0), "Adapter.enabled failed:"),
        (changed(reset=lambda self: 1 // 0), "ZeroDivisionError"),
        (changed(save=lambda self: 1 // 0), "Adapter.save failed:"),
        (changed(restore=lambda self, saved: 1 // 0), "Adapter.restore failed:"),
        (changed(observe=lambda self: 1 // 0), "Adapter.observe failed:"),
        (changed(__init__=lambda self, spec: 1 // 0), "Adapter cannot be made:"),
    ],
)
def test_a_wrong_adapter_gives_no_verdict(system: type[System], said: str) -> None:
    for workers in (1, 2) if "observe" in said else (1,):
        with pytest.raises(AdapterError) as error:
            conform(Mutex, system, workers=workers)
        assert said in str(error.value)


def test_a_process_that_is_killed_gives_no_verdict() -> None:
    parent = os.getpid()

    class Killed(Nodes):
        def step(self, step: Step) -> None:
            if os.getpid() != parent:
                os.kill(os.getpid(), 9)
            super().step(step)

    with pytest.raises(AdapterError, match="ended without a word"):
        conform(Mutex, Killed, workers=2)


def test_systems_are_closed_whatever_happens(tmp_path: Path) -> None:
    told = tmp_path / "told"

    def tell(what: str) -> None:
        with told.open("a") as file:
            print(what, os.getpid() == here, file=file)

    here = os.getpid()

    class Counted(faulty.MissingStep):
        def __init__(self, spec: Any) -> None:
            super().__init__(spec)
            tell("made")

        def close(self) -> None:
            tell("closed")

    conform(Mutex, Counted)
    lines = told.read_text().splitlines()
    assert lines.count("closed True") == 2, "the first look, and the check"
    assert lines.count("closed False") >= 1, "the confirmation"
    assert lines.count("made True") == 2
    assert lines.count("made False") == lines.count("closed False")
    told.unlink()
    with pytest.raises(AdapterError):
        conform(Mutex, type("Worse", (Counted,), {"observe": lambda self: 1 // 0}))
    assert told.read_text().splitlines() == ["made True", "closed True"] * 2


def test_a_spec_that_is_wrong_says_so() -> None:
    with pytest.raises(SpecError, match="the spec itself is wrong"):
        conform(_wrong_spec(), Echo)


def _wrong_spec() -> type[Mutex]:
    from typing import Annotated

    from checker.lang import Range, Spec, action

    class Runs(Spec):
        x: Annotated[int, Range(3)] = 0

        @action
        def up(self) -> None:
            self.x += 1

    return Runs  # type: ignore[return-value]


# --------------------------------------------------------------------------- the report


def test_the_report_shows_the_path_and_the_end() -> None:
    result = conform(Mutex, faulty.MissingMessage)
    lines = "\n".join(line.plain for line in report(result))
    assert lines.startswith("✗ Mutex(clients=2, turns=2)  MissingMessage diverges: missing message")
    assert "Step 7" in lines
    assert "Step 8" not in lines
    assert lines.endswith("✗ In the system wire lacks Grant(client=c2).")
    assert repr(result) == lines
    assert divergence_json(result.model, result.divergence)["differences"] == [  # type: ignore[arg-type]
        {"variable": "wire", "path": "wire", "expected": "Grant(client=c2)", "found": None}
    ]


def test_the_last_step_of_the_diagram_is_the_one_that_is_missing() -> None:
    result = conform(Mutex, faulty.MissingStep)
    assert result.divergence is not None
    assert result.divergence.run.steps[-1].action == "ask"
    lines = [line.plain for line in report(result)]
    assert lines[-1] == "  ✗ Step 3 is possible in the spec, and not in the system."


SAME = """
import json
from checker.conform.run import conform
from checker.conform.walks import walk
from checker.conform.report import result_json
from tests.conform import faulty
from tests.conform.mutex import Mutex
for run in (
    conform(Mutex, faulty.ForgetsInSnapshot, workers=2),
    conform(Mutex, faulty.UnexpectedMessage),
    walk(Mutex, faulty.FailedStep, walks=50, depth=30, seed=5, workers=2),
):
    found = result_json(run, "mutex")
    print(json.dumps({k: v for k, v in found.items() if "second" not in k}))
"""


def test_the_same_under_any_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SAME],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(outputs) == 1
    assert b"missing step" in outputs.pop()


def test_another_spec() -> None:
    """Two-phase commit, by the spec as a system."""
    assert conform(TwoPhase, Echo, workers=2).edges_covered == 1145
