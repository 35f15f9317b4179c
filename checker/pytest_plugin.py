"""The pytest plugin that the distribution registers under the name ``quorate``.

`assert check(MySpec())` fails with the counterexample as its message.  Without the plugin, pytest
would show the first 240 characters of it, on one line.

A failing `assert` leaves what it evaluated in its frame: temporaries that pytest's own rewriting
names `@py_assert1` and so on, and the user's variables.  The plugin looks there for a `Result`
that the assertion is about and that does not hold.

The module must exist, and import quickly: pytest loads it by entry point in every environment
where Quorate is installed.  So the engines are not imported here, but by the tests that use them.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Before the report is made, put the result into the message of a failed assertion."""
    if call.excinfo is not None and isinstance(call.excinfo.value, AssertionError):
        frame, line = _place(call.excinfo.tb)
        results = list(_failed_results(frame, line))
        if results:
            call.excinfo.value.args = ("\n".join([_statement(frame, line), *results]),)
    return (yield)


def _place(traceback: Any) -> tuple[FrameType, int]:
    """The innermost frame of a traceback, and its line."""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame, traceback.tb_lineno


def _failed_results(frame: FrameType, line: int) -> Iterator[str]:
    """The results that the assertion at this line is about, each once, as text."""
    engines = sys.modules.get("checker.engines.result")
    if engines is None:
        return
    about = {node.id for node in ast.walk(_assertion(frame, line)) if isinstance(node, ast.Name)}
    shown: set[int] = set()
    for name, value in frame.f_locals.items():
        if not isinstance(value, engines.Result) or value or id(value) in shown:
            continue
        if name.startswith("@py_assert") or name in about:
            shown.add(id(value))
            yield repr(value)


def _assertion(frame: FrameType, line: int) -> ast.AST:
    """The `assert` at a line of the frame's file; an empty tree if there is none."""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or line):
            return node
    return ast.Module([], [])


def _statement(frame: FrameType, line: int) -> str:
    found = _assertion(frame, line)
    return ast.unparse(found) if isinstance(found, ast.Assert) else "assert"
