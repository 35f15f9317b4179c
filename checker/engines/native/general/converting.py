"""From a type to another in C: does a value belong there, and what is it there?"""

from __future__ import annotations

from checker.engines.native.general.codes import parts_of
from checker.engines.native.general.containers import Containers
from checker.engines.native.general.shapes import Bits, List, NotInCError, Scalar, member, stem
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


class Converting(Containers):
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
