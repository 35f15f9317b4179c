"""From C to a loaded library: the system's compiler, and a cache by content.

The cache is `$XDG_CACHE_HOME/quorate` (`~/.cache/quorate`), where nobody but the user may write.  A
library's name is a hash of all that went into it: the source, the headers, the compiler, its
options and the processor.  It is written under another name and then renamed, so that a reader
never sees half of one.  The libraries used longest ago are deleted when there are many.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import hashlib
import os
import platform
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checker.engines.errors import NotNativeError

if TYPE_CHECKING:
    import subprocess

RUNTIME = Path(__file__).parent / "runtime"
OPTIONS = ("-std=gnu11", "-march=native", "-fPIC", "-shared", "-pthread", "-w")
COMPILERS = ("cc", "gcc", "clang")
MOST_KEPT = 300
"""So many libraries are kept in the cache; most are some 50 kB."""


class NoCompilerError(NotNativeError):
    """There is no C compiler on this machine, or it does not work."""


@cache
def compiler() -> str:
    """The C compiler: `$CC`, or the first of `COMPILERS` that is there."""
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else COMPILERS:
        found = shutil.which(name)
        if found:
            return found
    asked = f"`{wanted}` (from CC)" if wanted else " or ".join(COMPILERS)
    raise NoCompilerError(
        f"there is no C compiler here: {asked} was not found",
        "install one (Debian: apt-get install gcc), or use --engine python",
    )


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "quorate"


def building(source: Path | str, options: tuple[str, ...]) -> Building:
    """Begin to compile C (a file of the runtime, or text), unless it is in the cache."""
    text = source.read_text() if isinstance(source, Path) else source
    made_of = [text, *options, *OPTIONS, compiler(), _processor(), *_headers()]
    name = hashlib.blake2b("\0".join(made_of).encode(), digest_size=16).hexdigest()
    return Building(text, options, _folder() / f"{name}.so")


def _folder() -> Path:
    """The cache, or a folder for this process if the cache cannot be used or trusted."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = folder.stat()
        others_write = held.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if held.st_uid == os.getuid() and not others_write and os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _own_folder()


@cache
def _own_folder() -> Path:
    import tempfile

    made = tempfile.mkdtemp(prefix="quorate-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def _delete_oldest(folder: Path) -> None:
    """Keep the libraries used last."""
    used: list[tuple[float, Path]] = []
    for path in folder.glob("*.so"):
        try:
            used.append((path.stat().st_mtime, path))
        except OSError:
            continue  # another process was faster
    for _, path in sorted(used)[:-MOST_KEPT]:
        path.unlink(missing_ok=True)


@cache
def _processor() -> str:
    """What this processor can do: a cache may be shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


@cache
def _headers() -> tuple[str, ...]:
    return tuple(path.read_text() for path in sorted(RUNTIME.glob("*.h")))


class Building:
    """A library that is being made.  `load` waits for it."""

    def __init__(self, text: str, options: tuple[str, ...], path: Path) -> None:
        self.path = path
        self.process: subprocess.Popen[bytes] | None = None
        if path.exists():
            os.utime(path)
            return
        import subprocess  # it takes longer to import than a library to be found in the cache

        self.unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        command = [compiler(), *OPTIONS, *options, "-I", str(RUNTIME), "-x", "c", "-"]
        with self._or_killed():
            with _undisturbed():
                self.process = subprocess.Popen(
                    [*command, "-o", str(self.unfinished)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            assert self.process.stdin is not None
            # A compiler that does not read to the end has failed, and `load` says how.
            with contextlib.suppress(BrokenPipeError), self.process.stdin as to:
                to.write(text.encode())
            self.process.stdin = None

    def load(self) -> ctypes.CDLL:
        if self.process is not None:
            with self._or_killed():
                _, said = self.process.communicate()
            if self.process.returncode != 0:
                self.unfinished.unlink(missing_ok=True)
                first = said.decode(errors="replace").strip().splitlines()[:3]
                raise NoCompilerError(
                    f"the C compiler {compiler()} failed: {' / '.join(first) or 'it says nothing'}",
                    "mend it, or use --engine python",
                )
            os.replace(self.unfinished, self.path)
            self.process = None
            _delete_oldest(self.path.parent)
        return ctypes.CDLL(str(self.path))

    @contextlib.contextmanager
    def _or_killed(self) -> Iterator[None]:
        """Whoever stops waiting (Ctrl-C, a limit of time) leaves no compiler behind."""
        try:
            yield
        except BaseException:
            with _undisturbed():
                if self.process is not None:
                    self.process.kill()
                    self.process.stdin = None
                    self.process.communicate()
                    self.unfinished.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """What a signal raises is raised at the end: else a process could be lost.

    To block signals would not do: another thread may get them, and this one handle them.
    """
    came: list[int] = []
    held = {one: signal.getsignal(one) for one in (signal.SIGALRM, signal.SIGINT)}
    if threading.current_thread() is not threading.main_thread() or None in held.values():
        yield
        return
    for one in held:
        signal.signal(one, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for one, handler in held.items():
            signal.signal(one, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
