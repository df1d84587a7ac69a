"""What the server uses during a period, checked every few seconds."""

from __future__ import annotations

import time

import psutil

from benchmarks.load.server import Server

EVERY = 5
"""Seconds between two checks."""


class Watch:
    """The server's use since this was created.

    first, last: the first and the newest check. peak: bytes, by service. here: CPU seconds per second of all processes
    on this machine.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.first = self.last = server.use()
        self.peak = dict(self.first.anonymous)
        self.here = 0.0
        self._busy = _busy()

    def look(self, seconds: float) -> None:
        """Keep checking for this number of seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(EVERY, left))
            self.last = self._server.use()
            self.here = (_busy() - self._busy) / (self.last.moment - self.first.moment)
            for service, size in self.last.anonymous.items():
                self.peak[service] = max(self.peak[service], size)

    def cores(self, service: str = "") -> float:
        """CPU seconds per second, on average."""
        return self.last.cores_since(self.first, service)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - times.iowait)
