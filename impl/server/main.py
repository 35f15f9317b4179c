"""The process of a node: its event loop, its signals, and what it says."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import time
from pathlib import Path

from impl.server.config import Config
from impl.server.server import Server
from impl.transport.connection import LOG

LINES_A_SECOND = 20
"""Of the log: who knocks at the door in vain must not fill the disk."""


def serve(
    config: Config,
    *,
    history: Path | None = None,
    trace_log: Path | None = None,
    as_json: bool = False,
) -> None:
    """Run a node until SIGTERM or SIGINT.  `StartError`, `DiskError`.

    When it listens, one line on standard output says where; the log is on standard error.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s node {config.me}: %(message)s"))
    handler.addFilter(AtMost(LINES_A_SECOND))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    try:
        asyncio.run(_serve(Server(config, history=history, trace_log=trace_log), as_json))
    finally:
        LOG.removeHandler(handler)


async def _serve(server: Server, as_json: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.start()
    print(ready(server, as_json), flush=True)
    await server.run()


def ready(server: Server, as_json: bool) -> str:
    """The line that says where it listens."""
    config, (host, port) = server.config, server.address
    if as_json:
        told = {"cluster": config.cluster, "node": config.me, "host": host, "port": port}
        return json.dumps(told)
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"node {config.me} of cluster {config.cluster} listens on {where}"


class AtMost(logging.Filter):
    """Lets so many lines pass each second, and says how many it kept back."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self._second = 0
        self._passed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            kept_back = self._passed - self._lines
            if kept_back > 0:
                record.msg = f"{record.getMessage()} (and {kept_back} lines before it not shown)"
                record.args = ()
            self._second, self._passed = second, 0
        self._passed += 1
        return self._passed <= self._lines
