"""One HTML file that shows a history: it needs nothing else, and asks no network for anything.

What is drawn is data, as JSON inside of the page; page.js draws it.

Limits.  A page has at most LIMIT bytes.  At most choose.MOST operations stand on it, and texts
(values, keys, names, states) of at most CLIPS[0] characters; if that is too much, shorter texts
and then fewer operations.  What is left out is counted on the page: by a sentence, between the
operations that are drawn, and as a strip for each client that shows how many operations it had
over the history, in BINS parts (the clients with the most, at most MOST_LINES; others together).

Safety.  All that comes from the history is in the JSON, whose `<`, `>` and `&` are escaped and
which is ASCII, so that nothing in it can end the element that it is in; page.js makes text of it.
The title and the facts of the head are escaped for HTML.  A Content-Security-Policy allows the one
script and the one style sheet by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from checker.history.budget import Spending
from checker.history.history import FAIL, UNKNOWN, History
from checker.history.models.model import Model
from checker.history.pictures.choose import MOST
from checker.history.pictures.scene import KINDS, Scene, View, key_name, scene
from checker.history.pictures.words import shown
from checker.history.report import ALONE, how_few
from checker.history.result import Result
from checker.history.rules import Failed, Null
from checker.history.values import text_of

LIMIT: Final = 2_000_000
"""Bytes."""
CLIPS: Final = (400, 120, 40)
"""Characters of a text, if it is longer."""
FEWER: Final = 4
BINS: Final = 240
MOST_LINES: Final = 12
HERE: Final = Path(__file__).parent

LOOKS: Final = {
    "linearizable": ("good", "✓"),
    "not linearizable": ("bad", "✗"),
    "unknown": ("open", "?"),
}


def page(
    history: History,
    result: Result,
    model: Model,
    *,
    failed: Failed = "evidence",
    null: Null = "empty",
    spending: Spending | None = None,
    limit: int = LIMIT,
) -> bytes:
    """The page of a history that `linearize` decided with the same rules: at most `limit` bytes."""
    most = MOST
    while True:
        drawn = scene(
            history, result, model, failed=failed, null=null, spending=spending, most=most
        )
        for clip in CLIPS:
            written = html_of(drawn, clip)
            if len(written) <= limit or most == 1:
                return written
        most = max(1, most // FEWER)


def html_of(drawn: Scene, clip: int = CLIPS[0]) -> bytes:
    """The page, with texts of at most `clip` characters."""
    result = drawn.result
    style, script = (HERE / "page.css").read_text("utf-8"), (HERE / "page.js").read_text("utf-8")
    looks, sign = LOOKS[result.verdict]
    source = shown(result.source, clip)
    parts = {
        "title": html.escape(f"{source or 'A history'}: {result.verdict}"),
        "class": looks,
        "sign": sign,
        "verdict": result.verdict,
        "facts": html.escape(_facts(result, source)),
        "style": style,
        "style hash": _hash(style),
        "script": script,
        "script hash": _hash(script),
        "data": _json(_Encoding(drawn, clip).data()),
    }
    template = (HERE / "page.html").read_text("utf-8")
    # Once over the template: what is put in is not looked at again.
    filled = re.sub(r"\{\{([a-z ]+)\}\}", lambda found: parts[found[1]], template)
    return filled.encode("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _facts(result: Result, source: str) -> str:
    words = f"{result.operations:,} operations of {result.model}"
    if result.algorithm:
        words += f", {'tried' if result.verdict == 'unknown' else 'decided'} by {result.algorithm}"
    return f"{source}: {words}" if source else words


def heading(result: Result) -> str:
    """What the witness is."""
    if result.witness is None:
        if result.verdict == "unknown":
            return "It was not decided."
        return "Which operations contradict each other was not looked for, or not found in time."
    count = len(result.witness)
    if count == 1:
        return ALONE
    return f"These {count:,} operations contradict each other; {how_few(result)}:"


class _Encoding:
    """The scene as lists of numbers, and texts that are said once."""

    def __init__(self, drawn: Scene, clip: int) -> None:
        self.scene, self.clip = drawn, clip
        self.texts: dict[str, int] = {}
        self.rows = sorted(drawn.kinds)
        self.number = {row: at for at, row in enumerate(self.rows)}

    def text(self, words: str) -> int:
        return self.texts.setdefault(shown(words, self.clip), len(self.texts))

    def data(self) -> dict[str, Any]:
        drawn, result = self.scene, self.scene.result
        told = {
            "verdict": result.verdict,
            "heading": "" if result.verdict == "linearizable" else heading(result),
            "reason": shown(result.reason[:1].upper() + result.reason[1:], 20 * self.clip),
            "operations": [self.operation(row) for row in self.rows],
            "views": [self.view(view) for view in drawn.views],
            "witness": None if drawn.witness is None else self.view(drawn.witness),
            "leftOut": self.left_out(),
            "overview": self.overview(),
        }
        return {"texts": list(self.texts), **told}

    def operation(self, row: int) -> list[Any]:
        drawn = self.scene
        one = drawn.history.operation(row)
        if one.result is not UNKNOWN:
            told = text_of(one.result)
        else:
            told = drawn.kinds[row] if one.status == FAIL else "nothing"
        return [
            row,
            self.text(str(one.process)),
            self.text(one.f),
            self.text("" if one.key is None else text_of(one.key)),
            self.text(text_of(one.argument)),
            self.text(told),
            KINDS.index(drawn.kinds[row]),
            one.invoked_line,
            one.ended_line,
            self.text(drawn.labels[row]),
            int(one.f in drawn.model.reads),
            int(row in drawn.marked),
        ]

    def view(self, view: View) -> dict[str, Any]:
        groups = [
            [
                self.text(key_name(self.scene.history, group.key)),
                group.total,
                self.text(group.note),
                -1 if group.failed is None else self.number.get(group.failed, -1),
                None if until is None else round(until),
            ]
            for group, until in zip(view.groups, view.until, strict=True)
        ]
        names = self.scene.history.processes
        lanes = [[self.text(str(names[process])), group] for process, group in view.lanes]
        marks = [
            [
                self.number[mark.row],
                mark.lane,
                round(mark.bar.begin),
                round(mark.bar.end),
                0 if mark.bar.point is None else round(mark.bar.point),
                mark.place or 0,
                self.text(mark.before),
                self.text(mark.after),
                int(mark.pending and self.scene.kinds[mark.row] != "open"),
            ]
            for mark in view.marks
        ]
        breaks = [[round(x), count] for x, count in view.breaks]
        return {
            "groups": groups,
            "lanes": lanes,
            "marks": marks,
            "breaks": breaks,
            "width": round(view.width),
        }

    # ------------------------------------------------------------------- what is not drawn

    def left_out(self) -> str:
        drawn, total = self.scene.drawn, len(self.scene.history)
        if drawn == total:
            return ""
        objects = len(self.scene.views) - self.scene.together
        keys = len(np.unique(self.scene.history.key))
        of_keys = f", of {objects:,} of {keys:,} keys" if keys > 1 and objects > 0 else ""
        return (
            f"{drawn:,} of {total:,} operations stand on this page{of_keys}; "
            f"{total - drawn:,} do not. The strips further down count all of them, by process, "
            "over the whole history. Search finds what stands on the page."
        )

    def overview(self) -> dict[str, Any] | None:
        history = self.scene.history
        if self.scene.drawn == len(history):
            return None
        events = max(1, history.events)
        bins = (history.invoked * BINS // events).astype(np.int64)
        totals = np.bincount(history.process, minlength=len(history.processes))
        names = history.processes
        busiest = np.argsort(-totals, kind="stable")[:MOST_LINES].tolist()
        busiest = sorted(
            (process for process in busiest if totals[process]),
            key=lambda process: (isinstance(names[process], str), names[process]),
        )
        lines = []
        for process in busiest:
            counts = np.bincount(bins[history.process == process], minlength=BINS)
            name = self.text(str(names[process]))
            lines.append([name, int(totals[process]), counts.tolist()])
        others = ~np.isin(history.process, busiest)
        if others.any():
            counts = np.bincount(bins[others], minlength=BINS)
            count = int((totals > 0).sum()) - len(busiest)
            lines.append([self.text(f"{count:,} others"), int(others.sum()), counts.tolist()])
        marked = sorted({int(bins[row]) for row in self.scene.marked})
        return {
            "bins": BINS,
            "lines": lines,
            "drawn": _runs(sorted({int(bins[mark.row]) for mark in self.scene.views[0].marks})),
            "at": marked,
            "words": f"{len(history):,} operations, lines 1 to {self.last_line():,}; framed: the "
            "time line that is shown first" + (", with the contradiction marked" if marked else ""),
        }

    def last_line(self) -> int:
        history = self.scene.history
        return max(int(history.invoked_line.max()), int(history.ended_line.max()))


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """First and last of numbers that follow each other."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


__all__ = ["LIMIT", "heading", "html_of", "page"]
