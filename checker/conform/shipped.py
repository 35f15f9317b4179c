"""The systems that ship, by the spec that they are held to.

A system is found by its name and imported when it is used: `quorate --help` loads no
implementation.  To add one, add a line.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from checker.conform.echo import Echo
from checker.conform.system import SystemFactory


@dataclass(frozen=True)
class Shipped:
    """A system: `where` is `module:name` of what makes it for a spec."""

    spec: str
    """The name of the shipped spec that it is held to."""
    name: str
    where: str
    about: str
    walks: int | None = None
    """How many walks are taken if nobody says; None: every edge."""

    def load(self) -> SystemFactory:
        module, _, name = self.where.partition(":")
        factory: SystemFactory = getattr(importlib.import_module(module), name)
        return factory


SYSTEMS = (
    Shipped(
        "paxos_nodes",
        "nodes",
        "checker.conform.paxos:nodes",
        "the nodes of impl.paxos over TCP, their journals on a disk in memory",
    ),
    Shipped(
        "paxos_nodes",
        "processes",
        "checker.conform.paxos:processes",
        "each node a process, killed by SIGKILL, its journal in a folder: walks",
        walks=200,
    ),
)
"""The first of a spec is its default."""

ALIASES = {"paxos": "paxos_nodes"}
"""What a person calls the implementation, and the spec that it is held to."""

ECHO = "echo"
"""The name of a system that every spec has: itself."""


def systems_of(spec: str) -> list[Shipped]:
    """The systems that ship for a spec, by its name or what people call it."""
    return [one for one in SYSTEMS if one.spec == ALIASES.get(spec, spec)]


def echo() -> SystemFactory:
    """The spec as an implementation of itself: it conforms, and shows what checking costs."""
    return Echo
