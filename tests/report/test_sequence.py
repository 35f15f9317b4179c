"""The counterexample as a message sequence diagram in text."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from checker.engines.result import Counterexample
from checker.report.sequence import Note, diagram, wrapped
from tests.report.runs import result_of, run_of

NAMES = ("election", "ring", "inboxes")


def drawn(name: str, width: int, run: Counterexample | None = None) -> list[str]:
    return [line.plain for line in diagram(result_of(name).model, run or run_of(name), width)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [100, 60])
def test_golden(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"sequence-{name}-{width}.txt", "\n".join(drawn(name, width)) + "\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", range(66, 130, 9))
def test_never_wider_than_asked_nor_padded(name: str, width: int) -> None:
    for line in drawn(name, width):
        assert cell_len(line) <= width
        assert line == line.rstrip()


def test_never_wider_than_needed() -> None:
    assert drawn("election", 100) == drawn("election", 1000)


def test_where_it_is_too_narrow_the_lifelines_go_and_the_words_stay() -> None:
    lines = drawn("election", 50)
    assert not any("●" in line for line in lines)
    assert any(line.strip() == "Step 8  win(r=1)" for line in lines)


def test_a_run_that_repeats_is_bracketed() -> None:
    lines = drawn("ring", 100)
    begin = next(i for i, line in enumerate(lines) if line.startswith("  ╭▶Step 2"))
    end = next(i for i, line in enumerate(lines) if line.startswith("  ╰─"))
    assert all(line.startswith("  │") for line in lines[begin + 1 : end])
    assert lines[end] == "  ╰─ back to the state after step 1, and so on for ever"
    assert end == len(lines) - 1


def test_a_run_that_stays_says_so() -> None:
    run = run_of("ring")
    lines = drawn("ring", 100, replace(run, steps=run.steps[:2], loop=1))
    assert lines[-1] == "  and stays so for ever"
    assert not any("╭" in line for line in lines)


def test_long_lines_break_at_blanks_and_hang() -> None:
    note = Note((("sent: ", "path"), ("+ Promise(acceptor=a1, ballot=0)", "plus")))
    parts = list(wrapped(note, 24))
    assert [part.text for part in parts] == ["sent: +", "    Promise(acceptor=a1,", "    ballot=0)"]
    assert parts[1].pieces[-1] == ("Promise(acceptor=a1,", "plus")


def test_a_word_that_is_too_long_stays_whole() -> None:
    assert [n.text for n in wrapped(Note.of("x" * 30), 10)] == ["x" * 30]
