"""C for the steps of a program: the bindings of each action, and what each does.

    for every binding of every action:
        run the action in `now`; if it ends, pack the fields that it may write and keep the state
        put `now` back as it was

The bindings of an action are walked over what its first guards leave (`ir.Choice`), and over the
whole domains if that cannot be evaluated in this state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from checker.engines.native.general.codes import codes, members, value_of
from checker.engines.native.general.labels import Labels
from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.shapes import Bits, List, NotInCError
from checker.engines.native.general.statements import where
from checker.engines.native.general.text import Body, address, function
from checker.engines.native.general.writer import Context, Writer
from checker.engines.python.vacuity import _is_listed as is_listed
from checker.lang import ir
from checker.lang.types import BagT, MapT, SeqT, SetT, Type

LARGEST_DOMAIN = 1_000_000
"""As in `checker/lang/bindings.py`."""


@dataclass(frozen=True)
class Flags:
    """The flags `taken` of one action: one for itself, and one for each value of a parameter."""

    action: ir.ActionIR
    first: int
    params: tuple[tuple[int, Type, int] | None, ...]
    """For each parameter whose values are listed: its first flag, its type, how many."""


class Steps:
    def __init__(self, context: Context, packing: GeneralPacking, liveness: bool) -> None:
        self.context = context
        self.library = context.library
        self.program = context.program
        self.packing = packing
        self.flags: list[Flags] = []
        self.taken = 0
        self.labels = Labels(self.program, liveness)
        for action in self.program.actions:
            self._count_flags(action)

    # ------------------------------------------------------------- what was taken

    def _count_flags(self, action: ir.ActionIR) -> None:
        first = self.taken
        self.taken += 1
        params: list[tuple[int, Type, int] | None] = []
        for param in action.params:
            size = codes(param.type)
            if not is_listed(param.type) or size is None:
                params.append(None)
                continue
            params.append((self.taken, param.type, size))
            self.taken += size
        self.flags.append(Flags(action, first, tuple(params)))

    def used(self, taken: bytes) -> dict[str, list[set[Any]]]:
        """From the flags: for each action that was taken, the values of its listed parameters."""
        found: dict[str, list[set[Any]]] = {}
        for flags in self.flags:
            if not taken[flags.first]:
                continue
            held = found[flags.action.name] = [set() for _ in flags.params]
            for values, listed in zip(held, flags.params, strict=True):
                if listed is not None:
                    first, of, size = listed
                    values.update(value_of(of, at) for at in range(size) if taken[first + at])
        return found

    # ------------------------------------------------------------- packing what is written

    def _storing(self, writes: frozenset[str]) -> tuple[str, str]:
        """The functions that pack what was written in some fields, and put it back as it was."""

        def store(name: str) -> str:
            body = Body()
            for field in self._in_order(writes):
                at, place = self.packing.places[field.name], self.context.fields[field.name]
                with self._written(body, field) as entry:
                    if entry is None:
                        self._pack_again(body, field.type, str(at), f"step->now.{place}")
                        continue
                    assert isinstance(field.type, MapT)
                    width, of = self.packing.widths.of(field.type.value), field.type.value
                    body.line(f"u32 at = {at} + {entry} * {width};")
                    self._pack_again(body, of, "at", f"step->now.{place}.at[{entry}]")
            return function(f"static void {name}(const Step *step, u64 *w)", body.lines)

        def restore(name: str) -> str:
            body = Body()
            for number, field in enumerate(self.program.fields):
                if field.name not in writes:
                    continue
                place = self.context.fields[field.name]
                with self._written(body, field) as entry:
                    place += f".at[{entry}]" if entry is not None else ""
                    body.line(f"step->now.{place} = step->before.{place};")
                body.line(f"step->self.wrote[{number}] = 0;")
            return function(f"static void {name}(Step *step)", body.lines)

        word = "_".join(self.context.fields[f.name] for f in self._in_order(writes)[:2])
        return (
            self.library.once(("store", writes), f"store_{word}", store),
            self.library.once(("restore", writes), f"restore_{word}", restore),
        )

    @contextmanager
    def _written(self, body: Body, field: ir.StateField) -> Iterator[str | None]:
        """Where the field was written; the key, if that is noted key by key."""
        mask = f"step->self.wrote[{self.program.fields.index(field)}]"
        if not self.context.by_key(field.type):
            with body.block(f"if ({mask})"):
                yield None
            return
        assert isinstance(field.type, MapT)
        count, left = len(members(field.type.key)), body.name("left")
        start = f"u64 {left} = {mask} & low_bits({count})"
        with body.block(f"for ({start}; {left}; {left} &= {left} - 1)"):
            key = body.name("key")
            body.line(f"int {key} = __builtin_ctzll({left});")
            yield key

    def _pack_again(self, body: Body, of: Type, at: str, place: str) -> None:
        body.line(f"wipe(w, {at}, {self.packing.widths.of(of)});")
        self.library.pack(body, of, at, place)

    def _in_order(self, writes: frozenset[str]) -> list[ir.StateField]:
        return [field for field in self.program.fields if field.name in writes]

    # ------------------------------------------------------------- one action

    def action(self, number: int) -> str:
        """The name of the function that takes an action with every binding."""
        action = self.program.actions[number]
        take = self._taking(number)
        narrowed, may_fail = self._walk(number, take, narrowed=True)
        if not may_fail:
            return narrowed
        whole, _ = self._walk(number, take, narrowed=False)
        name = self.library.fresh(f"all_{action.name}")
        lines = [
            "u32 count = step->out->count;",
            f"u64 taken = step->actions[{number}];",
            f"int status = {narrowed}(step);",
            "if (status != WHOLE) return status;",
            "step->out->count = count;",
            f"step->actions[{number}] = taken;",
            f"return {whole}(step);",
        ]
        comment = "Over the whole domains, where the ranges of the parameters cannot be evaluated."
        self.library.functions.append(function(f"static int {name}(Step *step)", lines, comment))
        return name

    def _taking(self, number: int) -> str:
        """One binding of an action."""
        action, flags = self.program.actions[number], self.flags[number]
        made = self.program.functions[action.function]
        body = Body(frozenset({"step"}))
        params = [body.name(param.name) for param in action.params]
        given = ["&step->self", *params]
        body.line(f"int status = {self.context.functions[action.function]}({', '.join(given)});")
        with body.block("if (status == DONE)"):
            body.line(f"step->actions[{number}]++;")
            body.line(f"mark(step, {flags.first});")
            for param, name, listed in zip(action.params, params, flags.params, strict=True):
                if listed is not None:
                    body.line(
                        f"mark(step, {listed[0]} + (u32){self.library.code(param.type, name)});"
                    )
            if made.writes:
                store, restore = self._storing(made.writes)
                body.line("u64 *next = successor(step);")
                body.line(f"{store}(step, next);")
                body.line(f"keep(step, {self.labels.of(self.library, number, params)});")
        if made.writes:
            body.line(f"{restore}(step);")
        body.line("step->cut |= status == PRUNED;")
        body.line("return status >= ERROR ? status : DONE;")
        held = [
            self.library.parameter(p.type, n) for p, n in zip(action.params, params, strict=True)
        ]
        name = self.library.fresh(f"take_{action.name}")
        header = f"static int {name}({', '.join(['Step *step', *held])})"
        comment = f"The action {action.name}: {where(made.place)}"
        self.library.functions.append(function(header, body.lines, comment))
        return name

    def _walk(self, number: int, take: str, narrowed: bool) -> tuple[str, bool]:
        """Every binding of an action; and whether what narrows them may fail."""
        action = self.program.actions[number]
        w = Writer(self.context)
        w.choosing = True
        try:
            if not narrowed:
                self._check_size(action)
            self._choose(w, action, take, narrowed)
        except NotInCError:
            if narrowed:
                raise
            w.lines = ["(void)step;", "return ERROR;"]
            w.fails = w.keeps_status = False
        else:
            first = ["Machine *self = &step->self;", "(void)self;"]
            w.lines[:0] = [*first, "int status;"]
            w.line("return DONE;")
        name = self.library.fresh(f"{'each' if narrowed else 'every'}_{action.name}")
        self.library.functions.append(function(f"static int {name}(Step *step)", w.lines))
        return name, w.fails

    def _check_size(self, action: ir.ActionIR) -> None:
        sizes = [param.type.size for param in action.params]
        if None in sizes or prod(size or 0 for size in sizes) > LARGEST_DOMAIN:
            raise NotInCError(f"all bindings of {action.name}")

    def _choose(self, w: Writer, action: ir.ActionIR, take: str, narrowed: bool) -> None:
        def choose(rest: tuple[ir.Choice, ...], args: list[str]) -> None:
            if not rest:
                w.line(f"status = {take}({', '.join(['step', *args])});")
                w.line("if (UNLIKELY(status)) return status;")
                return
            first = rest[0]
            with self._values(w, first, narrowed) as item:
                w.env[first.name] = item
                given = item if self.library.scalar(first.type) else address(item)
                choose(rest[1:], [*args, given])

        choose(action.choices, [])

    @contextmanager
    def _values(self, w: Writer, choice: ir.Choice, narrowed: bool) -> Iterator[str]:
        """What a parameter ranges over."""
        if choice.within is None or not narrowed:
            with w.domain(choice.type, choice.name) as item:
                yield item
            return
        test = w.value(choice.given)
        with w.block("" if test == "1" else f"if ({test})"), self._range(w, choice) as item:
            yield item

    @contextmanager
    def _range(self, w: Writer, choice: ir.Choice) -> Iterator[str]:
        """The values of `within` that belong to the parameter's type, each once."""
        assert choice.within is not None
        of = choice.within.type
        assert isinstance(of, SetT | SeqT | BagT)
        place = w.value(choice.within)
        if choice.how == "subset":
            assert isinstance(of, SetT)
            with w.subsets(of, place, choice.name) as item:
                yield self._belonging(w, of, choice, item)
            return
        with self.library.over(w, of, place, choice.name) as item:
            shape = self.library.shape(of)
            if isinstance(shape, List) and not isinstance(of, SetT):
                self._skip_repeated(w, of, place, item)
            else:
                assert isinstance(shape, List | Bits)
            yield self._belonging(w, of.item, choice, item)

    def _skip_repeated(self, w: Writer, of: SeqT | BagT, place: str, item: str) -> None:
        found = self.library.find(of, place, item)
        at = item.rpartition("[")[2].rstrip("]")
        w.line(f"if ({found} != (int){at}) continue;")

    def _belonging(self, w: Writer, of: Type, choice: ir.Choice, item: str) -> str:
        outside = self.library.outside(of, choice.type, item)
        if outside is not None:
            w.line(f"if ({outside} != DONE) continue;")
        return w.moved(of, choice.type, item, choice.name)
