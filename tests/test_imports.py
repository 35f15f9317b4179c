"""Imports go one way only: ``impl`` stands alone, ``spec`` sees the language, nothing else.

If ``impl`` could import ``spec``, conformance would prove nothing; if ``checker`` could, a
protocol's quirk could settle in an engine. Every file is parsed, never imported, so an import
inside a function or under ``TYPE_CHECKING`` counts like any other. An import whose name is
computed at run time is not seen.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("spec", "checker", "impl")

# The modules that bind a specification to its implementation, and so see both.
BINDINGS = ("checker.conform", "checker.cli")


def within(module: str, package: str) -> bool:
    """Whether ``module`` is ``package`` or lies inside it."""
    return module == package or module.startswith(package + ".")


def may_import(importer: str, imported: str) -> bool:
    """Whether the design lets module ``importer`` import the dotted name ``imported``."""
    top = imported.partition(".")[0]
    if within(importer, "spec"):
        return top in sys.stdlib_module_names or top == "spec" or within(imported, "checker.lang")
    if within(importer, "impl"):
        return top not in ("spec", "checker")
    if any(within(importer, binding) for binding in BINDINGS):
        return True
    return top not in ("spec", "impl")


def module_name(file: Path) -> str:
    """``checker/lang/__init__.py`` is ``checker.lang``."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Each import in ``tree``, a file of ``package``: its line and its absolute dotted name.

    ``from a import b`` gives ``a.b``, since ``b`` may be a module: so ``from checker import
    lang`` is an import of the language, and ``from checker import run`` is not.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parents = package.split(".")
                base = parents[: len(parents) - level + 1] if level else []
                dotted = ".".join([*base, *([module] if module else [])])
                yield from ((node.lineno, f"{dotted}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module")
                | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def forbidden_imports(source: str, importer: str, package: str) -> list[str]:
    """The imports in ``source`` that break the rule, one readable line each."""
    return [
        f"line {line}: {importer} may not import {name}"
        for line, name in names_imported(ast.parse(source), package)
        if not may_import(importer, name)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"{room}/ has no Python file, so this test would hold of nothing"
    found = []
    for file in files:
        importer = module_name(file)
        package = importer if file.name == "__init__.py" else importer.rpartition(".")[0]
        source = file.read_text(encoding="utf-8")
        found += [
            f"{file.relative_to(ROOT)}, {complaint}"
            for complaint in forbidden_imports(source, importer, package)
        ]
    assert not found, "imports against the direction (see docs/architecture.md):\n" + "\n".join(
        found
    )


# The rule itself, one line of source at a time: (importing module, its source, allowed).
RULE = [
    ("spec.paxos", "import enum", True),
    ("spec.paxos", "from checker.lang import Spec", True),
    ("spec.paxos", "from checker import lang", True),
    ("spec.paxos", "from spec.network import Messages", True),
    ("spec.paxos", "from . import network", True),
    ("spec.broken.paxos", "from ..paxos import Paxos", True),
    ("spec.paxos", "from checker import run", False),
    ("spec.paxos", "import checker", False),
    ("spec.paxos", "import checker.language", False),
    ("spec.paxos", "import z3", False),
    ("spec.paxos", "import impl.paxos", False),
    ("impl.paxos", "import asyncio", True),
    ("impl.paxos", "from .journal import Journal", True),
    ("impl.paxos", "from checker.lang import Spec", False),
    ("impl.paxos", "import spec", False),
    ("impl.paxos", "def f():\n    import spec.paxos", False),
    ("impl.paxos", "if TYPE_CHECKING:\n    from spec import paxos", False),
    ("impl.paxos", "importlib.import_module('spec.paxos')", False),
    ("checker.native", "import z3, specular", True),
    ("checker.native", "from checker.lang import ir", True),
    ("checker.native", "from spec.paxos import Paxos", False),
    ("checker.native", "import os, impl.paxos", False),
    ("checker.lang.types", "import spec", False),
    ("checker.conformity", "import spec", False),
    ("checker.conform.paxos", "import spec.paxos, impl.paxos", True),
    ("checker.cli", "from spec import paxos", True),
    ("checker.cli.conform", "from impl import paxos", True),
]


@pytest.mark.parametrize(("importer", "source", "allowed"), RULE)
def test_the_rule(importer: str, source: str, allowed: bool) -> None:
    assert (forbidden_imports(source, importer, importer.rpartition(".")[0]) == []) is allowed
