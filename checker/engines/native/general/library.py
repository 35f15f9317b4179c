"""What C can do with the values of each type: one small function for each type and need.

Functions are made when they are first asked for, and stand in the file in that order, so that
each stands before its users.  A value with one number (`Scalar`) is an expression; any other
value is a place, and functions take pointers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from checker.engines.native.general.codes import (
    code_of,
    codes,
    has_gaps,
    members,
    parts_of,
    places_of_sets,
    sets_in_order,
    value_of,
)
from checker.engines.native.general.packing import Widths, is_plain, width
from checker.engines.native.general.shapes import (
    Array,
    Bits,
    List,
    Maybe,
    NotInCError,
    Scalar,
    Shape,
    Shapes,
    Struct,
    Tagged,
    member,
    stem,
)
from checker.engines.native.general.text import Body, address, function, part
from checker.lang.infer import NeverT, kinds_of, subtype
from checker.lang.types import (
    BagT,
    Beyond,
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
)

STATUS: dict[Beyond, str] = {"error": "ERROR", "block": "BLOCKED", "prune": "PRUNED"}

MOST_LISTED = 1024
"""Types with more values than this are not listed in a table."""

LARGEST = 2**62
"""No number in C is as large as this."""


class Library:
    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.widths = Widths(shapes)
        self.functions: list[str] = []
        self.made: dict[tuple[Any, ...], str] = {}
        self.names: set[str] = set()

    def shape(self, of: Type) -> Shape:
        return self.shapes.of(of)

    def scalar(self, of: Type) -> bool:
        return isinstance(self.shape(of), Scalar)

    def fresh(self, wanted: str) -> str:
        found, number = member(wanted), 1
        while found in self.names:
            number += 1
            found = f"{member(wanted)}_{number}"
        self.names.add(found)
        return found

    def once(self, key: tuple[Any, ...], name: str, make: Callable[[str], str]) -> str:
        """The function for a key, made the first time."""
        if key not in self.made:
            fresh = self.fresh(name)
            self.functions.append(make(fresh))
            self.made[key] = fresh
        return self.made[key]

    def table(self, key: tuple[Any, ...], name: str, of: str, values: tuple[int, ...]) -> str:
        def make(fresh: str) -> str:
            inside = ", ".join(map(str, values)) or "0"
            return f"static const {of} {fresh}[{max(1, len(values))}] = {{{inside}}};\n"

        return self.once(("table", *key), name, make)

    # ------------------------------------------------------------- values that are known

    def literal(self, of: Type, value: Any) -> str:
        if self.scalar(of):
            return self.initializer(of, value)

        def make(name: str) -> str:
            return f"static const {self.shape(of).name} {name} = {self.initializer(of, value)};\n"

        return self.once(("literal", self.shape(of).name, of, value), f"the{stem(of)}", make)

    def initializer(self, of: Type, value: Any) -> str:
        shape = self.shape(of)
        if isinstance(shape, Scalar):
            return self._number(of, value)
        match of:
            case OptionT(item):
                return "{0}" if value is None else f"{{1, {self.initializer(item, value)}}}"
            case RecordT(_, fields):
                held = [self.initializer(kind, getattr(value, name)) for name, kind in fields]
                return "{" + (", ".join(held) or "0") + "}"
            case TupleT(items):
                held = [self.initializer(kind, v) for kind, v in zip(items, value, strict=True)]
                return "{" + (", ".join(held) or "0") + "}"
            case UnionT(kinds):
                at = next(i for i, kind in enumerate(kinds) if kind.kind is type(value))
                inside = self.initializer(kinds[at], value)
                return f"{{{at}, {{.{member(str(kinds[at]))} = {inside}}}}}"
            case SetT(item) if isinstance(shape, Bits):
                bits = sum(1 << code_of(item, one) for one in value)
                words = [bits >> 64 * at & (2**64 - 1) for at in range(shape.words)]
                return "{{" + ", ".join(f"{word:#x}u" for word in words) + "}}"
            case SetT(item) | SeqT(item) | BagT(item):
                assert isinstance(shape, List)
                held = [self.initializer(item, one) for one in value]
                if len(held) > shape.room:
                    raise NotInCError(f"{len(held)} items of {of}")
                return f"{{{len(held)}, {{{', '.join(held) or '0'}}}}}" if held else "{0}"
            case MapT(key, kind):
                pairs = zip(members(key), value.values(), strict=True)
                held = [f"[{code}] = {self.initializer(kind, one)}" for code, one in pairs]
                return "{{" + (", ".join(held) or "0") + "}}"
        raise NotInCError(f"a value of {of}")

    def _number(self, of: Type, value: Any) -> str:
        match of:
            case OptionT(item):
                return "NONE" if value is None else self._number(item, value)
            case IntT():
                if not -LARGEST < value < LARGEST:
                    raise NotInCError(f"the number {value}")
                return str(value)
            case NeverT():
                return "0"
        return str(code_of(of, value))

    # ------------------------------------------------------------- equality and order

    def same(self, shape: Shape, a: str, b: str) -> str:
        match shape:
            case Scalar():
                return f"({a} == {b})"
            case Bits(words=words):
                return f"same_bits({part(a, 'w')}, {part(b, 'w')}, {words})"
        name = self.once(("same", shape), f"same_{shape.name}", lambda n: self._same(n, shape))
        return f"{name}({address(a)}, {address(b)})"

    def _same(self, name: str, shape: Shape) -> str:
        body = Body()
        match shape:
            case Struct(_, parts):
                tests = [self.same(of, f"a->{name}", f"b->{name}") for name, of in parts]
                body.line(f"return {' && '.join(tests) or '1'};")
            case Maybe(_, item):
                inner = self.same(item, "a->it", "b->it")
                body.line(f"return a->some == b->some && (!a->some || {inner});")
            case Tagged(_, kinds):
                body.line("if (a->kind != b->kind) return 0;")
                with body.block("switch (a->kind)"):
                    for at, (kind, of) in enumerate(kinds):
                        inner = self.same(of, f"a->as.{kind}", f"b->as.{kind}")
                        body.line(f"case {at}: return {inner};")
                body.line("return 1;")
            case List(_, item):
                body.line("if (a->n != b->n) return 0;")
                with body.block("for (int i = 0; i < a->n; i++)"):
                    body.line(f"if (!{self.same(item, 'a->at[i]', 'b->at[i]')}) return 0;")
                body.line("return 1;")
            case Array(_, item, length):
                with body.block(f"for (int i = 0; i < {length}; i++)"):
                    body.line(f"if (!{self.same(item, 'a->at[i]', 'b->at[i]')}) return 0;")
                body.line("return 1;")
        header = f"static inline int {name}(const {shape.name} *a, const {shape.name} *b)"
        return function(header, body.lines)

    def order(self, of: Type, a: str, b: str) -> str:
        """Below 0, 0 or above 0, as `a` stands before, at or after `b` in canonical order."""
        shape = self.shape(of)
        match shape:
            case Scalar():
                return f"compare({a}, {b})"
            case Bits(words=words):
                return f"compare_bits({part(a, 'w')}, {part(b, 'w')}, {words})"
        name = self.once(("order", of), f"order_{shape.name}", lambda n: self._order(n, of))
        return f"{name}({address(a)}, {address(b)})"

    def _order(self, name: str, of: Type) -> str:
        body, shape = Body(), self.shape(of)
        body.line("int order = 0;")
        match of:
            case RecordT() | TupleT():
                assert isinstance(shape, Struct)
                for (held, _), kind in zip(shape.members, parts_of(of), strict=True):
                    body.line(f"order = {self.order(kind, f'a->{held}', f'b->{held}')};")
                    body.line("if (order) return order;")
            case OptionT(item):
                body.line("if (!a->some || !b->some) return compare(a->some, b->some);")
                body.line(f"order = {self.order(item, 'a->it', 'b->it')};")
            case UnionT(kinds):
                body.line("if (a->kind != b->kind) return compare(a->kind, b->kind);")
                with body.block("switch (a->kind)"):
                    for at, kind in enumerate(kinds):
                        held = f"as.{member(str(kind))}"
                        inner = self.order(kind, f"a->{held}", f"b->{held}")
                        body.line(f"case {at}: return {inner};")
            case SeqT(item) | SetT(item):
                body.line("if (a->n != b->n) return compare(a->n, b->n);")
                with body.block("for (int i = 0; i < a->n && !order; i++)"):
                    body.line(f"order = {self.order(item, 'a->at[i]', 'b->at[i]')};")
            case BagT(item):
                self._order_of_bags(body, item)
            case MapT(_, value):
                with self.over_keys(body, of, "i"):
                    body.line(f"order = {self.order(value, 'a->at[i]', 'b->at[i]')};")
                    body.line("if (order) return order;")
        body.line("return order;")
        header = f"static int {name}(const {shape.name} *a, const {shape.name} *b)"
        return function(header, body.lines)

    def _order_of_bags(self, body: Body, item: Type) -> None:
        """By size, then by the first item that stands there another number of times."""
        shape = self.shape(item)
        body.line("if (a->n != b->n) return compare(a->n, b->n);")
        with body.block("for (int i = 0; i < a->n;)"):
            body.line(f"order = {self.order(item, 'a->at[i]', 'b->at[i]')};")
            body.line("if (order) return order;")
            body.line("int j = i, k = i;")
            for at, bag in (("j", "a"), ("k", "b")):
                test = self.same(shape, f"{bag}->at[{at}]", f"{bag}->at[i]")
                body.line(f"while ({at} < {bag}->n && {test}) {at}++;")
            body.line("if (j != k) return compare(j, k);")
            body.line("i = j;")

    @contextmanager
    def over_keys(self, body: Body, of: MapT, name: str) -> Iterator[None]:
        """A loop over the codes of a Map's keys."""
        held = members(of.key)
        if not has_gaps(of.key):
            with body.block(f"for (int {name} = 0; {name} < {len(held)}; {name}++)"):
                yield
            return
        table = self.table(("keys", of.key), f"keys_{stem(of.key)}", "u32", held)
        step = body.name("step")
        with body.block(f"for (int {step} = 0; {step} < {len(held)}; {step}++)"):
            body.line(f"int {name} = {table}[{step}];")
            yield

    # ------------------------------------------------------------- codes

    def code(self, of: Type, x: str) -> str:
        """The code of a value."""
        if is_plain(of):
            match of:
                case IntT(low):
                    assert low is not None
                    return f"({x} - {low})" if low > 0 else f"({x} + {-low})" if low else x
                case OptionT(item):
                    return f"({x} == NONE ? 0 : 1 + {self.code(item, x)})"
            return x
        name = self.once(("code", of), f"code_of_{stem(of)}", lambda n: self._code(n, of))
        return f"{name}({address(x)})"

    def _code(self, name: str, of: Type) -> str:
        body, shape = Body(), self.shape(of)
        match of:
            case OptionT(item):
                body.line(f"return x->some ? 1 + {self.code(item, 'x->it')} : 0;")
            case RecordT() | TupleT():
                assert isinstance(shape, Struct)
                body.line("u32 code = 0;")
                for (held, _), kind in zip(shape.members, parts_of(of), strict=True):
                    body.line(f"code = code * {codes(kind)}u + {self.code(kind, f'x->{held}')};")
                body.line("return code;")
            case UnionT(kinds):
                before = 0
                with body.block("switch (x->kind)"):
                    for at, kind in enumerate(kinds):
                        inner = self.code(kind, f"x->as.{member(str(kind))}")
                        body.line(f"case {at}: return {before} + {inner};")
                        before += codes(kind) or 0
                body.line("return 0;")
            case SetT(item):
                size = codes(item) or 0
                places = places_of_sets(size)
                table = self.table(("places", size), f"place_of_set_of_{size}", "u16", places)
                body.line(f"return {table}[x->w[0]];")
            case MapT(_, value):
                body.line("u32 code = 0;")
                with self.over_keys(body, of, "i"):
                    body.line(f"code = code * {codes(value)}u + {self.code(value, 'x->at[i]')};")
                body.line("return code;")
            case SeqT(item):
                body.line("u32 code = 0;")
                with body.block("for (int i = 0; i < x->n; i++)"):
                    body.line(f"code = code * {codes(item)}u + {self.code(item, 'x->at[i]')};")
                body.line(f"return {self._shorter(of)}[x->n] + code;")
        return function(f"static u32 {name}(const {shape.name} *x)", body.lines)

    def _shorter(self, of: SeqT) -> str:
        """For each length, how many shorter sequences there are."""
        size, total, counts = codes(of.item) or 0, 0, []
        for length in range((of.at_most or 0) + 1):
            counts.append(total)
            total += size**length
        return self.table(("shorter", size, len(counts)), "shorter", "u32", tuple(counts))

    def uncode(self, body: Body, of: Type, code: str, into: str) -> None:
        """The value with a code, into a place."""
        if is_plain(of):
            body.line(f"{into} = {self.plain_of(of, code)};")
            return
        name = self.once(("uncode", of), f"{stem(of)}_of_code", lambda n: self._uncode(n, of))
        body.line(f"{name}({code}, {address(into)});")

    def plain_of(self, of: Type, code: str) -> str:
        match of:
            case IntT(low) if low:
                return f"(i64){code} + {low}" if low > 0 else f"(i64){code} - {-low}"
            case OptionT(item):
                low = (item.low or 0) - 1 if isinstance(item, IntT) else -1
                return f"{code} == 0 ? NONE : (i64){code} + {low}".replace("+ -", "- ")
        return f"(i64){code}"

    def _uncode(self, name: str, of: Type) -> str:
        body, shape = Body(), self.shape(of)
        match of:
            case OptionT(item):
                body.line("x->some = code != 0;")
                body.line("if (!code) return;")
                self.uncode(body, item, "(code - 1)", "x->it")
            case RecordT() | TupleT():
                assert isinstance(shape, Struct)
                pairs = list(zip(shape.members, parts_of(of), strict=True))
                for (held, _), kind in reversed(pairs):
                    self.uncode(body, kind, f"(code % {max(1, codes(kind) or 0)})", f"x->{held}")
                    body.line(f"code /= {max(1, codes(kind) or 0)};")
            case UnionT(kinds):
                for at, kind in enumerate(kinds):
                    with body.block(f"if (code < {codes(kind)})"):
                        body.line(f"x->kind = {at};")
                        self.uncode(body, kind, "code", f"x->as.{member(str(kind))}")
                        body.line("return;")
                    body.line(f"code -= {codes(kind)};")
            case SetT(item):
                size = codes(item) or 0
                sets = sets_in_order(size)
                table = self.table(("sets", size), f"sets_of_{size}", "u16", sets)
                body.line(f"x->w[0] = {table}[code];")
            case MapT(key, value):
                for at in reversed(members(key)):
                    self.uncode(
                        body, value, f"(code % {max(1, codes(value) or 0)})", f"x->at[{at}]"
                    )
                    body.line(f"code /= {max(1, codes(value) or 0)};")
            case SeqT(item, at_most):
                table = self._shorter(of)
                body.line("x->n = 0;")
                with body.block(f"while (x->n < {at_most} && code >= {table}[x->n + 1])"):
                    body.line("x->n++;")
                body.line(f"code -= {table}[x->n];")
                with body.block("for (int i = x->n; i-- > 0;)"):
                    self.uncode(body, item, f"(code % {max(1, codes(item) or 0)})", "x->at[i]")
                    body.line(f"code /= {max(1, codes(item) or 0)};")
        return function(f"static void {name}(u32 code, {shape.name} *x)", body.lines)

    # ------------------------------------------------------------- containers

    def append(self, body: Body, shape: List, to: str, item: str) -> None:
        """One item more at the end."""
        n = part(to, "n")
        body.line(f"if (UNLIKELY({n} == {shape.room})) return NO_ROOM;")
        body.line(f"{part(to, f'at[{n}++]')} = {item};")

    def insert(self, body: Body, of: SetT | BagT, to: str, item: str) -> None:
        """One item more, where it belongs; in a Set only if it is not there."""
        shape = self.shape(of)
        if isinstance(shape, Bits):
            body.line(f"set_bit({part(to, 'w')}, {self.code(of.item, item)});")
            return
        name = self.once(("insert", of), f"insert_{shape.name}", lambda n: self._insert(n, of))
        given = item if self.scalar(of.item) else address(item)
        body.line(f"if (UNLIKELY({name}({address(to)}, {given}))) return NO_ROOM;")

    def _insert(self, name: str, of: SetT | BagT) -> str:
        body, shape = Body(), self.shape(of)
        assert isinstance(shape, List)
        item = "x" if self.scalar(of.item) else "(*x)"
        body.line("int i = to->n;")
        order = self.order(of.item, "to->at[i - 1]", item)
        body.line(f"while (i > 0 && {order} > 0) i--;")
        if isinstance(of, SetT):
            same = self.same(shape.item, "to->at[i - 1]", item)
            body.line(f"if (i > 0 && {same}) return DONE;")
        body.line(f"if (to->n == {shape.room}) return NO_ROOM;")
        body.line("for (int j = to->n++; j > i; j--) to->at[j] = to->at[j - 1];")
        body.line(f"to->at[i] = {item};")
        body.line("return DONE;")
        return function(
            f"static int {name}({shape.name} *to, {self.parameter(of.item, 'x')})", body.lines
        )

    def find(self, of: SetT | SeqT | BagT, x: str, item: str) -> str:
        """The first place of an item in an array, or -1."""
        shape = self.shape(of)
        assert isinstance(shape, List)
        name = self.once(("find", shape), f"find_in_{shape.name}", lambda n: self._find(n, shape))
        given = item if isinstance(shape.item, Scalar) else address(item)
        return f"{name}({address(x)}, {given})"

    def _find(self, name: str, shape: List) -> str:
        body = Body()
        simple = isinstance(shape.item, Scalar)
        with body.block("for (int i = 0; i < x->n; i++)"):
            test = self.same(shape.item, "x->at[i]", "item" if simple else "(*item)")
            body.line(f"if ({test}) return i;")
        body.line("return -1;")
        held = "i64 item" if simple else f"const {shape.item.name} *item"
        return function(f"static inline int {name}(const {shape.name} *x, {held})", body.lines)

    def parameter(self, of: Type, name: str) -> str:
        return f"i64 {name}" if self.scalar(of) else f"const {self.shape(of).name} *{name}"

    @contextmanager
    def over(self, body: Body, of: SetT | SeqT | BagT, x: str, name: str) -> Iterator[str]:
        """A loop over what a place holds, in order; gives the place of the item."""
        shape = self.shape(of)
        i = body.name("i")
        if isinstance(shape, List):
            with body.block(f"for (int {i} = 0; {i} < {part(x, 'n')}; {i}++)"):
                yield part(x, f"at[{i}]")
            return
        assert isinstance(shape, Bits)
        w, n = part(x, "w"), shape.words
        step = f"{i} = next_bit({w}, {n}, {i} + 1)"
        with body.block(f"for (u32 {i} = next_bit({w}, {n}, 0); {i} < {shape.codes}; {step})"):
            yield self.value_of_code(body, of.item, i, name)

    def value_of_code(self, body: Body, of: Type, code: str, name: str) -> str:
        """The value with a code, to be read: from a table, if that is small."""
        if not self.scalar(of) and len(members(of)) <= MOST_LISTED:
            return f"{self._values(of)}[{code}]"
        made = body.name(name)
        body.line(f"{self.variable(of)} {made};")
        self.uncode(body, of, code, made)
        return made

    def _values(self, of: Type) -> str:
        """All values of a type, by code."""

        def make(name: str) -> str:
            held = members(of)
            rows = [f"    [{at}] = {self.initializer(of, value_of(of, at))},\n" for at in held]
            kind = self.shape(of).name
            length = max(1, codes(of) or 0)
            inside = "".join(rows) or "    {0}\n"
            return f"static const {kind} {name}[{length}] = {{\n{inside}}};\n"

        return self.once(("values", of), f"values_of_{stem(of)}", make)

    def variable(self, of: Type) -> str:
        """The C type of a variable with values of a type."""
        return "i64" if self.scalar(of) else self.shape(of).name

    # ------------------------------------------------------------- from type to type

    def outside(self, a: Type, b: Type, x: str) -> str | None:
        """What happens where a value of `a` is no value of `b`; `None`: it always is one."""
        if subtype(a, b):
            return None
        if isinstance(a, IntT) and isinstance(b, IntT):
            tests = []
            if b.low is not None and (a.low is None or a.low < b.low):
                tests.append(f"{x} < {b.low}")
            if b.high is not None and (a.high is None or a.high > b.high):
                tests.append(f"{x} > {b.high}")
            return f"({' || '.join(tests)} ? {STATUS[b.beyond]} : DONE)" if tests else None
        if isinstance(a, BoolT | EnumT | LabelT | SortT):
            if isinstance(b, OptionT):
                return self.outside(a, b.item, x)
            return "ERROR"
        name = self.once(("outside", a, b), f"outside_{stem(b)}", lambda n: self._outside(n, a, b))
        return f"{name}({x if self.scalar(a) else address(x)})"

    def _outside(self, name: str, a: Type, b: Type) -> str:
        body = Body()
        place = "x" if self.scalar(a) else "(*x)"
        body.line("int status = DONE;")
        self._check(body, a, b, place)
        body.line("return status;")
        return function(f"static int {name}({self.parameter(a, 'x')})", body.lines)

    def _checked(self, body: Body, a: Type, b: Type, x: str) -> None:
        found = self.outside(a, b, x)
        if found == "ERROR":
            body.line("return ERROR;")
        elif found is not None:
            body.line(f"status = {found};")
            body.line("if (status) return status;")

    def _check(self, body: Body, a: Type, b: Type, x: str) -> None:
        match a, b:
            case OptionT(), _:
                scalar = self.scalar(a)
                there = f"{x} != NONE" if scalar else part(x, "some")
                held = x if scalar else part(x, "it")
                with body.block(f"if ({there})"):
                    self._checked(body, a.item, b.item if isinstance(b, OptionT) else b, held)
                if not isinstance(b, OptionT):
                    body.line("else return ERROR;")
            case _, OptionT(item):
                self._checked(body, a, item, x)
            case RecordT(_, fields), RecordT(kind) if a.kind is kind:
                for (name, mine), theirs in zip(fields, parts_of(b), strict=True):
                    self._checked(body, mine, theirs, part(x, member(name)))
            case RecordT() | UnionT(), RecordT() | UnionT():
                self._check_kinds(body, a, b, x)
            case TupleT(mine), TupleT(theirs) if len(mine) == len(theirs):
                for at, (one, other) in enumerate(zip(mine, theirs, strict=True)):
                    self._checked(body, one, other, part(x, f"part{at}"))
            case MapT(_, mine), MapT(_, theirs):
                if not subtype(mine, theirs):
                    with self.over_keys(body, a, "i"):
                        self._checked(body, mine, theirs, part(x, "at[i]"))
            case (SetT() | SeqT() | BagT(), SetT() | SeqT() | BagT()) if type(a) is type(b):
                if not subtype(a.item, b.item):
                    with self.over(body, a, x, "item") as held:
                        self._checked(body, a.item, b.item, held)
                if b.at_most is not None:
                    length = self.length(a, x)
                    body.line(f"if ({length} > {b.at_most}) return {STATUS[b.beyond]};")
            case _:
                body.line("return ERROR;")

    def _check_kinds(self, body: Body, a: Type, b: Type, x: str) -> None:
        theirs = {kind.kind: kind for kind in kinds_of(b)}
        if isinstance(a, RecordT):
            self._checked(body, a, theirs[a.kind], x) if a.kind in theirs else body.line(
                "return ERROR;"
            )
            return
        with body.block(f"switch ({part(x, 'kind')})"):
            for at, kind in enumerate(kinds_of(a)):
                body.line(f"case {at}:")
                if kind.kind in theirs:
                    self._checked(body, kind, theirs[kind.kind], part(x, f"as.{member(str(kind))}"))
                else:
                    body.line("return ERROR;")
                body.line("break;")

    def length(self, of: Type, x: str) -> str:
        shape = self.shape(of)
        if isinstance(shape, Bits):
            return f"count_bits({part(x, 'w')}, {shape.words})"
        return f"(i64){part(x, 'n')}"

    def move(self, body: Body, a: Type, b: Type, x: str, y: str) -> None:
        """A value of `a`, which is one of `b`, into a place for values of `b`."""
        mine, theirs = self.shape(a), self.shape(b)
        if mine is theirs or (isinstance(mine, Scalar) and isinstance(theirs, Scalar)):
            body.line(f"{y} = {x};")
            return
        if isinstance(theirs, Scalar):
            assert isinstance(a, OptionT)
            held = part(x, "it")
            if isinstance(b, OptionT):
                held = f"{part(x, 'some')} ? {held} : NONE"
            body.line(f"{y} = {held};")
            return
        name = self.once(("move", a, b), f"to_{theirs.name}", lambda n: self._move(n, a, b))
        given = x if self.scalar(a) else address(x)
        body.line(f"if (UNLIKELY({name}({given}, {address(y)}))) return NO_ROOM;")

    def _move(self, name: str, a: Type, b: Type) -> str:
        body = Body()
        x = "x" if self.scalar(a) else "(*x)"
        y = "(*y)"
        self._moved(body, a, b, x, y)
        body.line("return DONE;")
        header = f"static int {name}({self.parameter(a, 'x')}, {self.variable(b)} *y)"
        return function(header, body.lines)

    def _moved(self, body: Body, a: Type, b: Type, x: str, y: str) -> None:
        match a, b:
            case (NeverT() | OptionT(NeverT()), _):
                zero = "NONE" if self.scalar(b) else f"({self.shape(b).name}){{0}}"
                body.line(f"{y} = {zero};")
            case OptionT(), OptionT():
                self._move_option(body, a, b, x, y)
            case _, OptionT(item):
                body.line(f"{part(y, 'some')} = 1;")
                self.move(body, a, item, x, part(y, "it"))
            case OptionT(item), _:
                self.move(body, item, b, part(x, "it"), y)
            case RecordT(kind, fields), RecordT() if kind is b.kind:
                for (name, mine), theirs in zip(fields, parts_of(b), strict=True):
                    self.move(body, mine, theirs, part(x, member(name)), part(y, member(name)))
            case RecordT() | UnionT(), RecordT() | UnionT():
                self._move_kinds(body, a, b, x, y)
            case TupleT(mine), TupleT(theirs):
                for at, (one, other) in enumerate(zip(mine, theirs, strict=True)):
                    self.move(body, one, other, part(x, f"part{at}"), part(y, f"part{at}"))
            case MapT(_, mine), MapT(_, theirs):
                with self.over_keys(body, b, "i"):
                    self.move(body, mine, theirs, part(x, "at[i]"), part(y, "at[i]"))
            case SetT() | SeqT() | BagT(), SetT() | SeqT() | BagT():
                self._move_items(body, a, b, x, y)
            case _:
                raise NotInCError(f"a value of {a} as one of {b}")

    def _move_option(self, body: Body, a: OptionT, b: OptionT, x: str, y: str) -> None:
        if self.scalar(a):  # numbers, into what is no number: from small ones to large ones
            with body.block(f"if (({part(y, 'some')} = {x} != NONE))"):
                self.move(body, a.item, b.item, x, part(y, "it"))
        else:
            with body.block(f"if (({part(y, 'some')} = {part(x, 'some')}))"):
                self.move(body, a.item, b.item, part(x, "it"), part(y, "it"))

    def _move_kinds(self, body: Body, a: Type, b: Type, x: str, y: str) -> None:
        theirs = {kind.kind: (at, kind) for at, kind in enumerate(kinds_of(b))}

        def into(kind: RecordT, held: str) -> None:
            if kind.kind not in theirs:
                return
            at, other = theirs[kind.kind]
            if isinstance(b, RecordT):
                self.move(body, kind, b, held, y)
                return
            body.line(f"{part(y, 'kind')} = {at};")
            self.move(body, kind, other, held, part(y, f"as.{member(str(other))}"))

        if isinstance(a, RecordT):
            into(a, x)
            return
        with body.block(f"switch ({part(x, 'kind')})"):
            for at, kind in enumerate(kinds_of(a)):
                body.line(f"case {at}:")
                into(kind, part(x, f"as.{member(str(kind))}"))
                body.line("break;")

    def _move_items(
        self, body: Body, a: SetT | SeqT | BagT, b: SetT | SeqT | BagT, x: str, y: str
    ) -> None:
        theirs = self.shape(b)
        body.line(
            f"{part(y, 'n')} = 0;" if isinstance(theirs, List) else f"{y} = ({theirs.name}){{0}};"
        )
        if isinstance(a.item, NeverT):
            return
        with self.over(body, a, x, "item") as item:
            other = body.name("other")
            if self.shape(a.item) is self.shape(b.item):
                other = item
            else:
                body.line(f"{self.variable(b.item)} {other};")
                self.move(body, a.item, b.item, item, other)
            if isinstance(theirs, List):
                self.append(body, theirs, y, other)
            else:
                body.line(f"set_bit({part(y, 'w')}, {self.code(b.item, other)});")

    # ------------------------------------------------------------- machine words

    def pack(self, body: Body, of: Type, at: str, x: str) -> None:
        """Put a value into the words `w`, from the bit `at` on, which are zero."""
        if is_plain(of):
            code = self.code(of, x) if codes(of) is not None else x
            body.line(f"put(w, {at}, {self.widths.of(of)}, (u64)({code}));")
            return
        name = self.once(("pack", of), f"pack_{stem(of)}", lambda n: self._pack(n, of))
        body.line(f"{name}(w, {at}, {address(x)});")

    def _pack(self, name: str, of: Type) -> str:
        body, shape, bits = Body(), self.shape(of), self.widths.of
        match of:
            case OptionT(item):
                body.line("if (!x->some) return;")
                body.line("put(w, at, 1, 1);")
                self.pack(body, item, "at + 1", "x->it")
            case RecordT() | TupleT():
                assert isinstance(shape, Struct)
                at = 0
                for (held, _), kind in zip(shape.members, parts_of(of), strict=True):
                    self.pack(body, kind, f"at + {at}", f"x->{held}")
                    at += bits(kind)
            case UnionT(kinds):
                body.line(f"put(w, at, {width(len(kinds))}, (u64)x->kind);")
                with body.block("switch (x->kind)"):
                    for number, kind in enumerate(kinds):
                        body.line(f"case {number}:")
                        start = f"at + {width(len(kinds))}"
                        self.pack(body, kind, start, f"x->as.{member(str(kind))}")
                        body.line("break;")
            case MapT(_, value):
                body.line("u32 to = at;")
                with self.over_keys(body, of, "i"):
                    self.pack(body, value, "to", "x->at[i]")
                    body.line(f"to += {bits(value)};")
            case SetT() if self.widths.by_codes(of):
                assert isinstance(shape, Bits)
                for word in range(shape.words):
                    some = min(64, shape.codes - 64 * word)
                    body.line(f"put(w, at + {64 * word}, {some}, x->w[{word}]);")
            case SetT() | SeqT() | BagT():
                self._pack_items(body, of)
        header = f"static inline void {name}(u64 *w, u32 at, const {shape.name} *x)"
        return function(header, body.lines)

    def _pack_items(self, body: Body, of: SetT | SeqT | BagT) -> None:
        shape, each = self.shape(of), self.widths.item(of)
        counted = width(self.widths.most(of) + 1)
        body.line(f"put(w, at, {counted}, (u64)({self.length(of, '(*x)')}));")
        body.line(f"u32 to = at + {counted};")
        if isinstance(shape, Bits):
            n = shape.words
            head = (
                f"u32 i = next_bit(x->w, {n}, 0); i < {shape.codes}; i = next_bit(x->w, {n}, i + 1)"
            )
            with body.block(f"for ({head})"):
                body.line(f"put(w, to, {each}, i);")
                body.line(f"to += {each};")
            return
        with body.block("for (int i = 0; i < x->n; i++)"):
            self.pack(body, of.item, "to", "x->at[i]")
            body.line(f"to += {each};")

    def unpack(self, body: Body, of: Type, at: str, x: str) -> None:
        """The value in the words `w` from the bit `at` on, into a place."""
        if is_plain(of):
            taken = f"take(w, {at}, {self.widths.of(of)})"
            if codes(of) is None:
                body.line(f"{x} = (i64){taken};")
            elif isinstance(of, OptionT):
                code = body.name("code")
                body.line(f"i64 {code} = (i64){taken};")
                body.line(f"{x} = {self.plain_of(of, code)};")
            else:
                body.line(f"{x} = {self.plain_of(of, taken)};")
            return
        name = self.once(("unpack", of), f"unpack_{stem(of)}", lambda n: self._unpack(n, of))
        body.line(f"{name}(w, {at}, {address(x)});")

    def _unpack(self, name: str, of: Type) -> str:
        body, shape, bits = Body(), self.shape(of), self.widths.of
        match of:
            case OptionT(item):
                body.line("x->some = (i16)take(w, at, 1);")
                with body.block("if (x->some)"):
                    self.unpack(body, item, "at + 1", "x->it")
            case RecordT() | TupleT():
                assert isinstance(shape, Struct)
                at = 0
                for (held, _), kind in zip(shape.members, parts_of(of), strict=True):
                    self.unpack(body, kind, f"at + {at}", f"x->{held}")
                    at += bits(kind)
            case UnionT(kinds):
                body.line(f"x->kind = (i16)take(w, at, {width(len(kinds))});")
                with body.block("switch (x->kind)"):
                    for number, kind in enumerate(kinds):
                        with body.block(f"case {number}:"):
                            start = f"at + {width(len(kinds))}"
                            self.unpack(body, kind, start, f"x->as.{member(str(kind))}")
                            body.line("break;")
            case MapT(_, value):
                body.line("u32 from = at;")
                with self.over_keys(body, of, "i"):
                    self.unpack(body, value, "from", "x->at[i]")
                    body.line(f"from += {bits(value)};")
            case SetT() if self.widths.by_codes(of):
                assert isinstance(shape, Bits)
                for word in range(shape.words):
                    some = max(0, min(64, shape.codes - 64 * word))
                    body.line(f"x->w[{word}] = take(w, at + {64 * word}, {some});")
            case SetT() | SeqT() | BagT():
                self._unpack_items(body, of)
        header = f"static inline void {name}(const u64 *w, u32 at, {shape.name} *x)"
        return function(header, body.lines)

    def _unpack_items(self, body: Body, of: SetT | SeqT | BagT) -> None:
        shape, each = self.shape(of), self.widths.item(of)
        counted = width(self.widths.most(of) + 1)
        body.line(f"int n = (int)take(w, at, {counted});")
        body.line(f"u32 from = at + {counted};")
        if isinstance(shape, Bits):
            body.line(f"*x = ({shape.name}){{0}};")
        else:
            body.line("x->n = (i16)n;")
        with body.block("for (int i = 0; i < n; i++)"):
            if isinstance(shape, Bits):
                body.line(f"set_bit(x->w, (u32)take(w, from, {each}));")
            else:
                self.unpack(body, of.item, "from", "x->at[i]")
            body.line(f"from += {each};")
