"""Equality and order of values, in C.

The order is the canonical one, of `checker/lang/values.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checker.engines.native.general.codes import has_gaps, members, parts_of
from checker.engines.native.general.functions import Functions
from checker.engines.native.general.shapes import (
    Array,
    Bits,
    List,
    Maybe,
    Scalar,
    Shape,
    Struct,
    Tagged,
    member,
    stem,
)
from checker.engines.native.general.text import Body, address, function, part
from checker.lang.types import BagT, MapT, OptionT, RecordT, SeqT, SetT, TupleT, Type, UnionT


class Comparing(Functions):
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
