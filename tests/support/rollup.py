"""The server's script that down-samples InfluxDB, run against a test's InfluxDB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from settings import values as v
from userdata.templates import render, shell, without_comments

CREATE = "CREATE RETENTION POLICY rollup ON telegraf DURATION 8640h REPLICATION 1 SHARD DURATION 7d"

STRICT = """
import ssl
lenient = ssl.create_default_context
def create_default_context(*arguments, **named):
    context = lenient(*arguments, **named)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context
ssl.create_default_context = create_default_context
"""
"""A sitecustomize.py that makes TLS as strict as in the server's Python (docs.python.org/3/whatsnew/3.13.html#ssl)."""


def install(folder: Path, **constants: float) -> None:
    """Write the script, as the server gets it, to a folder. constants: new values for constants of the script."""
    (folder / "influxdb_engine.py").write_text(without_comments(render("server/influxdb_engine.py")))
    script = without_comments(render("server/rollup.py"))
    replaced = {'"/etc/monitoring"': f'"{folder}"'}
    (folder / "sitecustomize.py").write_text(STRICT)
    for name, value in constants.items():
        (line,) = [line for line in script.splitlines() if line.startswith(f"{name} = ")]
        replaced[line] = f"{name} = {value}"
    for old, new in replaced.items():
        assert script.count(old) == 1, old
        script = script.replace(old, new)
    (folder / "rollup").write_text(script)


def configure(
    folder: Path, url: str, *, retention: str = "30d", rolled: str = "360d", late: int = 86400, ca: str = ""
) -> None:
    """Write server.conf and the administrator's password."""
    kept = f"{int(v.seconds(retention))} {int(v.seconds(rolled))} {late}"
    settings = {"TARGET": url, "TARGET_CA": ca, "DATABASE": "telegraf", "ROLLUP": kept}
    (folder / "server.conf").write_text(shell(settings) + without_comments(render("server/curl.sh")))
    (folder / "influxdb-administrator").write_text("telegraf secret\n")


def run(folder: Path, expected: int = 0) -> str:
    """Run the script and return what it prints to standard error."""
    command = [sys.executable, "-W", "error", str(folder / "rollup")]
    strict = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=strict, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == expected, done.stderr
    return done.stderr
