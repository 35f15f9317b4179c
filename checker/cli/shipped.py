"""The specs that ship, by name, and the broken variants of each: read off `spec.catalogue`."""

from __future__ import annotations

from types import ModuleType

from checker.lang.spec import Spec
from spec import catalogue


def shipped() -> dict[str, type[Spec]]:
    """Every shipped spec by name, in reading order."""
    return {name: cls for name, cls in catalogue().items() if ":" not in name}


def variants(name: str) -> dict[str, type[Spec]]:
    """The broken variants of a shipped spec, by class name."""
    start = f"{name}:"
    return {
        full.removeprefix(start): cls for full, cls in catalogue().items() if full.startswith(start)
    }


def specs_of(module: ModuleType) -> list[type[Spec]]:
    """The Specs that a module defines itself, parts that need a type left out."""
    return [
        cls
        for cls in vars(module).values()
        if isinstance(cls, type)
        and issubclass(cls, Spec)
        and cls.__module__ == module.__name__
        and not getattr(cls, "__parameters__", ())
    ]
