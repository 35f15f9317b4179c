"""The configuration of a cluster: one TOML file, the same for all its nodes.

Rules of this file:

* All that can be wrong is found before anything is opened, and said with file, place and mend.
* What is not loopback needs TLS, or a word that says that the network is trusted.
* Paths are relative to the file; `{node}` in them is the number of the node.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, field

from impl.transport.payloads import FRAME_LIMIT

EXAMPLE = """\
# A cluster of three nodes on this machine: quorate serve --node 0 --config FILE, and 1, and 2.
cluster = "demo"
nodes = [
  { id = 0, host = "127.0.0.1", port = 7001 },
  { id = 1, host = "127.0.0.1", port = 7002 },
  { id = 2, host = "127.0.0.1", port = 7003 },
]
data = "demo-{node}"    # each node's folder, relative to this file
"""
"""A first configuration, that works as it is."""

MAX_NODES = 99


class ConfigError(Exception):
    """The configuration cannot be used; the message says where, why, and what would do."""


class NodeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a node is."""

    id: Annotated[int, Meta(ge=0, lt=MAX_NODES)]
    port: Annotated[int, Meta(ge=0, le=65535)]
    host: Annotated[str, Meta(min_length=1, max_length=253)] = "127.0.0.1"
    listen: str | None = None
    """The address that it binds, if that is not `host`."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much there may be of what."""

    connections: Annotated[int, Meta(ge=1, le=100_000)] = 1024
    """Clients of one node at the same time."""
    requests: Annotated[int, Meta(ge=1, le=100_000)] = 256
    """Requests of one client that wait at the same time."""
    key_bytes: Annotated[int, Meta(ge=1, le=2**16)] = 1024
    value_bytes: Annotated[int, Meta(ge=1, le=FRAME_LIMIT // 2)] = 2**16
    queue_bytes: Annotated[int, Meta(ge=FRAME_LIMIT, le=2**31)] = 2**23
    """What waits to be sent to one node; more is dropped."""
    journal_bytes: Annotated[int, Meta(ge=2**16, le=2**40)] = 2**26
    """A journal that grew by so much is replaced by a snapshot."""
    handshake_s: Annotated[float, Meta(gt=0, le=600)] = 5.0
    request_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    """A request that is not decided in so long is answered by `unknown`."""
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 0.1
    """The first pause before a ballot is tried again; it doubles, and is random."""


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files in PEM form."""

    cert: str
    key: str
    ca: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cluster: Annotated[str, Meta(min_length=1, max_length=64)]
    nodes: Annotated[list[NodeConfig], Meta(min_length=1, max_length=MAX_NODES)]
    data: str = "quorate-{node}"
    trusted_network: bool = False
    limits: Limits = field(default_factory=Limits)
    tls: Tls | None = None


class Config(msgspec.Struct, frozen=True):
    """The configuration of one node."""

    cluster: str
    me: int
    nodes: tuple[NodeConfig, ...]
    """By number."""
    data: Path
    limits: Limits
    tls: tuple[Path, Path, Path] | None
    """Certificate, key, authorities."""

    @property
    def own(self) -> NodeConfig:
        return self.nodes[self.me]


SEE = "`quorate serve --example-config` prints one that works"
"""The mend of a configuration that cannot be read."""


def load(file: Path, me: int, data: Path | None = None) -> Config:
    """The configuration of node `me`; its folder is `data`, if that is given."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}; {SEE}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8: byte {error.start}") from None
    try:
        return parse(text, file.parent, me, data)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def parse(text: str, folder: Path, me: int, data: Path | None = None) -> Config:
    """As `load`, from text whose paths are relative to `folder`."""
    try:
        found = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}; {SEE}") from None
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"{_readable(str(error))}; {SEE}") from None
    nodes = sorted(found.nodes, key=lambda node: node.id)
    if [node.id for node in nodes] != list(range(len(nodes))):
        ids = ", ".join(str(node.id) for node in nodes)
        raise ConfigError(f"the nodes must be numbered 0, 1, 2 ...; their ids are: {ids}")
    if me not in range(len(nodes)):
        raise ConfigError(f"there is no node {me}: the nodes are 0 to {len(nodes) - 1}")
    _check_addresses(nodes)
    if found.tls is None and not found.trusted_network:
        _check_loopback(nodes)
    return Config(
        cluster=found.cluster,
        me=me,
        nodes=tuple(nodes),
        data=data or _path(found.data, folder, me),
        limits=found.limits,
        tls=_tls(found.tls, folder, me),
    )


def _tls(tls: Tls | None, folder: Path, me: int) -> tuple[Path, Path, Path] | None:
    if tls is None:
        return None
    return _path(tls.cert, folder, me), _path(tls.key, folder, me), _path(tls.ca, folder, me)


def _path(text: str, folder: Path, me: int) -> Path:
    return folder / text.replace("{node}", str(me))


def _check_addresses(nodes: list[NodeConfig]) -> None:
    known: dict[tuple[str, int], int] = {}
    for node in nodes:
        other = known.setdefault((node.host, node.port), node.id)
        if other != node.id:
            raise ConfigError(f"nodes {other} and {node.id} are both at {node.host}:{node.port}")
        if node.port == 0 and len(nodes) > 1:
            raise ConfigError(f"node {node.id} needs a port that the others can call, not 0")


def _check_loopback(nodes: list[NodeConfig]) -> None:
    for node in nodes:
        for host in (node.host, node.listen):
            if host is not None and not is_loopback(host):
                raise ConfigError(
                    f"node {node.id}: {host} is not loopback, and there is no [tls]: whoever "
                    "reaches the port could vote.\nAdd [tls] with cert, key and ca, or say "
                    "`trusted_network = true`"
                )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _readable(error: str) -> str:
    """msgspec's words, with the place first and as TOML names it."""
    found = re.fullmatch(r"(.*) - at `\$?\.?(.*)`", error, re.DOTALL)
    return f"{found[2]}: {found[1]}" if found else error
