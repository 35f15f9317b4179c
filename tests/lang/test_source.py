"""From functions to trees."""

from __future__ import annotations

import ast
from copy import deepcopy
from pathlib import Path

from checker.lang.source import copied

LANGUAGE = Path(__file__).parents[2] / "checker" / "lang"


def changeable(tree: ast.AST) -> set[int]:
    """The nodes that hold something, and their lists, by address."""
    nodes = [node for node in ast.walk(tree) if node.__dict__]
    lists = [part for node in nodes for part in vars(node).values() if isinstance(part, list)]
    return {id(part) for part in (*nodes, *lists)}


def test_a_copied_tree_is_equal_and_shares_nothing_that_changes() -> None:
    for file in sorted(LANGUAGE.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        made = copied(tree)
        texts = {ast.dump(one, include_attributes=True) for one in (tree, made, deepcopy(tree))}
        assert len(texts) == 1, file
        assert len(changeable(made)) == len(changeable(tree)), file
        assert not changeable(made) & changeable(tree), file


def test_lists_and_nothing_are_copied_too() -> None:
    some = [ast.Name("a", ast.Load())]
    assert copied(some)[0] is not some[0]
    assert copied(None) is None
