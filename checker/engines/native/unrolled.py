"""C from the ground form: every binding of every action written out, with its constants folded.

    if (guard) { count it; add the state with these bits changed, unless that is the same state }

* Bindings of one action that have the same effect are one step in C: it is counted as often as
  guards hold, and added once.
* A function holds at most `MOST_TOGETHER` bindings: a compiler's time grows faster than that.
* With `labels`, one for each binding, bindings with different labels add successors of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checker.engines.native.conditions import Conditions
from checker.engines.native.generated import Args, Generated, What
from checker.engines.native.packing import Packing, Place
from checker.engines.native.reduction import reduction
from checker.engines.native.reduction.facts import Facts
from checker.engines.native.reduction.source import reduction_source
from checker.ground.conditions import (
    FALSE,
    TRUE,
    Cell,
    Condition,
    atom,
    both,
    either,
    negation,
    under,
)
from checker.ground.images import Image, NoImage
from checker.ground.lower import Effect, Ground, Judgement
from checker.ground.symbols import NotGroundError
from checker.lang import ir
from checker.lang.errors import SpecError

if TYPE_CHECKING:
    from checker.engines.native.symmetry import Symmetry

MOST_TOGETHER = 64
MANY_WAYS = 4
MANY_STEPS = 3
"""So many ways are worth a test before them."""
SHORT, MOST_TRIED = 8, 64
"""How long such a test may be, and how many are considered."""


def unrolled(
    program: ir.Program,
    ground: Ground,
    wanted: Iterable[str],
    labels: Sequence[int] = (),
    *,
    reduce: Sequence[list[int]] | None = None,
    symmetric: Symmetry | None = None,
) -> Generated:
    """The program in C, judging the properties named in `wanted`.

    `reduce`: with what partial-order reduction needs, from these initial states.  `symmetric`:
    with one state for each orbit.
    """
    writer = _Writer(program, ground, frozenset(wanted), labels, reduce)
    return writer.generated(symmetric)


@dataclass(frozen=True)
class _Way:
    """One binding of a step, by its number among all bindings."""

    number: int
    guard: Condition
    args: Args


@dataclass(frozen=True)
class _Step:
    """Bindings of one action that change the state in the same way."""

    action: str
    ways: list[_Way]
    effects: tuple[Effect, ...]
    judged: tuple[Judgement, ...]


class _Writer:
    def __init__(
        self,
        program: ir.Program,
        ground: Ground,
        wanted: frozenset[str],
        labels: Sequence[int],
        reduce: Sequence[list[int]] | None,
    ) -> None:
        self.program = program
        self.ground = ground
        self.wanted = wanted
        self.labels = labels
        self.packing = Packing(ground.layout)
        self.conditions = Conditions(self.packing)
        self.text = self.conditions.text
        self.tables: dict[tuple[int, ...], str] = {}
        kinds = {p.name: p.kind for p in program.properties}
        kinds |= {p.name: "final" for p in program.final}
        kinds |= {p.name: "constraint" for p in program.constraints}
        judged = [(kinds[j.name], j) for j in ground.judgements]
        self.invariants = [j for kind, j in judged if kind == "invariant" and j.name in wanted]
        self.goals = [j for kind, j in judged if kind == "reachable" and j.name in wanted]
        self.final = [j for kind, j in judged if kind == "final"]
        self.constraints = [j for kind, j in judged if kind == "constraint"]
        self.images = [_ground_image(image) for image in ground.images if image.name in wanted]
        self.actions = [action.name for action in program.actions]
        whats = [What("invariant", j.name, j.args) for j in self.invariants]
        for binding in ground.bindings:
            for j in binding.steps:
                what = What("step_property", j.name, j.args)
                if j.name in wanted and what not in whats:
                    whats.append(what)
        whats += [What("refinement", image.name, ()) for image in self.images]
        whats.append(What("model error", "model error", ()))
        self.whats = tuple(whats)
        self.error = len(whats) - 1
        self.steps = list(self._steps(wanted))
        self.reduction = None
        if reduce is not None:
            facts = Facts(ground.layout.cells, ground.bindings, reduce)
            self.reduction = reduction(ground.bindings, facts, *self._looked_for())

    def generated(self, symmetric: Symmetry | None) -> Generated:
        return Generated(
            self._source(symmetric.source if symmetric else ""),
            self.packing,
            self.whats,
            tuple((j.name, j.args) for j in self.goals),
            self._used,
            tuple(r for r in self.program.refinements if r.name in self.wanted),
            symmetry=symmetric,
        )

    def _used(self, taken: bytes) -> dict[str, list[set[Any]]]:
        found: dict[str, list[set[Any]]] = {}
        for flag, binding in zip(taken, self.ground.bindings, strict=True):
            if flag:
                held = found.setdefault(binding.action, [set() for _ in binding.args])
                for values, arg in zip(held, binding.args, strict=True):
                    values.add(arg)
        return found

    # ------------------------------------------------------------- steps

    def _steps(self, wanted: frozenset[str]) -> Iterator[_Step]:
        merged: dict[Any, _Step] = {}
        for number, binding in enumerate(self.ground.bindings):
            guard = both(binding.guard, negation(binding.errors))
            if guard is FALSE:
                continue
            judged = tuple(j for j in binding.steps if j.name in wanted)
            key: Any = (binding.action, binding.effects, judged)
            if self.labels:
                key = (*key, self.labels[number])
            if key not in merged:
                merged[key] = _Step(binding.action, [], binding.effects, judged)
            merged[key].ways.append(_Way(number, guard, binding.args))
        yield from merged.values()

    def _expected(self) -> Iterator[Condition]:
        """Every condition that will be written, as often as it will be."""
        for step in self.steps:
            yield from (way.guard for way in step.ways)
            yield from (where for effect in step.effects for _, where in effect.codes)
            yield from (c for j in step.judged for c in (j.holds, j.errors))
        for binding in self.ground.bindings:
            yield from (binding.errors, binding.pruned)
        for j in (*self.invariants, *self.goals, *self.final, *self.constraints):
            yield from (j.holds, j.errors)
        if self.reduction:
            yield from self.reduction.guards
        for image in self.images:
            yield image.errors
            yield from (where for cell in image.cells for _, where in cell.codes)

    # ------------------------------------------------------------- partial-order reduction

    def _looked_for(self) -> tuple[list[Condition], Condition]:
        """What the search must find where it holds; and what holds in states that are extended."""
        sought = []
        errors = FALSE
        for j in self.invariants:
            errors = either(errors, j.errors)
            sought.append(both(negation(errors), negation(j.holds)))
        for j in self.goals:
            if j.errors is not FALSE:
                raise SpecError(
                    f"`{j.name}` may fail, and partial-order reduction cannot judge such a goal",
                    "check it without the reduction, or state what it needs before it",
                )
            sought.append(both(negation(errors), j.holds))
        sought.append(either(errors, *(j.errors for j in self.constraints)))
        failing = either(binding.errors for binding in self.ground.bindings)
        within = both(j.holds for j in self.constraints)
        sought += [failing, negation(within), *(b.pruned for b in self.ground.bindings)]
        return sought, both(negation(failing), within)

    def _reduction(self, told: list[str]) -> str:
        if self.reduction is None:
            return ""
        steps = []
        for number, b in enumerate(self.ground.bindings):
            way = _Way(number, both(b.guard, negation(b.errors)), b.args)
            steps.append(self._add(_Step(b.action, [way], b.effects, ())))
        actions = [self.actions.index(b.action) for b in self.ground.bindings]
        return reduction_source(self.reduction, self.conditions, told, steps, actions)

    # ------------------------------------------------------------- the file

    def _source(self, canonical: str) -> str:
        self.conditions.expect(self._expected())
        groups = list(self._step_functions())
        failing = self._failing()
        pruned = self._pruned()
        judging = self._judging()
        images = [self._image(number, image) for number, image in enumerate(self.images)]
        told = self._told(bool(failing), bool(pruned))
        reduced = self._reduction(told)
        parts = [
            f"/* {self.program.name}, made by Quorate.\n *\n{self._cells()} */",
            '#include "model.h"',
            *(
                f"static const u64 {name}[] = {{{', '.join(f'{x:#x}u' for x in table)}}};"
                for table, name in self.tables.items()
            ),
            *self.conditions.functions,
            *(text for _, text in groups),
            failing,
            pruned,
            self._expand([name for name, _ in groups], told),
            judging,
            *images,
            reduced,
            canonical,
            self._model(bool(canonical)),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _cells(self) -> str:
        lines = []
        for cell, place in zip(self.ground.layout.cells, self.packing.places, strict=True):
            bits = f"{place.shift}"
            if place.bits > 1:
                bits += f"..{place.shift + place.bits - 1}"
            lines.append(f" * s{place.word} {bits:>7}  {cell.name.replace('*/', '* /')}\n")
        return "".join(lines)

    def _step_functions(self) -> Iterator[tuple[str, str]]:
        """The steps as C functions of the state, which return where the next successor goes."""
        for action in self.program.actions:
            steps = [step for step in self.steps if step.action == action.name]
            for part, together in enumerate(_pieces(steps)):
                name = f"do_{_plain(action.name)}_{part}"
                place = self.program.functions[action.function].place
                lines = [f"    /* {place.file}:{place.line} {action.name} */"]
                lines += self._steps_text(action, together)
                yield (
                    name,
                    f"static __attribute__((noinline)) u64 *{name}"
                    f"({self.conditions.params}, u64 *next, Out *out) {{\n"
                    "    u8 *taken = out->taken; u64 n = 0; (void)taken;\n"
                    + "\n".join(lines)
                    + f"\n    out->actions[{self.actions.index(action.name)}] += n;"
                    "\n    return next;\n}",
                )

    def _steps_text(self, action: ir.ActionIR, steps: list[_Step]) -> list[str]:
        """The steps; what several of them need is tested once, before them."""
        lines = []
        waiting = [(number, step.ways[0].guard) for number, step in enumerate(steps)]
        waiting = [w for w in waiting if len(steps[w[0]].ways) == 1]
        done = set()
        while len(waiting) >= MANY_STEPS:
            shared, needing = _needed_by_most(waiting, frozenset())
            if len(needing) < MANY_STEPS or len(needing) == len(waiting) == len(steps):
                break
            lines.append(f"    if ({self.text(shared)}) {{")
            for number, guard in needing:
                step = steps[number]
                way = replace(step.ways[0], guard=under(guard, shared))
                lines += self._step(action, replace(step, ways=[way]))
                done.add(number)
            lines.append("    }")
            waiting = [way for way in waiting if way not in needing]
        for number, step in enumerate(steps):
            if number not in done:
                lines += self._step(action, step)
        return lines

    def _step(self, action: ir.ActionIR, step: _Step) -> list[str]:
        names = [choice.name for choice in action.choices]
        types = [choice.type for choice in action.choices]

        def said(way: _Way) -> str:
            pairs = zip(names, types, way.args, strict=True)
            return ", ".join(f"{n}={t.text(v)}" for n, t, v in pairs).replace("*/", "* /")

        add = self._add(step)
        if len(step.ways) == 1:
            (way,) = step.ways
            count = f"n++; taken[{way.number}] = 1;"
            return [
                f"    /* {said(way)} */",
                f"    if ({self.text(way.guard)}) {{ {count} {add} }}",
            ]
        lines = [f"    /* {said(step.ways[0])}, and {len(step.ways) - 1} more ways */"]
        common, rest = _factored([way.guard for way in step.ways])
        lines.append(f"    if ({self.text(common)}) {{\n        u64 m = n;")
        ways = [(way.number, guard) for way, guard in zip(step.ways, rest, strict=True)]
        lines += self._counted(ways, frozenset(), "        ")
        return [*lines, f"        if (n != m) {{ {add} }}\n    }}"]

    def _counted(
        self, ways: list[tuple[int, Condition]], known: frozenset[int], indent: str
    ) -> list[str]:
        """Count the ways whose guards hold.  What many of them need is tested once, before them."""
        lines = []
        while MANY_WAYS <= len(ways) <= MOST_TOGETHER:
            shared, needing = _needed_by_most(ways, known)
            if len(needing) < MANY_WAYS:
                break
            inner = [(number, under(guard, shared)) for number, guard in needing]
            lines.append(f"{indent}if ({self.text(shared)}) {{")
            lines += self._counted(inner, known | {shared.number}, indent + "    ")
            lines.append(f"{indent}}}")
            ways = [way for way in ways if way not in needing]
        for number, guard in ways:
            lines.append(f"{indent}if ({self.text(guard)}) {{ n++; taken[{number}] = 1; }}")
        return lines

    def _add(self, step: _Step) -> str:
        """Make the successor; leave it out if it is the same state."""
        after = self._after(step)
        if not after:
            return ""
        word = self.conditions.word
        lets = "".join(f"u64 t{w} = {text}; " for w, text in after.items())
        made = "".join(
            f"next[{w}] = {f't{w}' if w in after else word[w]}; " for w in range(len(word))
        )
        judged = ""
        for j in step.judged:
            what = What("step_property", j.name, j.args)
            if j.errors is not FALSE:
                judged += f"if ({self.text(j.errors)}) {self._report(self.error)} else "
            judged += f"if (!{self.text(j.holds)}) {self._report(self.whats.index(what), 'next')} "
        label = ""
        if self.labels:
            number = self.labels[step.ways[0].number]
            label = f"if (out->labels) out->labels[(next - out->next) / NW] = {number}; "
        put = f"{made}{label}{judged}next += NW;"
        if self._always_changes(step):
            return lets + put
        differs = " || ".join(f"t{w} != {word[w]}" for w in after)
        return f"{lets}if ({differs}) {{ {put} }}"

    def _report(self, what: int, then: str = "NULL") -> str:
        state = "state" if self.conditions.by_value else "s"
        given = "" if state == "s" else f"u64 state[] = {{{self.conditions.args}}}; "
        return f"{{ {given}out->report->see(out->report, {what}, {state}, {then}); }}"

    def _always_changes(self, step: _Step) -> bool:
        """Whether some cell certainly gets another code, wherever one of the guards holds."""
        guard = either(way.guard for way in step.ways)
        for effect in step.effects:
            same = either(both(atom(effect.cell, {code}), where) for code, where in effect.codes)
            if under(same, guard) is FALSE:
                return True
        return False

    def _after(self, step: _Step) -> dict[int, str]:
        """The words that may change, and what they become."""
        clear: dict[int, int] = {}
        set_to: list[tuple[Place, tuple[tuple[int, Condition], ...]]] = []
        for effect in step.effects:
            place = self.packing.of(effect.cell)
            codes = effect.codes
            keeps = False
            if effect.cell.size == 2:
                # What may be added to a bit leaves it as it is where it is set.
                where = dict(codes).get(1, FALSE)
                held = atom(effect.cell, {1})
                keeps = where.kind == "or" and held in where.parts
                if keeps:
                    where = either(part for part in where.parts if part is not held)
                codes = ((1, where),)
            clear[place.word] = clear.get(place.word, 0) | (0 if keeps else place.mask)
            set_to.append((place, codes))
        terms = self._terms(set_to)
        made = {}
        for word in sorted(clear):
            text = self.conditions.word[word]
            if clear[word]:
                text = f"({text} & ~{clear[word]:#x}ul)"
            made[word] = " | ".join([text, *terms.get(word, [])])
        return made

    def _terms(
        self, set_to: list[tuple[Place, tuple[tuple[int, Condition], ...]]]
    ) -> dict[int, list[str]]:
        """For each word what is to be added, where places get codes under conditions.

        A cell's code that depends on one other cell is looked up in a table; one that is copied
        from another cell is shifted, together with all that are shifted as far.
        """
        given: dict[int, int] = {}
        found: dict[int, list[str]] = {}
        tables: dict[tuple[int, int], dict[int, int]] = {}
        copies: dict[tuple[int, int, int], int] = {}
        for place, codes in set_to:
            source = _copied(codes)
            if source is not None:
                here = self.packing.of(source)
                way = (here.word, place.word, place.shift - here.shift)
                copies[way] = copies.get(way, 0) | here.mask
                continue
            for code, where in codes:
                if where is TRUE:
                    given[place.word] = given.get(place.word, 0) | code << place.shift
                elif where is FALSE or not code:
                    continue
                elif where.cell is not None and where.cell.size > 2:
                    table = tables.setdefault((where.cell.number, place.word), {})
                    for held in where.codes:
                        table[held] = table.get(held, 0) | code << place.shift
                else:
                    text = f"(u64){self.text(where)}"
                    term = f"<< {place.shift}" if code == 1 else f"* {code << place.shift:#x}u"
                    found.setdefault(place.word, []).append(f"{text} {term}")
        for word, value in given.items():
            found.setdefault(word, []).append(f"{value:#x}u")
        for (number, word), table in tables.items():
            size = self.ground.layout.cells[number].size
            values = tuple(table.get(code, 0) for code in range(size))
            name = self.tables.setdefault(values, f"table{len(self.tables)}")
            found.setdefault(word, []).append(f"{name}[{self.conditions.code(number)}]")
        for (source_word, word, far), mask in copies.items():
            shift = f" << {far}" if far > 0 else f" >> {-far}" if far else ""
            text = f"(({self.conditions.word[source_word]} & {mask:#x}u){shift})"
            found.setdefault(word, []).append(text)
        return found

    # ------------------------------------------------------------- refinement

    def _image(self, number: int, image: Image) -> str:
        """The function that maps a state to a state of the other program."""
        there = Packing(image.other)
        terms = self._terms([(there.of(cell.cell), cell.codes) for cell in image.cells])
        lines = [
            f"    image[{word}] = {' | '.join(terms.get(word, ['0']))};"
            for word in range(there.words)
        ]
        if image.errors is not FALSE:
            lines.insert(0, f"    if ({self.text(image.errors)}) return 0;")
        reads = ", ".join(f"{word:#x}u" for word in self.packing.mask(image.reads))
        return (
            f"/* {image.name}: as a state of {image.other.program.name} */\n"
            f"static int image_{number}_of({self.conditions.params}, u64 *image) {{\n"
            + "\n".join(lines)
            + "\n    return 1;\n}\n"
            f"static int image_{number}(const u64 *s, u64 *image) "
            f"{{ return image_{number}_of({self.conditions.spread}, image); }}\n"
            f"static const u64 reads_{number}[] = {{{reads}}};"
        )

    # ------------------------------------------------------------- what may go wrong

    def _failing(self) -> str:
        """A function that says whether some binding is a model error here."""
        errors = [b.errors for b in self.ground.bindings if b.errors is not FALSE]
        return self._any_of("fails", errors)

    def _pruned(self) -> str:
        return self._any_of("prunes", [b.pruned for b in self.ground.bindings])

    def _any_of(self, name: str, conditions: list[Condition]) -> str:
        where = {c.number: c for c in conditions if c is not FALSE}
        if not where:
            return ""
        lines = [f"    if ({self.text(c)}) return 1;" for c in where.values()]
        return (
            f"static __attribute__((noinline)) int {name}({self.conditions.params}) {{\n"
            + "\n".join(lines)
            + "\n    return 0;\n}"
        )

    def _told(self, fails: bool, prunes: bool) -> list[str]:
        """What is told of a state before its successors."""
        spread = self.conditions.spread
        lines = []
        if fails:
            lines.append(f"    if (UNLIKELY(fails({spread}))) {{ out->failed = 1; return; }}")
        if prunes:
            lines.append(f"    if (prunes({spread})) out->cut = 1;")
        return lines

    def _expand(self, functions: list[str], told: list[str]) -> str:
        spread = self.conditions.spread
        lines = ["static void expand(const u64 *s, Out *out) {", *told]
        lines.append("    u64 *next = out->next + (size_t)out->count * NW;")
        lines += [f"    next = {name}({spread}, next, out);" for name in functions]
        return "\n".join([*lines, "    out->count = (u32)((next - out->next) / NW);", "}"])

    def _judging(self) -> str:
        """`judge`, `cut` and `final`: an error ends the judging of a state."""
        spread, params = self.conditions.spread, self.conditions.params
        parts = []
        body: list[str] = []
        for number, j in enumerate(self.invariants):
            body += self._stop_at_error(j)
            if j.holds is not TRUE:
                name = f"holds_{number}"
                parts.append(
                    f"/* {self._said(j)} */\n"
                    f"static int {name}({params}) {{ return {self.text(j.holds)}; }}"
                )
                body.append(
                    f"    if (UNLIKELY(!{name}({spread}))) report->see(report, {number}, s, NULL);"
                )
        for number, j in enumerate(self.goals):
            name = f"meets_{number}"
            parts.append(
                f"/* {self._said(j)} */\n"
                f"static int {name}({params}) {{ return {self.text(j.holds)}; }}"
            )
            word, bit = number // 64, f"1ul << {number % 64}"
            body.append(f"    if (UNLIKELY(open[{word}] & {bit})) {{")
            body += ["    " + line for line in self._stop_at_error(j)]
            body.append(f"        if ({name}({spread})) open[{word}] &= ~({bit});\n    }}")
        for j in self.constraints:
            body += self._stop_at_error(j)
        for image in self.images:
            if image.errors is not FALSE:
                number = self.whats.index(What("refinement", image.name, ()))
                see = f"report->see(report, {number}, s, NULL);"
                body.append(f"    if (UNLIKELY({self._here(image.errors)})) {see}")
        parts.append(
            "static void judge(const u64 *s, u64 *open, Report *report) {\n"
            + "    (void)s, (void)open, (void)report;\n"
            + "\n".join(body)
            + "\n}"
        )
        if self.constraints:
            holds = both(j.holds for j in self.constraints)
            parts.append(f"static int cuts({params}) {{ return !{self.text(holds)}; }}")
            parts.append(f"static int cut(const u64 *s) {{ return cuts({spread}); }}")
        if self.final:
            lines = []
            for j in self.final:
                lines += self._stop_at_error(j, "return 1;")
                lines.append(f"    if ({self._here(j.holds)}) return 1;")
            parts.append(
                "static int final(const u64 *s, Report *report) {\n    (void)s, (void)report;\n"
                + "\n".join(lines)
                + "\n    return 0;\n}"
            )
        return "\n\n".join(parts)

    def _said(self, j: Judgement) -> str:
        what = next(
            p
            for p in (*self.program.properties, *self.program.final, *self.program.constraints)
            if p.name == j.name
        )
        pairs = zip(what.params, j.args, strict=True)
        inside = ", ".join(f"{param.name}={param.type.text(value)}" for param, value in pairs)
        place = self.program.functions[what.function].place
        return f"{place.file}:{place.line} {j.name}({inside})".replace("*/", "* /")

    def _stop_at_error(self, j: Judgement, then: str = "return;") -> list[str]:
        if j.errors is FALSE:
            return []
        see = f"report->see(report, {self.error}, s, NULL);"
        return [f"    if (UNLIKELY({self._here(j.errors)})) {{ {see} {then} }}"]

    def _here(self, of: Condition) -> str:
        """The condition where the state is behind a pointer `s`."""
        if not self.conditions.by_value:
            return self.text(of)
        lets = " ".join(f"u64 s{w} = s[{w}]; (void)s{w};" for w in range(self.packing.words))
        return f"({{ {lets} {self.text(of)}; }})"

    def _model(self, canonical: bool) -> str:
        most = sum(1 for step in self.steps if step.effects)
        images = ", ".join(
            f"{{image_{number}, reads_{number}, {Packing(image.other).words}}}"
            for number, image in enumerate(self.images)
        )
        return (
            (f"static const Image image[] = {{{images}}};\n\n" if images else "")
            + "const Model model = {\n"
            f"    .words = NW, .actions = {len(self.actions)}, "
            f".taken = {len(self.ground.bindings)},\n"
            f"    .goals = {len(self.goals)}, .most = {max(most, 1)},\n"
            "    .expand = expand, .judge = judge,\n"
            + ("    .cut = cut,\n" if self.constraints else "")
            + ("    .final = final,\n" if self.final else "")
            + (f"    .images = {len(self.images)}, .image = image,\n" if self.images else "")
            + ("    .canonical = canonical,\n" if canonical else "")
            + ("    .reduction = &reduction,\n" if self.reduction else "")
            + "};"
        )


def _ground_image(image: Image | NoImage) -> Image:
    if isinstance(image, NoImage):
        raise NotGroundError(f"the refinement `{image.name}`: {image.why}")
    return image


def _copied(codes: tuple[tuple[int, Condition], ...]) -> Cell | None:
    """The cell whose code this is, whatever it is."""
    cell = codes[0][1].cell
    if cell is None:
        return None
    held = dict(codes)
    same = all(held.get(code) is atom(cell, {code}) for code in range(1, cell.size))
    return cell if same and max(held) < cell.size else None


def _pieces(steps: list[_Step]) -> Iterator[list[_Step]]:
    """The steps in runs of at most `MOST_TOGETHER` bindings."""
    piece: list[_Step] = []
    size = 0
    for step in steps:
        if piece and size + len(step.ways) > MOST_TOGETHER:
            yield piece
            piece, size = [], 0
        piece.append(step)
        size += len(step.ways)
    if piece:
        yield piece


def _needed_by_most(
    ways: list[tuple[int, Condition]], known: frozenset[int]
) -> tuple[Condition, list[tuple[int, Condition]]]:
    """A short part of some guard that most of the guards imply, and the ways that have those."""
    parts: dict[int, Condition] = {}
    for _, guard in ways:
        for part in guard.parts if guard.kind == "and" else (guard,):
            short = part.kind == "atom" or (part.kind == "or" and len(part.parts) <= SHORT)
            if short and part.number not in known:
                parts[part.number] = part
    best: tuple[Condition, list[tuple[int, Condition]]] = (TRUE, [])
    for part in list(parts.values())[:MOST_TRIED]:
        needing = [way for way in ways if under(part, way[1]) is TRUE]
        if len(needing) > len(best[1]):
            best = part, needing
    return best


def _factored(guards: list[Condition]) -> tuple[Condition, list[Condition]]:
    """What all the guards ask for, and what each asks for besides."""
    parts = [set(g.parts) if g.kind == "and" else {g} for g in guards]
    shared = set.intersection(*parts)
    common = both(sorted(shared, key=lambda part: part.number))
    return common, [under(guard, common) for guard in guards]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
