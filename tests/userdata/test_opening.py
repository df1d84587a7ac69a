"""How the boot waits for InfluxDB: the script's own lines, with a fake clock and fake commands."""

from __future__ import annotations

import re
import subprocess

import pytest

from userdata.templates import FOLDER

AROUND = """
set -u
here=$SECONDS
work=$(mktemp -d) influxdb=https://localhost:8086
settle() { :; }
sleep() { SECONDS=$((SECONDS + $1)); }
say() { echo "$*"; }
die() { echo "failed: $2"; exit 1; }
listens() { ((SECONDS - here >= ANSWERS)); }
systemctl() { echo $(((SECONDS - here) / ENDS)); }
journalctl() { echo 'run: open server: open tsdb store: permission denied'; }
"""
NEVER = 10**9


def waiting(answers: int, ends: int = NEVER) -> list[str]:
    """What is printed with a `bootTimeout` of 15 minutes. answers: the seconds until InfluxDB answers. ends: the
    seconds after which it exits each time."""
    script = (FOLDER / "server/influxdb.sh").read_text()
    (lines,) = re.findall(r"^ends\(\) .*?^}\n", script, re.DOTALL | re.MULTILINE)
    variables = f"BOOT_TIMEOUT=900 ANSWERS={answers} ENDS={ends}\n"
    done = subprocess.run(
        ["bash", "-c", variables + AROUND + lines + "start_influxdb && echo started"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (50, 0), (600, 10), (890, 14)])
def test_the_boot_waits_for_the_boot_timeout_and_reports_each_minute(seconds: int, minutes: int) -> None:
    said = [f"InfluxDB is opening its database ({number} min)" for number in range(1, minutes + 1)]
    assert waiting(seconds) in ([*said, "started"], [*said[:-1], "started"])


def test_after_the_boot_timeout_the_error_says_what_to_do() -> None:
    *_, last = waiting(NEVER)
    assert last.startswith("failed: InfluxDB is opening its database for 15 min and goes on")
    assert "bootTimeout" in last


def test_an_influxdb_that_keeps_exiting_is_reported_early_with_its_own_message() -> None:
    (only,) = waiting(NEVER, ends=10)
    assert only == "failed: influxd ends again and again: run: open server: open tsdb store: permission denied"
