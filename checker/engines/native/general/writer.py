"""One C function of the program while it is written: its locals, and how it fails.

`value(e)` writes what has to run before an expression has a value, and gives C for the value: a
number as an expression without effects, anything else as a place that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from checker.engines.native.general.codes import codes, has_gaps, members
from checker.engines.native.general.library import Library
from checker.engines.native.general.packing import is_plain
from checker.engines.native.general.shapes import Bits, List, NotInCError, member, stem
from checker.engines.native.general.text import Body, address, part
from checker.lang import interpret, ir
from checker.lang.types import IntT, MapT, SetT, Type

MOST_MEMBERS = 20
"""Sets of so many items at most are walked as a domain."""

_CLOSED = (ir.Literal, ir.Constant, ir.Op, ir.Widen)


class Context:
    """What all functions of a program share: the names of its functions and fields in C."""

    def __init__(self, program: ir.Program, library: Library) -> None:
        self.program = program
        self.library = library
        self.machine = interpret.Machine(program)
        self.fields: dict[str, str] = {}
        for field in program.fields:
            name = member(field.name)
            while name in self.fields.values():
                name += "_"
            self.fields[field.name] = name
        self.functions = {name: library.fresh(f"do_{name}") for name in program.functions}

    def by_key(self, of: Type) -> bool:
        """Whether what is written in a field of this type is noted key by key."""
        return isinstance(of, MapT) and len(members(of.key)) <= 64 and not has_gaps(of.key)


class Writer(Body):
    def __init__(self, context: Context, *names: str) -> None:
        super().__init__({"step", *names, *context.library.names, *context.library.shapes.names})
        self.context = context
        self.library = context.library
        self.program = context.program
        self.env: dict[str, str] = {}
        self.choosing = False
        """Whether this reads the ranges of parameters: any failure then means `WHOLE`."""
        self.fails = False
        self.keeps_status = False

    # ------------------------------------------------------------- failing

    def fail(self, status: str) -> str:
        self.fails = True
        return "return WHOLE;" if self.choosing else f"return {status};"

    def fail_if(self, test: str, status: str = "ERROR") -> None:
        self.line(f"if (UNLIKELY({test})) {self.fail(status)}")

    def run(self, call: str) -> None:
        """A call that gives a status."""
        self.keeps_status = True
        self.fails = True
        failed = "status == NO_ROOM ? NO_ROOM : WHOLE" if self.choosing else "status"
        self.line(f"if (UNLIKELY((status = {call}))) return {failed};")

    # ------------------------------------------------------------- variables

    def declare(self, of: Type, name: str, value: str = "") -> str:
        made = self.name(name)
        given = f" = {value}" if value else ""
        self.line(f"{self.library.variable(of)} {made}{given};")
        return made

    def zero(self, of: Type, name: str) -> str:
        """A variable that is empty: no members, no items, nothing there."""
        if isinstance(self.library.shape(of), List):
            made = self.declare(of, name)
            self.line(f"{made}.n = 0;")
            return made
        return self.declare(of, name, "0" if self.library.scalar(of) else "{0}")

    def atom(self, value: str, name: str = "held") -> str:
        """A number that can be read again and again."""
        if value.lstrip("-").isalnum() or value.isidentifier():
            return value
        made = self.name(name)
        self.line(f"i64 {made} = {value};")
        return made

    def moved(self, a: Type, b: Type, place: str, name: str = "moved") -> str:
        """A value of `a` as one of `b`."""
        mine, theirs = self.library.shape(a), self.library.shape(b)
        if mine is theirs or (self.library.scalar(a) and self.library.scalar(b)):
            return place
        made = self.declare(b, name)
        self.library.move(self, a, b, place, made)
        return made

    # ------------------------------------------------------------- expressions

    def value(self, e: ir.Expr) -> str:
        from checker.engines.native.general.expressions import EXPRESSIONS

        if isinstance(e, ir.Op) and self._closed(e):
            try:
                known = self.context.machine.eval(e, {})
            except Exception:  # it fails whenever it is read, and so must the C
                pass
            else:
                return self.library.literal(e.type, known)
        written: str = EXPRESSIONS[type(e)](self, e)
        return written

    def _closed(self, e: ir.Expr) -> bool:
        return all(isinstance(node, _CLOSED) for node in ir.walk(e))

    def tried(self, e: ir.Expr) -> tuple[str, list[str]]:
        """A value, and what has to run before it, not yet written."""
        with self.captured() as lines:
            value = self.value(e)
        return value, lines

    def argument(self, e: ir.Expr) -> str:
        value = self.value(e)
        return value if self.library.scalar(e.type) else address(value)

    # ------------------------------------------------------------- walks

    def rounds(self, clauses: tuple[ir.Clause, ...], inner: Callable[[], None]) -> None:
        """`inner` in each round of some clauses."""
        if not clauses:
            inner()
            return
        first, rest = clauses[0], clauses[1:]
        match first:
            case ir.When(test):
                with self.block(f"if ({self.value(test)})"):
                    self.rounds(rest, inner)
            case ir.Bind(name, value):
                self.bind(name, value)
                self.rounds(rest, inner)
            case ir.Gen(name, _, source):
                with self.walk(source, name) as item:
                    self.env[name] = item
                    self.rounds(rest, inner)

    def bind(self, name: str, e: ir.Expr) -> None:
        """A name for a value that does not change while the name is known."""
        value = self.value(e)
        if self.library.scalar(e.type) and not value.isidentifier():
            value = self.declare(e.type, name, value)
        self.env[name] = value

    @contextmanager
    def walk(self, source: ir.Source, name: str) -> Iterator[str]:
        match source:
            case ir.Domain(of):
                with self.domain(of, name) as item:
                    yield item
            case ir.Range(start, stop):
                low, high = self.atom(self.value(start)), self.atom(self.value(stop), "stop")
                made = self.name(name)
                with self.block(f"for (i64 {made} = {low}; {made} < {high}; {made}++)"):
                    yield made
            case ir.Members(of):
                assert not isinstance(of.type, IntT)
                with self.library.over(self, of.type, self.value(of), name) as item:  # type: ignore[arg-type]
                    yield item
            case _:
                raise NotInCError(type(source).__name__)

    @contextmanager
    def domain(self, of: Type, name: str) -> Iterator[str]:
        """All values of a type."""
        size = codes(of)
        if size is None and isinstance(of, SetT):
            with self._sets(of, name) as item:
                yield item
            return
        if size is None:
            raise NotInCError(f"a walk over all of {of}")
        if is_plain(of) and isinstance(of, IntT):
            made = self.name(name)
            with self.block(f"for (i64 {made} = {of.low}; {made} <= {of.high}; {made}++)"):
                yield made
            return
        code = self.name("code")
        held = members(of) if has_gaps(of) else ()
        with self.block(f"for (u32 {code} = 0; {code} < {len(held) or size}; {code}++)"):
            at = code
            if held:
                at = f"{self.library.table(('all', of), f'all_{stem(of)}', 'u32', held)}[{code}]"
            yield self.library.value_of_code(self, of, at, name)

    @contextmanager
    def _sets(self, of: SetT, name: str) -> Iterator[str]:
        """All sets of some items: for the steps that they lead to, in whatever order."""
        shape, held = self.library.shape(of), members(of.item)
        if not isinstance(shape, Bits) or len(held) > MOST_MEMBERS:
            raise NotInCError(f"a walk over all of {of}")
        chosen = self.name("chosen")
        with self.block(f"for (u32 {chosen} = 0; {chosen} < {2 ** len(held)}u; {chosen}++)"):
            if of.at_most is not None:
                self.line(f"if (__builtin_popcount({chosen}) > {of.at_most}) continue;")
            if not has_gaps(of.item):
                yield self.declare(of, name, f"{{{{{chosen}}}}}")
                return
            made = self.zero(of, name)
            table = self.library.table(("all", of.item), f"all_{stem(of.item)}", "u32", held)
            with self.block(f"for (int j = 0; j < {len(held)}; j++)"):
                self.line(f"if ({chosen} >> j & 1) set_bit({made}.w, {table}[j]);")
            yield made

    @contextmanager
    def subsets(self, of: SetT, x: str, name: str, majorities: bool = False) -> Iterator[str]:
        """The subsets of a set, in whatever order."""
        shape = self.library.shape(of)
        n, chosen = self.name("size"), self.name("chosen")
        self.line(f"int {n} = (int)({self.library.length(of, x)});")
        self.line(f"if (UNLIKELY({n} > MOST_CHOSEN)) return NO_ROOM;")
        held = ""
        if isinstance(shape, Bits):
            held = self.name("held")
            self.line(f"u32 {held}[{max(1, shape.codes)}], {held}_n = 0;")
            w, words = part(x, "w"), shape.words
            step = f"i = next_bit({w}, {words}, i + 1)"
            with self.block(f"for (u32 i = next_bit({w}, {words}, 0); i < {shape.codes}; {step})"):
                self.line(f"{held}[{held}_n++] = i;")
        with self.block(f"for (u32 {chosen} = 0; {chosen} >> {n} == 0; {chosen}++)"):
            if majorities:
                self.line(f"if (__builtin_popcount({chosen}) != {n} / 2 + 1) continue;")
            made = self.zero(of, name)
            with self.block(f"for (int j = 0; j < {n}; j++)"):
                if isinstance(shape, Bits):
                    self.line(f"if ({chosen} >> j & 1) set_bit({made}.w, {held}[j]);")
                else:
                    self.line(f"if ({chosen} >> j & 1) {made}.at[{made}.n++] = {part(x, 'at[j]')};")
            yield made


Rule = Callable[[Writer, Any], Any]
