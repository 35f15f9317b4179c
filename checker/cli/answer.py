"""Giving a result to the user: as text or JSON, in files, and as an exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checker.cli.output import emit, emit_json, note, width, write_file
from checker.cli.status import STATUS
from checker.engines.result import Result


def give(
    result: Result,
    name: str,
    *,
    as_json: bool,
    trace: Path | None,
    svg: Path | None,
    everything: bool = False,
    more: dict[str, Any] | None = None,
) -> int:
    """Show `result`; the status to exit with.  `more`: keys that only this command has."""
    if as_json:
        from checker.report.json import result_json

        emit_json(result_json(result, name) | (more or {}))
    else:
        from checker.report.text import report

        emit(report(result, width(), everything=everything))
    _write_files(result, name, trace, svg)
    return STATUS[result.verdict]


def _write_files(result: Result, name: str, trace: Path | None, svg: Path | None) -> None:
    shown = next((one for one in result.counterexamples if one.steps), None)
    if shown is None:
        for path in (trace, svg):
            if path is not None:
                note(f"there is no counterexample, so {path} is not written")
        return
    if trace is not None:
        from checker.report import trace as traces

        write_file(trace, lambda: traces.write(trace, result.model, shown, name))
        note(f"the counterexample is in {trace}")
    if svg is not None:
        from checker.report import svg as pictures

        write_file(svg, lambda: pictures.write(svg, result.model, shown))
        note(f"the counterexample is drawn in {svg}")
