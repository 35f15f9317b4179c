"""Recording around real calls: threads, tasks, exceptions."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.history import History, Recorder, read_history


def texts(path: Path) -> list[str]:
    return [str(one) for one in read_history(str(path))]


def kinds(path: Path) -> list[tuple[Any, str]]:
    lines = map(json.loads, path.read_text().splitlines())
    return [(line["process"], line["type"]) for line in lines]


def test_the_events_of_a_client(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    store: dict[str, int] = {}
    with Recorder(path) as recorder:
        with recorder.operation(3, "write", "x", 5):
            store["x"] = 5
        with recorder.operation("p", "read", "x") as op:
            op.returned(store["x"])
    assert texts(path) == ['process 3: write(5) on "x" -> null', 'process p: read() on "x" -> 5']
    history = read_history(str(path))
    assert 0 < history.invoked_time[0] <= history.ended_time[0] <= history.invoked_time[1]


def test_exceptions(tmp_path: Path) -> None:
    """Unknown unless it certainly was not done; and it goes on to the caller."""
    path = tmp_path / "history.jsonl"
    with Recorder(path, never_done=(ConnectionRefusedError,)) as recorder:
        for error in (TimeoutError("late"), KeyboardInterrupt(), ConnectionRefusedError()):
            with pytest.raises(type(error)), recorder.operation(1, "write", None, 1):
                raise error
        with pytest.raises(KeyError), recorder.operation(1, "read") as op:  # noqa: PT012
            op.returned(7)
            raise KeyError
    assert kinds(path) == [
        (1, "invoke"), (1, "info"), (2, "invoke"), (2, "info"),
        (3, "invoke"), (3, "fail"), (3, "invoke"), (3, "ok"),
    ]  # fmt: skip
    assert json.loads(path.read_text().splitlines()[1])["error"] == "TimeoutError('late')"


def test_new_processes_never_take_a_name_that_is_used(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with Recorder(path) as recorder:
        for name in (0, "a", 0, "a", 1, 0, 1):
            with recorder.operation(name, "write") as op:
                op.unknown()
    names = [process for process, kind in kinds(path) if kind == "invoke"]
    assert names == [0, "a", 1, "a#2", 3, 2, 4]
    assert len(read_history(str(path)).processes) == 7


def test_what_was_said_is_said_once(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h") as recorder, recorder.operation(1, "write", None, 3) as op:
        op.failed("refused")
        with pytest.raises(RuntimeError, match="this write has ended already"):
            op.returned()
    assert texts(tmp_path / "h") == ["process 1: write(3) -> failed"]


def test_a_process_does_one_thing_at_a_time(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h") as recorder, recorder.operation(1, "read"):
        with pytest.raises(RuntimeError, match="process 1 invokes write during its read"):
            recorder.operation(1, "write").__enter__()
        with recorder.operation(2, "write"):
            pass
    assert kinds(tmp_path / "h") == [(1, "invoke"), (2, "invoke"), (2, "ok"), (1, "ok")]


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, {3}, b"x", "\ud800", [object()]])
def test_values_that_are_not_json(tmp_path: Path, value: Any) -> None:
    with Recorder(tmp_path / "h") as recorder:
        with pytest.raises(ValueError, match=r"cannot be recorded|surrogates"):
            recorder.operation(1, "write", None, value)
        wrong = pytest.raises(ValueError, match=r"cannot be recorded|surrogates")
        with wrong, recorder.operation(1, "read") as op:
            op.returned(value)
    assert kinds(tmp_path / "h") == [(1, "invoke"), (1, "info")]
    assert len(read_history(str(tmp_path / "h"))) == 1


def test_a_decorator(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "h")

    @recorder.recorded(
        "cas", process=4, key="name", value=["old", "new"], result=lambda r: r == "OK"
    )
    def swap(name: str, old: int, new: int = 9) -> str:
        """Says OK."""
        return "OK" if old == 1 else "no"

    assert swap("x", 1, 2) == "OK"
    assert swap(old=3, name="y") == "no"
    assert (swap.__name__, swap.__doc__) == ("swap", "Says OK.")
    with pytest.raises(TypeError, match="has no parameter 'nam' to be recorded"):
        recorder.recorded("cas", key="nam")(swap)
    recorder.close()
    assert texts(tmp_path / "h") == [
        'process 4: cas([1, 2]) on "x" -> true',
        'process 4: cas([3, 9]) on "y" -> false',
    ]


def test_tasks(tmp_path: Path) -> None:
    """Each task is a process, and one that is cancelled does not know what became of its call."""
    path = tmp_path / "h"

    async def main(recorder: Recorder) -> None:
        @recorder.recorded("read")
        async def read() -> int:
            await asyncio.sleep(0)
            return 7

        async def client() -> None:
            for _ in range(3):
                await read()

        async def waits() -> None:
            with recorder.operation(None, "write", None, 1):
                await asyncio.sleep(60)

        task = asyncio.create_task(waits())
        await asyncio.gather(client(), client())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with Recorder(path) as recorder:
        asyncio.run(main(recorder))
    history = read_history(str(path))
    assert len(history) == 7
    assert len(history.processes) == 3
    assert sorted(map(str, history))[0] == "process 0: write(1) -> ?"


def overlapping(history: History) -> int:
    return int((history.invoked[1:] < history.returned[:-1]).sum())


def test_threads(tmp_path: Path) -> None:
    """What a thread saw of another's answer is in the file before what it did next."""
    path, threads, rounds = tmp_path / "h", 4, 200
    counter, lock = [0], threading.Lock()

    def client(recorder: Recorder) -> None:
        for _ in range(rounds):
            with recorder.operation(None, "increment-and-get") as op:
                time.sleep(0)
                with lock:
                    counter[0] += 1
                    now = counter[0]
                op.returned(now)

    with Recorder(path) as recorder:
        running = [threading.Thread(target=client, args=(recorder,)) for _ in range(threads)]
        for one in running:
            one.start()
        for one in running:
            one.join()
    history = read_history(str(path))
    assert len(history) == threads * rounds
    assert overlapping(history) > 0
    # In order of their answers, no operation may tell less than one that ended before it began.
    told = [history.values[code] for code in history.result.tolist()]
    assert sorted(told) == list(range(1, threads * rounds + 1))
    by_return = sorted(range(len(history)), key=lambda i: int(history.returned[i]))
    best, ended = 0, 0
    for i in range(len(history)):
        while history.returned[by_return[ended]] < history.invoked[i]:
            best = max(best, told[by_return[ended]])
            ended += 1
        assert told[i] > best


def test_the_file_grows_while_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "h"

    def record(recorder: Recorder) -> int:
        with recorder.operation(1, "read"):
            return path.read_bytes().count(b"\n")

    with Recorder(path, flush_s=60) as late:
        assert record(late) == 0
        late.flush()
        assert path.read_bytes().count(b"\n") == 2
    with Recorder(path, flush_s=0) as soon:
        assert record(soon) == 1
    with Recorder(path, flush_s=60, write_through=True) as through:
        assert record(through) == 1


def test_after_the_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "h")
    with recorder.operation(1, "read") as op:
        recorder.close()
        op.returned(4)
    with pytest.raises(RuntimeError, match="the recorder is closed"):
        recorder.operation(1, "read").__enter__()
    assert texts(tmp_path / "h") == ["process 1: read() -> ?"]


def quickest(run: Callable[[], None], times: int) -> float:
    found = []
    for _ in range(times):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    return min(found)


def test_it_is_cheap(tmp_path: Path) -> None:
    """100,000 events a second of processor time, with room for a busy machine."""

    def run() -> None:
        with Recorder(tmp_path / "h") as recorder:
            for i in range(5_000):
                with recorder.operation(1, "write", "x", i) as op:
                    op.returned()

    assert quickest(run, 5) < 10_000 / 100_000
