"""An InfluxDB with a day of many hosts' measurements, down-sampled by the server's own script, and the weeks before it
as the script would have left them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.influx import Influx
from benchmarks.queries.points import Host
from userdata.server_files import shard_duration
from userdata.templates import render, shell

INTERVAL = 10
STEP = 300
BATCH = 100
"""Points of one host per request."""
AHEAD = 2 * 3600
"""Seconds that are filled in beyond now, so that the newest points are still new for the last dashboard."""
DAY = 86400
ROLES = ("web", "db", "cache", "queue")
KEPT = ("30d", "360d")
"""How long raw data and the policy `rollup` are kept: the settings' defaults."""

CONFIGURATION = (
    'index-version = "tsi1"',
    'compact-full-write-cold-duration = "5s"',
    'cache-snapshot-write-cold-duration = "5s"',
)
"""Lines of InfluxDB's section [data], so that it compacts soon."""


@dataclass(frozen=True)
class Sizes:
    """The cost of a day of all hosts: bytes on disk, raw and down-sampled; InfluxDB's CPU seconds for down-sampling."""

    raw: float
    rolled: float
    cpu: float


def names(hosts: int) -> list[str]:
    return [f"host-{number:03}.example" for number in range(hosts)]


@contextmanager
def filled(hosts: int, hours: float, days: int, folder: Path | None) -> Iterator[tuple[Influx, Sizes]]:
    """The filled InfluxDB, and its sizes. hours: of raw data. days: of the policy `rollup`. folder: kept and used again
    while its data is new enough, and completed if filling was interrupted; None for a temporary one."""
    with tempfile.TemporaryDirectory(prefix="queries-") as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        influx = Influx(place, *CONFIGURATION)
        try:
            yield influx, _Filling(influx, place, hosts, hours, days).sizes()
        finally:
            influx.stop()


class _Filling:
    """Fills the database. The folder's `done.json` records which steps are done, and the time at which they began."""

    def __init__(self, influx: Influx, folder: Path, hosts: int, hours: float, days: int) -> None:
        self.influx, self.folder, self.hosts, self.days = influx, folder, hosts, days
        self.noted = folder / "done.json"
        self.done = json.loads(self.noted.read_text()) if self.noted.exists() else {}
        self.now = self.done.setdefault("now", int(time.time()) // STEP * STEP)
        self.begin = self.now - round(hours * 3600)

    def sizes(self) -> Sizes:
        """Do the missing steps, and return the sizes."""
        for step in (self.raw, self.rolled, self.weeks):
            if step.__name__ not in self.done:
                self.done[step.__name__] = step()
                self.noted.write_text(json.dumps(self.done))
        raw, (rolled, cpu) = self.done["raw"], self.done["rolled"]
        day = DAY / (self.now - self.begin)
        return Sizes(raw * DAY / (self.now - self.begin + AHEAD), rolled * day, cpu * day)

    def raw(self) -> int:
        """Fill in raw data, and return its size in bytes."""
        policies = zip(("autogen", "rollup"), KEPT, ("ALTER", "CREATE"), ("DEFAULT", ""), strict=True)
        for name, kept, verb, end in policies:
            shard = f"REPLICATION 1 SHARD DURATION {shard_duration(kept)} {end}"
            self.influx.query(f'{verb} RETENTION POLICY "{name}" ON "telegraf" DURATION {kept} {shard}')
        _write(self.influx, self.hosts, range(self.begin, self.now + AHEAD, INTERVAL), "autogen")
        settle(self.influx)
        return size(self.folder, "autogen")

    def rolled(self) -> tuple[int, float]:
        """Down-sample all of it, and return its size in bytes and the CPU seconds."""
        before = self.influx.cpu()
        _roll_up(self.influx, self.folder)
        took = self.influx.cpu() - before
        settle(self.influx)
        return size(self.folder, "rollup"), took

    def weeks(self) -> bool:
        """Fill in the days before, down-sampled."""
        _write(self.influx, self.hosts, range(self.now - self.days * DAY, self.begin, STEP), "rollup")
        settle(self.influx)
        return True


def _write(influx: Influx, hosts: int, moments: range, policy: str) -> None:
    """Write points of all hosts at these times, with the same values: making numbers takes longer than storing them."""
    host = Host("NAME", "ROLE")
    for first in range(0, len(moments), BATCH):
        lines = [line for at in moments[first : first + BATCH] for line in host.lines(at, moments.step // INTERVAL)]
        text = "\n".join(lines if policy == "autogen" else map(_rolled, lines))
        for number, name in enumerate(names(hosts)):
            tags = f"host={name},role={ROLES[number % len(ROLES)]}"
            influx.write([text.replace("host=NAME,role=ROLE", tags)], policy=policy)
        share = min(100, 100 * (first + BATCH) // len(moments))
        print(f"\r{policy}: {share} %", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _roll_up(influx: Influx, folder: Path) -> None:
    """Run the server's own script, without its pauses, until all raw data is in the policy."""
    (folder / "influxdb-administrator").write_text("telegraf none\n")
    kept = " ".join(str(int(each.removesuffix("d")) * DAY) for each in KEPT)
    settings = {"TARGET": influx.url, "TARGET_CA": "", "DATABASE": "telegraf", "ROLLUP": f"{kept} {DAY}"}
    (folder / "server.conf").write_text(shell(settings))
    (folder / "influxdb_engine.py").write_text(render("server/influxdb_engine.py"))
    script = render("server/rollup.py").replace("/etc/monitoring", str(folder))
    script = script.replace("time.sleep(time.monotonic() - started)", "pass")
    while True:
        subprocess.run([sys.executable, "-"], cwd=folder, input=script, text=True, check=True)
        found = influx.query('SELECT last("since") FROM "rollup"').json()["results"][0]["series"][0]["values"][0][1]
        if found == 0:
            return


def _rolled(line: str) -> str:
    """A point as the script would make it from points like this one: means are not whole numbers."""
    series, fields, moment = line.split(" ")
    means = re.sub(r"i(?=,|$)", ".01", fields)
    most = re.sub(r"(\w+)=", r"\1_max=", fields)
    points = f",points={STEP // INTERVAL}i" if series.startswith("system,") else ""
    return f"{series} {means},{most}{points} {moment}"


def settle(influx: Influx) -> None:
    """Wait until InfluxDB has been idle for ten seconds, and so has compacted everything."""
    before = influx.cpu()
    time.sleep(10)
    while influx.cpu() - before > 0.2:
        before = influx.cpu()
        time.sleep(10)


def size(folder: Path, policy: str) -> int:
    """The size of a policy's compacted files in bytes."""
    return sum(file.stat().st_size for file in (folder / "data/telegraf" / policy).rglob("*.tsm"))
