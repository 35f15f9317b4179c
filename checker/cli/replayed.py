"""`quorate conform --replay FILE`: a divergence that was saved, taken again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from checker.cli.constants import instance
from checker.cli.output import emit, emit_json, note, width, write_file
from checker.cli.shipped import shipped
from checker.cli.status import HOLDS, VIOLATED, BadInput
from checker.cli.systems import Chosen, choose
from checker.conform import recorded
from checker.conform.compare import Spotted, made
from checker.conform.divergence import Divergence, divergence_json, explained
from checker.conform.report import divergence_lines
from checker.conform.shipped import ECHO, SYSTEMS
from checker.engines.check import checked_model
from checker.lang.declare import Members
from checker.lang.model import Model, constants_of
from checker.report.constants import constants_json, instance_text


def replayed(
    file: Path,
    spec: str | None,
    system: str | None,
    system_command: str | None,
    *,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Take a recorded path again."""
    held = recorded.read(file)
    if spec is None:
        spec = _own(held.spec)
    if system is None and system_command is None and _is_foreign(held.system):
        raise BadInput(
            f"{file} is of the system `{held.system}`.  What a file names is not run: give "
            "--system or --system-command"
        )
    if system is None and system_command is None:
        system = held.system
    chosen = choose(spec, system, system_command)
    machine = instance(chosen.target, _settings(held.constants, chosen))
    model = checked_model(machine)
    under_test = made(chosen.factory, machine)
    try:
        spotted, steps = recorded.replay(model, under_test, held)
    finally:
        under_test.close()
    return _told(held, chosen, model, spotted, steps, svg=svg, as_json=as_json)


def _own(name: str) -> str:
    """The name of a spec that ships; files that a file names are not run."""
    if name.partition(":")[0] not in shipped():
        raise BadInput(f"the file is of `{name}`.  What a file names is not run: give SPEC")
    return name


def _is_foreign(system: str) -> bool:
    return system != ECHO and system not in {one.name for one in SYSTEMS}


def _settings(constants: dict[str, Any], chosen: Chosen) -> Iterator[str]:
    """Constants of a file as `-c` takes them."""
    known = constants_of(chosen.target.cls)
    for name, value in constants.items():
        if isinstance(known.get(name), Members) and isinstance(value, list):
            yield f"{name}={','.join(map(str, value))},"
        else:
            yield f"{name}={value if isinstance(value, str) else json.dumps(value)}"


# --------------------------------------------------------------------------- the answer


def _told(
    held: recorded.Recorded,
    chosen: Chosen,
    model: Model,
    spotted: Spotted | None,
    steps: int,
    *,
    svg: Path | None,
    as_json: bool,
) -> int:
    found = explained(model, spotted) if spotted else None
    same = spotted is not None and (spotted.kind, steps) == (held.kind, len(held.steps))
    if as_json:
        emit_json(
            {
                "spec": chosen.target.name,
                "constants": constants_json(model),
                "system": chosen.name,
                "verdict": "violated" if found else "holds",
                "steps": steps,
                "recorded": {"kind": held.kind, "length": len(held.steps), "system": held.system},
                "same": same,
                "divergence": divergence_json(model, found) if found else None,
            }
        )
    else:
        emit(_lines(held, chosen, model, found, same))
    if svg is not None and found is None:
        note(f"there is no divergence, so {svg} is not written")
    elif svg is not None and found is not None:
        from checker.report import svg as pictures

        write_file(svg, lambda: pictures.write(svg, model, found.run))
        note(f"the divergence is drawn in {svg}")
    return VIOLATED if found else HOLDS


def _lines(
    held: recorded.Recorded,
    chosen: Chosen,
    model: Model,
    found: Divergence | None,
    same: bool,
) -> Iterator[Text]:
    name = instance_text(model)
    if found is None:
        said = f"{chosen.name} no longer diverges on this path ({held.kind} when it was saved)"
        yield Text.assemble(("✓ ", "green"), (name, "bold"), "  ", (said, "green"))
        return
    said = f"{chosen.name} still diverges: {found.kind}"
    if not same:
        said = f"{chosen.name} diverges, but not as when it was saved ({held.kind}): {found.kind}"
    yield Text.assemble(("✗ ", "bold red"), (name, "bold"), "  ", (said, "bold red"))
    yield Text()
    yield from divergence_lines(model, found, width())
