"""The monitoring server under load: queries InfluxDB from the server itself, as its administrator, and reads the
server's real counters."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sandbox.machines import cgroups
from sandbox.machines.machine import Machine
from sandbox.machines.standpoint import at

SERVICES = ("influxdb", "grafana-server", "telegraf")
URL = "https://localhost:8086"
"""InfluxDB's address on the server itself, whose certificate is also for that name."""
DATA = "/var/lib/influxdb/data/telegraf/autogen"
DROP_IN = "/run/systemd/system/influxdb.service.d/load.conf"
COLD = "INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION=5s INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION=10s"
"""InfluxDB fully compacts a shard when nothing was added for four hours; here it does not wait."""
SETTLED = 30
"""Seconds without a change after which InfluxDB is done: it looks for work every second."""


@dataclass(frozen=True)
class Use:
    """What the server uses, by service; "" is everything. cpu: seconds so far. resident, anonymous: bytes."""

    moment: float
    cpu: dict[str, float]
    resident: dict[str, int]
    anonymous: dict[str, int]

    def cores_since(self, before: Use, service: str = "") -> float:
        """CPU seconds per second, on this machine's cores."""
        return (self.cpu[service] - before.cpu[service]) / (self.moment - before.moment)


class Server:
    """The machine. verify: what `requests` trusts."""

    def __init__(self, machine: Machine, verify: str | bool) -> None:  # noqa: FBT001 - as `requests` has it
        self.machine = machine
        self._verify = verify

    def peak(self, service: str) -> int:
        """The most memory that a service's main process ever had, in bytes, including mapped files."""
        pid = self.machine.run(["systemctl", "show", "-p", "MainPID", "--value", service]).stdout.strip()
        status = self.machine.run(["cat", f"/proc/{pid}/status"]).stdout
        return int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[0]) * 1024

    def query(self, text: str) -> list[dict[str, Any]]:
        """The series that the query returns, as administrator. Raises ValueError with InfluxDB's error."""
        done = self.machine.run(["cut", "-d", " ", "-f", "2", "/etc/monitoring/influxdb-administrator"])
        with at(self.machine):
            answer = requests.post(
                f"{URL}/query",
                data={"db": "telegraf", "q": text, "epoch": "s"},
                auth=("admin", done.stdout.strip()),
                verify=self._verify,
                timeout=300,
            ).json()
        (result,) = answer.get("results") or [answer]
        if "error" in result:
            raise ValueError(f"{text}: {result['error']}")
        return list(result.get("series", []))

    def series(self) -> int:
        """The number of series in the database."""
        return sum(each["values"][0][0] for each in self.query("SHOW SERIES EXACT CARDINALITY"))

    def shards(self) -> dict[int, int]:
        """The beginnings of the database's shards (seconds since 1970), by id."""
        (found,) = [each for each in self.query("SHOW SHARDS") if each["name"] == "telegraf"]
        columns = {name: number for number, name in enumerate(found["columns"])}
        ours = [row for row in found["values"] if row[columns["retention_policy"]] == "autogen"]
        return {row[columns["id"]]: _seconds(row[columns["start_time"]]) for row in ours}

    def forget(self, hosts: str, shards: set[int]) -> None:
        """Remove all series of the hosts whose names match, and whole shards."""
        self.query(f'DROP SERIES FROM /.*/ WHERE "host" =~ /{hosts}/')
        for shard in shards:
            self.query(f"DROP SHARD {shard}")

    def use(self) -> Use:
        """What the server currently uses."""
        whole = cgroups.of(self.machine.supervisor or 0)
        if whole is None:
            raise ValueError(f"{self.machine.id} is off, or this machine has no cgroup v2")
        cpu, resident, anonymous = {"": cgroups.cpu_seconds(whole)}, {}, {}
        for service in SERVICES:
            (folder,) = whole.rglob(f"{service}.service")
            cpu[service] = cgroups.cpu_seconds(folder)
            statuses = [_status(int(pid)) for pid in (folder / "cgroup.procs").read_text().split()]
            resident[service] = sum(status.get("VmRSS", 0) for status in statuses)
            anonymous[service] = sum(status.get("RssAnon", 0) for status in statuses)
        return Use(time.monotonic(), cpu, resident, anonymous)

    def bytes_of(self, shard: int) -> int:
        """The shard's size on disk."""
        done = self.machine.run(["du", "--summarize", "--block-size=1", f"{DATA}/{shard}"])
        return int(done.stdout.split()[0])

    @contextmanager
    def compacting(self) -> Iterator[None]:
        """Make InfluxDB compact every shard immediately inside the block; restarts it before and after."""
        self.machine.run(["mkdir", "-p", str(Path(DROP_IN).parent)])
        self.machine.run(["tee", DROP_IN], stdin=f"[Service]\nEnvironment={COLD}\n")
        self.restart("influxdb")
        try:
            yield
        finally:
            self.machine.run(["rm", DROP_IN])
            self.restart("influxdb")

    def settled(self, shard: int, patience: float = 900) -> None:
        """Wait until a shard no longer changes. Raises ValueError if that takes too long."""
        until = time.monotonic() + patience
        seen, since = "", time.monotonic()
        while time.monotonic() < until:
            listed = self.machine.run(["find", f"{DATA}/{shard}", "-name", "*.tsm*", "-printf", "%f %s\n"]).stdout
            logs = self.machine.run(["du", "-sb", DATA.replace("/data/", "/wal/") + f"/{shard}"]).stdout
            if (now := listed + logs) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > SETTLED and ".tmp" not in listed:
                return
            time.sleep(2)
        raise ValueError(f"shard {shard} was still changing after {patience:.0f} s:\n{seen}")

    def restart(self, *services: str) -> None:
        """Restart services, and wait until InfluxDB answers."""
        self.machine.run(["systemctl", "daemon-reload"])
        self.machine.run(["systemctl", "restart", *services])
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                with at(self.machine):
                    requests.get(f"{URL}/ping", verify=self._verify, timeout=5)
                    return
            except requests.RequestException:
                time.sleep(0.5)
        raise ValueError("InfluxDB did not start again")


def _status(pid: int) -> dict[str, int]:
    """A process' memory in bytes, by the kernel's names for its kinds."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it ended just now
        return {}
    return {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _seconds(moment: Any) -> int:
    """SHOW SHARDS writes its times as text, whatever is asked for."""
    return round(time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
