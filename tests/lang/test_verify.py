"""A broken IR is found, and the node that is broken is named.

Each case takes a sound program, breaks one node of one function, and says what is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checker.lang import ir
from checker.lang.compile import compile_model
from checker.lang.infer import NEVER
from checker.lang.model import Model
from checker.lang.operator_rules import RULES
from checker.lang.types import BoolT, IntT, SetT
from checker.lang.verify import EXPRESSIONS, BrokenIR, verify
from spec.paxos import Paxos
from tests.lang.constructs import Lists, Team, Wide

PROGRAMS = {
    spec: compile_model(Model.of(make()))
    for spec, make in {"paxos": Paxos, "wide": Wide, "lists": Lists, "team": Team}.items()
}


def broken(program: ir.Program, function: str, change: Callable[[Any], Any]) -> ir.Program:
    """The program with the first node of a function changed that `change` changes."""
    done = False

    def visit(node: Any) -> Any:
        nonlocal done
        if not done:
            made = change(node)
            if made is not node:
                done = True
                return made
        return ir.rebuild(node, visit)

    held = program.functions[function]
    body = tuple(visit(statement) for statement in held.body)
    assert done, "nothing was broken"
    return replace(program, functions={**program.functions, function: replace(held, body=body)})


def where(kind: type[Any], make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda node: make(node) if isinstance(node, kind) else node


def op(name: str, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda n: make(n) if isinstance(n, ir.Op) and n.op == name else n


CASES: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("paxos", "promise", where(ir.Local, lambda n: replace(n, name="ghost")),
     "Local in `promise`|`ghost` has no value here"),
    ("paxos", "promise", where(ir.Local, lambda n: replace(n, type=NEVER)),
     "Local in `promise`|`m` is a Prepare"),
    ("paxos", "promise", where(ir.FieldRead, lambda n: replace(n, name="snet")),
     "FieldRead in `promise`|there is no field `snet`"),
    ("paxos", "promise", where(ir.Write, lambda n: replace(n, field="voted")),
     "Write in `promise`|the place is a Vote | None, the value a int[-1..1]"),
    ("paxos", "promise", where(ir.Write, lambda n: replace(n, path=())),
     "Write in `promise`|the place is a Map[Acceptor, int[-1..1]], the value a int[-1..1]"),
    ("paxos", "promise", where(ir.Write, lambda n: replace(n, field="nowhere")),
     "Write in `promise`|`nowhere` is no field of the state"),
    ("paxos", "promise", op("set.has", lambda n: replace(n, args=n.args[::-1])),
     "Op 'set.has' in `promise`|operands Set[Accept | Accepted | Prepare | Promise], "
     "Accept | Accepted | Prepare | Promise cannot give bool"),
    ("paxos", "promise", op(">", lambda n: replace(n, op="~")),
     "Op '~' in `promise`|there is no such operator"),
    ("paxos", "promise", where(ir.MakeRecord, lambda n: replace(n, args=n.args[1:])),
     "MakeRecord in `promise`|the operands are not what the fields are"),
    ("paxos", "promise", where(ir.Get, lambda n: replace(n, field="value")),
     "Get in `promise`|Prepare has no field `value` of type int[0..1]"),
    ("paxos", "promise", where(ir.Widen, lambda n: replace(n, type=BoolT())),
     "Widen in `promise`|bool does not hold all of Prepare"),
    ("paxos", "promise", where(ir.Require, lambda n: replace(n, test=ir.number(1))),
     "Require in `promise`|the test is a int[1..1]"),
    ("paxos", "shows_safe", where(ir.Fold, lambda n: replace(n, op="seq")),
     "Fold in `shows_safe`|'seq' of Promise does not give Set[Promise]"),
    ("paxos", "shows_safe", where(ir.Narrow, lambda n: replace(n, type=BoolT())),
     "Narrow in `shows_safe`|bool is not narrower than Accept | Accepted | Prepare | Promise"),
    ("paxos", "shows_safe", where(ir.IsKind, lambda n: replace(n, kinds=())),
     "IsKind in `shows_safe`|Accept | Accepted | Prepare | Promise has not these kinds"),
    ("paxos", "shows_safe", where(ir.Return, lambda n: replace(n, value=None)),
     "Return in `shows_safe`|`shows_safe` returns Set[Promise | None]"),
    ("paxos", "agreement", where(ir.Call, lambda n: replace(n, function="chosen")),
     "Call in `agreement`|there is no function `chosen`"),
    ("paxos", "agreement", where(ir.Call, lambda n: replace(n, args=n.args[:1])),
     "Call in `agreement`|the arguments are not what `chosen_at` takes"),
    ("paxos", "agreement", where(ir.Gen, lambda n: replace(n, of=BoolT())),
     "Gen in `agreement`|a walk over Value gives no bool"),
    ("wide", "high", where(ir.Let, lambda n: replace(n, value=ir.TRUE)),
     "Let in `high`|`found` is a Vote | None, and gets a bool"),
    ("wide", "elect", where(ir.IsNone, lambda n: replace(n, of=ir.TRUE)),
     "IsNone in `elect`|bool is never None"),
    ("wide", "inv3", where(ir.Pick, lambda n: replace(n, key=ir.TRUE)),
     "Pick in `inv3`|bool is no key"),
    ("wide", "raise_vote", where(ir.Replace, lambda n: replace(n, names=("value",))),
     "Replace in `raise_vote`|`ballot` is not int[0..3]"),
    ("lists", "turn", where(ir.IfElse, lambda n: replace(n, test=ir.number(0))),
     "IfElse in `turn`|the test is no bool"),
    ("lists", "take", op("seq.get", lambda n: replace(n, type=SetT(IntT()))),
     "Op 'seq.get' in `take`|operands Seq[int[0..2]] of at most 3, int[-1..-1] cannot give "
     "Set[int]"),
    ("lists", "sane", where(ir.Item, lambda n: replace(n, index=2)),
     "Item in `sane`|tuple[int[0..2], bool] has no part 2"),
    ("team", "ask", where(ir.Do, lambda n: replace(n, into="x")),
     "Do in `ask`|`net.send` returns nothing"),
    ("team", "ask", where(ir.For, lambda n: replace(n, source=ir.Members(ir.TRUE))),
     "For in `ask`|a walk over bool gives no Node"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "function", "change", "said"), CASES)
def test_the_broken_node_is_named(
    program: str, function: str, change: Callable[[Any], Any], said: str
) -> None:
    named, problem = said.split("|", 1)
    with pytest.raises(BrokenIR) as caught:
        verify(broken(PROGRAMS[program], function, change))
    assert caught.value.problem == problem
    assert str(caught.value).startswith(f"{named} at /")


def test_sound_programs_pass() -> None:
    for program in PROGRAMS.values():
        verify(program)


def test_a_function_that_reaches_its_end_without_a_value() -> None:
    program = PROGRAMS["paxos"]
    held = program.functions["shows_safe"]
    cut = replace(held, body=held.body[:-1])
    with pytest.raises(BrokenIR, match="the end is reached without a value"):
        verify(replace(program, functions={**program.functions, "shows_safe": cut}))


def test_a_write_that_is_not_declared() -> None:
    program = PROGRAMS["paxos"]
    held = replace(program.functions["promise"], writes=frozenset({"sent"}))
    with pytest.raises(BrokenIR, match="is not said to write `promised`"):
        verify(replace(program, functions={**program.functions, "promise": held}))


def test_every_node_and_operator_has_a_rule() -> None:
    assert set(EXPRESSIONS) == set(ir.Expr.__subclasses__())
    assert set(RULES) == set(ir.OPERATORS)
