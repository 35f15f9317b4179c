"""The compiler and the cache: what is there, what is not, and what nobody else may touch."""

import os
import signal
import stat
import threading
from pathlib import Path
from types import FrameType

import pytest

from checker import check
from checker.engines.errors import NotNativeError
from checker.engines.native import build
from checker.lang import Annotated, Range, Spec, action, final

TEXT = "int answer(void) { return %d; }"


class Counter(Spec):
    """Larger than what `auto` leaves to the reference."""

    a: Annotated[int, Range(30)] = 0
    b: Annotated[int, Range(30)] = 0

    @action
    def step(self) -> None:
        self.a = (self.a + 1) % 30

    @action
    def other(self) -> None:
        self.b = (self.b + 1) % 30

    @final
    def may_stop(self) -> bool:
        return True


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "quorate"


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    build.compiler.cache_clear()
    monkeypatch.setattr(build, "compiler", build.compiler.__wrapped__)


def test_what_was_compiled_is_used_again(cache: Path) -> None:
    assert build.building(TEXT % 7, ()).load().answer() == 7
    (library,) = cache.glob("*.so")
    again = build.building(TEXT % 7, ())
    assert again.process is None
    assert again.path == library
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [path.suffix for path in cache.iterdir()] == [".so"]


def test_another_text_or_option_is_another_library(cache: Path) -> None:
    build.building(TEXT % 1, ()).load()
    build.building(TEXT % 2, ()).load()
    build.building(TEXT % 2, ("-O1",)).load()
    assert len(list(cache.glob("*.so"))) == 3


def test_a_folder_where_others_may_write_is_not_used(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    assert build.building(TEXT % 3, ()).load().answer() == 3
    assert not list(cache.iterdir())


def test_the_libraries_used_longest_ago_are_deleted(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "MOST_KEPT", 2)
    first = build.building(TEXT % 1, ())
    first.load()
    os.utime(first.path, (1, 1))
    build.building(TEXT % 2, ()).load()
    build.building(TEXT % 3, ()).load()
    assert len(list(cache.glob("*.so"))) == 2
    assert not first.path.exists()


def test_c_that_does_not_compile_is_told_in_one_line(cache: Path) -> None:
    with pytest.raises(NotNativeError, match=r"failed: .*error"):
        build.building("this is no C", ()).load()
    assert not list(cache.iterdir())


def test_who_stops_waiting_leaves_no_compiler(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, began = tmp_path / "slow-cc", tmp_path / "began"
    slow.write_text(f"#!/bin/sh\necho $$ > {began}.new; mv {began}.new {began}; exec sleep 600\n")
    slow.chmod(0o700)
    monkeypatch.setenv("CC", str(slow))
    monkeypatch.setattr(build, "compiler", build.compiler.__wrapped__)

    def late(_: int, frame: FrameType | None) -> None:
        inside = False
        while frame is not None:
            inside |= frame.f_code.co_filename == build.__file__
            frame = frame.f_back
        if inside and began.exists():
            raise TimeoutError

    over = threading.Event()  # another thread, that may get the signals
    other = threading.Thread(target=over.wait)
    other.start()
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.001)  # and again while it cleans up
    try:
        with pytest.raises(TimeoutError):
            build.building(TEXT % 9, ()).load()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        over.set()
        other.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_reference_engine_does_it_and_says_so() -> None:
    result = check(Counter())
    assert result.engine == "python"
    assert result.distinct_states == 900
    assert "no C compiler" in result.warnings[0]


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_native_engine_says_what_is_missing() -> None:
    with pytest.raises(NotNativeError, match="no-such-compiler"):
        check(Counter(), engine="native")


def test_auto_is_native_beyond_a_few_states() -> None:
    assert check(Counter()).engine == "native"
    assert check(Counter(), max_states=100).engine == "python"
