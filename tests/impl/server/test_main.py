"""What the process of a node says."""

import logging

import pytest

from impl.server.main import AtMost


def test_only_so_many_lines_a_second_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    at_most = AtMost(3)

    def passes() -> tuple[bool, str]:
        record = logging.LogRecord("quorate", logging.INFO, "", 0, "knock %s", ("knock",), None)
        return bool(at_most.filter(record)), record.getMessage()

    assert [passes()[0] for _ in range(10)] == [True] * 3 + [False] * 7
    now = 101.0
    assert passes() == (True, "knock knock (and 7 lines before it not shown)")
    assert passes() == (True, "knock knock")
