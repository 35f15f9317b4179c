"""The constants of an instance: as words for a person, as JSON, as `-c` takes them."""

from __future__ import annotations

from typing import Any

from checker.lang.model import Model, constants_of
from checker.lang.owner import Constant


def instance_text(model: Model) -> str:
    """`Paxos(acceptors=3, ballots=2)`, without constants that only follow from the others."""
    markers = constants_of(model.cls)
    inside = ", ".join(
        f"{name}={constant_text(constant)}"
        for name, constant in model.constants.items()
        if name in model.given or not callable(markers[name].default)
    )
    return f"{model.name}({inside})"


def constant_text(constant: Constant) -> str:
    """A value as `-c NAME=` takes it, where that is short enough to type."""
    if not constant.members_of:
        return constant.type.text(constant.value)
    shown = constant_json(constant)
    return str(shown) if isinstance(shown, int) else ",".join(shown)


def constants_json(model: Model) -> dict[str, Any]:
    """Every constant.  The members of a Sort are their number, or their own names."""
    return {name: constant_json(constant) for name, constant in model.constants.items()}


def constant_json(constant: Constant) -> Any:
    if not constant.members_of:
        return constant.type.json(constant.value)
    names = [member.name for member in constant.value]
    word = constant.members_of.__name__.lower()
    usual = any(
        names == [f"{prefix}{index + 1}" for index in range(len(names))]
        for prefix in (word[0], word)
    )
    return len(names) if usual else names
