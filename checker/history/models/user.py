"""A user's own model: `FILE.py:Class`, a Model or a spec in the language (specified.py).

The file is run as Python runs it, its folder first on the path, so that it may import its
neighbours.  It is the user's own code, named on the command line; nothing from a history is run.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from checker.history.errors import HistoryError
from checker.history.models.model import Model

MEND = (
    "a model is a class that extends checker.history.models.Model, or a Spec: see docs/histories.md"
)


def load(target: str) -> Model:
    """The model that `FILE.py:Class` names; the class may be left out if the file has one.

    HistoryError, with the file as source, if there is none or it cannot be run.
    """
    path, colon, name = target.rpartition(":")
    if not colon or name.endswith(".py"):
        path, name = target, ""
    found = _models_of(_module(Path(path)), path)
    if not name and len(found) == 1:
        name = next(iter(found))
    if not name:
        choices = ", ".join(f"{path}:{one}" for one in found)
        reason = "has several models" if found else "has no model"
        raise HistoryError(reason, source=path, mend=f"say which: {choices}" if found else MEND)
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"did you mean {path}:{near[0]}?" if near else MEND
        raise HistoryError(f"has no model {name}", source=path, mend=hint)
    return _made(found[name], path)


def _models_of(module: ModuleType, path: str) -> dict[str, type[Any]]:
    """Models and specs; specs only if the file has imported the language."""
    language = sys.modules.get("checker.lang.spec")
    bases = (Model,) if language is None else (Model, language.Spec)
    return {
        name: thing
        for name, thing in vars(module).items()
        if inspect.isclass(thing)
        and issubclass(thing, bases)
        and thing.__module__ == module.__name__
    }


def _made(cls: type[Any], path: str) -> Model:
    if not issubclass(cls, Model):
        return _specified(cls, path)
    missing = [name for name in ("initial", "step") if getattr(cls, name) is getattr(Model, name)]
    if missing:
        raise HistoryError(f"{cls.__name__} has no method `{missing[0]}`", source=path, mend=MEND)
    try:
        model = cls()
        state = model.initial()
        hash(state)
    except Exception as error:
        raise HistoryError(
            f"{cls.__name__} cannot be used: {_said(error)}",
            source=path,
            mend="a model is made without arguments, and its states are hashable: tuples, no lists",
        ) from error
    if state is None:
        raise HistoryError(
            f"the initial state of {cls.__name__} is None",
            source=path,
            mend="None means impossible; use another value for it, such as NULL",
        )
    return model


def _specified(cls: type[Any], path: str) -> Model:
    from checker.history.models.specified import SpecModel

    try:
        return SpecModel(cls)
    except HistoryError as error:
        raise HistoryError(error.reason, source=path, mend=error.mend) from None


def _module(file: Path) -> ModuleType:
    """The module that the file is, run afresh."""
    module = ModuleType(f"quorate_model_{file.stem}")
    module.__file__ = str(file)
    try:
        code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise HistoryError(
            f"this is not Python: {error.msg}", line=error.lineno or 0, source=str(file)
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise HistoryError(f"cannot be read: {reason}", source=str(file)) from None
    sys.modules[module.__name__] = module
    sys.path.insert(0, str(file.resolve().parent))
    try:
        exec(code, module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(file)
        ]
        line = (frames[-1].lineno or 0) if frames else 0
        raise HistoryError(_said(error), line=line, source=str(file)) from error
    return module


def _said(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


__all__ = ["load"]
