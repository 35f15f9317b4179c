"""`quorate linearize --html --svg`: files written whole or not at all, and what is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.test_cli_linearize import BAD, GOOD, call, quorate

REGISTER = ("--model", "register")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.jsonl").write_text(GOOD)
    (tmp_path / "bad.jsonl").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"good.jsonl", "bad.jsonl"}


def test_both_at_once(folder: Path) -> None:
    result = quorate("bad.jsonl", *REGISTER, "--html", "a.html", "--svg", "a.svg")
    assert result.exit_code == 1
    assert "quorate: the page is in a.html" in result.stderr
    assert "quorate: the contradiction (3 of 3 operations) is drawn in a.svg" in result.stderr
    assert (folder / "a.html").read_text().startswith("<!doctype html>")
    assert "<title>bad.jsonl: not linearizable</title>" in (folder / "a.html").read_text()
    assert ET.parse(folder / "a.svg").getroot().tag.endswith("svg")
    assert names(folder) == {"a.html", "a.svg"}, "nothing unfinished is left"
    mask = os.umask(0)
    os.umask(mask)
    assert (folder / "a.html").stat().st_mode & 0o777 == 0o666 & ~mask


def test_json_is_the_only_thing_on_standard_output(folder: Path) -> None:
    result = quorate("good.jsonl", *REGISTER, "--html", "a.html", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["verdict"] == "linearizable"


def test_the_same_bytes_again(folder: Path) -> None:
    written = set()
    for _ in range(2):
        quorate("bad.jsonl", *REGISTER, "--html", "a.html", "--svg", "a.svg")
        written.add(((folder / "a.html").read_bytes(), (folder / "a.svg").read_bytes()))
    assert len(written) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("good.jsonl", "--html", "no/a.html"), "the folder no does not exist"),
        (("good.jsonl", "--svg", "."), "it is a folder"),
        (
            ("good.jsonl", "bad.jsonl", "--html", "a.html"),
            "--html draws one HISTORY, and here are 2",
        ),
        (("good.jsonl", "--svg", "a.svg", "--follow"), "--svg does not go with --follow"),
        (
            ("good.jsonl", "--svg", "a.svg", "--convert", "b.edn"),
            "--svg does not go with --convert",
        ),
        (
            ("good.jsonl", "--html", "a.html", "--consistency", "sequential"),
            "--html does not go with --consistency sequential",
        ),
        (("good.jsonl", "--html", "good.jsonl"), "this is the history itself"),
        (("good.jsonl", "--html", "a", "--svg", "a"), "name one file, a"),
    ],
)
def test_wrong_usage_is_told_before_any_work(
    folder: Path, args: tuple[str, ...], words: str
) -> None:
    result = quorate(*args, *REGISTER)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert names(folder) == set()
    assert (folder / "good.jsonl").read_text() == GOOD


def test_too_many_for_a_figure(folder: Path) -> None:
    (folder / "many.jsonl").write_text("".join(call(0, "write", n, None) for n in range(61)))
    result = quorate("many.jsonl", *REGISTER, "--svg", "a.svg")
    assert result.exit_code == 0
    assert "a.svg is not written: 61 operations are too many for a figure" in result.stderr
    assert not (folder / "a.svg").exists()


def test_what_cannot_be_written_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.html").write_text("before")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    result = quorate("good.jsonl", *REGISTER, "--html", "a.html")
    assert result.exit_code == 2
    assert "cannot write a.html: No space left on device" in result.stderr
    assert (folder / "a.html").read_text() == "before"
    assert names(folder) == {"a.html"}


def test_what_is_no_file_is_not_replaced(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = quorate("good.jsonl", *REGISTER, "--svg", "pipe")
        assert result.exit_code == 0
        assert os.read(reader, 4).startswith(b"<svg")
    finally:
        os.close(reader)
    assert (folder / "pipe").is_fifo()


def test_a_limit_is_said(folder: Path) -> None:
    result = quorate("good.jsonl", *REGISTER, "--timeout", "0.000001", "--html", "a.html")
    assert result.exit_code == 3
    assert "nothing was decided before the limit, so nothing is drawn" in result.stderr
    assert names(folder) == set()
