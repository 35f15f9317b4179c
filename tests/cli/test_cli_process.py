"""The command as a process: statuses, streams, signals, terminals."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from checker.cli.progress import line_of, showing
from checker.engines.result import Load, Progress

SPECS = Path(__file__).parent.parent / "data" / "specs"
QUORATE = [sys.executable, "-m", "checker.cli"]

EXPLODES = """
from checker.lang import *
class Grid(Spec):
    x: Annotated[int, Range(10**9)] = 0
    y: Annotated[int, Range(10**9)] = 0
    @action
    def right(self) -> None:
        self.x += 1
    @action
    def up(self) -> None:
        self.y += 1
"""


def quorate(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*QUORATE, *args], capture_output=True, env=os.environ | env, timeout=60, check=False
    )


@pytest.fixture
def grid(tmp_path: Path) -> str:
    (tmp_path / "grid.py").write_text(EXPLODES)
    return str(tmp_path / "grid.py")


def test_statuses() -> None:
    assert quorate("check", "consensus").returncode == 0
    assert quorate("check", f"{SPECS}/election.py").returncode == 1
    assert quorate("check", "paxso").returncode == 2
    assert quorate("check", f"{SPECS}/election.py", "--max-states", "9").returncode == 3


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom checker.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = ['networkx', 'pydot', 'z3', 'hypothesis', 'rich', 'pytest', 'spec',\n"
        "         'checker.engines', 'checker.lang.model', 'xml', 'asyncio']\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"[]\n"


def test_ctrl_c_is_an_honest_undecided(grid: str) -> None:
    main, side = pty.openpty()
    running = subprocess.Popen(
        [*QUORATE, "check", grid, "--json"],
        stdout=subprocess.PIPE,
        stderr=side,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(side)
    shown = bytearray()

    def read() -> None:  # all the time: what nobody reads cannot be written for ever
        with suppress(OSError):
            while more := os.read(main, 65536):
                shown.extend(more)

    reader = threading.Thread(target=read)
    reader.start()
    # The first line may come before the search has done anything; it runs once there is another.
    while reader.is_alive() and not re.search(rb"\d\d states  ", shown):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    reader.join()
    os.close(main)
    data = json.loads(out)
    assert running.returncode == 3
    assert b"Traceback" not in shown
    assert data["verdict"] == "undecided"
    assert "interrupted" in data["undecided_because"]
    assert data["distinct_states"] > 1
    assert set(data["properties"].values()) == {"undecided"}


def test_a_state_space_that_explodes_ends_at_its_limit(grid: str) -> None:
    done = quorate("check", grid, "--max-seconds", "1")
    assert done.returncode == 3
    assert "undecided: the limit of 1 seconds was reached" in done.stdout.decode()
    assert "to decide it: smaller constants or higher limits" in done.stdout.decode()


def test_an_enormous_value_is_undecided_and_neither_a_verdict_nor_a_kill(tmp_path: Path) -> None:
    (tmp_path / "wide.py").write_text("""
from checker.lang import *
class Wide(Spec):
    x: bool
    @action
    def widen(self) -> None:
        self.x = len([n for n in range(100000000000)]) > 3
""")
    done = quorate("check", f"{tmp_path}/wide.py", "--engine", "python", "--max-memory", "64M")
    assert done.returncode == 3
    assert "undecided: memory ran out" in done.stdout.decode()


@pytest.mark.parametrize(
    ("args", "status"),
    [(f"check {SPECS}/election.py", 1), ("check consensus", 0), ("--help", 74)],
)
def test_a_reader_that_leaves_changes_no_verdict(args: str, status: int) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*QUORATE, *args.split()], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert done.returncode == status
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_answer_that_cannot_be_written_is_74() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*QUORATE, "check", "consensus"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 74
    assert done.stderr == b"quorate: [Errno 28] No space left on device\n"


def test_where_signs_cannot_be_written_plain_ones_stand() -> None:
    done = quorate("check", f"{SPECS}/election.py", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert b"  Step 8    *<----+-----+    win(r=1)\n" in done.stdout


def on_terminal(*args: str, **env: str) -> bytes:
    """What a terminal is sent, standard output and error together."""
    main, side = pty.openpty()
    done = subprocess.Popen(
        [*QUORATE, *args],
        stdout=side,
        stderr=side,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"} | env,
    )
    os.close(side)
    found = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        found += part
    done.wait(timeout=60)
    os.close(main)
    return found


def test_colour_on_a_terminal_and_not_with_no_color() -> None:
    coloured = on_terminal("check", f"{SPECS}/election.py", NO_COLOR="")
    assert b"\x1b[1;31m" in coloured
    plain = on_terminal("check", f"{SPECS}/election.py", NO_COLOR="1")
    assert b"\x1b[1;31m" not in plain
    assert b"\x1b" not in quorate("check", f"{SPECS}/election.py").stdout


def test_without_a_terminal_nothing_is_even_counted() -> None:
    with showing("x") as callback:
        assert callback is None


def test_what_progress_says() -> None:
    progress = Progress(12_345, 50_000, 7, 210, 61.5)
    assert line_of("Paxos", progress) == "Paxos  12,345 states  201/s  depth 7  frontier 210  1:01"
    assert line_of("Paxos", replace(progress, phase="liveness")).endswith("  1:01  liveness")
    load = Load(memory_bytes=2**30, table=0.456, disk_bytes=0, seconds_left=None)
    assert line_of("Paxos", replace(progress, load=load)).endswith("  1:01  1,024 MB  table 46%")
    load = replace(load, disk_bytes=5 * 2**20, seconds_left=83.0)
    assert line_of("Paxos", replace(progress, load=load)).endswith("  disk 5 MB  about 1:23 left")


def test_progress_on_a_terminal_only(grid: str) -> None:
    shown = on_terminal("check", grid, "--max-seconds", "1")
    assert b" states  " in shown
    assert b"frontier" in shown
    assert b"frontier" not in quorate("check", grid, "--max-seconds", "1").stderr


def test_what_is_read_is_counted_on_a_terminal_only(tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    event = {"process": 0, "f": "read", "value": None}
    run.write_text("".join(json.dumps(event | {"type": t}) + "\n" for t in ("invoke", "ok")))
    assert b"2 events  " in on_terminal("linearize", str(run), "--model", "register")
    assert b"events" not in quorate("linearize", str(run), "--model", "register").stderr
