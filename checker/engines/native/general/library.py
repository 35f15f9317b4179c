"""What C can do with the values of each type: one small function for each type and need.

Functions are made when they are first asked for, and stand in the file in that order, so that
each stands before its users.  A value with one number (`Scalar`) is an expression; any other
value is a place, and functions take pointers to it.

Each file adds a class to those before, which it uses: `functions`, `comparing`, `numbering`,
`containers`, `converting`, and here the words that states are packed into.
"""

from __future__ import annotations

from checker.engines.native.general.codes import codes, parts_of
from checker.engines.native.general.converting import Converting
from checker.engines.native.general.packing import is_plain, width
from checker.engines.native.general.shapes import Bits, Struct, member, stem
from checker.engines.native.general.text import Body, address, function
from checker.lang.types import BagT, MapT, OptionT, RecordT, SeqT, SetT, TupleT, Type, UnionT


class Library(Converting):
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
