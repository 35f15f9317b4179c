"""`make bench` runs each file of bench/ that measures; the docs say how long each takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_that_measures_is_run_and_its_time_is_told() -> None:
    measuring = {
        file.stem for file in (ROOT / "bench").glob("*.py") if "__main__" in file.read_text()
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (names,) = re.findall(r"^BENCHES := (.*)$", makefile, re.MULTILINE)
    assert sorted(names.split()) == sorted(measuring)
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in names.split() if f"| `bench/{name}.py` |" not in text] == []
