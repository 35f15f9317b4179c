"""`quorate specs`: what ships."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import json_option

if TYPE_CHECKING:
    from rich.text import Text

    from checker.lang.spec import Spec


@click.command("specs", short_help="The specs that ship.")
@click.argument("spec", metavar="[SPEC]", required=False)
@json_option
def command(spec: str | None, as_json: bool) -> int:
    """List the specs that ship; with SPEC, show one.

    \b
    quorate specs
    quorate specs paxos
    quorate specs path/to/lock.py:Lock
    quorate specs --json
    """
    from checker.cli.output import emit, emit_json, width
    from checker.cli.shipped import shipped
    from checker.cli.target import Target, find

    if spec is not None:
        target = find(spec)
        if as_json:
            emit_json(described(target.name, target.cls))
        else:
            emit(detail(target.name, target.cls, width()))
        return 0
    found = [Target(name, cls) for name, cls in shipped().items()]
    if as_json:
        emit_json({"specs": [described(one.name, one.cls) for one in found]})
        return 0
    emit(table([described(one.name, one.cls) for one in found], width()))
    return 0


def described(name: str, cls: type[Spec]) -> dict[str, Any]:
    """What there is to know about a spec, for `--json`."""
    from checker.cli.shipped import shipped, variants
    from checker.lang.model import Model
    from checker.report.constants import constants_json

    model = Model(cls, {})
    return {
        "spec": name,
        "class": cls.__name__,
        "summary": first_line(cls),
        "constants": constants_json(model),
        "fields": {field.name: str(field.type) for field in model.fields},
        "actions": [action.name for action in model.actions],
        "properties": {what.name: what.kind for what in model.properties},
        "refines": {one.name: one.other.name for one in model.refinements},
        "variants": {
            f"{name}:{variant}": first_line(broken)
            for variant, broken in (variants(name) if name in shipped() else {}).items()
        },
    }


def first_line(what: Any) -> str:
    return (inspect.getdoc(what) or "").partition("\n")[0].strip()


def table(specs: list[dict[str, Any]], width: int) -> list[Text]:
    """One block for each spec: its name and what it is, then its constants and so on."""
    from rich.text import Text

    from checker.report.sequence import Note, wrapped

    lines: list[Text] = []
    for spec in specs:
        lines += _title(spec["spec"], spec["summary"], width)
        rows = {
            "constants": ", ".join(_settings(spec["constants"])),
            "properties": ", ".join([*spec["properties"], *spec["refines"]]),
            "variants": ", ".join(spec["variants"]),
        }
        for name, words in rows.items():
            if words:
                parts = wrapped(Note.of(words), width - 14)
                for index, note in enumerate(parts):
                    head = name if index == 0 else ""
                    lines.append(Text.assemble((f"  {head:10}  ", "dim"), note.text.strip()))
        lines.append(Text())
    lines.append(Text("quorate specs SPEC tells more; quorate check SPEC checks it", "dim"))
    return lines


def _title(name: str, summary: str, width: int) -> list[Text]:
    from rich.text import Text

    from checker.report.sequence import Note, wrapped

    parts = [note.text for note in wrapped(Note.of(summary), width - len(name) - 2)]
    first, rest = parts[0], parts[1:]
    lines = [Text.assemble((name, "bold cyan"), f"  {first}")]
    return lines + [Text(" " * len(name) + "  " + part.strip()) for part in rest]


def _settings(constants: dict[str, Any]) -> list[str]:
    """Constants that are short enough to list: the others follow from them."""
    return [
        f"{name}={_setting(value)}"
        for name, value in constants.items()
        if not isinstance(value, list | dict) or all(isinstance(item, str) for item in value)
    ]


def _setting(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


# --------------------------------------------------------------------------- one spec


def detail(name: str, cls: type[Spec], width: int) -> list[Text]:
    """Everything about one spec: its prose, and each of its parts with its first line."""
    from rich.text import Text

    from checker.cli.shipped import shipped, variants
    from checker.lang.model import Model
    from checker.report.constants import constant_text

    model = Model(cls, {})
    lines = _title(name, first_line(cls), width)
    lines += (Text(f"  {line}".rstrip()) for line in prose(cls))
    constants = [(c.name, f"= {constant_text(c)}") for c in model.constants.values()]
    lines += _section("constants (with their defaults: change them with -c)", constants, width)
    lines += _section("state", [(f.name, str(f.type)) for f in model.fields], width)
    actions = [(_signature(a), first_line(a.function.run)) for a in model.actions]
    lines += _section("actions", actions, width)
    props = [(what.name, _about(what)) for what in model.properties]
    props += [(one.name, f"refinement of {one.other.name}") for one in model.refinements]
    lines += _section("properties", props, width)
    broken = variants(name) if name in shipped() else {}
    rows = [(f"{name}:{one}", first_line(held)) for one, held in broken.items()]
    return lines + _section("broken variants", rows, width)


def prose(cls: type[Spec]) -> list[str]:
    """What the page of a spec says: its class, and then its module."""
    rest = (inspect.getdoc(cls) or "").splitlines()[1:]
    module = inspect.cleandoc(sys.modules[cls.__module__].__doc__ or "").splitlines()
    return [*rest, *([""] if module else []), *module]


def _signature(action: Any) -> str:
    return f"{action.name}({', '.join(param.name for param in action.params)})"


def _about(what: Any) -> str:
    said = first_line(what.function.run)
    kind = what.kind.replace("_", " ")
    return f"{kind}: {said}" if said else kind


def _section(title: str, rows: list[tuple[str, str]], width: int) -> list[Text]:
    from rich.text import Text

    from checker.report.sequence import Note, wrapped

    if not rows:
        return []
    names = min(36, max(len(name) for name, _ in rows))
    lines = [Text(), Text(title, "bold")]
    for name, words in rows:
        parts = list(wrapped(Note.of(words), max(24, width - names - 4)))
        for index, note in enumerate(parts):
            head = f"{name if index == 0 else '':{names}}"
            lines.append(Text.assemble((f"  {head}  ", "cyan"), note.text))
            lines[-1].rstrip()
    return lines
