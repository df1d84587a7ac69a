"""A real agent, looked at: what it sends, and as whom."""

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
"""Seconds to look for everything: some inputs measure once a minute, and what they measured is sent with the next."""


@dataclass(frozen=True)
class Agent:
    """The agent on a machine, as its configuration has it.

    machine: from where it may reach InfluxDB. url: InfluxDB's. interval: seconds. headers: as it sends them.
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


def looked_at(machine: Machine, seconds: float) -> Agent:
    """What the machine's agent is and sends, by running a twin of it for a while: the same program, user and
    configuration, but another address to send to. Raises ValueError when it sends nothing."""
    config = _read(machine, CONFIG)
    found = re.findall(r'^(urls|database|username|interval) = \[?"([^"]+)"\]?$', config, re.MULTILINE)
    settings = dict(reversed(found))  # the first of each: the agent's own and its output's come before the inputs'
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
    """The twin's requests. It has no password: what it sends to is not InfluxDB."""
    changed = re.sub(r"^urls = .*$", f'urls = ["http://127.0.0.1:{PORT}"]', config, count=1, flags=re.MULTILINE)
    changed = re.sub(r"^tls_ca = .*$", "", changed, flags=re.MULTILINE)
    machine.run(["tee", TWIN], stdin=changed)
    # In the machine's network, with this Python: the machine need not have one.
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
        raise ValueError(f"nothing listened to {shlex.join(twin)}: {ran.stderr[-500:]}")
    return list(json.loads(answer))


def _read(machine: Machine, file: str) -> str:
    """A file's text. Raises ValueError when it is not there."""
    read = machine.run(["cat", file])
    if read.returncode != 0:
        raise ValueError(f"{machine.id}: {read.stderr.strip()}")
    return read.stdout
