"""From values to their codes (`codes.py`) and back, in C."""

from __future__ import annotations

from checker.engines.native.general.codes import (
    codes,
    members,
    parts_of,
    places_of_sets,
    sets_in_order,
)
from checker.engines.native.general.comparing import Comparing
from checker.engines.native.general.packing import is_plain
from checker.engines.native.general.shapes import Struct, member, stem
from checker.engines.native.general.text import Body, address, function
from checker.lang.types import IntT, MapT, OptionT, RecordT, SeqT, SetT, TupleT, Type, UnionT


class Numbering(Comparing):
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
