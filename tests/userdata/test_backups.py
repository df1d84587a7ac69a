"""The server's files for backups: the timer and the service, and what backup.sh does without AWS."""

from __future__ import annotations

import configparser
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.userdata.examples import SERVER
from userdata.server_files import backup_settings, server_files
from userdata.templates import FOLDER


def files(schedule: str) -> dict[str, str]:
    return server_files(replace(SERVER, backup_schedule=schedule))


def test_the_timer_runs_daily_and_makes_up_for_a_missed_run() -> None:
    timer = configparser.RawConfigParser()
    timer.read_string(files("23:05")["monitoring-backup.timer"])
    assert timer["Timer"]["OnCalendar"] == "*-*-* 23:05:00 UTC"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["RandomizedDelaySec"]


def test_the_service_is_hardened() -> None:
    service = configparser.RawConfigParser()
    service.optionxform = str  # type: ignore[assignment, method-assign]
    service.read_string(files("04:00")["monitoring-backup.service"])
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ReadWritePaths"] == "/srv/monitoring"
    assert service["Service"]["ProtectSystem"] == "strict"
    assert service["Service"]["CapabilityBoundingSet"] == "CAP_DAC_OVERRIDE"


def test_backups_go_to_the_region_s_s3() -> None:
    assert backup_settings("eu-central-1", "", "prod", 0, "")["S3"] == "https://s3.eu-central-1.amazonaws.com"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """backup.sh with a temporary folder for the data volume."""
    path = tmp_path / "backup.sh"
    path.write_text((FOLDER / "server/backup.sh").read_text().replace("/srv/monitoring", str(tmp_path)))
    (tmp_path / "lost+found").mkdir()
    return path


def status(script: Path) -> dict[str, int]:
    """The fields that Telegraf reads."""
    done = subprocess.run(["bash", str(script), "status"], capture_output=True, text=True, check=True)
    measurement, fields = done.stdout.split()
    assert measurement == "backup"
    return {name: int(value.removesuffix("i")) for name, value in (field.split("=") for field in fields.split(","))}


def test_before_the_first_backup_its_age_is_the_volume_s(script: Path) -> None:
    subprocess.run(["touch", "-d", "-5 minutes", str(script.parent / "lost+found")], check=True)
    reported = status(script)
    assert (reported["last_success"], reported["failed"]) == (0, 0)
    assert 300 <= reported["age"] < 310


def test_after_a_failure_the_age_is_still_that_of_the_last_success(script: Path) -> None:
    noted = "backup last_success=1700000000i,bytes=74169i,seconds=2i,failed=0i\n"
    (script.parent / "backup.status").write_text(noted)
    first = status(script)
    assert (first["last_success"], first["bytes"], first["failed"]) == (1700000000, 74169, 0)
    (script.parent / "backup.status").write_text("backup last_success=1700000000i,failed=1i\n")
    second = status(script)
    assert second["failed"] == 1
    assert second["age"] >= first["age"] > 0


def test_a_backup_waits_until_influxdb_has_opened_its_database(tmp_path: Path) -> None:
    """Until then InfluxDB refuses connections; afterwards it answers, if only that a login is required."""
    text = (FOLDER / "server/backup.sh").read_text()
    (function,) = re.findall(r"^opened\(\) {.*?^}\n", text, re.DOTALL | re.MULTILINE)
    assert text.index("opened ||") < text.index("influxd backup"), "before the backup"
    around = f"""set -Eeuo pipefail
TARGET=https://localhost:8086 TARGET_CA=/ca.pem
sleep() {{ SECONDS=$((SECONDS + $1)); }}
curl() {{ echo "$*" >>{tmp_path}/asked; ((SECONDS >= ANSWERS)); }}
"""

    def waited(answers: int) -> bool:
        script = f"ANSWERS={answers}\n{around}{function}opened"
        return subprocess.run(["bash", "-c", script], check=False, timeout=60).returncode == 0

    assert waited(0)
    assert waited(1800)
    assert "--cacert /ca.pem https://localhost:8086/ping" in (tmp_path / "asked").read_text()
    assert not waited(10**9), "for an hour at most"
