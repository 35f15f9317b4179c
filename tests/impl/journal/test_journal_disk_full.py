"""A disk that is really full: the journal stops with one message, and has all it acknowledged."""

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from impl.journal import Journal
from tests.impl.journal.journal_writer import LIMITS
from tests.impl.journal.numbered_records import count_of
from tests.impl.journal.test_journal_kill import ROOT

WRITER = [sys.executable, "-m", "tests.impl.journal.journal_writer"]


def last(said: str, word: str) -> int:
    return max(int(number) for number in re.findall(rf"^{word} (\d+)$", said, re.MULTILINE))


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the write that crosses it is cut there, and the next gives EFBIG."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_001, 20_001))

    said = subprocess.run(
        [*WRITER, os.fspath(tmp_path), "3"],
        cwd=ROOT,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert said.endswith(
        f"error {tmp_path}: the journal cannot be written (File too large); raise the limit on the"
        " size of files (ulimit -f), then start again: what was acknowledged is intact\nrefused\n"
    )
    assert max(file.stat().st_size for file in tmp_path.iterdir()) == 20_001, "it was half written"
    with Journal.open(tmp_path, limits=LIMITS) as journal:
        assert last(said, "acknowledged") <= count_of(journal.recovered) < last(said, "appending")


# In a mount namespace of its own, so that no rights are needed and nothing is left behind.
SCRIPT = """
set -e
mount -t tmpfs -o size=256k none "$1"
dd if=/dev/zero of="$1/filler" bs=1k count=32 status=none
"$2" -m tests.impl.journal.journal_writer "$1/node" 3
"$2" -m tests.impl.journal.journal_writer "$1/node" 4 2>&1 || true
rm "$1/filler"
cp -r "$1/node" "$3"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare(1), so no tmpfs to fill")
def test_a_full_file_system(tmp_path: Path) -> None:
    mount, copy = tmp_path / "mount", tmp_path / "copy"
    mount.mkdir()
    shell = ["unshare", "-Urm", "sh", "-c"]
    if subprocess.run([*shell, f"mount -t tmpfs none {mount}"], check=False).returncode:
        pytest.skip("this machine lets a user mount nothing")
    command = [*shell, SCRIPT, "sh", os.fspath(mount), sys.executable, os.fspath(copy)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    said, _, second = done.stdout.partition("refused\n")
    assert (
        f"error {mount}/node: the journal cannot be written (No space left on device); free space"
        " on the disk, then start again: what was acknowledged is intact\n"
    ) in said
    assert "No space left on device" in second
    with Journal.open(copy, limits=LIMITS) as journal:
        count = count_of(journal.recovered)
    assert last(said, "acknowledged") <= count
