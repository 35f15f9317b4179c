"""`quorate trace`: is this recorded run a behaviour of the spec?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import constants_option, json_option, spec_argument

if TYPE_CHECKING:
    from checker.cli.target import Target
    from checker.trace.reading import LogFile
    from checker.trace.validate import Outcome

STATUS = {"matches": 0, "does not match": 1, "undecided": 3}


@click.command("trace", short_help="Is this recorded run a behaviour of the spec?")
@spec_argument
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@constants_option
@click.option(
    "--hidden",
    multiple=True,
    metavar="ACTION",
    help="Steps of this action may have happened without a line.  May be repeated.",
)
@click.option(
    "--max-candidates",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="Give up where more states than this are consistent with the log.",
)
@json_option
def command(
    *,
    spec: str,
    logs: tuple[str, ...],
    constants: tuple[str, ...],
    hidden: tuple[str, ...],
    max_candidates: int,
    as_json: bool,
) -> int:
    """Is a recorded run a behaviour of SPEC, and where does it stop being one?

    A LOG is a file of JSON lines, plain or gzip (-: standard input), in the words of the spec:
    what a line leaves out, an argument or a variable, may be anything.  Several logs are
    merged by the `time` of their lines.  Logs that `quorate serve --trace-log` wrote are
    read as they are, one for each node.

    \b
    quorate trace two_phase run.jsonl
    quorate trace path/to/lock.py:Lock run.jsonl.gz -c clients=3
    quorate trace path/to/lock.py run.jsonl --hidden lose --hidden expire
    quorate trace paxos node-0.trace node-1.trace node-2.trace

    If it is none, the first line that no step explains is shown, with the state before it, and
    for each step that it could mean, which condition fails or which variable differs.

    Exit status: 0 it matches, 1 it does not, 2 wrong usage or bad input, 3 undecided.
    """
    from checker.cli.output import emit, emit_json
    from checker.cli.progress import counting
    from checker.cli.status import BadInput
    from checker.cli.target import find
    from checker.trace.reading import LogError, LogFile
    from checker.trace.report import outcome_json, report

    target = find(spec)
    try:
        with counting("lines") as tick:
            files = [LogFile(path, tick) for path in logs]
            outcome = _validated(target, files, constants, hidden, max_candidates)
    except LogError as error:
        raise BadInput(str(error)) from None
    if as_json:
        emit_json(outcome_json(outcome, spec))
    else:
        emit(report(outcome))
    return STATUS[outcome.verdict]


def _validated(
    target: Target,
    logs: list[LogFile],
    constants: tuple[str, ...],
    hidden: tuple[str, ...],
    max_candidates: int,
) -> Outcome:
    from checker.cli.constants import instance
    from checker.cli.status import BadInput
    from checker.conform import paxos_log, paxos_trace
    from checker.engines.check import model_of
    from checker.trace.validate import validate
    from checker.trace.vocabulary import header_of

    if any(paxos_log.header_of(log) for log in logs):
        cls = paxos_trace.spec_for(target.cls)
        if cls is None:
            raise BadInput(
                f"these are logs of nodes of Paxos, and `{target.name}` is not their "
                "spec: quorate trace paxos LOG..."
            )
        if constants or hidden:
            raise BadInput(
                "a log of the server says its constants itself: leave -c and --hidden out"
            )
        return paxos_trace.validate(cls, logs, max_candidates)
    settings: dict[str, str] = {}
    for log in logs:
        header = header_of(log)
        if header is not None:
            settings |= {name: _setting(value) for name, value in header.constants.items()}
            hidden += tuple(name for name in header.hidden if name not in hidden)
    given = {setting.partition("=")[0].strip() for setting in constants}
    own = [f"{name}={value}" for name, value in settings.items() if name not in given]
    model = model_of(instance(target, [*own, *constants]))
    known = [action.name for action in model.actions]
    for name in hidden:
        if name not in known:
            raise BadInput(f"`{target.name}` has no action `{name}`; there are: {', '.join(known)}")
    return validate(model, logs, hidden, max_candidates)


def _setting(value: Any) -> str:
    """A constant of a header, as `-c` takes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ",".join(value) + ("," if len(value) == 1 else "")
    return json.dumps(value)
