"""From events to columns, against the obvious way: one dictionary, one event after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.history import Builder, History, HistoryError
from checker.history.history import COLUMNS, FAIL, INFO, NO_TIME, OK, OPEN, UNKNOWN

Event = tuple[int | str, str, str, Any, Any, int | None]

PROCESSES: list[int | str] = [0, 1, 2, "x", -7]
VALUES = st.sampled_from([None, 0, 1, True, False, 1.0, "1", [1], [True], {"a": 1}, {"a": 1.0}])


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events that fit together: some processes, and each does one thing at a time."""
    events: list[Event] = []
    busy: dict[int | str, tuple[str, Any]] = {}
    for _ in range(draw(st.integers(0, 30))):
        process: int | str = draw(st.sampled_from(PROCESSES))
        time = draw(st.none() | st.integers(-5, 5))
        if process in busy:
            f, key = busy.pop(process)
            kind = draw(st.sampled_from(["ok", "info", "fail"]))
            key = draw(st.sampled_from([key, None]))
        else:
            f, key = draw(st.sampled_from("rw")), draw(VALUES)
            kind, busy[process] = "invoke", (f, key)
        events.append((process, kind, f, key, draw(VALUES), time))
    return events


def built(events: list[Event]) -> History:
    builder = Builder("test")
    for process, kind, f, key, value, time in events:
        builder.event(process, kind, f, value, key=key, time=time)
    return builder.finish()


def frozen(value: Any) -> str:
    """Equal exactly for the same JSON value."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(frozen, value))}]"
    if hasattr(value, "items"):
        return f"{{{', '.join(f'{k}: {frozen(v)}' for k, v in value.items())}}}"
    return repr(value)


def slowly(events: list[Event]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    busy: dict[int | str, list[Any]] = {}
    for at, (process, kind, f, key, value, time) in enumerate(events):
        stamp = NO_TIME if time is None else time
        if kind == "invoke":
            row = [process, f, frozen(key), frozen(value), "?", INFO, at, OPEN, OPEN]
            rows.append([*row, at + 1, 0, stamp, NO_TIME])
            busy[process] = rows[-1]
        else:
            row = busy.pop(process)
            row[5] = {"ok": OK, "info": INFO, "fail": FAIL}[kind]
            row[4] = frozen(value) if kind == "ok" else "?"
            row[7] = OPEN if kind == "info" else at
            row[8], row[10], row[12] = at, at + 1, stamp
    return rows


@settings(max_examples=300)
@given(histories())
def test_columns_are_what_a_dictionary_finds(events: list[Event]) -> None:
    history = built(events)
    rows = []
    for i in range(len(history)):
        one = history.operation(i)
        result = "?" if one.result is UNKNOWN else frozen(one.result)
        row = [one.process, one.f, frozen(one.key), frozen(one.argument), result, one.status]
        row += [one.invoked, one.returned, int(history.ended[i])]
        row += [one.invoked_line, one.ended_line]
        rows.append([*row, int(history.invoked_time[i]), int(history.ended_time[i])])
    assert rows == slowly(events)
    assert history.events == len(events)
    for name, dtype in COLUMNS.items():
        assert getattr(history, name).dtype == dtype, name
    assert len(set(map(frozen, history.values))) == len(history.values)
    assert len(set(map(frozen, history.keys))) == len(history.keys)


@given(histories())
def test_the_parts_of_keys_are_the_whole(events: list[Event]) -> None:
    history = built(events)
    parts = dict(history.split())
    assert sorted(i for part in parts.values() for i in part.origin.tolist()) == list(
        range(len(history))
    )
    for key, part in parts.items():
        assert part.origin.tolist() == np.flatnonzero(history.key == key).tolist()
        assert part.invoked.tolist() == history.invoked[part.origin].tolist()


def test_a_part_says_where_it_came_from() -> None:
    history = built([(i, "invoke", "r", None, None, None) for i in range(6)])
    part = history.take(np.array([1, 3, 5])).take(np.array([False, True, True]))
    assert part.origin.tolist() == [3, 5]
    assert [one.process for one in part] == [3, 5]
    assert part.operation(0).index == 0


def test_columns_cannot_be_written() -> None:
    history = built([(0, "invoke", "r", None, None, None)])
    with pytest.raises(ValueError, match="read-only"):
        history.status[0] = OK


def test_the_nemesis_is_no_client() -> None:
    history = built(
        [
            (0, "invoke", "r", None, None, None),
            ("nemesis", "info", "kill", None, "n1", None),
            ("nemesis", "info", "kill", None, "n1", None),
            (0, "ok", "r", None, 1, None),
        ]
    )
    assert [str(one) for one in history] == ["process 0: r() -> 1"]
    assert (history.returned[0], history.ended_line[0], history.events) == (1, 4, 2)


INVOKE: Event = (1, "invoke", "read", "x", None, None)


@pytest.mark.parametrize(
    ("events", "line", "reason"),
    [
        ([INVOKE, INVOKE], 2, "process 1 invokes read, but its operation of line 1 has no answer"),
        ([(1, "ok", "read", None, 1, None)], 1, "process 1 is answered (ok of read), but has"),
        ([INVOKE, (2, "info", "read", None, 1, None)], 2, "process 2 is answered (info of read)"),
        ([INVOKE, (1, "ok", "write", "x", 1, None)], 2, "the answer is of write, but the invoca"),
        ([INVOKE, (1, "ok", "read", "y", 1, None)], 2, "the answer has the key 'y', but the invoc"),
        ([INVOKE, (1, "ok", "read", "x", float("nan"), None)], 2, "nan is not a number that JSON"),
        ([(1, "invoke", "read", None, {1: 2}, None)], 1, "1 cannot be a name in a JSON object"),
        ([(1, "invoke", "read", None, {1}, None)], 1, "a set is no JSON value"),
    ],
)
def test_events_that_do_not_fit_together(events: list[Event], line: int, reason: str) -> None:
    with pytest.raises(HistoryError) as caught:
        built(events)
    assert caught.value.line == line
    assert caught.value.reason.startswith(reason)
    assert str(caught.value).startswith(f"test:{line}: {reason}")


def test_the_first_error_is_told() -> None:
    other: Event = (2, "invoke", "read", "x", None, None)
    for events in ([INVOKE, other, other, INVOKE], [INVOKE, other, INVOKE, other]):
        with pytest.raises(HistoryError) as caught:
            built(events)
        assert caught.value.line == 3


def test_a_process_may_go_on_after_info() -> None:
    history = built([INVOKE, (1, "info", "read", None, None, None), INVOKE])
    assert history.returned.tolist() == [OPEN, OPEN]
    assert history.ended.tolist() == [1, OPEN]
