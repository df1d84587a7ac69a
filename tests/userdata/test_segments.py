"""A write-ahead log that ends in the middle of an entry, and a real InfluxDB that then starts twice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from sandbox.loopback import free_port, influxdb_configuration
from tests.dashboards.conftest import INDEX, running, wait_for
from userdata.templates import FOLDER

pytestmark = pytest.mark.slow

TORN = b"\x01\x00\x00\x10\x00torn"
"""An entry of 4 KiB of which four bytes were written."""


def prepared(folder: Path) -> None:
    """Run the script that runs before each start of InfluxDB."""
    script = (FOLDER / "server/segments.sh").read_text().replace("/var/lib/influxdb/wal", f"{folder}/wal")
    subprocess.run(["bash", "-c", script], check=True, timeout=20)


def write(url: str, value: int) -> None:
    written = requests.post(f"{url}/write?db=telegraf&precision=s", data=f"kept value={value}i {value}", timeout=20)
    assert written.status_code == 204, written.text


def values(url: str) -> list[int]:
    asked = {"db": "telegraf", "q": "SELECT value FROM kept", "epoch": "s"}
    answer = requests.get(f"{url}/query", params=asked, timeout=20).json()
    return [value for _, value in answer["results"][0].get("series", [{"values": []}])[0]["values"]]


def test_what_is_written_after_a_torn_entry_survives_the_next_start(tmp_path: Path) -> None:
    """Without the script InfluxDB would lose the value 2, which it had acknowledged."""
    http = free_port()
    url, settings = f"http://127.0.0.1:{http}", tmp_path / "influxdb.conf"
    settings.write_text(influxdb_configuration(tmp_path, http, INDEX))
    prepared(tmp_path)
    for value in (1, 2, 3):
        with running("influxd", "-config", settings):
            wait_for(url)
            requests.post(f"{url}/query", params={"q": "CREATE DATABASE telegraf"}, timeout=20)
            write(url, value)
        if value == 1:
            (segment,) = (tmp_path / "wal").glob("telegraf/autogen/*/_*.wal")
            with segment.open("ab") as log:
                log.write(TORN)
        prepared(tmp_path)
    with running("influxd", "-config", settings):
        wait_for(url)
        assert values(url) == [1, 2, 3]
