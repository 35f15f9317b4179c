"""C for what is said of states and steps: properties, goals, constraints, final states, images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.text import address, function
from checker.engines.native.general.writer import Context, Writer
from checker.engines.native.generated import Args, What
from checker.lang import ir

MODEL_ERROR = What("model error", "model error", ())
NO_ROOM = What("no room", "no room", ())


class Judging:
    """`wanted`: the names of the properties to judge; `None`: all."""

    def __init__(self, context: Context, wanted: Iterable[str] | None) -> None:
        self.context = context
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
        self.whats += [NO_ROOM, MODEL_ERROR]

    def of_kind(self, kind: str) -> list[ir.PropertyIR]:
        return [prop for prop in self.properties if prop.kind == kind]

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

    def judge(self) -> str:
        w = self._writer()
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
        if not w.lines:
            return ["(void)s;", "(void)report;"]
        return [
            "State now;",
            "load(s, &now);",
            "Machine self = {.now = &now, .old = &now};",
            "int status;",
            "i64 holds;",
        ]

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

    def cut(self) -> str:
        w = self._writer()
        for prop in self.program.constraints:

            def inner(args: list[str], prop: ir.PropertyIR = prop) -> None:
                self._evaluate(w, prop, args)
                w.line("if (status) return 0;")
                w.line("if (!holds) return 1;")

            self._instances(w, prop, inner)
        return function("static int cut(const u64 *s)", [*self._start(w), *w.lines, "return 0;"])

    def final(self) -> str:
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

    def judge_step(self) -> str:
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

    def image(self, refinement: ir.RefinementIR, packing: GeneralPacking, name: str) -> str:
        """The state of another program that a state is; 0 if it is none."""
        w = self._writer()
        w.line("memset(w, 0, sizeof(u64) * " + str(packing.words) + ");")
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
        start = [
            "State now;",
            "load(s, &now);",
            "Machine self = {.now = &now, .old = &now};",
        ]
        return function(f"int {name}(const u64 *s, u64 *w)", [*start, *w.lines, "return 1;"])


def instances(prop: ir.PropertyIR) -> list[Args]:
    """The values of a property's parameters, in order."""
    return list(product(*(tuple(param.type.values()) for param in prop.params)))
