"""Simulated hosts that write as agents do: each over its own connection, at a different time in each interval."""

from __future__ import annotations

import gzip
import http.client
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.load.agent import Agent
from benchmarks.load.lines import Host
from program.trust import basic
from sandbox.machines.standpoint import at

TIMEOUT = 5
"""Seconds after which an agent abandons a write: Telegraf's default."""


@dataclass
class Written:
    """The results of the writes. latencies: seconds, of the accepted ones. failures: what was answered instead of 204.
    late: the most seconds by which this program itself began a write too late."""

    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    points: int = 0
    late: float = 0.0

    @property
    def sent(self) -> int:
        return len(self.latencies) + len(self.failures)


class Connection:
    """An agent's connection to InfluxDB, which is reopened after an error."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._context = ssl.create_default_context(cadata=agent.authority)
        self._headers = agent.headers | {"Authorization": basic(agent.user, agent.password)}
        self._connection: http.client.HTTPSConnection | None = None

    def write(self, lines: Sequence[str]) -> str:
        """Send the lines in one request. Returns "" if they were accepted, otherwise what went wrong."""
        body = "\n".join(lines).encode() + b"\n"
        if self._headers.get("Content-Encoding") == "gzip":
            body = gzip.compress(body)
        address = urlsplit(self._agent.url)
        try:
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(
                    address.hostname or "", address.port, timeout=TIMEOUT, context=self._context
                )
                with at(self._agent.machine):
                    self._connection.connect()
            self._connection.request("POST", self._agent.path, body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return f"{type(error).__name__}: {error}"
        return "" if answer.status == http.client.NO_CONTENT else f"{answer.status} {text[:200]}"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Senders:
    """Hosts that send a number of rounds, one per interval; the results are in `written`.

    moments: the times of the points, seconds since 1970.
    """

    def __init__(self, agent: Agent, names: Sequence[str], rounds: int) -> None:
        self.written = Written()
        self.moments: list[int] = []
        self._agent = agent
        self._rounds = rounds
        self._hosts = [Host(name, agent.pattern) for name in names]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start in the interval after the next one, because threads and connections take a moment."""
        interval = self._agent.interval
        first = (int(time.time()) // interval + 2) * interval
        self.moments = list(range(first, first + self._rounds * interval, interval))
        for number, host in enumerate(self._hosts):
            phase = interval * (number + 0.5) / len(self._hosts)
            self._threads.append(threading.Thread(target=self._send, args=(host, phase), daemon=True))
        for thread in self._threads:
            thread.start()

    def join(self) -> Written:
        """Wait until everything has been sent."""
        for thread in self._threads:
            thread.join()
        return self.written

    def _send(self, host: Host, phase: float) -> None:
        connection = Connection(self._agent)
        for moment in self.moments:
            time.sleep(max(0.0, moment + phase - time.time()))
            late = time.time() - moment - phase
            lines = host.lines(moment, self._agent.interval)
            began = time.monotonic()
            failure = connection.write(lines)
            took = time.monotonic() - began
            with self._lock:
                if failure:
                    self.written.failures.append(f"{host.name}: {failure}")
                else:
                    self.written.latencies.append(took)
                    self.written.points += len(lines)
                self.written.late = max(self.written.late, late)
        connection.close()
