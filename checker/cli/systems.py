"""From `--system` and `--system-command` to what makes a system.

--system nodes                  a system that ships for this spec
--system echo                   the spec itself
--system path/to/lock.py:Nodes  a class in a file, run as Python runs it
--system-command "node lock.js" a process that speaks lines of JSON (checker/conform/process.py)
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from checker.cli.status import BadInput, nearest
from checker.cli.target import Target, find, module_of
from checker.conform.process import process_system
from checker.conform.shipped import ALIASES, ECHO, echo, systems_of
from checker.conform.system import System, SystemFactory


@dataclass(frozen=True)
class Chosen:
    """A spec, and the system that is held to it."""

    target: Target
    factory: SystemFactory
    name: str
    """How the user named the system, or how it ships."""
    walks: int | None = None
    """How many walks are taken if nobody says; None: every edge."""


def choose(spec: str, system: str | None, command: str | None) -> Chosen:
    """What is to be checked; `BadInput` if there is no such thing."""
    if system is not None and command is not None:
        raise BadInput("give --system or --system-command, not both")
    shipped = systems_of(spec)
    if command is not None:
        return Chosen(find(spec), process_system(command), command)
    if system is not None and (system.endswith(".py") or "/" in system or ".py:" in system):
        target = find(spec)
        return Chosen(target, _class_in(system, target), system)
    by_name = {one.name: one for one in shipped}
    if system == ECHO:
        return Chosen(find(spec), echo(), ECHO)
    if system is None and not shipped:
        find(spec)
        raise BadInput(
            f"no implementation of `{spec}` ships.  Give yours: --system FILE.py:Class, or "
            "--system-command COMMAND (see docs/conformance.md)"
        )
    if system is not None and system not in by_name:
        names = ", ".join([*by_name, ECHO])
        raise BadInput(
            f"no system of `{spec}` is called `{system}`.{nearest(system, [*by_name, ECHO])}\n"
            f"There are: {names}.  Your own: path/to/file.py:Class"
        )
    chosen = by_name[system] if system is not None else shipped[0]
    return Chosen(find(ALIASES.get(spec, spec)), chosen.load(), chosen.name, chosen.walks)


def _class_in(text: str, target: Target) -> SystemFactory:
    """The System class that a file has."""
    path, _, name = text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    file = Path(path)
    if not file.is_file():
        raise BadInput(f"the file {path} does not exist")
    module = _module(file, target)
    there = [
        cls
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, System) and cls is not System
    ]
    own = [cls for cls in there if cls.__module__ == module.__name__]
    found = {cls.__name__: cls for cls in own or there}
    if name in found:
        return found[name]
    names = ", ".join(found) or "none"
    if name:
        raise BadInput(
            f"{path} has no System `{name}`.{nearest(name, list(found))}\nIt has: {names}"
        )
    if not found:
        raise BadInput(
            f"{path} has no System: write `class MySystem(System):`, with "
            "`from checker.conform.system import System` (see docs/conformance.md)"
        )
    if len(found) > 1:
        raise BadInput(f"{path} has several Systems: say which, {path}:Class.  It has: {names}")
    return next(iter(found.values()))


def _module(file: Path, target: Target) -> ModuleType:
    """The module of the adapter, which must see the very classes of the spec.

    A spec from a file is known to it by the name of the file, so that `from lock import Lock`
    gives the class that is checked and not a second one.
    """
    spec = sys.modules[target.cls.__module__]
    held = Path(spec.__file__ or "").resolve()
    if held == file.resolve():
        return spec
    known = sys.modules.get(held.stem)
    if known is None or Path(known.__file__ or "").resolve() == held:
        sys.modules[held.stem] = spec
    return module_of(file)
