"""A separate InfluxDB for a benchmark, on a free port, so that no other one is filled or measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from sandbox.loopback import free_port, influxdb_configuration
from sandbox.toolchain import binaries

START_SECONDS = 60


class Influx:
    """A running InfluxDB with the database `telegraf`. A request that it refuses ends the program.

    data: additional lines of the section [data] of its configuration.
    """

    def __init__(self, folder: Path, *data: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = folder / "influxdb.conf"
        settings.write_text(influxdb_configuration(folder, port, *data))
        with (folder / "log").open("wb") as log:
            command = [str(binaries() / "influxd"), "-config", str(settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._session = requests.Session()
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.query("CREATE DATABASE telegraf")
                return
            except requests.ConnectionError:
                if time.monotonic() > until or self._process.poll() is not None:
                    self.stop()
                    sys.exit(f"InfluxDB does not answer at {self.url}:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(60)

    def write(self, lines: Sequence[str], precision: str = "s", policy: str = "autogen") -> None:
        """One write request. precision: of the lines' times, `s` or `ns`."""
        parameters = {"db": "telegraf", "precision": precision, "rp": policy}
        body = "\n".join(lines).encode()
        answer = self._session.post(f"{self.url}/write", params=parameters, data=body, timeout=120)
        if answer.status_code != requests.codes.no_content:
            sys.exit(f"InfluxDB refused a write: {answer.text.strip()[:300]}")

    def query(self, text: str) -> requests.Response:
        """The answer to one statement."""
        parameters = {"db": "telegraf", "q": text, "epoch": "ms"}
        answer = self._session.post(f"{self.url}/query", data=parameters, timeout=300)
        said = answer.json()  # a statement that it cannot parse has one error, and no results
        if error := said.get("error") or said["results"][0].get("error"):
            sys.exit(f"InfluxDB refused {text}: {error}")
        return answer

    def cpu(self) -> float:
        """Seconds of CPU, user and system, that the process has used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
