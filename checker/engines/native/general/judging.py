"""C for what is said of states and steps: properties, goals, constraints, final states, images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

from checker.engines.native.general.file import called_in
from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.text import address, function
from checker.engines.native.general.writer import Context, Writer
from checker.engines.native.generated import Args, Packed, What
from checker.lang import ir

MODEL_ERROR = What("model error", "model error", ())
NO_ROOM = What("no room", "no room", ())


START = [
    "State now;",
    "load(s, &now);",
    "Machine self = {.now = &now, .old = &now};",
    "int status;",
    "i64 holds;",
]


class Judging:
    """`wanted`: the names of the properties to judge; `None`: all."""

    def __init__(
        self, context: Context, packing: GeneralPacking, wanted: Iterable[str] | None
    ) -> None:
        self.context = context
        self.packing = packing
        self.library = context.library
        self.program = context.program
        names = None if wanted is None else frozenset(wanted)
        self.properties = [p for p in self.program.properties if names is None or p.name in names]
        self.whats: list[What] = []
        self.goals: list[tuple[str, Args]] = []
        self.first: dict[str, int] = {}
        """For each property the number of its first instance."""
        for prop in self.properties:
            if prop.kind in ("invariant", "step_property"):
                self.first[prop.name] = len(self.whats)
                self.whats += [What(prop.kind, prop.name, args) for args in instances(prop)]
            elif prop.kind == "reachable":
                self.first[prop.name] = len(self.goals)
                self.goals += [(prop.name, args) for args in instances(prop)]
        self.refinements = tuple(
            each for each in self.program.refinements if names is None or each.name in names
        )
        for refinement in self.refinements:
            self.first[refinement.name] = len(self.whats)
            self.whats.append(What("refinement", refinement.name, ()))
        self.whats += [NO_ROOM, MODEL_ERROR]

    def of_kind(self, kind: str) -> list[ir.PropertyIR]:
        return [prop for prop in self.properties if prop.kind == kind]

    def roots(self) -> list[str]:
        """The functions of the program that are called from here."""
        kinds = ("invariant", "step_property", "reachable")
        judged = [prop for kind in kinds for prop in self.of_kind(kind)]
        found = [p.function for p in (*judged, *self.program.constraints, *self.program.final)]
        return found + [made for each in self.refinements for _, made in each.fields]

    def functions(self, others: Sequence[Packed]) -> list[str]:
        """All that the runtime calls; `others`: how the programs that are refined are packed."""
        made = []
        for number, (refinement, other) in enumerate(zip(self.refinements, others, strict=True)):
            made += [self._reads(number, refinement), self._image(number, refinement, other)]
        made.append(self._judge([other.words for other in others]))
        if self.of_kind("step_property"):
            made.append(self._judge_step())
        if self.program.constraints:
            made.append(self._cut())
        if self.program.final:
            made.append(self._final())
        return made

    # ------------------------------------------------------------- one property

    def _instances(
        self, w: Writer, prop: ir.PropertyIR, inner: Callable[[list[str]], None]
    ) -> None:
        """`inner` for each instance of a property, in the order of `instances`."""

        def walk(params: list[ir.Param], args: list[str]) -> None:
            if not params:
                inner(args)
                return
            first, rest = params[0], params[1:]
            with w.domain(first.type, first.name) as item:
                given = item if self.library.scalar(first.type) else address(item)
                walk(rest, [*args, given])

        walk(list(prop.params), [])

    def _evaluate(self, w: Writer, prop: ir.PropertyIR, args: list[str]) -> None:
        called = ", ".join(["&self", *args, "&holds"])
        w.line(f"status = {self.context.functions[prop.function]}({called});")

    def _see_error(self, w: Writer, t: str, after: str) -> None:
        with w.block("if (UNLIKELY(status))"):
            error, room = len(self.whats) - 1, len(self.whats) - 2
            w.line(f"report->see(report, status == NO_ROOM ? {room} : {error}, s, {t});")
            w.line(after)

    # ------------------------------------------------------------- states

    def _judge(self, images: list[int]) -> str:
        """`images`: of how many words the images are."""
        w = self._writer()
        for number, refinement in enumerate(self.refinements):
            image, at = w.name("image"), self.first[refinement.name]
            w.line(f"u64 {image}[{images[number]}];")
            w.line(f"if (!image_{number}(s, {image})) report->see(report, {at}, s, NULL);")
        for prop in self.of_kind("invariant"):
            self._numbered(w, prop, self._judge_invariant)
        for prop in self.of_kind("reachable"):
            self._numbered(w, prop, self._judge_goal)
        for prop in self.program.constraints:
            self._instances(w, prop, lambda args, p=prop: self._judge_constraint(w, p, args))  # type: ignore[misc]
        header = "static void judge(const u64 *s, u64 *open, Report *report)"
        return function(header, [*self._start(w), *w.lines, "(void)open;"])

    def _writer(self) -> Writer:
        return Writer(self.context, "now", "open", "report", "s", "t", "holds", "old")

    def _start(self, w: Writer) -> list[str]:
        return START if w.lines else ["(void)s;", "(void)report;"]

    def _numbered(
        self,
        w: Writer,
        prop: ir.PropertyIR,
        judge: Callable[[Writer, ir.PropertyIR, list[str], str], None],
    ) -> None:
        """Judge each instance of a property, with its number."""
        number = w.name(prop.name)
        w.line(f"u32 {number} = {self.first[prop.name]};")

        def inner(args: list[str]) -> None:
            judge(w, prop, args, number)
            w.line(f"{number}++;")

        self._instances(w, prop, inner)

    def _judge_invariant(self, w: Writer, prop: ir.PropertyIR, args: list[str], at: str) -> None:
        self._evaluate(w, prop, args)
        self._see_error(w, "NULL", "return;")
        w.line(f"if (UNLIKELY(!holds)) report->see(report, {at}, s, NULL);")

    def _judge_goal(self, w: Writer, prop: ir.PropertyIR, args: list[str], at: str) -> None:
        with w.block(f"if (has_bit(open, {at}))"):
            self._evaluate(w, prop, args)
            self._see_error(w, "NULL", "return;")
            w.line(f"if (holds) clear_bit(open, {at});")

    def _judge_constraint(self, w: Writer, prop: ir.PropertyIR, args: list[str]) -> None:
        self._evaluate(w, prop, args)
        self._see_error(w, "NULL", "return;")

    def _cut(self) -> str:
        w = self._writer()
        for prop in self.program.constraints:

            def inner(args: list[str], prop: ir.PropertyIR = prop) -> None:
                self._evaluate(w, prop, args)
                w.line("if (status) return 0;")
                w.line("if (!holds) return 1;")

            self._instances(w, prop, inner)
        return function("static int cut(const u64 *s)", [*self._start(w), *w.lines, "return 0;"])

    def _final(self) -> str:
        w = self._writer()
        for prop in self.program.final:

            def inner(args: list[str], prop: ir.PropertyIR = prop) -> None:
                self._evaluate(w, prop, args)
                self._see_error(w, "NULL", "return 1;")
                w.line("if (holds) return 1;")

            self._instances(w, prop, inner)
        header = "static int final(const u64 *s, Report *report)"
        return function(header, [*self._start(w), *w.lines, "return 0;"])

    # ------------------------------------------------------------- steps

    def _judge_step(self) -> str:
        w = self._writer()
        for prop in self.of_kind("step_property"):
            self._numbered(w, prop, self._judge_step_property)
        header = (
            "static void judge_step(const u64 *s, const u64 *t, const State *old, Report *report)"
        )
        start = [
            "State now;",
            "load(t, &now);",
            "Machine self = {.now = &now, .old = old};",
            "int status;",
            "i64 holds;",
        ]
        return function(header, [*start, *w.lines])

    def _judge_step_property(
        self, w: Writer, prop: ir.PropertyIR, args: list[str], at: str
    ) -> None:
        self._evaluate(w, prop, args)
        with w.block("if (UNLIKELY(status))"):
            error, room = len(self.whats) - 1, len(self.whats) - 2
            w.line(f"report->see(report, status == NO_ROOM ? {room} : {error}, s, t);")
        w.line(f"else if (UNLIKELY(!holds)) report->see(report, {at}, s, t);")

    # ------------------------------------------------------------- other programs

    def _image(self, number: int, refinement: ir.RefinementIR, packing: Packed) -> str:
        """The state of another program that a state is; 0 if it is none."""
        assert isinstance(packing, GeneralPacking)
        w = self._writer()
        w.line(f"memset(w, 0, {packing.words} * sizeof(u64));")
        for field, made in refinement.fields:
            of = self.program.functions[made].returns
            assert of is not None
            theirs = refinement.other.field(field).type
            value = w.declare(of, field)
            w.line(f"if ({self.context.functions[made]}(&self, &{value})) return 0;")
            outside = self.library.outside(of, theirs, value)
            if outside is not None:
                w.line(f"if ({outside} != DONE) return 0;")
            moved = w.moved(of, theirs, value)
            self.library.pack(w, theirs, str(packing.places[field]), moved)
        lines = [*START[:3], *w.lines, "return 1;"]
        comment = f"{refinement.name}: as a state of {refinement.other.name}"
        return function(f"static int image_{number}(const u64 *s, u64 *w)", lines, comment)

    def _reads(self, number: int, refinement: ir.RefinementIR) -> str:
        """The bits that the image depends on."""
        found: set[str] = set()
        waiting, known = [made for _, made in refinement.fields], set[str]()
        while waiting:
            name = waiting.pop()
            if name in known:
                continue
            known.add(name)
            body = self.program.functions[name].body
            waiting += called_in(self.program, body)
            found |= {node.name for node in ir.walk(body) if isinstance(node, ir.FieldRead)}
        bits = 0
        for field in self.program.fields:
            if field.name in found:
                width = self.packing.widths.of(field.type)
                bits |= ((1 << width) - 1) << self.packing.places[field.name]
        words = [bits >> 64 * at & (2**64 - 1) for at in range(self.packing.words)]
        inside = ", ".join(f"{word:#x}u" for word in words)
        return f"static const u64 reads_{number}[] = {{{inside}}};\n"


def instances(prop: ir.PropertyIR) -> list[Args]:
    """The values of a property's parameters, in order."""
    return list(product(*(tuple(param.type.values()) for param in prop.params)))
