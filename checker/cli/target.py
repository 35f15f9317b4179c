"""From `SPEC` on the command line to a spec class.

`SPEC` is a shipped name (`paxos`), a shipped variant (`paxos:ForgetsPromise`), or a file with
a class in it (`path/to/lock.py:Lock`; the class may be left out if the file has one Spec).
A file is run as Python runs it, its folder first on the path, so that it may import its
neighbours.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from checker.cli.shipped import shipped, specs_of, variants
from checker.cli.status import BadInput, nearest
from checker.lang.errors import QuorateError
from checker.lang.spec import Spec


@dataclass(frozen=True)
class Target:
    """A spec class, and how the user named it."""

    name: str
    cls: type[Spec]


def find(text: str) -> Target:
    """The class that `SPEC` names; `BadInput` if there is none."""
    before, colon, after = text.rpartition(":")
    path, name = (before, after) if colon else (text, "")
    if path.endswith(".py") or "/" in path:
        return Target(text, _class_in(path, name))
    return Target(text, _shipped(path, name))


# --------------------------------------------------------------------------- shipped specs


def _shipped(name: str, variant: str) -> type[Spec]:
    known = shipped()
    if name not in known:
        hint = nearest(name, list(known))
        if Path(f"{name}.py").is_file():
            hint = f"  Did you mean the file `./{name}.py`?"
        raise BadInput(
            f"no spec is called `{name}`.{hint}\n"
            f"Those that ship: {', '.join(known)}.  Your own: path/to/file.py:Class"
        )
    cls = known[name]
    if not variant or variant == cls.__name__:
        return cls
    broken = variants(name)
    if variant not in broken:
        names = ", ".join(f"{name}:{one}" for one in broken) or "none"
        raise BadInput(
            f"`{name}` has no variant `{variant}`.{nearest(variant, list(broken))}\n"
            f"Its variants: {names}"
        )
    return broken[variant]


# --------------------------------------------------------------------------- the user's files


def _class_in(path: str, name: str) -> type[Spec]:
    file = Path(path)
    if not file.is_file():
        what = "is a folder." if file.is_dir() else "does not exist."
        raise BadInput(f"the file {path} {what}{_neighbours(file)}")
    found = {cls.__name__: cls for cls in specs_of(module_of(file))}
    names = ", ".join(found)
    if name in found:
        return found[name]
    if name:
        hint = nearest(name, list(found))
        there = f"It has: {names}" if found else "It has no Spec"
        raise BadInput(f"{path} has no Spec `{name}`.{hint}\n{there}")
    if not found:
        raise BadInput(f"{path} has no Spec: write `class MySpec(Spec):` (see docs/tutorial.md)")
    if len(found) > 1:
        raise BadInput(f"{path} has several Specs; say which: " + _choices(path, list(found)))
    return next(iter(found.values()))


def _neighbours(file: Path) -> str:
    try:
        there = [one.name for one in file.parent.glob("*.py")]
    except OSError:
        return ""
    return nearest(file.name, there)


def _choices(path: str, names: list[str]) -> str:
    return ", ".join(f"{path}:{name}" for name in names)


def module_of(file: Path) -> ModuleType:
    """The module that the file is, run afresh."""
    whole = file.resolve()
    module = ModuleType(f"quorate_spec_{whole.stem}")
    module.__file__ = str(whole)
    sys.modules[module.__name__] = module
    sys.path.insert(0, str(whole.parent))
    try:
        # Else the file would be read with the __future__ imports of this one.
        code = compile(whole.read_bytes(), str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BadInput(_syntax(file, error)) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from None
    try:
        exec(code, module.__dict__)
    except QuorateError as error:
        raise BadInput(str(error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BadInput(_raised(file, error)) from error
    return module


def _syntax(file: Path, error: SyntaxError) -> str:
    shown = "".join(traceback.format_exception_only(error)).splitlines()
    rest = "\n".join(line for line in shown[1:-1] if line.strip())
    return f"{file}:{error.lineno}: this is not Python: {error.msg}\n{rest}".rstrip()


def _missing(name: str | None) -> str:
    """What to do about a name that the file does not know."""
    import checker.lang

    if name == "Option":
        return ": write `T | None`"
    known = name is not None and hasattr(checker.lang, name)
    return ": begin the file with `from checker.lang import *`" if known else ""


def _raised(file: Path, error: BaseException) -> str:
    """What went wrong while the file ran, at the last line of it that was reached."""
    said = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, SyntaxError):
        return f"{file} cannot be imported: {error.filename}:{error.lineno}: {error.msg}"
    if isinstance(error, NameError):
        said += _missing(error.name)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    if not frames:
        return f"{file} cannot be imported: {said}"
    return f"{file}:{frames[-1].lineno}: {said}\n    {frames[-1].line}"
