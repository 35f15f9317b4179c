"""The counterexample as a picture."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from checker.report.svg import svg
from tests.report.runs import result_of, run_of

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("election", "ring", "inboxes")


def parsed(name: str) -> ET.Element:
    return ET.fromstring(svg(result_of(name).model, run_of(name)))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_xml_and_says_every_step(name: str) -> None:
    model, run = result_of(name).model, run_of(name)
    root = parsed(name)
    assert root.tag == f"{SVG}svg"
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    for step in run.steps[1:]:
        assert model.action(step.action or "").text(step.args) in said
    assert len(list(root.iter(f"{SVG}circle"))) == len(run.steps) - 1


def test_a_line_for_each_message_with_its_text() -> None:
    lines = [p for p in parsed("election").iter(f"{SVG}path") if "message" in p.get("class", "")]
    assert len(lines) == 4 + 2 * 2, "four requests, and twice the votes of a quorum"
    titles = [line.findtext(f"{SVG}title") for line in lines]
    assert titles.count("Yes(node=n2, round=1)") == 1


def test_light_and_dark() -> None:
    style = parsed("ring").findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style
    assert "var(" not in style, "many programs that show SVG know no variables"


def test_a_loop_is_drawn_and_a_stay_is_said() -> None:
    model, run = result_of("ring").model, run_of("ring")
    assert 'class="loop"' in svg(model, run)
    assert "steps 2 to 5 again, and so on for ever" in svg(model, run)
    stays = svg(model, replace(run, steps=run.steps[:2], loop=1))
    assert 'class="loop"' not in stays
    assert "stays so for ever" in stays


def test_nothing_leaves_the_page() -> None:
    for name in NAMES:
        root = parsed(name)
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        for text in root.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x", 0)) < width
            assert 0 <= float(text.get("y", 0)) < height


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ring.svg", svg(result_of("ring").model, run_of("ring")))
