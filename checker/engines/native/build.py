"""From C to a loaded library: the system's compiler, and a cache by content.

The cache is `$XDG_CACHE_HOME/quorate` (`~/.cache/quorate`).  A library's name is a hash of all
that went into it: the source, the headers, the compiler and its options.  It is written under
another name and then renamed, so that a reader never sees half of one.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from checker.engines.errors import NotNativeError

RUNTIME = Path(__file__).parent / "runtime"
OPTIONS = ("-std=gnu11", "-march=native", "-fPIC", "-shared", "-pthread", "-w")
COMPILERS = ("cc", "gcc", "clang")


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
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        return Building(text, options, folder / f"{name}.so")
    except OSError:  # no home, or one that cannot be written: nothing is kept
        return Building(text, options, Path(tempfile.mkdtemp(prefix="quorate-")) / f"{name}.so")


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
            return
        self.unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        command = [compiler(), *OPTIONS, *options, "-I", str(RUNTIME), "-x", "c", "-"]
        self.process = subprocess.Popen(
            [*command, "-o", str(self.unfinished)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.close()
        self.process.stdin = None

    def load(self) -> ctypes.CDLL:
        if self.process is not None:
            _, said = self.process.communicate()
            if self.process.returncode != 0:
                self.unfinished.unlink(missing_ok=True)
                first = said.decode(errors="replace").strip().splitlines()[:3]
                raise NoCompilerError(
                    f"the C compiler {compiler()} failed: {' / '.join(first)}",
                    "mend it, or use --engine python",
                )
            os.replace(self.unfinished, self.path)
            self.process = None
        return ctypes.CDLL(str(self.path))
