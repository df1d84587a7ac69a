"""When the boot script makes systemd reload its units: `put` and `settle`, with a fake systemctl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from userdata.templates import FOLDER

SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$FOLDER/asked"
case "$*" in
  *is-enabled*) [ -e "$FOLDER/enabled" ] ;;
  "enable -q "*) touch "$FOLDER/enabled" ;;
  *start*) [ ! -e "$FOLDER/broken" ] ;;
esac
"""


class Boot:
    """Runs the boot script's functions in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = (FOLDER / "boot.sh").read_text()
        functions = text[text.index("\nput() {") : text.index("\ncurl() {")]
        assert "/etc/systemd/" in functions
        self._functions = functions.replace("/etc/systemd/", f"{folder}/systemd/")
        for name in ("bin", "systemd", "work", "run"):
            (folder / name).mkdir()
        (folder / "bin/systemctl").write_text(SYSTEMCTL)
        (folder / "bin/systemctl").chmod(0o755)

    def run(self, script: str) -> list[str]:
        """The calls of systemctl, without those that only ask."""
        head = f"set -eu\nwork={self.folder}/work run={self.folder}/run\ndie() {{ exit 1; }}\n"
        (self.folder / "asked").write_text("")
        subprocess.run(
            ["bash", "-c", f"{head}{self._functions}\n{script}"],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "FOLDER": str(self.folder)},
            check=False,
            timeout=20,
        )
        return [line for line in (self.folder / "asked").read_text().splitlines() if "is-enabled" not in line]

    def settled(self, unit: str = "[Unit]", drop_in: str = "[Service]", settings: str = "a = 1") -> list[str]:
        """Write a service's unit, a drop-in of another service and the service's settings, then settle the service."""
        return self.run(
            f"echo '{unit}' | put 644 root {self.folder}/systemd/a.service a\n"
            f"echo '{drop_in}' | put 644 root {self.folder}/systemd/b.conf\n"
            f"echo '{settings}' | put 644 root {self.folder}/a.conf a\n"
            "settle a\n"
        )


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    return Boot(tmp_path)


def test_a_new_unit_is_enabled_and_restarted_and_the_next_run_only_starts_it(boot: Boot) -> None:
    assert boot.settled() == ["enable -q a", "restart a"]
    assert boot.settled() == ["start a"]


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({"unit": "[Unit]\nAfter=b.service"}, ["enable -q a", "restart a"]),
        ({"drop_in": "[Service]\nRestart=always"}, ["enable -q a", "start a"]),
        ({"settings": "a = 2"}, ["restart a"]),
    ],
)
def test_a_changed_unit_or_drop_in_is_reloaded(boot: Boot, changed: dict[str, str], asked: list[str]) -> None:
    """`systemctl enable` always ends with a reload (systemctl-enable.c, verb_enable)."""
    boot.settled()
    assert boot.settled(**changed) == asked


def test_the_next_run_finishes_what_an_interrupted_one_began(boot: Boot) -> None:
    boot.settled()
    assert boot.run(f"echo other | put 644 root {boot.folder}/systemd/b.conf; exit 1") == []
    (boot.folder / "broken").touch()
    assert boot.settled(drop_in="other", settings="a = 2") == ["enable -q a", "restart a"]
    (boot.folder / "broken").unlink()
    assert boot.settled(drop_in="other", settings="a = 2") == ["restart a"]
    assert boot.settled(drop_in="other", settings="a = 2") == ["start a"]


def test_a_disabled_unit_is_enabled_again(boot: Boot) -> None:
    boot.settled()
    (boot.folder / "enabled").unlink()
    assert boot.settled() == ["enable -q a", "start a"]


def test_units_are_reloaded_when_influxdb_is_opened_without_a_login_and_closed_again(boot: Boot) -> None:
    """The drop-in for that is below /run, and not written with `put`."""
    text = (FOLDER / "server/influxdb.sh").read_text()
    functions = text[text.index("\nopen=/run/systemd/") : text.index('say "starting InfluxDB"')]
    script = functions.replace("/run/systemd/", f"{boot.folder}/systemd/")
    script += f"administrator={boot.folder}/password LOCAL_NAME=a\n"
    script += "start_influxdb() { settle influxdb; }\nnew_password() { :; }\nreset_password\nstart_influxdb\n"
    assert boot.run(script) == ["enable -q influxdb", "restart influxdb"] * 2
    assert boot.run(script.replace("\nreset_password\n", "\nclose\n", 1)) == ["start influxdb"]
