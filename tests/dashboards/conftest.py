"""A real InfluxDB on loopback that real Telegrafs fill, for the tests of the queries."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.loopback import free_port, influxdb_configuration
from sandbox.toolchain import binaries
from tests.support.certificates import certificate_text, ec_key, issue
from userdata.templates import FOLDER

HOSTS = ("web-1.example", "db-1")
"""One name contains a dot, which is special in the regular expression that Grafana builds from the names."""

GATHER_FOR = 45
"""Seconds. Rates need two steps of ten seconds, and the timeline of silence excludes the last thirty."""

INDEX = 'index-version = "tsi1"'

TELEGRAF = """
[agent]
  interval = "2s"
  flush_interval = "2s"
  hostname = "{host}"
[[outputs.influxdb]]
  urls = ["{url}"]
  database = "telegraf"
[[inputs.cpu]]
  percpu = true
  totalcpu = true
[[inputs.mem]]
[[inputs.swap]]
[[inputs.disk]]
  ignore_mount_opts = ["bind"]
[[inputs.diskio]]
[[inputs.net]]
[[inputs.system]]
[[inputs.processes]]
[[inputs.kernel]]
[[inputs.internal]]
[[inputs.exec]]
  commands = [["sh", "{measure}"]]
  data_format = "influx"
[[inputs.exec]]
  commands = [["sh", "{processes}", "3"]]
  data_format = "influx"
[[inputs.exec]]
  commands = [["echo", "ext4,device=sda1 errors=0"]]
  data_format = "influx"
[[inputs.influxdb]]
  urls = ["{url}/debug/vars"]
[[inputs.x509_cert]]
  sources = ["file://{certificate}"]
[[inputs.exec]]
  commands = [["bash", "{backup}", "status"]]
  data_format = "influx"
"""

WEEK_BEFORE = (
    "cpu,host=web-1.example,cpu=cpu-total usage_idle=40 {at}",
    "mem,host=web-1.example used_percent=60 {at}",
    "system,host=web-1.example load5=1,n_cpus=2i,uptime=86400i {at}",
)
"""What one host measured a week ago, for the panels about last week."""

STATUS = "backup last_success=1795495454i,bytes=74169i,seconds=2i,failed=0i"
"""The status that userdata/server/backup.sh writes (tests/userdata/test_backups.py)."""


@dataclass(frozen=True)
class Influx:
    """The running InfluxDB, with the measurements of HOSTS."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of an answer. An error in it fails the test."""
        parameters = {"db": "telegraf", "q": query, "epoch": "ms"}
        answer = requests.get(f"{self.url}/query", params=parameters, timeout=20).json()
        (result,) = answer["results"] if "results" in answer else pytest.fail(f"{answer}: {query}")
        assert "error" not in result, f"{result['error']}: {query}"
        series: list[dict[str, Any]] = result.get("series", [])
        return series


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """InfluxDB with 45 seconds of two hosts' measurements."""
    folder = tmp_path_factory.mktemp("influx")
    http = free_port()
    url = f"http://127.0.0.1:{http}"
    certificate = make_certificate(folder / "certificate.pem")
    backup = folder / "backup.sh"
    backup.write_text((FOLDER / "server/backup.sh").read_text().replace("/srv/monitoring", str(folder)))
    (folder / "backup.status").write_text(f"{STATUS}\n")
    with ExitStack() as stack:
        configuration = folder / "influxdb.conf"
        configuration.write_text(influxdb_configuration(folder, http, INDEX))
        stack.enter_context(running("influxd", "-config", configuration))
        wait_for(url)
        for host in HOSTS:
            settings = folder / f"{host}.conf"
            measure = FOLDER / "shared/measure.sh"
            options = {"host": host, "url": url, "certificate": certificate, "backup": backup, "measure": measure}
            options["processes"] = processes_script(folder / host)
            settings.write_text(TELEGRAF.format(**options))
            stack.enter_context(running("telegraf", "--config", settings))
        until = time.monotonic() + GATHER_FOR
        while time.monotonic() < until:
            requests.get(f"{url}/query", params={"q": "SHOW DATABASES"}, timeout=20)  # InfluxDB counts its queries
            time.sleep(1)
        week_before = int(time.time()) - 7 * 86400 - 30
        lines = "\n".join(text.format(at=week_before) for text in WEEK_BEFORE)
        requests.post(f"{url}/write?db=telegraf&precision=s", data=lines, timeout=20).raise_for_status()
        yield Influx(url)


def processes_script(folder: Path) -> Path:
    """userdata/shared/processes.sh, which keeps its state in this folder instead of /run."""
    folder.mkdir()
    script = folder / "processes.sh"
    text = (FOLDER / "shared/processes.sh").read_text()
    assert "here=/run/telegraf-processes\n" in text
    script.write_text(text.replace("/run/telegraf-processes", str(folder)))
    return script


class running:  # noqa: N801 - used like a function
    """Runs a program during the block. Its output is written next to its settings, and shown if it ends by itself."""

    def __init__(self, name: str, option: str, configuration: Path) -> None:
        self.command = [program(name), option, str(configuration)]
        self.log = configuration.with_suffix(".log")

    def __enter__(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT)

    def __exit__(self, *_: object) -> None:
        ended_early = self.process.poll() is not None
        self.process.terminate()
        self.process.wait(60)
        assert not ended_early, f"{self.command[0]} ended by itself:\n{self.log.read_text()[-2000:]}"


def program(name: str) -> str:
    """The path of a program that the toolchain built, or that is on PATH."""
    built = binaries() / name
    found = str(built) if built.exists() else shutil.which(name)
    return found or pytest.fail(f"no {name}: build it with `python -m sandbox.toolchain`, or put {name} on PATH")


def wait_for(url: str, ca: str | None = None) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            if requests.get(f"{url}/ping", timeout=20, verify=ca or True).status_code == 204:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail(f"InfluxDB does not answer at {url}")


def make_certificate(path: Path) -> Path:
    """Write a certificate that is valid for another month, for Telegraf's `x509_cert`."""
    path.write_text(certificate_text(issue(ec_key(), days=(0, 30))))
    return path
