"""`quorate linearize`: is this recorded history linearizable?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import Memory, Seconds, constants_option, json_option
from checker.cli.status import BadInput, nearest

if TYPE_CHECKING:
    from rich.text import Text

    from checker.cli.pictures import Pictures
    from checker.history.budget import Spending
    from checker.history.history import History
    from checker.history.models.model import Model
    from checker.history.result import Result

STATUS = {"linearizable": 0, "not linearizable": 1, "unknown": 3}
FOR_WORK = 0.98
"""Of the time that was given; the rest is for the answer, and for ending."""
ALGORITHMS = (
    *("zones", "chains", "queues", "switches", "witness", "revisions"),
    *("search", "frontier", "depth-first"),
)
"""As in `checker/history/check.py`, which is not imported for a help text."""


@click.command("linearize", short_help="Is this recorded history linearizable?")
@click.argument("histories", metavar="HISTORY...", nargs=-1, required=True)
@click.option(
    "--model",
    "-m",
    required=True,
    metavar="NAME|FILE.py:CLASS",
    help="What the operations mean: register, cas-register, kv, mutex, lock, lease, queue, set, "
    "log, counter, multi-register, tree, consensus; or a class of yours, a Model or a Spec.",
)
@constants_option
@click.option(
    "--timeout", type=Seconds(), help="Stop after so long, with a verdict of unknown: 90, 10m, 2h."
)
@click.option(
    "--max-memory",
    type=Memory(),
    help="Take no more memory than this: 500M, 2G.  Without: 80% of what is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Keys that are searched at the same time.",
)
@click.option(
    "--explain/--no-explain",
    default=True,
    help="Find the fewest operations that contradict each other.  [default: explain]",
)
@click.option(
    "--algorithm",
    type=click.Choice(ALGORITHMS),
    metavar="NAME",
    help=f"Only this one: {', '.join(ALGORITHMS)}.  Without: the cheapest that applies.",
)
@click.option(
    "--consistency",
    type=click.Choice(["linearizable", "sequential"]),
    default="linearizable",
    show_default=True,
    help="sequential: only the order of each process counts, not real time.",
)
@click.option("--per-key", is_flag=True, help="A verdict for each key.")
@click.option(
    "--failed",
    type=click.Choice(["evidence", "ignored"]),
    default="evidence",
    show_default=True,
    help="What a failed cas (acquire, ...) says: that it was refused, or nothing.",
)
@click.option(
    "--nil",
    type=click.Choice(["empty", "unknown"]),
    default="empty",
    show_default=True,
    help="What a read of null says: there was nothing, or nobody knows what was read.",
)
@click.option(
    "--initial",
    metavar="JSON",
    help="The value at the beginning, of register, cas-register and counter.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "edn", "jepsen"]),
    help="Of HISTORY.  Without: as its first lines look.",
)
@click.option(
    "--independent/--not-independent",
    default=None,
    help="Values are pairs of a key and a value, as of jepsen.independent.  "
    "[default: as they look]",
)
@click.option("--follow", is_flag=True, help="Check while the history is written; end with Ctrl-C.")
@click.option(
    "--convert",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the history as FILE (.jsonl, .edn or .log; -: JSON lines to standard output).",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw it as a page: time lines, the order, the states; search and keys.  One HISTORY.",
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the contradiction, or a small HISTORY, as a figure for papers.",
)
@json_option
def command(
    *,
    histories: tuple[str, ...],
    model: str,
    constants: tuple[str, ...],
    timeout: float | None,
    max_memory: int | None,
    workers: int,
    explain: bool,
    algorithm: str | None,
    consistency: str,
    per_key: bool,
    failed: str,
    nil: str,
    initial: str | None,
    format_: str | None,
    independent: bool | None,
    follow: bool,
    convert: Path | None,
    html: Path | None,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Could the operations of HISTORY have happened one at a time?

    A HISTORY is what clients asked of any system and were told: JSON lines, an EDN history or a
    log of Jepsen's; plain, gzip or zstd (-: standard input).  See docs/histories.md.

    \b
    quorate linearize run.jsonl --model register
    quorate linearize run.edn.gz --model cas-register --initial 0
    quorate linearize store/*/history.edn --model kv --json
    quorate linearize run.jsonl --model stack.py:Stack -c room=50 --timeout 1m --max-memory 2G
    my-test | quorate linearize - --model queue --follow
    quorate linearize run.edn --model kv --convert run.jsonl
    quorate linearize run.jsonl --model register --html run.html --svg run.svg

    If it is not linearizable, a few operations are shown that contradict each other.  Of several
    HISTORIES each has its verdict, and the exit status is that of the worst.

    Exit status: 0 linearizable, 1 not, 2 wrong usage or bad input, 3 unknown.
    """
    from checker.cli.memory import limit_bytes
    from checker.cli.pictures import Pictures
    from checker.cli.progress import counting

    # numpy would start threads for linear algebra, of which there is none: a tenth of a short run.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from checker.history.budget import Spending, process_began

    pictures, is_sequential = Pictures(html, svg), consistency == "sequential"
    pictures.check(
        histories,
        follow=follow,
        convert=convert is not None,
        consistency_sequential=is_sequential,
    )
    given = _model(model, initial, constants)
    deadline = float("inf") if timeout is None else process_began() + FOR_WORK * timeout
    spending = Spending(deadline, limit_bytes(max_memory))
    reading: dict[str, Any] = {"format": format_, "independent": independent}
    if convert is not None:
        return _convert(histories, convert, reading)
    deciding: dict[str, Any] = {"failed": failed, "null": nil}
    if follow:
        if len(histories) > 1 or algorithm or per_key or consistency != "linearizable":
            raise BadInput(
                "--follow takes one HISTORY, and goes without --algorithm, --per-key and "
                "--consistency"
            )
        from checker.cli.following import followed

        return followed(histories[0], given, spending, explain, as_json=as_json, **deciding)
    deciding |= {
        "algorithm": algorithm,
        "consistency": consistency,
        "per_key": per_key,
        "explain": explain,
        "workers": workers,
        "spending": spending,
    }
    from checker.history.several import linearize_each

    with counting("events") as tick:
        read = (
            _read(path, given, reading, spending, tick, pictures=pictures) for path in histories
        )
        results = list(linearize_each(read, given, **deciding))
    status = give(results, as_json=as_json)
    if pictures.history is not None:
        given = given.fitted(pictures.history)
    pictures.write(results[0], given, spending, failed=failed, null=nil)
    return status


def _read(
    path: str,
    model: Model,
    reading: dict[str, Any],
    spending: Spending,
    tick: Callable[[int], None],
    *,
    pictures: Pictures,
) -> History | Result:
    """A limit that is reached while reading is a result, too."""
    from checker.history.budget import LimitReached, peak_bytes
    from checker.history.check import LIMITS
    from checker.history.reading import read_history
    from checker.history.result import Result

    events = 0

    def look(more: int) -> None:
        nonlocal events
        events += more
        tick(more)
        spending.look()

    try:
        with spending.watched():
            history = read_history(path, tick=look, **reading)
        if pictures:
            pictures.history = history
        return history
    except LimitReached as reached:
        return Result(
            model=model.name or type(model).__name__,
            operations=0,
            verdict="unknown",
            algorithm="",
            seconds=spending.spent,
            peak_memory_bytes=peak_bytes(),
            reason=f"{LIMITS[reached.limit]} after {events:,} events were read",
            verified=0,
            limit=reached.limit,
            source=path,
        )


def give(results: list[Result], *, as_json: bool) -> int:
    """Show the answers; the exit status."""
    from checker.cli.output import emit, emit_json, note, width
    from checker.history.result import SEVERITY

    worst = max(results, key=lambda one: SEVERITY[one.verdict])
    for warning in dict.fromkeys(text for one in results for text in one.warnings):
        note(warning)
    if as_json:
        if len(results) == 1:
            emit_json(results[0].to_json())
        else:
            each = [{"history": one.source} | one.to_json() for one in results]
            emit_json({"verdict": worst.verdict, "histories": each})
        return STATUS[worst.verdict]
    if len(results) > 1 and sys.stdout.isatty() is False:
        # Rich takes longer to load than many small histories take to check.
        return _lines(results, worst)
    from rich.text import Text as Blank

    from checker.history.report import report

    lines: list[Text] = []
    for one in results:
        lines += [Blank(), *report(one, width())] if lines else report(one, width())
    emit(lines)
    return STATUS[worst.verdict]


def _lines(results: list[Result], worst: Result) -> int:
    """One line a history."""
    from checker.cli.output import put_text

    put_text("".join(f"{one.verdict}\t{one.source}\t{one.reason}\n" for one in results))
    return STATUS[worst.verdict]


# --------------------------------------------------------------------------- what is given


def _model(name: str, initial: str | None, constants: tuple[str, ...]) -> Model:
    import json

    from checker.history.models import MODELS
    from checker.history.models import model as model_of
    from checker.history.values import freeze

    try:
        model = model_of(name)
    except KeyError:
        raise BadInput(
            f"no model is called `{name}`.{nearest(name, list(MODELS))}\n"
            f"There are: {', '.join(MODELS)}.  Your own: path/to/file.py:Class"
        ) from None
    if constants:
        model = _with_constants(model, name, constants)
    if initial is None:
        return model
    if name not in ("register", "cas-register", "counter"):
        raise BadInput(f"--initial is for register, cas-register and counter, not for {name}")
    try:
        value = freeze(json.loads(initial))
    except (ValueError, RecursionError):
        raise BadInput(
            f"--initial {initial}: this is not JSON; a text has quotes: --initial '\"x\"'"
        ) from None
    if name == "counter" and type(value) is not int:
        raise BadInput("--initial of a counter is an integer")
    return type(model)(value)  # type: ignore[call-arg]


def _with_constants(model: Model, name: str, constants: tuple[str, ...]) -> Model:
    spec = getattr(model, "spec", None)
    if spec is None:
        raise BadInput(f"-c gives the constants of a spec, and the model {name} is none")
    from checker.cli.constants import given_for
    from checker.cli.target import Target
    from checker.history.models.specified import SpecModel

    return SpecModel(spec, given_for(Target(name, spec), constants))


def _convert(histories: tuple[str, ...], target: Path, reading: dict[str, Any]) -> int:
    """Write what was read in another format."""
    from checker.cli.output import note, writable, write_file
    from checker.history.reading import Format, read_history
    from checker.history.writing import write_history

    if len(histories) > 1:
        raise BadInput("--convert takes one HISTORY")
    history: History = read_history(histories[0], **reading)
    if str(target) == "-":
        write_history(history, sys.stdout.buffer)
        return 0
    writable(target)
    formats: dict[str, Format] = {".jsonl": "json", ".json": "json", ".edn": "edn"}
    formats |= {".log": "jepsen", ".txt": "jepsen"}
    if target.suffix not in formats:
        raise BadInput(f"--convert {target}: the name must end with {', '.join(formats)}")

    def write() -> None:
        with target.open("wb") as stream:
            write_history(history, stream, formats[target.suffix])

    write_file(target, write)
    note(f"{len(history):,} operations are in {target}")
    return 0
