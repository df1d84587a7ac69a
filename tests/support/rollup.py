"""The server's script that down-samples InfluxDB, for an InfluxDB of a test's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from settings import values as v
from userdata.templates import render, shell, without_comments

CREATE = "CREATE RETENTION POLICY rollup ON telegraf DURATION 8640h REPLICATION 1 SHARD DURATION 7d"


def install(folder: Path, **constants: float) -> None:
    """The script, as the server gets it, in this folder. constants: its own, with other values."""
    script = without_comments(render("server/rollup.py"))
    replaced = {'"/etc/monitoring"': f'"{folder}"'}
    for name, value in constants.items():
        (line,) = [line for line in script.splitlines() if line.startswith(f"{name} = ")]
        replaced[line] = f"{name} = {value}"
    for old, new in replaced.items():
        assert script.count(old) == 1, old
        script = script.replace(old, new)
    (folder / "rollup").write_text(script)


def configure(folder: Path, url: str, retention: str = "30d", rolled: str = "360d", late: int = 86400) -> None:
    """What server.conf says, and the administrator's password."""
    kept = f"{int(v.seconds(retention))} {int(v.seconds(rolled))} {late}"
    settings = {"TARGET": url, "TARGET_CA": "", "DATABASE": "telegraf", "ROLLUP": kept}
    (folder / "server.conf").write_text(shell(settings) + without_comments(render("server/curl.sh")))
    (folder / "influxdb-administrator").write_text("telegraf secret\n")


def run(folder: Path, expected: int = 0) -> str:
    """A run of the script; what it complains of."""
    command = [sys.executable, "-W", "error", str(folder / "rollup")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == expected, done.stderr
    return done.stderr
