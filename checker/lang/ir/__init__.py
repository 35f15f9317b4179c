"""The typed IR: what a specification says, in a closed set of nodes.

Rules of this folder:

* One node, one meaning.  What a node does depends on its class, its operator and the types of
  its operands, never on where it stands.
* Every expression is pure, has a `type` (a finite domain wherever bounds are known) and a
  `place` in the user's file.  Places do not count for equality: equal trees mean the same.
* Nodes hold other nodes, names, types and values of the language (`values.py`); no function,
  no syntax tree and nothing of CPython's run.
* Conversions are explicit.  `Widen` never fails (a smaller domain into a larger one), `Narrow`
  takes a kind out of an Option or a Union, `Fit` puts a value into a domain that may not have
  room for it.  Operands of any other node have exactly the types that `verify.py` asks for.
* Numbers are Python's: unbounded, `//` and `%` round towards minus infinity.  An `IntT` with
  bounds says what is known of a value.
* What can fail is listed in one table, `definedness.py`; nothing else can.

Three readers are meant: generated C, z3 terms, and the read and write sets (`effects.py`).

In the order to read: `expressions`, `statements`, `programs`; `trees` and `making` work with them.
"""

from __future__ import annotations

from checker.lang.ir.expressions import (
    BOOL,
    FALSE,
    FOLDS,
    INT,
    NOWHERE,
    OPERATORS,
    TRUE,
    Bind,
    Call,
    Clause,
    Constant,
    Domain,
    Enabled,
    Expr,
    FieldRead,
    Fit,
    Fits,
    Fold,
    FoldOp,
    Gen,
    Get,
    How,
    IfElse,
    IsKind,
    IsNone,
    Item,
    LetIn,
    Literal,
    Local,
    MakeRecord,
    MapFold,
    Members,
    Narrow,
    Node,
    Op,
    Pick,
    PickOp,
    Range,
    Replace,
    SortBy,
    SortKind,
    Source,
    When,
    Widen,
)
from checker.lang.ir.making import both, either, is_false, is_true, negation, number, truth
from checker.lang.ir.programs import (
    ActionIR,
    Choice,
    ConstantIR,
    Fair,
    Function,
    Param,
    Program,
    PropertyIR,
    RefinementIR,
    StateField,
)
from checker.lang.ir.statements import Assert, Body, Do, For, If, Let, Require, Return, Stmt, Write
from checker.lang.ir.trees import N, Tree, children, locals_in, rebuild, substitute, walk

__all__ = [
    "BOOL",
    "FALSE",
    "FOLDS",
    "INT",
    "NOWHERE",
    "OPERATORS",
    "TRUE",
    "ActionIR",
    "Assert",
    "Bind",
    "Body",
    "Call",
    "Choice",
    "Clause",
    "Constant",
    "ConstantIR",
    "Do",
    "Domain",
    "Enabled",
    "Expr",
    "Fair",
    "FieldRead",
    "Fit",
    "Fits",
    "Fold",
    "FoldOp",
    "For",
    "Function",
    "Gen",
    "Get",
    "How",
    "If",
    "IfElse",
    "IsKind",
    "IsNone",
    "Item",
    "Let",
    "LetIn",
    "Literal",
    "Local",
    "MakeRecord",
    "MapFold",
    "Members",
    "N",
    "Narrow",
    "Node",
    "Op",
    "Param",
    "Pick",
    "PickOp",
    "Program",
    "PropertyIR",
    "Range",
    "RefinementIR",
    "Replace",
    "Require",
    "Return",
    "SortBy",
    "SortKind",
    "Source",
    "StateField",
    "Stmt",
    "Tree",
    "When",
    "Widen",
    "Write",
    "both",
    "children",
    "either",
    "is_false",
    "is_true",
    "locals_in",
    "negation",
    "number",
    "rebuild",
    "substitute",
    "truth",
    "walk",
]
