"""Sets, sequences and bags in C: walked, searched, and added to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checker.engines.native.general.codes import codes, members, value_of
from checker.engines.native.general.numbering import Numbering
from checker.engines.native.general.shapes import Bits, List, Scalar, stem
from checker.engines.native.general.text import Body, address, function, part
from checker.lang.types import BagT, SeqT, SetT, Type

MOST_LISTED = 1024
"""Types with more values than this are not listed in a table."""


class Containers(Numbering):
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
