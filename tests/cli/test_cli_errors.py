"""Whatever is given wrongly: one clear message on standard error, no traceback, status 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from checker.cli import main

SPECS = Path(__file__).parent.parent / "data" / "specs"

FILES = {
    "syntax.py": "from checker.lang import *\nclass A(Spec:\n    pass\n",
    "boom.py": "x = 1\ny = x / 0\n",
    "leaves.py": "raise SystemExit(0)\n",
    "imports.py": "import no_such_module\n",
    "bad_import.py": "import syntax\n",
    "none.py": "x = 1\n",
    "several.py": """
from checker.lang import *
class One(Spec):
    x: bool
    @action
    def flip(self) -> None:
        self.x = not self.x
class Two(One):
    pass
""",
    "unbounded.py": """
from checker.lang import *
class Count(Spec):
    n: int = 0
    @action
    def up(self) -> None:
        self.n += 1
""",
    "assumes.py": """
from checker.lang import *
class Few(Spec):
    most: int = const(2)
    x: bool
    @assume
    def small(self) -> bool:
        return self.most < 5
    @action
    def flip(self) -> None:
        self.x = not self.x
""",
}

CASES: list[tuple[str, str]] = [
    (
        "check paxso",
        "quorate: no spec is called `paxso`.  Did you mean `paxos`?\nThose that ship: consensus,",
    ),
    ("check zzz", "quorate: no spec is called `zzz`.\nThose that ship: consensus,"),
    ("check none", "quorate: no spec is called `none`.  Did you mean the file `./none.py`?"),
    (
        "check paxos:ForgetPromise",
        "quorate: `paxos` has no variant `ForgetPromise`.  Did you mean `ForgetsPromise`?\n"
        "Its variants: paxos:ForgetsPromise,",
    ),
    ("check nowhere/lock.py", "quorate: the file nowhere/lock.py does not exist."),
    ("check severl.py", "quorate: the file severl.py does not exist.  Did you mean `several.py`?"),
    ("check ./", "quorate: the file ./ is a folder."),
    (
        "check syntax.py",
        "quorate: syntax.py:2: this is not Python: invalid syntax\n"
        "    class A(Spec:\n                ^\n",
    ),
    ("check boom.py", "quorate: boom.py:2: ZeroDivisionError: division by zero\n    y = x / 0\n"),
    ("check leaves.py", "quorate: leaves.py:1: SystemExit: 0\n"),
    (
        "check imports.py",
        "quorate: imports.py:1: ModuleNotFoundError: No module named 'no_such_module'\n",
    ),
    ("check none.py", "quorate: none.py has no Spec: write `class MySpec(Spec):`"),
    ("check none.py:A", "quorate: none.py has no Spec `A`.\nIt has no Spec\n"),
    (
        "check several.py",
        "quorate: several.py has several Specs; say which: several.py:One, several.py:Two\n",
    ),
    (
        "check several.py:Tow",
        "quorate: several.py has no Spec `Tow`.  Did you mean `Two`?\nIt has: One, Two\n",
    ),
    (
        "check unbounded.py",
        "the field `n` has no bound: int has no finite domain\n  mend: bound it",
    ),
    (
        "check assumes.py -c most=7",
        "the constants do not satisfy the assumption `small`: most=7\n  mend: choose other",
    ),
    (
        "check paxos -c acceptor=3",
        "quorate: `paxos` has no constant `acceptor`.  Did you mean `acceptors`?\n"
        "Its constants: acceptors, values, ballots, quorums\n",
    ),
    ("check paxos -c ballots", "quorate: -c ballots: write -c NAME=VALUE, as in -c acceptors=3\n"),
    ("check paxos -c ballots=1 -c ballots=2", "quorate: the constant `ballots` is given twice\n"),
    ("check paxos -c ballots=two", "quorate: -c ballots=two: `two` is not a whole number\n"),
    (
        "check paxos -c acceptors=three",
        "quorate: -c acceptors=three: give a number of members, 1 or more, or different names",
    ),
    ("check paxos -c acceptors=0", "quorate: -c acceptors=0: give a number of members, 1 or more"),
    ("check paxos -c acceptors=a,a", "quorate: -c acceptors=a,a: give a number of members"),
    ("check {specs}/inboxes.py -c mood=SAD", "'SAD' is no Mood: there are CALM, HASTY\n"),
    ("check {specs}/inboxes.py -c loud=maybe", "`maybe` is neither true nor false\n"),
    (
        "check {specs}/inboxes.py -c table=[",
        "-c table=[: a Map[Node, bool] is written as JSON, and this is not: Expecting value",
    ),
    (
        'check {specs}/inboxes.py -c table={{"n9":true}}',
        "'n9' is no Node: there are n1, n2\n",
    ),
    ("check {specs}/inboxes.py -c table={{}}", "no value for n1, n2 in a Map[Node, bool]"),
    (
        "check paxos --property agrement",
        "quorate: `Paxos` has no property `agrement`\n  mend: its properties are: agreement, ",
    ),
    ("check consensus --max-states 0", "Error: Invalid value for '--max-states'"),
    ("check consensus --max-memory lots", "`lots` is not a size: write 2G or 500M\n"),
    ("check consensus --max-seconds soon", "`soon` is not a time: write 90, 10m or 2h\n"),
    ("check consensus --engine fast", "Error: Invalid value for '--engine'"),
    ("check paxos --por", "partial-order reduction leaves out steps and runs"),
    ("check two_phase --symmetry", "a search with symmetry does not keep runs"),
    ("check consensus --symmetry --engine python", "the reference engine has no reductions"),
    ("check consensus --trace nowhere/t.json", "the folder nowhere does not exist\n"),
    ("check consensus --svg .", "quorate: cannot write .: it is a folder\n"),
    ("check", "Error: Missing argument 'SPEC'.\n"),
    ("chekc consensus", "No such command 'chekc'.  There are: specs, check, simulate, graph, "),
    ("check consensus --jsn", "Error: No such option '--jsn'"),
    ("specs paxso", "quorate: no spec is called `paxso`.  Did you mean `paxos`?\n"),
    ("simulate consensus --walks 0", "Error: Invalid value for '--walks'"),
    ("simulate consensus -c valeus=2", "Did you mean `values`?\n"),
    ("graph consensus -o picture.png", "picture.png: which format?  Name it .dot, .svg or"),
    ("graph consensus --format png", "Error: Invalid value for '--format'"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> Result:
    return CliRunner().invoke(main, line.format(specs=SPECS).split(" "))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("line", "said"), CASES, ids=[line for line, _ in CASES])
def test_one_clear_message(line: str, said: str) -> None:
    result = run(line)
    assert said in result.stderr
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("here")
def test_a_file_that_imports_a_broken_one() -> None:
    result = run("check bad_import.py")
    assert result.exit_code == 2
    assert result.stderr.startswith("quorate: bad_import.py cannot be imported: ")
    assert "syntax.py:2" in result.stderr


def test_a_file_that_cannot_be_read(here: Path) -> None:
    (here / "binary.py").write_bytes(b"x = '\xff\xfe'\n")
    result = run("check binary.py")
    assert result.exit_code == 2
    assert result.stderr.startswith("quorate: binary.py:")


@pytest.mark.usefixtures("here")
def test_the_cases_cover_each_message() -> None:
    """Every place where the command line raises `BadInput` is reached by some case."""
    said = "".join(text for _, text in CASES)
    for word in ("no spec is called", "has no variant", "does not exist", "has several Specs"):
        assert word in said


# --------------------------------------------------------------------------- bugs of quorate


def test_a_bug_of_quorate_is_never_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.check.check", lambda *_, **__: 1 / 0)
    result = run("check consensus")
    assert result.exit_code == 70
    assert result.stderr == (
        "quorate: this is a bug in quorate, and no verdict: ZeroDivisionError: division by zero\n"
        "Please report it, with the command and the spec.  QUORATE_DEBUG=1 shows where.\n"
    )


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.check.check", lambda *_, **__: 1 / 0)
    monkeypatch.setenv("QUORATE_DEBUG", "1")
    result = run("check consensus")
    assert result.exit_code == 70
    assert "Traceback (most recent call last)" in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (MemoryError(), 3, "quorate: undecided: out of memory."),
        (KeyboardInterrupt(), 3, "quorate: interrupted, so undecided"),
        (RecursionError("deep"), 70, "a bug in quorate"),
        (SystemError("odd"), 70, "a bug in quorate"),
    ],
)
def test_what_else_may_happen(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("checker.engines.check.check", fail)
    result = run("check consensus")
    assert result.exit_code == status
    assert said in result.stderr
