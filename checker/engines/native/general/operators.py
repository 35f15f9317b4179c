"""C for each operator of the IR, one row of `OPERATORS` for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from checker.engines.native.general.functions import LARGEST
from checker.engines.native.general.shapes import Array, Bits, List
from checker.engines.native.general.text import part
from checker.engines.native.general.writer import Writer
from checker.lang import ir
from checker.lang.definedness import row_of
from checker.lang.types import BagT, IntT, MapT, SeqT, SetT, Type
from checker.lang.values import Set

Operator = Callable[[Writer, ir.Op], str]

# --------------------------------------------------------------------------- truth


def _not(w: Writer, e: ir.Op) -> str:
    return f"(!{w.value(e.args[0])})"


def _junction(sign: str, goes_on: str) -> Operator:
    """`and`, `or`: an operand is only read where those before do not decide."""

    def write(w: Writer, e: ir.Op) -> str:
        parts = [w.value(e.args[0])]
        for arg in e.args[1:]:
            value, before = w.tried(arg)
            if not before:
                parts.append(value)
                continue
            made = w.declare(e.type, "test", f" {sign} ".join(parts))
            with w.block(f"if ({goes_on}{made})"):
                w.lines += before
                w.line(f"{made} = {value};")
            parts = [made]
        return f"({f' {sign} '.join(parts)})" if len(parts) > 1 else parts[0]

    return write


def _equal(sign: str) -> Operator:
    def write(w: Writer, e: ir.Op) -> str:
        a, b = (w.value(arg) for arg in e.args)
        if w.library.scalar(e.args[0].type):
            return f"({a} {sign} {b})"
        same = w.library.same(w.library.shape(e.args[0].type), a, b)
        return same if sign == "==" else f"(!{same})"

    return write


def _compare(w: Writer, e: ir.Op) -> str:
    a, b = (w.value(arg) for arg in e.args)
    return f"({a} {e.op} {b})"


# --------------------------------------------------------------------------- numbers

_LARGE = {"+": "add_large", "-": "subtract_large", "*": "multiply_large"}


def _held(of: Type) -> bool:
    """Whether numbers of this type are never too large."""
    assert isinstance(of, IntT)
    bounds = (of.low, of.high)
    return all(bound is not None and abs(bound) < LARGEST for bound in bounds)


def arithmetic(w: Writer, sign: str, of: Type, types: Sequence[Type], args: Sequence[str]) -> str:
    a, b = args
    if _held(of) and all(_held(each) for each in types):
        return f"((i64){a} {sign} {b})"
    made = w.declare(of, "number")
    w.line(f"if (UNLIKELY({_LARGE[sign]}({a}, {b}, &{made}))) return NO_ROOM;")
    return made


def _arithmetic(w: Writer, e: ir.Op) -> str:
    args = [w.value(arg) for arg in e.args]
    return arithmetic(w, e.op, e.type, [arg.type for arg in e.args], args)


def _division(function: str) -> Operator:
    def write(w: Writer, e: ir.Op) -> str:
        a, b = w.value(e.args[0]), w.atom(w.value(e.args[1]), "divisor")
        row = row_of(e)
        if row is None or not ir.is_true(row.when(e)):
            w.fail_if(f"{b} == 0")
        return f"{function}({a}, {b})"

    return write


def _negative(w: Writer, e: ir.Op) -> str:
    return f"(-(i64){w.value(e.args[0])})"


def _absolute(w: Writer, e: ir.Op) -> str:
    a = w.atom(w.value(e.args[0]))
    return f"({a} < 0 ? -(i64){a} : {a})"


def _extreme(sign: str) -> Operator:
    def write(w: Writer, e: ir.Op) -> str:
        best = w.atom(w.value(e.args[0]))
        for arg in e.args[1:]:
            other = w.atom(w.value(arg))
            best = w.atom(f"{other} {sign} {best} ? {other} : {best}", "best")
        return best

    return write


# --------------------------------------------------------------------------- tuples and sets


def _tuple_of(w: Writer, e: ir.Op) -> str:
    held = [w.value(arg) for arg in e.args]
    made = w.declare(e.type, "tuple", "" if held else "{0}")
    for at, value in enumerate(held):
        w.line(f"{made}.part{at} = {value};")
    return made


def _of(w: Writer, e: ir.Op) -> str:
    """A display of a Set or a Bag."""
    assert isinstance(e.type, SetT | BagT)
    held = [w.value(arg) for arg in e.args]
    made = w.zero(e.type, "all")
    for item in held:
        w.library.insert(w, e.type, made, item)
    return made


def _set_type(e: ir.Expr) -> SetT:
    assert isinstance(e.type, SetT)
    return e.type


def _member_of(w: Writer, of: SetT | SeqT | BagT, place: str, item: str) -> str:
    """Whether an item is there."""
    shape = w.library.shape(of)
    if isinstance(shape, Bits):
        return f"has_bit({part(place, 'w')}, {w.library.code(of.item, item)})"
    return f"({w.library.find(of, place, item)} >= 0)"


def _join(keep_a: str, both: str) -> Operator:
    """Two sets: words joined by `both`; of arrays, the items of `a` that pass, and of `b`."""

    def write(w: Writer, e: ir.Op) -> str:
        of = _set_type(e)
        a, b = (w.value(arg) for arg in e.args)
        shape = w.library.shape(of)
        if isinstance(shape, Bits):
            made = w.declare(of, "joined")
            for word in range(shape.words):
                left, right = part(a, f"w[{word}]"), part(b, f"w[{word}]")
                w.line(f"{made}.w[{word}] = {both.format(left, right)};")
            return made
        assert isinstance(shape, List)
        made = w.zero(of, "joined")
        with w.library.over(w, of, a, "item") as item:
            test = {"all": "1", "in": "", "out": "!"}[keep_a]
            test = test if test == "1" else f"{test}{_member_of(w, of, b, item)}"
            with w.block(f"if ({test})"):
                w.library.append(w, shape, made, item)
        if e.op in ("set.union", "set.xor"):
            with w.library.over(w, of, b, "item") as item:
                test = f"!{_member_of(w, of, a, item)}"
                with w.block(f"if ({test})"):
                    w.library.insert(w, of, made, item)
        return made

    return write


def _subset(strict: bool) -> Operator:
    def write(w: Writer, e: ir.Op) -> str:
        of = _set_type(e.args[0])
        a, b = (w.value(arg) for arg in e.args)
        shape = w.library.shape(of)
        if isinstance(shape, Bits):
            words = f"{part(a, 'w')}, {part(b, 'w')}, {shape.words}"
            test = f"subset_bits({words})"
        else:
            test = w.declare(e.type, "holds", "1")
            with w.library.over(w, of, a, "item") as item:
                w.line(f"if (!{_member_of(w, of, b, item)}) {test} = 0;")
        return f"({test} && !{w.library.same(shape, a, b)})" if strict else test

    return write


def _has(w: Writer, e: ir.Op) -> str:
    of = e.args[1].type
    assert isinstance(of, SetT | SeqT | BagT)
    item = w.value(e.args[0])
    return _member_of(w, of, w.value(e.args[1]), item)


def _length(w: Writer, e: ir.Op) -> str:
    return w.library.length(e.args[0].type, w.value(e.args[0]))


def _set_add(w: Writer, e: ir.Op) -> str:
    of = _set_type(e)
    place, item = w.value(e.args[0]), w.value(e.args[1])
    made = w.declare(of, "more", place)
    w.library.insert(w, of, made, item)
    return made


def _without(w: Writer, e: ir.Op) -> str:
    """`set.discard`, `set.remove`, `bag.remove`: one of an item less."""
    of = e.type
    assert isinstance(of, SetT | BagT)
    place, item = w.moved(e.args[0].type, of, w.value(e.args[0])), w.value(e.args[1])
    shape = w.library.shape(of)
    made = w.declare(of, "fewer", place)
    if isinstance(shape, Bits):
        code = w.atom(w.library.code(of.item, item), "code")
        if e.op == "set.remove":
            w.fail_if(f"!has_bit({made}.w, {code})")
        w.line(f"clear_bit({made}.w, {code});")
        return made
    at = w.atom(w.library.find(of, made, item), "at")
    if e.op != "set.discard":
        w.fail_if(f"{at} < 0")
    with w.block(f"if ({at} >= 0)"):
        _delete_at(w, made, at)
    return made


def _delete_at(w: Writer, made: str, at: str) -> None:
    w.line(f"{made}.n--;")
    w.line(f"for (i64 i = {at}; i < {made}.n; i++) {made}.at[i] = {made}.at[i + 1];")


def _subsets(majorities: bool) -> Operator:
    def write(w: Writer, e: ir.Op) -> str:
        of = _set_type(e)
        place = w.value(e.args[0])
        made = w.zero(of, "all")
        with w.subsets(_set_type(e.args[0]), place, "some", majorities) as item:
            w.library.insert(w, of, made, item)
        return made

    return write


def _first(only: bool) -> Operator:
    """`the` and `arbitrary`."""

    def write(w: Writer, e: ir.Op) -> str:
        of = _set_type(e.args[0])
        place = w.value(e.args[0])
        length = w.library.length(of, place)
        w.fail_if(f"{length} != 1" if only else f"{length} == 0")
        shape = w.library.shape(of)
        if isinstance(shape, List):
            return part(place, "at[0]")
        assert isinstance(shape, Bits)
        made, code = w.declare(of.item, "first"), w.name("code")
        w.line(f"u32 {code} = next_bit({part(place, 'w')}, {shape.words}, 0);")
        w.library.uncode(w, of.item, code, made)
        return made

    return write


def _listed(w: Writer, e: ir.Op) -> str:
    """`set.sorted`, `bag.support`: the items of a container, in order, each once."""
    held, to = e.args[0].type, e.type
    assert isinstance(held, SetT | BagT)
    assert isinstance(to, SeqT | SetT)
    place = w.value(e.args[0])
    made = w.zero(to, "all")
    with w.library.over(w, held, place, "item") as item:
        if isinstance(to, SetT):
            w.library.insert(w, to, made, item)
        else:
            _append(w, to, made, item)
    return made


# --------------------------------------------------------------------------- maps


class Keys:
    """A Map that is filled key by key; unless `total`, it is checked that each key came."""

    def __init__(self, w: Writer, of: MapT, total: bool) -> None:
        self.w, self.of, self.total = w, of, total
        self.place = w.zero(of, "map")
        self.given = w.name("given")
        shape = w.library.shape(of)
        assert isinstance(shape, Array)
        if not total:
            w.line(f"u8 {self.given}[{max(1, shape.length)}] = {{0}};")

    def put(self, code: str, value: str) -> None:
        self.w.line(f"{self.place}.at[{code}] = {value};")
        if not self.total:
            self.w.line(f"{self.given}[{code}] = 1;")

    def made(self) -> str:
        if not self.total:
            key = self.w.name("key")
            with self.w.library.over_keys(self.w, self.of, key):
                self.w.fail_if(f"!{self.given}[{key}]")
        return self.place


def key_code(w: Writer, of: MapT, key: ir.Expr) -> str:
    """Where the value of a key stands; a model error if it is no key."""
    place = w.value(key)
    if isinstance(key.type, IntT):
        place = w.atom(place, "key")
    outside = w.library.outside(key.type, of.key, place)
    if outside is not None:
        w.fail_if(f"{outside} != DONE")
    return w.library.code(of.key, w.moved(key.type, of.key, place, "key"))


def _map_get(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    assert isinstance(of, MapT)
    place = w.value(e.args[0])
    return part(place, f"at[{key_code(w, of, e.args[1])}]")


def _map_set(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, MapT)
    place = w.value(e.args[0])
    code = w.atom(key_code(w, e.type, e.args[1]), "key")
    value = w.value(e.args[2])
    made = w.declare(e.type, "changed", place)
    w.line(f"{made}.at[{code}] = {value};")
    return made


def _map_fill(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, MapT)
    value = w.value(e.args[0])
    made, key = w.zero(e.type, "map"), w.name("key")
    with w.library.over_keys(w, e.type, key):
        w.line(f"{made}.at[{key}] = {value};")
    return made


def _map_of(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, MapT)
    row = row_of(e)
    assert row is not None
    held = [w.value(arg) for arg in e.args]
    keys = Keys(w, e.type, ir.is_true(row.when(e)))
    for key, value in zip(held[0::2], held[1::2], strict=True):
        keys.put(w.atom(w.library.code(e.type.key, key), "code"), value)
    return keys.made()


def _map_keys(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    assert isinstance(of, MapT)
    w.value(e.args[0])
    return w.library.literal(e.type, Set(of.key.values()))


def _map_length(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    assert isinstance(of, MapT)
    w.value(e.args[0])
    return str(of.key.size)


# --------------------------------------------------------------------------- sequences and bags


def _list_of(w: Writer, of: Type) -> List:
    shape = w.library.shape(of)
    assert isinstance(shape, List)
    return shape


def _append(w: Writer, of: SeqT, made: str, item: str) -> None:
    w.library.append(w, _list_of(w, of), made, item)


def _seq_of(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, SeqT)
    held = [w.value(arg) for arg in e.args]
    made = w.zero(e.type, "list")
    for item in held:
        _append(w, e.type, made, item)
    return made


def index(w: Writer, place: str, at: ir.Expr) -> str:
    """An index as a place; a model error if there is none."""
    n = part(place, "n")
    if isinstance(at, ir.Literal):
        w.fail_if(f"{n} <= {at.value}" if at.value >= 0 else f"{n} < {-at.value}")
        return str(at.value) if at.value >= 0 else f"({n} - {-at.value})"
    made = w.name("at")
    w.line(f"i64 {made} = {w.value(at)};")
    assert isinstance(at.type, IntT)
    if at.type.low is None or at.type.low < 0:
        w.line(f"if ({made} < 0) {made} += {n};")
        w.fail_if(f"{made} < 0 || {made} >= {n}")
    else:
        w.fail_if(f"{made} >= {n}")
    return made


def _seq_get(w: Writer, e: ir.Op) -> str:
    place = w.value(e.args[0])
    return part(place, f"at[{index(w, place, e.args[1])}]")


def _copied(w: Writer, e: ir.Op, place: str) -> str:
    """The sequence or bag of the first operand, as one of the type of the whole."""
    made = w.declare(e.type, "changed")
    w.library.move(w, e.args[0].type, e.type, place, made)
    return made


def _copied_items(w: Writer, e: ir.Op, made: str, place: str, ends: tuple[str, str]) -> None:
    i, (low, high) = w.name("i"), ends
    with w.block(f"for (i64 {i} = {low}; {i} < {high}; {i}++)"):
        w.library.append(w, _list_of(w, e.type), made, part(place, f"at[{i}]"))


def _seq_slice(w: Writer, e: ir.Op) -> str:
    place = w.value(e.args[0])
    low, high = _ends(w, e, place)
    made = w.zero(e.type, "slice")
    _copied_items(w, e, made, place, (low, high))
    return made


def _ends(w: Writer, e: ir.Op, place: str) -> tuple[str, str]:
    n = part(place, "n")
    low = w.atom(f"clamped({w.value(e.args[1])}, {n})", "low")
    return low, w.atom(f"clamped({w.value(e.args[2])}, {n})", "high")


def _seq_set(w: Writer, e: ir.Op) -> str:
    place = w.value(e.args[0])
    at, item = index(w, place, e.args[1]), w.value(e.args[2])
    made = _copied(w, e, place)
    w.line(f"{made}.at[{at}] = {item};")
    return made


def _seq_append(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, SeqT)
    place, item = w.value(e.args[0]), w.value(e.args[1])
    made = _copied(w, e, place)
    _append(w, e.type, made, item)
    return made


def _seq_concat(w: Writer, e: ir.Op) -> str:
    a, b = w.value(e.args[0]), w.value(e.args[1])
    made = _copied(w, e, a)
    _copied_items(w, e, made, b, ("0", part(b, "n")))
    return made


def _seq_insert(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, SeqT)
    place, at, item = (w.value(arg) for arg in e.args)
    before = w.atom(f"clamped({at}, {part(place, 'n')})", "before")
    made = w.zero(e.type, "changed")
    _copied_items(w, e, made, place, ("0", before))
    _append(w, e.type, made, item)
    _copied_items(w, e, made, place, (before, part(place, "n")))
    return made


def _seq_delete(w: Writer, e: ir.Op) -> str:
    place = w.value(e.args[0])
    at = index(w, place, e.args[1])
    made = w.zero(e.type, "changed")
    _copied_items(w, e, made, place, ("0", at))
    _copied_items(w, e, made, place, (f"{at} + 1", part(place, "n")))
    return made


def _seq_cut(w: Writer, e: ir.Op) -> str:
    place = w.value(e.args[0])
    low, high = _ends(w, e, place)
    made = w.zero(e.type, "changed")
    _copied_items(w, e, made, place, ("0", low))
    _copied_items(w, e, made, place, (f"{low} > {high} ? {low} : {high}", part(place, "n")))
    return made


def _seq_remove(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    assert isinstance(of, SeqT)
    place, item = w.value(e.args[0]), w.value(e.args[1])
    at = w.atom(w.library.find(of, place, item), "at")
    w.fail_if(f"{at} < 0")
    made = w.zero(e.type, "changed")
    _copied_items(w, e, made, place, ("0", at))
    _copied_items(w, e, made, place, (f"{at} + 1", part(place, "n")))
    return made


def _count(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    place, item = w.value(e.args[0]), w.value(e.args[1])
    made, i = w.declare(e.type, "count", "0"), w.name("i")
    with w.block(f"for (int {i} = 0; {i} < {part(place, 'n')}; {i}++)"):
        w.line(f"{made} += {w.library.same(_list_of(w, of).item, part(place, f'at[{i}]'), item)};")
    return made


def _seq_index(w: Writer, e: ir.Op) -> str:
    of = e.args[0].type
    assert isinstance(of, SeqT)
    place, item = w.value(e.args[0]), w.value(e.args[1])
    at = w.atom(w.library.find(of, place, item), "at")
    w.fail_if(f"{at} < 0")
    return at


def _seq_reversed(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, SeqT)
    place = w.value(e.args[0])
    made, i = w.zero(e.type, "reversed"), w.name("i")
    with w.block(f"for (int {i} = {part(place, 'n')}; {i}-- > 0;)"):
        _append(w, e.type, made, part(place, f"at[{i}]"))
    return made


def _seq_sorted(w: Writer, e: ir.Op) -> str:
    """As a bag is filled: each item goes where it belongs."""
    held = e.args[0].type
    assert isinstance(held, SeqT)
    place, i = w.value(e.args[0]), w.name("i")
    bag = BagT(held.item, held.at_most)
    made = w.zero(bag, "sorted")
    with w.block(f"for (int {i} = 0; {i} < {part(place, 'n')}; {i}++)"):
        w.library.insert(w, bag, made, part(place, f"at[{i}]"))
    found = w.zero(e.type, "list")
    _copied_items(w, e, found, made, ("0", f"{made}.n"))
    return found


def _bag_add(w: Writer, e: ir.Op) -> str:
    assert isinstance(e.type, BagT)
    place, item = w.value(e.args[0]), w.value(e.args[1])
    made = _copied(w, e, place)
    w.library.insert(w, e.type, made, item)
    return made


OPERATORS: dict[str, Operator] = {
    "not": _not,
    "and": _junction("&&", ""),
    "or": _junction("||", "!"),
    "==": _equal("=="),
    "!=": _equal("!="),
    "<": _compare,
    "<=": _compare,
    ">": _compare,
    ">=": _compare,
    "+": _arithmetic,
    "-": _arithmetic,
    "*": _arithmetic,
    "//": _division("floor_div"),
    "%": _division("floor_mod"),
    "neg": _negative,
    "abs": _absolute,
    "min": _extreme("<"),
    "max": _extreme(">"),
    "tuple.of": _tuple_of,
    "set.of": _of,
    "set.union": _join("all", "{} | {}"),
    "set.both": _join("in", "{} & {}"),
    "set.minus": _join("out", "{} & ~{}"),
    "set.xor": _join("out", "{} ^ {}"),
    "set.subset": _subset(False),
    "set.strict": _subset(True),
    "set.has": _has,
    "set.len": _length,
    "set.add": _set_add,
    "set.discard": _without,
    "set.remove": _without,
    "set.sorted": _listed,
    "set.subsets": _subsets(False),
    "set.majorities": _subsets(True),
    "set.the": _first(True),
    "set.arbitrary": _first(False),
    "map.get": _map_get,
    "map.set": _map_set,
    "map.fill": _map_fill,
    "map.of": _map_of,
    "map.keys": _map_keys,
    "map.len": _map_length,
    "seq.of": _seq_of,
    "seq.get": _seq_get,
    "seq.slice": _seq_slice,
    "seq.set": _seq_set,
    "seq.append": _seq_append,
    "seq.concat": _seq_concat,
    "seq.insert": _seq_insert,
    "seq.delete": _seq_delete,
    "seq.cut": _seq_cut,
    "seq.remove": _seq_remove,
    "seq.has": _has,
    "seq.len": _length,
    "seq.count": _count,
    "seq.index": _seq_index,
    "seq.reversed": _seq_reversed,
    "seq.sorted": _seq_sorted,
    "bag.of": _of,
    "bag.add": _bag_add,
    "bag.remove": _without,
    "bag.has": _has,
    "bag.len": _length,
    "bag.count": _count,
    "bag.support": _listed,
}
