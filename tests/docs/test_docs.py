"""Runs every block of code in README.md and docs/*.md: what the documents show is what happens.

    ```python                       runs; the blocks of a document share their names
    ```python error                 must raise
    ```text                         after one of these: what it prints, or the error's message
    ```python title="lock.py"       a file of this name, for the commands below it
    ```python title="lock.py" add   more lines at the end of that file
    ```console                      `$ quorate check lock.py` is run, and prints the lines below it

Each block is a test named by its document and line.  In what is expected, `...` stands for
anything that varies: alone on a line for any lines, inside a line for any text.  A command that
is shown without output may print anything, but must not be wrong usage.  `$ echo $?` shows the
exit status of the command before it.  Blocks in other languages, or in none, are not looked at.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

RUN = ("quorate", "pytest", "python", "echo")
"""The commands that are run.  Others (`make`, `git`) are only shown."""

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRONG_USAGE = 2


# --------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, the words after its fence, and its text."""

    document: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str:
        """The name of the file that it is (part of), or nothing."""
        titles = [word.partition("=")[2] for word in self.words if word.startswith("title=")]
        return titles[0] if titles else ""

    @property
    def name(self) -> str:
        return f"{self.document.name}:{self.line}"


@cache
def blocks_of(document: Path) -> tuple[Block, ...]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, *words = [*shlex.split(match[1]), ""][: len(match[1].split()) or 1]
        line = text.count("\n", 0, match.start()) + 1
        assert "\n```" not in f"\n{match[2]}", f"{document.name}:{line}: this block has no end"
        found.append(Block(document, line, language, tuple(words), match[2]))
    return tuple(found)


def blocks(language: str, *, file: bool) -> list[object]:
    """The blocks of a language that are files, or are none, as parameters of a test."""
    return [
        pytest.param(block, id=block.name)
        for document in DOCUMENTS
        for block in blocks_of(document)
        if block.language == language and bool(block.file) == file
    ]


# --------------------------------------------------------------------------- comparing


def assert_shows(expected: str, actual: str) -> None:
    """`expected`, in which `...` stands for anything, is what `actual` is."""
    want = [line.rstrip() for line in expected.strip("\n").splitlines()]
    have = [line.rstrip() for line in actual.strip("\n").splitlines()]
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line.strip() == "..." else _line_pattern(line) for line in want
    )
    if not re.fullmatch(pattern, "".join(f"{line}\n" for line in have)):
        shown = "\n".join(have)
        pytest.fail(f"expected:\n{expected}\nbut it is:\n{shown}\n", pytrace=False)


def _line_pattern(line: str) -> str:
    return r"[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n"


# --------------------------------------------------------------------------- python


@dataclass
class Ran:
    """What a block of Python printed, and what it raised."""

    output: str
    error: Exception | None


class Session:
    """The Python blocks of one document, run in order, each from a file of its own."""

    def __init__(self, document: Path, folder: Path) -> None:
        self.waiting = iter([b for b in blocks_of(document) if _is_session(b)])
        self.folder = folder
        self.module = types.ModuleType(f"block_of_{document.stem}")
        sys.modules[self.module.__name__] = self.module
        self.ran: dict[Block, Ran] = {}

    def run(self, block: Block) -> Ran:
        """Run everything up to this block, unless that is done."""
        while block not in self.ran:
            following = next(self.waiting)
            self.ran[following] = self._run(following)
        return self.ran[block]

    def _run(self, block: Block) -> Ran:
        file = self.folder / str(block.line) / "spec.py"
        file.parent.mkdir()
        file.write_text(block.text, encoding="utf-8")
        self.module.__file__ = str(file)
        output, error = io.StringIO(), None
        with contextlib.redirect_stdout(output), contextlib.chdir(self.folder):
            try:
                code = compile(block.text, str(file), "exec", dont_inherit=True)
                exec(code, self.module.__dict__)
            except Exception as raised:
                error = raised
        return Ran(output.getvalue().replace(f"{file.parent}{os.sep}", ""), error)


def _is_session(block: Block) -> bool:
    return block.language == "python" and not block.file


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Session]]:
    folder = tmp_path_factory.mktemp
    held = {document: Session(document, folder(document.stem)) for document in DOCUMENTS}
    yield held
    for session in held.values():
        del sys.modules[session.module.__name__]


@pytest.mark.parametrize("block", blocks("python", file=False))
def test_python(block: Block, sessions: dict[Path, Session]) -> None:
    session = sessions[block.document]
    ran = session.run(block)
    around = blocks_of(block.document)
    after = around[around.index(block) + 1 : around.index(block) + 2]
    expected = after[0].text if after and after[0].language == "text" else None
    if "error" in block.words:
        assert ran.error is not None, "this block must raise"
        assert expected is not None, "the message that it raises must follow in a text block"
        here = f"{session.folder / str(block.line)}{os.sep}"
        assert_shows(expected, str(ran.error).replace(here, ""))
    elif ran.error is not None:
        raise ran.error
    elif expected is not None:
        assert_shows(expected, ran.output)


# --------------------------------------------------------------------------- files and commands


@pytest.mark.parametrize("block", blocks("python", file=True))
def test_file(block: Block) -> None:
    """A file is tested by the commands that stand below it: there must be one."""
    later = [b for b in blocks_of(block.document) if b.line > block.line]
    stem = Path(block.file).stem
    assert any(stem in b.text for b in later), f"nothing below uses {block.file}"


@pytest.mark.parametrize("block", blocks("console", file=False))
def test_console(block: Block, tmp_path: Path) -> None:
    for earlier in blocks_of(block.document):
        if earlier.file and earlier.line < block.line:
            with (tmp_path / earlier.file).open("a" if "add" in earlier.words else "w") as file:
                file.write(earlier.text)
    status = 0
    for command, expected in commands(block.text):
        words = shlex.split(command, comments=True)
        if words[0] not in RUN:
            continue
        if words == ["echo", "$?"]:
            assert_shows(expected, str(status))
            continue
        status, output = run(words, tmp_path)
        if expected.strip():
            assert_shows(expected, output.replace(f"{tmp_path}{os.sep}", ""))
        else:
            assert status < WRONG_USAGE, f"{command}\nends with {status}:\n{output}"


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the output that is shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with `$ ` and a command"
    for part in parts[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run(words: list[str], folder: Path) -> tuple[int, str]:
    """Exit status, and standard output and error together as a terminal shows them."""
    tools = Path(sys.executable).parent
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


# --------------------------------------------------------------------------- links

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in kept}


# --------------------------------------------------------------------------- the runner itself


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\nb\n", "a\nb", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("in ... s\n", "in 0.3 s\n", True),
        ("in ... s\n", "in 0.3 m\n", False),
        ("in ... s\n", "in 1\n2 s\n", False),
        ("(a*)\n", "(aa)\n", False),
    ],
)
def test_what_is_shown_is_compared(expected: str, actual: str, same: bool) -> None:
    if same:
        assert_shows(expected, actual)
    else:
        with pytest.raises(pytest.fail.Exception):
            assert_shows(expected, actual)
