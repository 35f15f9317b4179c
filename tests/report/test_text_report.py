"""The report as text: the verdict first, nothing undecided shown as if it held."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from checker.report.text import report, summary
from tests.report.runs import result_of


def text(name: str, *settings: str, width: int = 100, max_states: int | None = None) -> str:
    found = result_of(name, *settings, max_states=max_states)
    return "\n".join(line.plain for line in report(found, width)) + "\n"


@pytest.mark.parametrize("name", ["election", "ring", "inboxes"])
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"report-{name}.txt", text(name))


def test_golden_of_what_holds(golden: Callable[[str, str], None]) -> None:
    golden("report-holds.txt", text("inboxes", "nodes=ada,bob", "loud=true", "mood=HASTY"))


def test_golden_of_what_is_undecided(golden: Callable[[str, str], None]) -> None:
    shown = text("election", max_states=50)
    golden("report-undecided.txt", shown)
    assert "holds" not in shown.replace("✓ holds", "", 1), "one goal was reached, no more"


def test_repr_is_the_summary() -> None:
    result = result_of("election")
    assert repr(result) == summary(result)
    assert repr(result).startswith("✗ Election(nodes=3, rounds=2)  violated: one_winner\n")
    assert "Step 8" in repr(result)
    assert "\x1b" not in repr(result)


def test_bounded_is_said() -> None:
    result = replace(result_of("inboxes", "loud=true"), bounded=True)
    assert summary(result).startswith("✓ Inboxes(nodes=2, mood=CALM, loud=True)  holds within its")


def test_warnings_are_shown() -> None:
    result = replace(result_of("inboxes", "loud=true"), warnings=("never\nat all",))
    lines = [line.plain for line in report(result)]
    assert lines[-2:] == ["  ! never", "    at all"]


def test_other_violations_are_named_and_with_everything_shown() -> None:
    result = result_of("election")
    (one,) = result.counterexamples
    both = replace(result, counterexamples=(one, replace(one, property="another")))
    assert report(both)[-1].plain == "also violated: another  (--all shows each)"
    shown = "\n".join(line.plain for line in report(both, everything=True))
    assert "✗ another (invariant) is violated after 8 steps" in shown


def test_an_optional_action_never_taken_is_not_alarming() -> None:
    result = result_of("election")
    never = replace(result, actions=result.actions | {"win": 0})
    assert "  win          0  never" in [line.plain for line in report(never)]
