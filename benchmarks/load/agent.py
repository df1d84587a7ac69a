"""A recording of a real agent: what it sends, and as whom."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load.lines import Pattern, parsed
from sandbox.machines.machine import Machine

CONFIG = "/etc/telegraf/telegraf.conf"
TWIN = "/run/telegraf-twin.conf"
PORT = 18086
MEASURED_EACH_MINUTE = 70
"""Seconds to record everything: some inputs measure once a minute, and their values are sent with the next ones."""


@dataclass(frozen=True)
class Agent:
    """The agent on a machine, from its configuration.

    machine: from which InfluxDB can be reached. url: InfluxDB's. interval: seconds. headers: as the agent sends them.
    """

    machine: Machine
    url: str
    database: str
    user: str
    password: str = field(repr=False)
    authority: str = field(repr=False)
    interval: int
    pattern: Pattern
    path: str
    headers: dict[str, str]


def recorded(machine: Machine, seconds: float) -> Agent:
    """Record what the machine's agent sends, by running a twin of it for a while: the same program, user and
    configuration, but another address to send to. Raises ValueError if it sends nothing."""
    config = _read(machine, CONFIG)
    found = re.findall(r'^(urls|database|username|interval) = \[?"([^"]+)"\]?$', config, re.MULTILINE)
    settings = dict(reversed(found))  # the first of each: those of the agent and its output come before the inputs'
    interval = int(settings["interval"].removesuffix("s"))
    requests = _twin(machine, config, seconds)
    if not requests:
        raise ValueError(f"the agent on {machine.id} sent nothing in {seconds:.0f} s")
    points = [parsed(line) for request in requests for line in request["text"].splitlines()]
    (password,) = re.findall(r"^INFLUX_PASSWORD='(.*)'$", _read(machine, "/etc/default/telegraf"), re.MULTILINE)
    kept = ("User-Agent", "Content-Type", "Content-Encoding")
    return Agent(
        machine=machine,
        url=settings["urls"],
        database=settings["database"],
        user=settings["username"],
        password=password,
        authority=_read(machine, "/etc/telegraf/ca.pem"),
        interval=interval,
        pattern=Pattern.of(points, interval),
        path=requests[0]["path"],
        headers={name: value for name, value in requests[0]["headers"].items() if name in kept},
    )


def _twin(machine: Machine, config: str, seconds: float) -> list[dict[str, Any]]:
    """The twin's requests. It has no password, because it does not send to InfluxDB."""
    changed = re.sub(r"^urls = .*$", f'urls = ["http://127.0.0.1:{PORT}"]', config, count=1, flags=re.MULTILINE)
    changed = re.sub(r"^tls_ca = .*$", "", changed, flags=re.MULTILINE)
    machine.run(["tee", TWIN], stdin=changed)
    # In the machine's network, but with this Python: the machine may not have one.
    inside = ["nsenter", f"--target={machine.leader}", "--net", "--"]
    listener = subprocess.Popen(
        [*inside, sys.executable, "-m", "benchmarks.load.listener", str(PORT), str(seconds + 5)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        command = f"timeout {seconds} telegraf --config {TWIN} --pidfile=/dev/null"
        twin = ["runuser", "-u", "telegraf", "--", "sh", "-c", f"INFLUX_PASSWORD=none exec {command}"]
        ran = machine.run(twin, timeout=seconds + 30)
        answer, _ = listener.communicate(timeout=30)
    finally:
        listener.kill()
        machine.run(["rm", "-f", TWIN])
    if not answer:
        raise ValueError(f"the listener for {shlex.join(twin)} failed: {ran.stderr[-500:]}")
    return list(json.loads(answer))


def _read(machine: Machine, file: str) -> str:
    """A file's text. Raises ValueError if it cannot be read."""
    read = machine.run(["cat", file])
    if read.returncode != 0:
        raise ValueError(f"{machine.id}: {read.stderr.strip()}")
    return read.stdout
