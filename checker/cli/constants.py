"""From `-c NAME=VALUE` to the constants of a spec.

    -c acceptors=3            so many members of a Sort
    -c acceptors=ada,bob      or these names (one name: `ada,`)
    -c ballots=3              a number; true or false; the name of an Enum's member
    -c 'table={"ada": 2}'     anything else is JSON, as `--json` shows it

A value is read when its type is known, which is while the spec is made: a type may depend on
the constants before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from checker.cli.status import BadInput, nearest
from checker.cli.target import Target
from checker.lang.declare import Members
from checker.lang.errors import QuorateError
from checker.lang.model import Model, constants_of
from checker.lang.resolve import Resolver, annotations_of
from checker.lang.spec import Spec, own_classes
from checker.lang.types import BoolT, EnumT, IntT, OptionT, SetT, SortT, Type
from checker.lang.values import Set, Sort
from checker.report.decode import NotOfType, from_json

TRUTH = {"true": True, "false": False}


def instance(target: Target, settings: Iterable[str]) -> Spec:
    """The spec with these constants; `BadInput` if anything is wrong with it."""
    given = given_for(target, settings)
    try:
        read = Model(target.cls, given)
        if not given:
            return read.machine
        # Once more with the values themselves, which may be copied and compared.
        return target.cls(**{name: _plain(read, name) for name in given})
    except QuorateError as error:
        raise BadInput(str(error)) from error


def _plain(model: Model, name: str) -> Any:
    constant = model.constants[name]
    if constant.members_of:
        return [member.name for member in constant.value]
    return constant.value


def given_for(target: Target, settings: Iterable[str]) -> dict[str, Any]:
    """The constants by name, as a spec takes them; those that need a type are read later."""
    known = constants_of(target.cls)
    given: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise BadInput(f"-c {setting}: write -c NAME=VALUE, as in -c {_example(known)}")
        if name not in known:
            names = ", ".join(known) or "none"
            raise BadInput(
                f"`{target.name}` has no constant `{name}`.{nearest(name, list(known))}\n"
                f"Its constants: {names}"
            )
        if name in given:
            raise BadInput(f"the constant `{name}` is given twice")
        if isinstance(known[name], Members):
            given[name] = _members(name, value)
        else:
            given[name] = _later(target.cls, name, value)
    return given


def _example(known: dict[str, Any]) -> str:
    return f"{next(iter(known), 'nodes')}=3"


def _members(name: str, value: str) -> int | list[str]:
    text = value.strip()
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    names = [part.strip() for part in text.rstrip(",").split(",")]
    if "," in text and all(names) and len(set(names)) == len(names):
        return names
    raise BadInput(
        f"-c {name}={value}: give a number of members, 1 or more, or different names with "
        f"commas between them: -c {name}=3, or -c {name}=ada,bob"
    )


def _later(cls: type[Spec], name: str, value: str) -> Callable[[Any], Any]:
    """A default that reads `value` once its type is known."""

    def read(machine: Any) -> Any:
        of = _type_of(cls, name, machine)
        try:
            return _read(of, value.strip())
        except NotOfType as error:
            raise BadInput(f"-c {name}={value}: {error}") from None

    return read


def _type_of(cls: type[Spec], name: str, machine: Any) -> Type:
    """The type of a constant, by those that the machine has already."""
    held = {key: value for key, value in machine.__dict__.items() if not key.startswith("_")}
    sorts = {
        type(member): SortT(type(member), tuple(value))
        for key, value in held.items()
        if isinstance(getattr(cls, key, None), Members) and isinstance(value, Set)
        for member in value
        if isinstance(member, Sort)
    }
    annotation = next(
        found[name] for part in own_classes(cls) if name in (found := annotations_of(part))
    )
    return Resolver(held, sorts, {}).resolve(annotation)


def _read(of: Type, text: str) -> Any:
    match of:
        case IntT():
            try:
                return int(text)
            except ValueError:
                raise NotOfType(f"`{text}` is not a whole number") from None
        case BoolT():
            if text.lower() not in TRUTH:
                raise NotOfType(f"`{text}` is neither true nor false")
            return TRUTH[text.lower()]
        case EnumT() | SortT():
            return from_json(of, text)
        case OptionT(item):
            return None if text.lower() in ("none", "null") else _read(item, text)
        case SetT(item=SortT() as item) if not text.startswith("["):
            return Set(from_json(item, part.strip()) for part in text.split(",") if part.strip())
    try:
        data = json.loads(text)
    except ValueError as error:
        raise NotOfType(f"a {of} is written as JSON, and this is not: {error}") from None
    return from_json(of, data)


__all__ = ["given_for", "instance"]
