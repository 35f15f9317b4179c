"""What the compiler works out: types and their bounds, narrowing, choices, definedness."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.lang import interpret, ir
from checker.lang.compile import Compiler, compile_model
from checker.lang.definedness import PARTIAL, defined, defined_write, partial_nodes
from checker.lang.errors import ModelError, SpecError
from checker.lang.infer import NEVER, arithmetic, comparable, join, subtype
from checker.lang.model import Model
from checker.lang.types import BoolT, IntT, OptionT, SeqT, SetT, TupleT
from spec.paxos import Paxos
from tests.generate.loading import load_text
from tests.lang.constructs import Lists, Team, Wide
from tests.lang.test_errors import PREAMBLE

Compile = Callable[[str], ir.Program]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    def make(methods: str) -> ir.Program:
        text = PREAMBLE + textwrap.indent(textwrap.dedent(methods), "    ")
        return compile_model(Model(load_text(text, tmp_path).Case, {}))

    return make


# --------------------------------------------------------------------------- types


def test_the_order_of_types() -> None:
    small, large = IntT(0, 2), IntT(-1, 5)
    assert subtype(small, large)
    assert not subtype(large, small)
    assert subtype(small, OptionT(large))
    assert subtype(SeqT(small, 2), SeqT(large, 3))
    assert not subtype(SeqT(small, 4), SeqT(large, 3))
    assert subtype(SetT(NEVER), SetT(BoolT()))
    assert join(small, OptionT(IntT(7, 7))) == OptionT(IntT(0, 7))
    assert join(TupleT((small, BoolT())), TupleT((large, BoolT()))) == TupleT((large, BoolT()))
    assert join(small, BoolT()) is None
    assert join(SetT(small), SeqT(small)) is None
    assert comparable(OptionT(small), large)
    assert not comparable(small, BoolT())


@pytest.mark.parametrize("op", ["+", "-", "*", "//", "%", "min", "max"])
def test_bounds_hold_and_are_reached(op: str) -> None:
    """Every result lies within the bounds; for all but `%` both bounds are results."""
    for low_a in range(-3, 3):
        for low_b in range(-3, 3):
            a, b = IntT(low_a, low_a + 2), IntT(low_b, low_b + 1)
            of = arithmetic(op, [a, b])
            found = [
                interpret.OPERATORS[op](x, y)
                for x in a.values()
                for y in b.values()
                if op not in ("//", "%") or y != 0
            ]
            assert all(value in of for value in found)
            if op != "%" and of.low is not None:
                assert (of.low, of.high) == (min(found), max(found))


def values_of(program: ir.Program, function: str, name: str) -> str:
    return next(str(p.type) for p in program.functions[function].locals if p.name == name)


@pytest.mark.parametrize(
    ("code", "of"),
    [
        ("x = self.count + 1", "int[1..4]"),
        ("x = len(self.nodes)", "int[0..2]"),
        ("x = sum(i for i in range(3))", "int[0..6]"),
        ("x = [self.count, 7]", "Seq[int[0..7]] of at most 2"),
        ("x = [i * i for i in range(self.top)]", "Seq[int[0..4]] of at most 3"),
        ("x = (self.leader, True)", "tuple[Node | None, bool]"),
        ("x = self.last[n] if n == self.leader else 9", "int[0..9] | None"),
        ("x = {n: 1 for n in self.nodes}", "Map[Node, int[1..1]]"),
        ("x = {m.ballot for m in self.sent if not isinstance(m, Bye)}", "Set[int[0..2]]"),
        ("x = {m for m in self.sent if isinstance(m, Ask | Tell)}", "Set[Ask | Tell]"),
        ("x = {v for v in self.votes.values() if v is not None}", "Set[Vote]"),
        ("x = {v.ballot for v in self.votes.values() if v}", "?a condition is a bool"),
        ("x: Set[Num] = set()", "Set[int[0..2]]"),
        ("x = None\nif self.count == 1:\n    x = n", "Node | None"),
        ("x = 0\nfor i in range(3):\n    x += 1", "int"),
        ("x = 0\nfor i in range(3):\n    x = max(x, i)", "int[0..2]"),
        ("x = [1]\nx.append(2)", "?"),
        ("x = sorted({2, 1})", "Seq[int[1..2]] of at most 2"),
        ("x = subsets(self.nodes)", "Set[Set[Node]]"),
        ("x = self.queue[1:]", "Seq[int[0..2]] of at most 2"),
        ("x = -7 // 2", "int[-4..-4]"),
    ],
)
def test_types_of_locals(compiled: Compile, code: str, of: str) -> None:
    body = textwrap.indent(code + "\nrequire(x == x)", "    ")
    text = f"@action\ndef go(self, n: Node) -> None:\n{body}\n"
    if of.startswith("?"):
        if of == "?":
            assert "Seq[int]" in values_of(compiled(text), "go", "x")
            return
        with pytest.raises(SpecError) as caught:
            compiled(text)
        assert of[1:] in caught.value.rule
        return
    assert values_of(compiled(text), "go", "x") == of


# --------------------------------------------------------------------------- narrowing

NARROWED = [
    "require(self.last[n] is not None)\nself.count = self.last[n]",
    "if self.last[n] is None:\n    return\nself.count = self.last[n]",
    "assert self.last[n] is not None\nself.count = self.last[n]",
    "if self.last[n] is not None and self.last[n] > 1:\n    self.count = 1",
    "require(self.last[n] is None or self.last[n] > 1)",
    "require(not (self.last[n] is None or self.last[n] > 1))\nself.count = self.last[n]",
    "self.count = 0 if self.last[n] is None else self.last[n]",
    "require(any(self.last[m] is not None and self.last[m] > 1 for m in self.nodes))",
    "require(all(x > 1 for x in self.last.values() if x is not None))",
    "require(self.last[n] == 2)\nself.count = self.last[n]",
    "require(self.last[n] in {1, 2})\nself.count = self.last[n]",
    "self.last[n] = 1\nself.count = self.last[n]",
    "x = self.last[n]\nif x is None:\n    x = 0\nself.count = x",
    "v = self.votes[n]\nrequire(v is not None and v.ballot == 1)\nself.count = v.ballot",
    "match self.last[n]:\n    case None:\n        pass\n    case x:\n        self.count = x",
    "require(isinstance(m, Ask) or isinstance(m, Tell))\nself.count = m.ballot",
    "if isinstance(m, Bye):\n    return\nself.count = m.ballot",
    "match m:\n    case Tell(vote=Vote(b)):\n        self.count = b\n    case _:\n        pass",
    "match m:\n    case Ask(b) | Bye(b):\n        pass\n    case _:\n        pass",
]


@pytest.mark.parametrize("code", NARROWED)
def test_what_is_known_is_used(compiled: Compile, code: str) -> None:
    body = textwrap.indent(code, "    ")
    text = f"@action\ndef go(self, n: Node, m: Ask | Tell | Bye) -> None:\n{body}\n"
    if "Bye(b)" in code:
        with pytest.raises(SpecError, match="alternatives cannot bind"):
            compiled(text)
        return
    compiled(text)


FORGOTTEN = [
    "require(self.last[n] is not None)\nself.last = {k: None for k in self.nodes}\n"
    "self.count = self.last[n]",
    "require(self.last[n] is not None)\nself.forget(n)\nself.count = self.last[n]",
    "for i in range(2):\n    if self.last[n] is None:\n        pass\n    self.count = self.last[n]",
    "require(self.last[n] is not None or n == n)\nself.count = self.last[n]",
    "if self.last[n] is not None:\n    self.count = 1\nself.count = self.last[n]",
    "require(self.last[n] is not None)\nfor i in range(2):\n    self.count = self.last[n]\n"
    "    self.last[n] = None",
    "x = self.last[n]\nrequire(x is not None)\nx = self.last[n]\nself.count = x",
]


@pytest.mark.parametrize("code", FORGOTTEN)
def test_what_may_have_changed_is_forgotten(compiled: Compile, code: str) -> None:
    body = textwrap.indent(code, "    ")
    text = (
        f"@action\ndef go(self, n: Node) -> None:\n{body}\n\n"
        "def forget(self, n: Node) -> None:\n    self.last[n] = None\n"
    )
    with pytest.raises(SpecError, match="may be None here"):
        compiled(text)


# --------------------------------------------------------------------------- choices


def test_choices_are_read_off_the_first_guards() -> None:
    program = compile_model(Model.of(Paxos()))
    promise = {choice.name: choice for choice in program.action("promise").choices}
    assert promise["a"].how == "domain"
    assert promise["m"].how == "member"
    assert isinstance(promise["m"].within, ir.FieldRead)
    propose = {choice.name: choice for choice in program.action("propose").choices}
    assert propose["q"].how == "member"
    assert isinstance(propose["witness"].within, ir.Call)
    assert not ir.is_true(propose["q"].given)
    shuffle = compile_model(Model.of(Wide())).action("shuffle")
    assert [choice.how for choice in shuffle.choices] == ["subset", "domain"]


def test_fairness_and_its_condition() -> None:
    program = compile_model(Model.of(Team()))
    fair = program.action("ask").fairness
    assert fair is not None
    assert (fair.strength, fair.for_each) == ("weak", ("n",))
    assert fair.when is not None
    assert program.functions[fair.when].returns == BoolT()


# --------------------------------------------------------------------------- definedness


def test_defined_says_where_an_expression_has_a_value() -> None:
    """In every state and binding: `defined(e)` is true exactly where `e` evaluates.

    Only where nothing is known to be narrower: those expressions are read under their guards.
    """
    compared, undefined = 0, 0
    for spec in (Lists(), Wide()):
        model = Model.of(spec)
        program = compile_model(model)
        states = model.initial_states()
        for state in states[:40]:
            for action in model.actions:
                try:
                    found = [
                        model.step(state, action, a) for a in action.bindings.of(action.machine)
                    ]
                except Exception:
                    continue
                states += [after for after in found if after not in states]
        for state in states[:60]:
            machine = interpret.Machine(program)
            machine.load(state)
            for function in program.functions.values():
                for node in partial_nodes(function.body):
                    if ir.locals_in(node) or isinstance(node, ir.Call | ir.MakeRecord | ir.Fold):
                        continue
                    says = machine.eval(defined(node), {})
                    try:
                        machine.eval(node, {})
                        does = True
                    except ModelError:
                        does = False
                    except Exception:
                        continue
                    assert says == does, node
                    compared, undefined = compared + 1, undefined + (not does)
    assert compared > 50
    assert undefined >= 5


def test_what_always_has_a_value_says_so() -> None:
    program = compile_model(Model.of(Paxos()))
    body = program.functions["promise"].body
    assert all(
        ir.is_true(defined(node))
        for statement in body
        for node in ir.children(statement)
        if isinstance(node, ir.Expr)
    )


def test_the_operands_of_and_are_read_in_turn() -> None:
    x = ir.Local("x", type=IntT(0, 3))
    divided = ir.Op("//", (ir.number(6), x), type=IntT())
    test = ir.both(ir.truth("!=", x, ir.number(0)), ir.truth("<", divided, ir.number(3)))
    machine = interpret.Machine(compile_model(Model.of(Lists())))
    assert all(machine.eval(defined(test), {"x": value}) for value in range(4))
    assert not machine.eval(defined(divided), {"x": 0})


def test_a_write_needs_the_cell_that_it_writes(compiled: Compile) -> None:
    program = compiled("@action\ndef go(self) -> None:\n    self.queue[1] = 2\n")
    (write,) = program.functions["go"].body
    assert isinstance(write, ir.Write)
    machine = interpret.Machine(program)
    for queue in ((), (0,), (0, 0)):
        machine.state = {"queue": queue}
        assert machine.eval(defined_write(program, write), {}) == (len(queue) == 2)


def test_every_row_of_the_table_says_how_to_mend_it() -> None:
    assert all(row.rule and row.mend for row in PARTIAL.values())


# --------------------------------------------------------------------------- the compiler itself


def test_an_exception_inside_the_compiler_becomes_an_error_with_a_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: Compiler, of: object, owner: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Compiler, "_declared_return", fail)
    with pytest.raises(SpecError) as caught:
        compile_model(Model.of(Paxos()))
    assert caught.value.rule == "the compiler failed here: ZeroDivisionError: oops"
    assert "please report it" in caught.value.mend
    assert caught.value.place is not None
    assert caught.value.place.file.endswith("paxos.py")


def test_compiling_twice_gives_the_same_program() -> None:
    assert compile_model(Model.of(Wide())) == compile_model(Model.of(Wide()))


def test_a_function_is_compiled_once_for_each_list_of_types(compiled: Compile) -> None:
    program = compiled(
        """
        @action
        def go(self) -> None:
            self.count = self.twice(self.count) + self.twice(self.count + 1) + self.twice(1)

        def twice(self, x: Num) -> int:
            return 2 * x
        """
    )
    names = sorted(name for name in program.functions if name.startswith("twice"))
    assert names == ["twice", "twice~2", "twice~3"]


# --------------------------------------------------------------------------- loops that commute

COMMUTES = [
    "x = 0\nfor m in self.nodes:\n    x += 1\nself.count = x",
    "for m in self.nodes:\n    self.last[m] = 1",
    "for m in self.nodes:\n    if self.last[m] is None:\n        self.last[m] = self.count",
    "x = set(self.nodes)\nfor m in self.nodes:\n    x.discard(m)\nrequire(x == set())",
    "x = False\nfor m in self.nodes:\n    if m != n:\n        x = True\nrequire(x)",
    "x = 0\nfor m in self.sent:\n    if not isinstance(m, Bye):\n        y = m.ballot\n"
    "        x = max(x, y)\nself.count = x",
    "x = True\nfor m in self.nodes:\n    x = x and self.last[m] is not None\nrequire(x)",
    "for m in self.nodes:\n    require(self.last[m] is not None)",
    "for m in self.nodes:\n    x = self.last[m]\n    require(x is not None)\n"
    "    assert x is not None\n    require(x > 0)",
    "for m in self.nodes:\n    for k in self.nodes:\n        if m != k:\n            self.clear(m)",
    "for m in self.nodes:\n    self.leader = None",
    "require(self.some())",
]

SHOWS = [
    "x = 0\nfor m in self.nodes:\n    x = self.weight(m)\nself.count = x",
    "x = 0\nfor m in self.nodes:\n    self.count = x\n    x += 1",
    "for m in self.nodes:\n    self.take(m)",
    "for m in self.nodes:\n    self.count += 1\n    self.count = 2",
    "for m in self.nodes:\n    require(self.count < 2)\n    self.count += 1",
    "for m in self.nodes:\n    self.leader = n if self.last[m] is None else None",
    "for m in self.nodes:\n    if self.last[m] is None:\n        return\n    self.last[m] = None",
    "for i in self.bag:\n    self.queue.append(1)",
    "for m in self.nodes:\n    self.last[n] = self.weight(m)",
    "for m in self.nodes:\n    if self.last[m] is None:\n        return\n    require(m != n)",
    "for m in self.nodes:\n    self.other(m)\n    if self.last[m] is None:\n        return",
    "for m in self.nodes:\n    if self.last[m] is None:\n        return\n    assert m != n",
    "for m in self.nodes:\n    require(self.last[m] is None)\n    assert m != n",
]

HELPERS = """
def clear(self, m: Node) -> None:
    self.last[m] = None

def take(self, m: Node) -> None:
    self.order.append(m)

def weight(self, m: Node) -> Num:
    return 1 if m == self.leader else 0

def some(self) -> bool:
    for m in self.nodes:
        if self.last[m] == 1:
            return True
    return False

def other(self, m: Node) -> None:
    require(m != self.leader)
"""


@pytest.mark.parametrize("code", COMMUTES)
def test_loops_that_commute(compiled: Compile, code: str) -> None:
    compiled(f"@action\ndef go(self, n: Node) -> None:\n{textwrap.indent(code, '    ')}\n{HELPERS}")


@pytest.mark.parametrize("code", SHOWS)
def test_loops_whose_order_shows(compiled: Compile, code: str) -> None:
    text = f"@action\ndef go(self, n: Node) -> None:\n{textwrap.indent(code, '    ')}\n{HELPERS}"
    with pytest.raises(SpecError, match="the order of this loop shows"):
        compiled(text)
