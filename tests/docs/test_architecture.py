"""The reading order names every module, and nothing that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`((?:spec|checker|impl|tests|docs)/[\w/]*[\w.]*)`", TEXT))


def test_every_file_that_it_names_exists() -> None:
    assert len(NAMED) > 50
    assert sorted(name for name in NAMED if not (ROOT / name).exists()) == []


def test_it_names_every_module() -> None:
    modules = {
        str(file.relative_to(ROOT))
        for room in ("checker", "spec")
        for file in ROOT.glob(f"{room}/**/*.py")
    }
    assert sorted(modules - NAMED) == [], "give each a line in docs/architecture.md"
