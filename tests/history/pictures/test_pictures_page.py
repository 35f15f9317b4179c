"""What stands on a page and where, how large it is, and that values do no harm; figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.history.building import Builder
from checker.history.history import OPEN
from checker.history.models import MODELS
from checker.history.pictures import figure, page, scene
from checker.history.pictures.choose import EACH, MOST, choose
from checker.history.pictures.figure import TooMany
from checker.history.pictures.layout import STEP, Interval, placed
from checker.history.pictures.page import LIMIT
from checker.history.pictures.scene import compact
from checker.history.pictures.words import shown, state_of
from tests.history.pictures.samples import HOSTILE, decided, drawn, events, hostile, paged, stored

ROOT = Path(__file__).resolve().parents[3]


def data_of(written: bytes) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', written.decode())
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


# --------------------------------------------------------------------------- places


@given(st.integers(0, 2**32), st.integers(1, 14), st.integers(0, 3))
def test_points_stand_in_their_order_and_inside_of_their_operations(
    seed: int, count: int, open_ones: int
) -> None:
    random = Random(seed)
    at = random.sample(range(2 * count), 2 * count)
    spans = sorted(sorted((at[2 * i], at[2 * i + 1])) for i in range(count))
    intervals = [Interval(a, b, random.choice([20, 90])) for a, b in spans]
    for i in range(min(open_ones, count)):
        intervals[i] = Interval(intervals[i].invoked, OPEN, 30)
    points = [random.uniform(one.invoked, min(one.returned, 2 * count)) for one in intervals]
    order = sorted(range(count), key=points.__getitem__)
    lay = placed(intervals, [(order, OPEN)], breaks={intervals[0].invoked: 50})
    x = [lay.bars[i].point for i in order]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(x))
    places = sorted(
        [(one.invoked, bar.begin) for one, bar in zip(intervals, lay.bars, strict=True)]
        + [(one.returned, bar.end) for one, bar in zip(intervals, lay.bars, strict=True)
           if one.returned < OPEN]
    )  # fmt: skip
    assert all(a[1] + STEP <= b[1] + 1e-6 for a, b in pairwise(places))
    for one, bar in zip(intervals, lay.bars, strict=True):
        assert bar.point is not None
        assert bar.begin < bar.point < bar.end <= lay.width
        assert bar.end - bar.begin >= one.label - 1e-6


# --------------------------------------------------------------------------- what stands there


def test_a_small_history_stands_there_whole() -> None:
    drawing = drawn(stored(3, 60, keys=3), "register")
    assert drawing.drawn == 60
    assert drawing.together
    assert [len(view.groups) for view in drawing.views] == [3, 1, 1, 1]
    assert sum(len(view.marks) for view in drawing.views[1:]) == 60


def test_of_a_large_one_what_is_around_the_witness() -> None:
    history = stored(8, 40_000, keys=10, stale=20_000, seed=3)
    drawing = drawn(history, "register")
    assert drawing.result.verdict == "not linearizable"
    first = drawing.views[0]
    assert first.groups[0].key == history.key[min(drawing.marked)]
    rows = [mark.row for mark in first.marks]
    assert drawing.marked <= set(rows)
    of_key = np.flatnonzero(history.key == first.groups[0].key).tolist()
    for row in drawing.marked:
        at = of_key.index(row)
        assert set(of_key[at - 20 : at + 20]) <= set(rows), "its surroundings"
    assert MOST // 2 * 9 / 10 <= len(rows) <= MOST // 2 * 9 / 8
    assert len(rows) + sum(count for _, count in first.breaks) == len(of_key), "nothing is lost"
    placed_ones = [mark for mark in first.marks if mark.place is not None]
    assert placed_ones
    assert max(m.place or 0 for m in placed_ones) > len(placed_ones), "numbers of the whole order"
    assert len(drawing.views) > 5
    assert all(len(view.marks) == EACH for view in drawing.views[1:-1])


@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 5), st.integers(1, 60))
def test_all_operations_are_drawn_or_counted(seed: int, count: int, keys: int, most: int) -> None:
    random = Random(seed)
    history = stored(4, count, keys=keys, seed=seed, crash=0.1)
    key = random.choice([None, *set(history.key.tolist())])
    around = [] if key is None else random.sample(np.flatnonzero(history.key == key).tolist(), 1)
    chosen = choose(history, by_key=True, key=key, around=around, most=most)
    for one in chosen:
        rows = np.flatnonzero(history.key == one.key)
        assert one.total == len(rows)
        assert len(one.rows) + one.skipped.sum() + one.after == one.total
        places = np.searchsorted(rows, one.rows)
        assert (rows[places] == one.rows).all()
        assert (places == np.cumsum(one.skipped + 1) - 1).all()
    if key is not None:
        assert chosen[0].key == key
        assert set(around) <= set(chosen[0].rows.tolist())
    assert sum(len(one.rows) for one in chosen) <= most + most // 8 + 1


def test_what_does_not_count_is_drawn_as_such() -> None:
    history = events(
        (0, "invoke", "write", 1), (0, "fail", "write"),
        (0, "invoke", "read"), (0, "info", "read"),
        (1, "invoke", "write", 2), (1, "info", "write"),
        (2, "invoke", "cas", [5, 6]), (2, "fail", "cas"),
        (2, "invoke", "read"), (2, "ok", "read", None),
    )  # fmt: skip
    drawing = drawn(history, "cas-register")
    assert list(drawing.kinds.values()) == ["failed", "ignored", "open", "refused", "ok"]
    assert list(drawing.labels.values()) == [
        "write(1) failed", "read() → ?", "write(2) → ?", "cas(5, 6) refused", "read() → null",
    ]  # fmt: skip
    placed_ones = {mark.row for mark in drawing.views[0].marks if mark.place is not None}
    assert placed_ones == {3, 4}


def test_an_empty_history() -> None:
    history = Builder("empty").finish()
    assert data_of(paged(history, "register"))["operations"] == []
    assert ET.fromstring(figure(drawn(history, "register"))).tag.endswith("svg")


def test_a_part_has_only_its_own_values() -> None:
    history = stored(3, 2000, keys=40, stale=500)
    part = history.of_key(3)
    small = compact(part)
    assert len(small.values) < len(part.values) / 4
    assert [str(one) for one in small] == [str(one) for one in part]


def test_a_log_without_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its algorithm gives none, and a search of a long one would keep every state."""
    monkeypatch.setattr("checker.history.pictures.order.MOST_UNTOLD", 100)
    builder = Builder("log")
    for offset in range(300):
        builder.event(0, "invoke", "send", offset)
        builder.event(0, "ok", "send", offset)
    history = builder.finish()
    result, model = decided(history, "log", algorithm="witness")
    (view,) = scene(history, result, model).views
    assert view.groups[0].note.startswith("No order is drawn")
    (view,) = scene(history, result, model, most=80).views
    assert [mark.place for mark in view.marks] == [*range(1, 81)]
    assert "of all together none was looked for" in view.groups[0].note


def test_large_states_are_shown_by_their_ends() -> None:
    model = MODELS["log"]()
    assert state_of(model, (None, (1, 2))) == "[null, [1, 2]]"
    text = state_of(model, (7, tuple(range(5000))))
    assert text == "[7, [0, 1, 2, 3, … 4,992 more …, 4996, 4997, 4998, 4999]]"


# --------------------------------------------------------------------------- sizes


def test_a_page_is_small_however_long_its_texts_are() -> None:
    builder, long = Builder("long" * 9999), "<\u2028\ud800é" * 20_000
    for n in range(400):
        builder.event(f"{n % 3}{long}", "invoke", "write", f"{n}{long}", key=long)
        builder.event(f"{n % 3}{long}", "ok", "write", None, key=long)
    written = paged(builder.finish(), "register")
    assert 400_000 < len(written) <= LIMIT
    assert "(80,00" in written.decode()


def test_fewer_operations_where_short_texts_are_not_enough() -> None:
    history = stored(3, 2000)
    result, model = decided(history, "register")
    assert len(data_of(page(history, result, model))["operations"]) == 2000
    small = page(history, result, model, limit=120_000)
    assert len(small) <= 120_000
    assert 100 < len(data_of(small)["operations"]) < 2000
    assert "operations stand on this page" in data_of(small)["leftOut"]


def test_a_hundred_thousand_operations() -> None:
    history = stored(20, 100_000, keys=50, stale=50_000, crash=0.001)
    written = paged(history, "register")
    assert len(written) <= LIMIT
    data = data_of(written)
    assert data["verdict"] == "not linearizable"
    strips = data["overview"]["lines"]
    assert sum(sum(counts) for _, _, counts in strips) == 100_000
    assert data["leftOut"].startswith(f"{len(data['operations']):,} of 100,000 operations")


@pytest.mark.slow
@pytest.mark.parametrize("keys", [1, 1000])
def test_a_million_operations(keys: int) -> None:
    history = stored(50 if keys > 1 else 4, 1_000_000, keys=keys, stale=500_000)
    written = paged(history, "register")
    assert len(written) <= LIMIT
    assert data_of(written)["verdict"] == "not linearizable"


# --------------------------------------------------------------------------- strangers' values


class Elements(HTMLParser):
    """The elements of a page, and the attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.risky: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.names.append(tag)
        self.risky += [name for name, _ in attributes if name.startswith("on") or name == "src"]


def test_values_are_no_part_of_the_page() -> None:
    """The elements are those of the template, whatever the values are."""
    plain, wild = Elements(), Elements()
    plain.feed(paged(stored(1, 1), "register").decode())
    written = paged(hostile(), "register")
    wild.feed(written.decode())
    assert wild.names == plain.names
    assert wild.risky == []
    body = re.search(r'id="data">(.*?)</script>', written.decode(), re.DOTALL)
    assert body is not None
    assert body[1].isascii()
    assert not set("<>&") & set(body[1])
    texts = data_of(written)["texts"]
    assert any("</script><script>window.ran = 1</script>" in text for text in texts)
    assert written.decode().count("window.ran = 1</script>") == 0


def test_a_page_asks_for_nothing() -> None:
    written = paged(stored(2, 20), "register").decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', written)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    outside = re.findall(r"https?://[^\s\"'<]+", written)
    assert outside == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|url\((?!#)|\beval\b\(|innerHTML\s*=|fetch\(|import\(", written)


@given(st.text(st.characters(), max_size=30))
def test_shown_texts_can_be_written_anywhere(text: str) -> None:
    words = shown(text, 100)
    words.encode("utf-8")
    root = ET.Element("a")
    root.text = words
    assert ET.fromstring(ET.tostring(root)).text == (words or None)
    if text.isascii() and text.isprintable():
        assert words == text


def test_hidden_characters_are_shown() -> None:
    assert shown("\u202e\ud800\x00é👩\u200d🚀", 50) == "\\u202e\\ud800\\u0000é👩\u200d🚀"
    assert shown("abcdef", 3) == "abc… (6 characters)"


# --------------------------------------------------------------------------- figures


def texts_of(svg: bytes) -> list[str]:
    root = ET.fromstring(svg)
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_of_a_small_history() -> None:
    texts = texts_of(figure(drawn(stored(3, 12), "register")))
    assert sorted(map(int, filter(str.isdigit, texts))) == [*range(1, 13)]
    assert "process 0" in texts


def test_a_figure_of_a_contradiction() -> None:
    drawing = drawn(stored(8, 40_000, stale=20_000, seed=3), "register")
    texts = texts_of(figure(drawing))
    assert "no place" in texts
    assert len([t for t in texts if "(" in t]) == len(drawing.marked)


def test_hostile_figures_are_xml() -> None:
    assert any("<script>" in text for text in texts_of(figure(drawn(hostile(), "register"))))
    for value in HOSTILE:
        history = events((value, "invoke", "write", value), (value, "ok", "write"))
        assert len(texts_of(figure(drawn(history, "register")))) == 3


def test_too_many_for_a_figure() -> None:
    with pytest.raises(TooMany, match=r"(?s)61 operations are too many.*--html"):
        figure(drawn(stored(3, 61), "register"))
    with pytest.raises(TooMany, match=r"(?s)keys are too many.*--html"):
        figure(drawn(stored(3, 60, keys=40), "register"))


# --------------------------------------------------------------------------- the same bytes


HASHED = """
import hashlib
from tests.history.pictures.samples import *
from checker.history.pictures import figure
for history in (hostile(), stored(4, 60, keys=3, crash=0.1), stored(9, 4000, keys=20, stale=2000)):
    result, model = decided(history, "register")
    print(hashlib.sha256(page(history, result, model)).hexdigest())
    if len(history) < 61:
        print(hashlib.sha256(figure(scene(history, result, model))).hexdigest())
"""


def test_the_same_bytes_under_any_hash_seed() -> None:
    said = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", HASHED], capture_output=True, text=True, check=True, cwd=ROOT,
            env=environment,
        )  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1
    assert len(said.pop().split()) == 5
