"""Random well-typed specs, as source text: the fuel of every comparison of two meanings.

`random_spec(pick)` returns the text of a module with one spec, `Random`.  `pick(n)` gives a
number below n: from Hypothesis (it shrinks well: 0 is always the simplest choice) or from a
`random.Random` (`pick = rng.randrange`).

Rules:

* Everything generated is in the language and well typed; no choice may be refused by the
  compiler.  What may fail when it runs (a value outside its domain, the greatest of nothing)
  is left in on purpose: all engines must then fail alike.
* Loops over sets have bodies that commute; other loops are over ranges and sequences.
* An expression is made for a type, from the productions of that type in `_MAKERS`.
"""

from __future__ import annotations

from collections.abc import Callable

Pick = Callable[[int], int]

HEADER = """\
from enum import Enum
from typing import Annotated

from checker.lang import *


class Node(Sort):
    pass


class Colour(Enum):
    RED = 1
    GREEN = 2


Small = Annotated[int, Range(4)]


class Ping(Record):
    to: Node
    n: Small

    def louder(self) -> "Ping":
        return self.replace(n=(self.n + 1) % 4)


class Pong(Record):
    ok: bool
    back: Small | None


def clipped(x: int) -> int:
    if x < 0:
        return 0
    return min(x, 3)


def or_else(x: Small | None, other: Small) -> int:
    return other if x is None else x
"""

ANNOTATIONS = {
    "bool": "bool",
    "small": "Small",
    "node": "Node",
    "colour": "Colour",
    "opt_small": "Small | None",
    "opt_node": "Node | None",
    "ping": "Ping",
    "msg": "Ping | Pong",
    "opt_ping": "Ping | None",
    "pair": "tuple[Node, Small]",
    "set_node": "Set[Node]",
    "set_small": "Set[Small]",
    "set_msg": "Set[Ping | Pong]",
    "set_set": "Set[Set[Node]]",
    "map_small": "Map[Node, Small]",
    "map_bool": "Map[Colour, bool]",
    "map_opt": "Map[Node, Small | None]",
    "map_set": "Map[Node, Set[Small]]",
    "map_map": "Map[Node, Map[Node, bool]]",
    "map_pair": "Map[tuple[Node, Colour], Small]",
    "seq_small": "Annotated[Seq[Small], AtMost(3)]",
    "seq_msg": "Annotated[Seq[Ping | Pong], AtMost(2, BEYOND)]",
    "bag_small": "Annotated[Bag[Small], AtMost(3)]",
}

INITIAL = {
    "small": "0",
    "colour": "Colour.RED",
    "map_small": "everywhere(0)",
    "map_pair": "everywhere(0)",
}

FIELD_TYPES = [
    name for name in ANNOTATIONS if name not in ("node", "ping", "msg", "pair")
]  # these have no first value

PARAM_TYPES = ["bool", "small", "colour", "opt_small", "set_node", "pair"]

ELEMENT = {
    "set_node": "node",
    "set_small": "small",
    "set_msg": "msg",
    "set_set": "set_node",
    "seq_small": "small",
    "seq_msg": "msg",
    "bag_small": "small",
}


class Maker:
    """Makes one spec.  `scope` is what locals and parameters are visible, with their types."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.fields: dict[str, str] = {}
        self.scope: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.fresh = 0
        self.pure = False
        """Inside a comprehension or a property: nothing there may be a guard."""

    def one(self, items: list[str]) -> str:
        return items[self.pick(len(items))]

    def risk(self) -> bool:
        """Now and then, something that may fail when it runs."""
        return self.pick(12) == 11

    def name(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    # ------------------------------------------------------------- expressions

    def known(self, of: str) -> list[str]:
        """Expressions without parts: fields, locals and constants of a type."""
        found = [name for name, held in self.scope.items() if held == of]
        found += [f"self.{name}" for name, held in self.fields.items() if held == of]
        return found

    def make(self, of: str, depth: int) -> str:
        simple = 2 * self.known(of) + _LITERALS.get(of, [])
        if of == "node":
            simple = simple or ["p"]
        makers = _MAKERS.get(of, [])
        if depth <= 0 or not makers:
            return self.one(simple) if simple else _ALWAYS[of]
        index = self.pick(len(simple) + 2 * len(makers))
        if index < len(simple):
            return simple[index]
        return makers[(index - len(simple)) % len(makers)](self, depth - 1)

    def over(self, source: str, element: str, body: Callable[[str], str]) -> str:
        """A comprehension's text around a fresh variable."""
        name = self.name("x")
        self.scope[name] = element
        text = body(name)
        del self.scope[name]
        return f"{text} for {name} in {source}"

    def source(self, depth: int) -> tuple[str, str]:
        """Something to walk over, and the type of what is met."""
        kind = self.one(["set_node", "set_small", "set_msg", "seq_small", "range", "nodes", "enum"])
        if kind == "range":
            return f"range({self.one(['2', '3', 'self.most'])})", "small"
        if kind == "nodes":
            return "self.nodes", "node"
        if kind == "enum":
            return "Colour", "colour"
        return self.make(kind, depth), ELEMENT[kind]

    # ------------------------------------------------------------- statements

    def block(self, depth: int, indent: str, size: int) -> list[str]:
        lines: list[str] = []
        held = dict(self.scope)
        for _ in range(1 + self.pick(size)):
            made = _STATEMENTS[self.pick(len(_STATEMENTS))](self, depth, indent)
            lines += made
        self.scope = held
        return lines or [f"{indent}pass"]

    def field_of(self, *types: str) -> str | None:
        found = [name for name, of in self.fields.items() if of in types]
        return self.one(found) if found else None


_LITERALS = {
    "bool": ["True", "False"],
    "small": ["0", "1", "2", "3"],
    "colour": ["Colour.RED", "Colour.GREEN"],
    "opt_small": ["None"],
    "opt_node": ["None"],
    "opt_ping": ["None"],
    "set_node": ["self.nodes", "set()"],
    "set_small": ["{0, 1}", "set()"],
    "set_msg": ["{Pong(True, 1)}", "set()"],
    "set_set": ["majorities(self.nodes)"],
    "seq_small": ["[1, 2]", "[]"],
    "seq_msg": ["[]", "[Pong(True, 1)]"],
    "bag_small": ["Bag([1, 1])", "Bag()"],
}

_ALWAYS = {
    "ping": "Ping(p, 1)",
    "msg": "Pong(False, None)",
    "pair": "(p, 2)",
    "map_small": "{z: 1 for z in self.nodes}",
    "map_bool": "{z: z == Colour.RED for z in Colour}",
    "map_opt": "{z: None for z in self.nodes}",
    "map_set": "{z: {1} for z in self.nodes}",
    "map_map": "{z: {y: y == z for y in self.nodes} for z in self.nodes}",
    "map_pair": "{(z, c): 1 for z in self.nodes for c in Colour}",
}

Make = Callable[[Maker, int], str]


def _binary(left: str, ops: list[str], right: str) -> Make:
    return lambda m, d: f"({m.make(left, d)} {m.one(ops)} {m.make(right, d)})"


def _quantifier(m: Maker, depth: int) -> str:
    source, element = m.source(depth)
    if m.pick(2):
        inner = m.over(source, element, lambda _x: m.make("bool", depth))
        condition = ""
    else:
        name = m.name("x")
        m.scope[name] = element
        condition = f" if {m.make('bool', 0)}"
        inner = f"{m.make('bool', depth)} for {name} in {source}"
        del m.scope[name]
    left, right = ("([", "])") if m.pick(4) == 3 else ("(", ")")
    return f"{m.one(['any', 'all'])}{left}{inner}{condition}{right}"


def _absent(m: Maker, depth: int) -> str:
    found = [name for of in ("opt_small", "opt_node", "opt_ping") for name in m.known(of)]
    if not found:
        return _equal(m, depth)
    held = m.one(found)
    return f"({held} {m.one(['is', 'is not'])} None)"


def _kind_test(m: Maker, depth: int) -> str:
    found = m.known("msg")
    if not found:
        return "True"
    held = m.one(found)
    test = m.one([".n > 0", ".to == p", ".louder().n == 1"])
    return m.one(
        [
            f"isinstance({held}, Ping)",
            f"(isinstance({held}, Ping) and {held}{test})",
            f"(not isinstance({held}, Pong) or {held}.ok)",
        ]
    )


def _equal(m: Maker, depth: int) -> str:
    of = m.one(["node", "colour", "small", "set_node", "opt_small", "seq_small", "ping", "pair"])
    return f"({m.make(of, depth)} {m.one(['==', '!='])} {m.make(of, depth)})"


def _member(m: Maker, depth: int) -> str:
    of = m.one(["set_node", "set_small", "seq_small", "bag_small"])
    return f"({m.make(ELEMENT[of], depth)} {m.one(['in', 'not in'])} {m.make(of, depth)})"


def _ternary(of: str) -> Make:
    def made(m: Maker, d: int) -> str:
        return f"({m.make(of, d)} if {m.make('bool', d)} else {m.make(of, d)})"

    return made


def _chain(m: Maker, d: int) -> str:
    return (
        f"({m.make('small', d)} {m.one(['<', '<='])} {m.make('small', d)} < {m.make('small', d)})"
    )


def _folded(m: Maker, depth: int) -> str:
    source, element = m.source(depth)
    inner = m.over(source, element, lambda _x: m.make("small", depth))
    return m.one([f"clipped(sum({inner}))", f"clipped(sum([{inner}]))", f"clipped(len([{inner}]))"])


def _extreme(m: Maker, depth: int) -> str:
    default = "" if m.risk() else ", default=0"
    return f"{m.one(['max', 'min'])}({m.make('set_small', depth)}{default})"


def _only(m: Maker, depth: int) -> str:
    if m.risk():
        return f"the({m.make('set_node', depth)})"
    return f"the({{{m.make('node', depth)}}})"


def _item(m: Maker, depth: int) -> str:
    held = m.make("seq_small", depth)
    index = m.one(["0", "-1"])
    return f"{held}[{index}]" if m.risk() else f"({held}[{index}] if {held} else 1)"


def _narrowed(m: Maker, depth: int) -> str:
    found = m.known("opt_small")
    if not found:
        return "1"
    held = m.one(found)
    return f"({held} if {held} is not None else {m.make('small', depth)})"


def _comprehension(of: str, element: str) -> Make:
    def made(m: Maker, depth: int) -> str:
        source, met = m.source(depth)
        name = m.name("x")
        m.scope[name] = met
        inner = f"{m.make(element, depth)} for {name} in {source}"
        condition = f" if {m.make('bool', depth)}" if m.pick(2) else ""
        del m.scope[name]
        return "{" + inner + condition + "}"

    return made


def _map_of(of: str, value: str) -> Make:
    def made(m: Maker, depth: int) -> str:
        name = m.name("k")
        m.scope[name] = "node"
        text = f"{{{name}: {m.make(value, depth)} for {name} in self.nodes}}"
        del m.scope[name]
        return text

    return made


def _helper_call(of: str) -> Make:
    def made(m: Maker, depth: int) -> str:
        found = [name for name, returns in m.helpers.items() if returns == of]
        if not found:
            return m.make(of, 0)
        return f"self.{m.one(found)}({m.make('node', depth)}, {m.make('small', depth)})"

    return made


_MAKERS: dict[str, list[Make]] = {
    "bool": [
        lambda m, d: f"(not {m.make('bool', d)})",
        _binary("bool", ["and", "or"], "bool"),
        _binary("small", ["<", "<=", ">", ">=", "==", "!="], "small"),
        _equal,
        _quantifier,
        _absent,
        _member,
        _kind_test,
        _binary("set_node", ["<=", "<", ">=", "==", "!="], "set_node"),
        _ternary("bool"),
        _chain,
        lambda m, d: f"(len({m.make('set_small', d)}) > {m.pick(3)})",
        _helper_call("bool"),
    ],
    "small": [
        lambda m, d: f"clipped({m.make('small', d)} {m.one(['+', '-', '*'])} {m.make('small', d)})",
        lambda m, d: f"({m.make('small', d)} % {m.one(['2', '3', 'self.most'])})",
        lambda m, d: f"((0 - {m.make('small', d)}) // 2 % 4)",
        lambda m, d: f"abs({m.make('small', d)} - {m.make('small', d)})",
        lambda m, d: f"{m.one(['min', 'max'])}({m.make('small', d)}, {m.make('small', d)})",
        lambda m, d: f"clipped(len({m.make(m.one(['set_node', 'seq_small', 'bag_small']), d)}))",
        lambda m, d: f"{m.make('ping', d)}.n",
        lambda m, d: f"{m.make('pair', d)}[1]",
        lambda m, d: f"{m.make('map_small', d)}[{m.make('node', d)}]",
        _item,
        lambda m, d: f"or_else({m.make('opt_small', d)}, {m.make('small', d)})",
        lambda m, d: f"clipped({m.make('bag_small', d)}.count({m.make('small', d)}))",
        _ternary("small"),
        _folded,
        _extreme,
        _narrowed,
        _helper_call("small"),
    ],
    "node": [
        lambda m, d: f"{m.make('ping', d)}.to",
        lambda m, d: f"{m.make('pair', d)}[0]",
        _ternary("node"),
        _only,
    ],
    "colour": [_ternary("colour")],
    "opt_small": [
        lambda m, d: m.make("small", d),
        lambda m, d: f"{m.make('map_opt', d)}[{m.make('node', d)}]",
        _ternary("opt_small"),
    ],
    "opt_node": [lambda m, d: m.make("node", d)],
    "opt_ping": [lambda m, d: m.make("ping", d)],
    "ping": [
        lambda m, d: f"Ping({m.make('node', d)}, {m.make('small', d)})",
        lambda m, d: f"{m.make('ping', d)}.louder()",
        lambda m, d: f"{m.make('ping', d)}.replace(n={m.make('small', d)})",
    ],
    "msg": [
        lambda m, d: m.make("ping", d),
        lambda m, d: f"Pong({m.make('bool', d)}, {m.make('opt_small', d)})",
    ],
    "pair": [lambda m, d: f"({m.make('node', d)}, {m.make('small', d)})"],
    "set_node": [
        _binary("set_node", ["|", "&", "-", "^"], "set_node"),
        _comprehension("set_node", "node"),
        lambda m, d: "{" + m.make("node", d) + "}",
    ],
    "set_small": [
        _binary("set_small", ["|", "&", "-"], "set_small"),
        _comprehension("set_small", "small"),
        lambda m, d: f"{m.make('map_set', d)}[{m.make('node', d)}]",
        lambda m, d: "{" + m.make("small", d) + ", " + m.make("small", d) + "}",
    ],
    "set_msg": [
        _comprehension("set_msg", "msg"),
        lambda m, d: "{" + m.make("ping", d) + ", " + m.make("msg", d) + "}",
    ],
    "set_set": [
        lambda m, d: f"subsets({m.make('set_node', d)})",
        _comprehension("set_set", "set_node"),
    ],
    "map_small": [_map_of("map_small", "small")],
    "map_opt": [_map_of("map_opt", "opt_small")],
    "map_set": [_map_of("map_set", "set_small")],
    "seq_small": [
        lambda m, d: f"({m.make('seq_small', d)} + {m.make('seq_small', d)})[:3]",
        lambda m, d: f"{m.make('seq_small', d)}[{m.one(['1:', ':1', ':-1', '::'])}]",
        lambda m, d: f"sorted({m.make('set_small', d)})[:3]",
        lambda m, d: f"[{m.make('small', d)}]",
    ],
    "bag_small": [lambda m, d: f"Bag([{m.make('small', d)}])"],
}


# --------------------------------------------------------------------------- statements

Statement = Callable[[Maker, int, str], list[str]]


def _assign(m: Maker, depth: int, indent: str) -> list[str]:
    name = m.one(list(m.fields))
    return [f"{indent}self.{name} = {m.make(m.fields[name], depth)}"]


def _local(m: Maker, depth: int, indent: str) -> list[str]:
    of = m.one(["small", "bool", "set_small", "opt_small", "node"])
    value = m.make(of, depth)
    name = m.name("v")
    m.scope[name] = of
    return [f"{indent}{name}: {ANNOTATIONS[of]} = {value}"]


def _guard(m: Maker, depth: int, indent: str) -> list[str]:
    return [f"{indent}require({m.make('bool', depth)})"]


def _change_set(m: Maker, depth: int, indent: str) -> list[str]:
    name = m.field_of("set_node", "set_small", "set_msg")
    if name is None:
        return _assign(m, depth, indent)
    item = m.make(ELEMENT[m.fields[name]], depth)
    method = "remove" if m.risk() else m.one(["add", "add", "discard"])
    return [f"{indent}self.{name}.{method}({item})"]


def _change_map(m: Maker, depth: int, indent: str) -> list[str]:
    name = m.field_of("map_small", "map_opt", "map_set", "map_map", "map_bool", "map_pair")
    if name is None:
        return _assign(m, depth, indent)
    node, small = m.make("node", depth), m.make("small", depth)
    match m.fields[name]:
        case "map_small":
            change = f"+= {small}" if m.risk() else f"= {small}"
            return [f"{indent}self.{name}[{node}] {change}"]
        case "map_opt":
            return [f"{indent}self.{name}[{node}] = {m.make('opt_small', depth)}"]
        case "map_set":
            return [f"{indent}self.{name}[{node}].{m.one(['add', 'discard'])}({small})"]
        case "map_map":
            key = m.make("node", depth)
            return [f"{indent}self.{name}[{node}][{key}] = {m.make('bool', depth)}"]
        case "map_bool":
            return [f"{indent}self.{name}[{m.make('colour', depth)}] = {m.make('bool', depth)}"]
    return [f"{indent}self.{name}[{node}, {m.make('colour', depth)}] = {small}"]


def _change_seq(m: Maker, depth: int, indent: str) -> list[str]:
    name = m.field_of("seq_small", "seq_msg")
    if name is None:
        return _change_bag(m, depth, indent)
    item = m.make(ELEMENT[m.fields[name]], depth)
    change = m.one(
        [
            f"append({item})",
            f"insert(0, {item})",
            f"extend([{item}])",
            "pop(0)",
            f"remove({item})",
            "clear()",
        ]
    )
    lines = [f"{indent}self.{name}.{change}"]
    if m.risk():
        return lines
    room = {"seq_small": 3, "seq_msg": 2}[m.fields[name]]
    if change == "pop(0)":
        test = f"self.{name}"
    elif change.startswith("remove"):
        test = f"{item} in self.{name}"
    else:
        test = f"len(self.{name}) < {room}"
    return [f"{indent}if {test}:", f"    {lines[0]}"]


def _change_bag(m: Maker, depth: int, indent: str) -> list[str]:
    name = m.field_of("bag_small")
    if name is None:
        return _assign(m, depth, indent)
    item = m.make("small", depth)
    if m.risk():
        return [f"{indent}self.{name}.{m.one(['add', 'remove'])}({item})"]
    if m.pick(2):
        return [f"{indent}if {item} in self.{name}:", f"{indent}    self.{name}.remove({item})"]
    return [f"{indent}if len(self.{name}) < 3:", f"{indent}    self.{name}.add({item})"]


def _branch(m: Maker, depth: int, indent: str) -> list[str]:
    if depth <= 0:
        return _assign(m, depth, indent)
    lines = [f"{indent}if {m.make('bool', depth)}:"]
    lines += m.block(depth - 1, indent + "    ", 2)
    if m.pick(2):
        lines += [f"{indent}elif {m.make('bool', depth)}:"]
        lines += m.block(depth - 1, indent + "    ", 1)
    if m.pick(2):
        lines += [f"{indent}else:", *m.block(depth - 1, indent + "    ", 1)]
    return lines


def _ordered_loop(m: Maker, depth: int, indent: str) -> list[str]:
    if depth <= 0:
        return _change_map(m, depth, indent)
    name = m.name("i")
    source = m.one(["range(2)", m.make("seq_small", depth - 1), "range(self.most)"])
    lines = [f"{indent}for {name} in {source}:"]
    m.scope[name] = "small"
    lines += m.block(depth - 1, indent + "    ", 2)
    m.scope.pop(name, None)
    return lines


def _set_loop(m: Maker, depth: int, indent: str) -> list[str]:
    """A loop over identities whose body commutes."""
    name = m.name("i")
    m.scope[name] = "node"
    field = m.field_of("map_small", "set_node")
    if field is None:
        body = f"require({m.make('bool', 1)})"
    elif m.fields[field] == "map_small":
        body = f"self.{field}[{name}] = clipped(self.{field}[{name}] + 1)"
    else:
        body = f"self.{field}.add({name})"
    del m.scope[name]
    return [f"{indent}for {name} in self.nodes:", f"{indent}    {body}"]


def _match(m: Maker, depth: int, indent: str) -> list[str]:
    found = m.known("msg")
    if not found or depth <= 0:
        return _change_set(m, depth, indent)
    subject = m.one(found)
    name = m.name("n")
    lines = [f"{indent}match {subject}:", f"{indent}    case Ping(to=p, n={name}):"]
    m.scope[name] = "small"
    lines += m.block(depth - 1, indent + "        ", 1)
    m.scope.pop(name, None)
    lines += [f"{indent}    case {m.one(['Pong()', '_', 'Pong(ok=_)'])}:"]
    return [*lines, *m.block(depth - 1, indent + "        ", 1)]


def _effect(m: Maker, depth: int, indent: str) -> list[str]:
    if "effect" not in m.helpers:
        return _guard(m, depth, indent)
    return [f"{indent}self.effect({m.make('node', depth)})"]


_STATEMENTS: list[Statement] = [
    _change_set,
    _change_map,
    _assign,
    _change_map,
    _change_seq,
    _change_bag,
    _guard,
    _local,
    _branch,
    _ordered_loop,
    _set_loop,
    _match,
    _effect,
]


_CHANGING = 6
"""So many of the first statements change the state."""


# --------------------------------------------------------------------------- the whole spec


def random_spec(pick: Pick, depth: int = 3) -> str:
    """The source of a module with a random spec named `Random`."""
    m = Maker(pick)
    types = [m.one(FIELD_TYPES) for _ in range(2 + pick(3))]
    m.fields = {f"f{index}": of for index, of in enumerate(types)}
    lines = ["", "", "class Random(Spec):"]
    lines += ["    nodes: Set[Node] = members(2)", "    most: int = const(2)"]
    for name, of in m.fields.items():
        annotation = ANNOTATIONS[of].replace("BEYOND", m.one(['"error"', '"block"', '"prune"']))
        initial = f" = {INITIAL[of]}" if of in INITIAL else ""
        lines.append(f"    {name}: {annotation}{initial}")
    if pick(3) == 0:
        name = m.one(list(m.fields))
        m.scope = {"p": "node"}
        lines += ["", "    @init", "    def start(self, p: Node) -> None:"]
        lines += [f"        self.{name} = {m.make(m.fields[name], 1)}"]
    for index in range(pick(3)):
        lines += _helper(m, f"h{index}", m.one(["bool", "small"]), depth - 1)
    if pick(2):
        m.scope = {"p": "node"}
        lines += ["", "    def effect(self, p: Node) -> None:"]
        lines += m.block(1, "        ", 2)
        m.helpers["effect"] = "none"
    for index in range(1 + pick(3)):
        lines += _action(m, f"a{index}", depth)
    for name, of in m.fields.items():
        if of in _SCRAMBLED and pick(2):
            lines += ["", "    @action", f"    def any_{name}(self, x: {ANNOTATIONS[of]}) -> None:"]
            lines += [f"        self.{name} = x"]
    m.scope = {"p": "node"}
    lines += ["", "    @invariant", "    def holds(self, p: Node) -> bool:"]
    lines += [f"        return {m.make('bool', depth)}", ""]
    return HEADER + "\n".join(lines)


_SCRAMBLED = (
    "bool",
    "small",
    "colour",
    "opt_small",
    "opt_node",
    "set_node",
    "set_small",
    "map_bool",
    "map_small",
    "map_opt",
    "opt_ping",
    "map_map",
)
"""Types with few values: an action that assigns any of them reaches many states."""


def _helper(m: Maker, name: str, returns: str, depth: int) -> list[str]:
    m.scope = {"p": "node", "k": "small"}
    lines = ["", f"    def {name}(self, p: Node, k: Small) -> {ANNOTATIONS[returns]}:"]
    if m.pick(2):
        lines += [f"        if {m.make('bool', depth)}:"]
        lines += [f"            return {m.make(returns, depth)}"]
    lines += [f"        return {m.make(returns, depth)}"]
    m.helpers[name] = returns
    return lines


def _action(m: Maker, name: str, depth: int) -> list[str]:
    m.scope = {"p": "node"}
    params = ["p: Node"]
    body: list[str] = []
    for index in range(1 + m.pick(2)):
        of = m.one(PARAM_TYPES)
        params.append(f"q{index}: {ANNOTATIONS[of]}")
        m.scope[f"q{index}"] = of
    messages = m.field_of("set_msg", "seq_msg")
    if messages and m.pick(2):
        kind = m.one(["ping", "msg"])
        params.append(f"m: {ANNOTATIONS[kind]}")
        m.scope["m"] = kind
        body.append(f"        require(m in self.{messages})")
    nodes = m.field_of("set_node")
    if nodes and m.pick(2):
        params.append("s: Set[Node]")
        m.scope["s"] = "set_node"
        body.append(f"        require(s <= self.{nodes})")
    body += m.block(depth, "        ", 3)
    change = _STATEMENTS[m.pick(_CHANGING)]
    body += change(m, 1, "        ")
    return ["", "    @action", f"    def {name}(self, {', '.join(params)}) -> None:", *body]
