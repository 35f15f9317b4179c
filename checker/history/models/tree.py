"""A tree of nodes with versions, as ZooKeeper has it.

    create             [path, data] -> null, true or the path
    create-sequential  [path, data] -> the path that it got: the given one and ten digits
    get                path -> [data, version]
    exists             path -> the version, or null or false if it is not there
    children           path -> a list of the children's names, in any order
    set                [path, data] or [path, data, version] -> null or the new version
    delete             path or [path, version] -> null or true

All but `exists` may also answer with an error, an object: {"error": "no-node"},
"node-exists", "bad-version" or "not-empty".  A node begins with version 0, and each `set` adds
one; a version of -1 fits any.  Paths begin with "/", the root is "/", and a node is made below one
that is there.  Digits of sequential names are the number of children that the parent ever had.

Source: P. Hunt, M. Konar, F. Junqueira, B. Reed, "ZooKeeper: wait-free coordination for
internet-scale systems" (2010), section 2; in ZooKeeper's own words these are znodes, and the
digits are the parent's `cversion` of its creations.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import Kind, Shape
from checker.history.values import Frozen, Value, same, text_of, untyped

ANY_VERSION: Final = -1
ERRORS: Final = ("no-node", "node-exists", "bad-version", "not-empty")


class Node(NamedTuple):
    """What one node holds."""

    data: Value
    version: int
    made: int
    """Children that were ever made below it."""


Nodes = dict[str, Node]


def _is_path(value: Value) -> bool:
    if type(value) is not str or not value.startswith("/"):
        return False
    return value == "/" or "" not in value[1:].split("/")


def _is_prefix(value: Value) -> bool:
    return type(value) is str and _is_path(value + "0")


def _is_list(value: Value, *tests: Any, optional: int = 0) -> bool:
    if type(value) is not tuple or not len(tests) - optional <= len(value) <= len(tests):
        return False
    return all(test(part) for test, part in zip(tests, value, strict=False))


def _is_version(value: Value) -> bool:
    return type(value) is int and value >= ANY_VERSION


def _anything(_: Value) -> bool:
    return True


def _is_error(value: Value) -> bool:
    return isinstance(value, Frozen) and list(value) == ["error"] and value["error"] in ERRORS


def _or_error(says: str, test: Any) -> Kind:
    return Kind(f"{says}, or an error", lambda value: _is_error(value) or test(value))


PATH = Kind("a path", _is_path)
NEW = Kind("[path, data]", lambda value: _is_list(value, _is_path, _anything))
NEW_PREFIX = Kind("[path, data]", lambda value: _is_list(value, _is_prefix, _anything))
CHANGE = Kind(
    "[path, data] or [path, data, version]",
    lambda value: _is_list(value, _is_path, _anything, _is_version, optional=1),
)
REMOVAL = Kind(
    "a path or [path, version]",
    lambda value: _is_path(value) or _is_list(value, _is_path, _is_version),
)
THERE = Kind(
    "a version, null or false",
    lambda value: value is None or value is False or (_is_version(value) and value >= 0),
)


class Tree(Model):
    """A tree.  A state is the set of (path, node)."""

    name = "tree"
    functions: ClassVar = {
        "create": Shape(
            NEW,
            _or_error("null, true or the path", lambda v: v is None or v is True or _is_path(v)),
        ),
        "create-sequential": Shape(NEW_PREFIX, _or_error("the path that it got", _is_path)),
        "get": Shape(
            PATH, _or_error("[data, version]", lambda v: _is_list(v, _anything, _is_version))
        ),
        "exists": Shape(PATH, THERE),
        "children": Shape(PATH, _or_error("a list of names", lambda v: type(v) is tuple)),
        "set": Shape(CHANGE, _or_error("null or a version", lambda v: v is None or _is_version(v))),
        "delete": Shape(REMOVAL, _or_error("null or true", lambda v: v is None or v is True)),
    }
    reads = frozenset({"get", "exists", "children"})

    def initial(self) -> State:
        return frozenset({("/", Node(stored(None), 0, 0))})

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        nodes: Nodes = dict(state)
        answer = _DO[f](nodes, argument)
        if result is not UNKNOWN and not _agrees(f, result, answer):
            return None
        return state if f in self.reads else frozenset(nodes.items())

    def show(self, state: State) -> str:
        return ", ".join(
            f"{path}={text_of(untyped(node.data))} v{node.version}" for path, node in sorted(state)
        )


def _agrees(f: str, result: Value, answer: Value) -> bool:
    """Whether what was told is what the tree answers."""
    if _is_error(answer) or _is_error(result):
        return same(result, answer)
    match f:
        case "create":
            return result is None or result is True or result == answer
        case "delete":
            return True
        case "set":
            return result is None or result == answer
        case "exists":
            return answer is None if result is None or result is False else result == answer
        case "children":
            return sorted(map(text_of, result)) == sorted(map(text_of, answer))
        case _:
            return same(result, answer)


def _error(name: str) -> Frozen:
    return Frozen({"error": name})


# --------------------------------------------------------------------------- what each does


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _create(nodes: Nodes, argument: Value) -> Value:
    path, data = argument
    if path in nodes:
        return _error("node-exists")
    parent = nodes.get(_parent(path))
    if parent is None:
        return _error("no-node")
    nodes[_parent(path)] = parent._replace(made=parent.made + 1)
    nodes[path] = Node(stored(data), 0, 0)
    return path


def _create_sequential(nodes: Nodes, argument: Value) -> Value:
    prefix, data = argument
    parent = nodes.get(_parent(prefix))
    if parent is None:
        return _error("no-node")
    return _create(nodes, (f"{prefix}{parent.made:010d}", data))


def _get(nodes: Nodes, path: Value) -> Value:
    node = nodes.get(path)
    return _error("no-node") if node is None else (untyped(node.data), node.version)


def _exists(nodes: Nodes, path: Value) -> Value:
    node = nodes.get(path)
    return None if node is None else node.version


def _children(nodes: Nodes, path: Value) -> Value:
    if path not in nodes:
        return _error("no-node")
    return tuple(
        other.rpartition("/")[2] for other in nodes if other != "/" and _parent(other) == path
    )


def _set(nodes: Nodes, argument: Value) -> Value:
    path, data, *version = argument
    node = nodes.get(path)
    if node is None:
        return _error("no-node")
    if version and version[0] not in (ANY_VERSION, node.version):
        return _error("bad-version")
    nodes[path] = node._replace(data=stored(data), version=node.version + 1)
    return node.version + 1


def _delete(nodes: Nodes, argument: Value) -> Value:
    path, version = argument if type(argument) is tuple else (argument, ANY_VERSION)
    node = nodes.get(path)
    if node is None or path == "/":
        return _error("no-node")
    if version not in (ANY_VERSION, node.version):
        return _error("bad-version")
    if _children(nodes, path):
        return _error("not-empty")
    del nodes[path]
    return True


_DO: Final = {
    "create": _create,
    "create-sequential": _create_sequential,
    "get": _get,
    "exists": _exists,
    "children": _children,
    "set": _set,
    "delete": _delete,
}

__all__ = ["Node", "Tree"]
