"""Services run as their own users with no more than ordinary rights, and Debian's fixes are installed automatically."""

from __future__ import annotations

import re

import pytest

from sandbox import screen
from tests.live.environment import CHECKOUT, Environment
from tests.live.server import main_pid
from tests.live.services import influxql

pytestmark = pytest.mark.live

USERDATA = CHECKOUT / "userdata"
USERS = {"influxdb": "influxdb", "grafana-server": "grafana", "telegraf": "telegraf"}
MOST_EXPOSED = {"influxdb": 1.5, "grafana-server": 3.0, "telegraf": 3.0}
"""By systemd-analyze's measure, 0 to 10. Without our drop-ins, InfluxDB and Telegraf are at 9.2."""


def exposure(environment: Environment, machine: str, unit: str) -> float:
    """A unit's exposure, as systemd rates it."""
    reported = environment.machine(machine, "systemd-analyze", "security", "--no-pager", unit).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", reported)
    assert found, reported[-300:]
    return float(found.group(1))


def status(environment: Environment, machine: str, unit: str) -> dict[str, str]:
    """/proc/PID/status of a unit's main process."""
    pid = main_pid(environment, machine, unit)
    lines = environment.machine(machine, "cat", f"/proc/{pid}/status").stdout.splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("unit", USERS)
def test_each_service_runs_as_its_own_user(environment: Environment, unit: str) -> None:
    uid = environment.guest("id", "-u", USERS[unit]).stdout.strip()
    assert int(uid) > 0
    assert set(status(environment, environment.instance_id, unit)["Uid"].split()) == {uid}
    login = environment.guest("getent", "passwd", USERS[unit]).stdout.strip().rpartition(":")[2]
    assert login in ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false"), login


@pytest.mark.parametrize("unit", USERS)
def test_services_on_the_server_cannot_gain_privileges(environment: Environment, unit: str) -> None:
    found = status(environment, environment.instance_id, unit)
    assert (found["NoNewPrivs"], int(found["CapBnd"], 16)) == ("1", 0)
    assert exposure(environment, environment.instance_id, unit) <= MOST_EXPOSED[unit]


def test_influxdb_can_write_only_to_its_data_folder(environment: Environment) -> None:
    """Tried within its process's view of the file system: as its user where it may write, and as root, whom no file
    mode restrains, where it may not."""
    pid = main_pid(environment, environment.instance_id, "influxdb")
    inside = ("nsenter", "-t", pid, "-m")
    as_itself = (*inside, "setpriv", "--reuid=influxdb", "--clear-groups", "sh", "-c")
    for folder in ("/var/lib/influxdb", "/tmp", "/var/tmp", "/dev/shm"):
        done = environment.guest(*as_itself, f"touch {folder}/tried && rm {folder}/tried")
        assert done.returncode == 0, (folder, done.stderr)
    for folder in ("/etc", "/usr/local/sbin", "/var/log", "/var/lib/grafana", "/srv/monitoring"):
        done = environment.guest(*inside, "sh", "-c", f"touch {folder}/tried")
        assert "Read-only file system" in done.stderr, (folder, done.stderr)
        assert environment.guest("test", "-e", f"{folder}/tried").returncode == 1
    assert environment.guest("ls", "-A", "/root").stdout != ""
    assert environment.guest(*inside, "ls", "-A", "/root").stdout == ""


def test_the_hardened_server_still_measures_and_stores(environment: Environment) -> None:
    problems = "journalctl -u influxdb -u telegraf --since -1min -o cat | grep -iE 'not permitted|denied|seccomp'"
    assert environment.guest("sh", "-c", problems).stdout == ""
    ages = screen.newest_points(environment.grafana)
    assert ages[f"monitoring-{environment.name}"] < screen.SILENT_SECONDS


@pytest.mark.parametrize("host", ["db-1", "web-1"])
def test_agents_cannot_gain_privileges_and_still_see_everything(environment: Environment, host: str) -> None:
    found = status(environment, host, "telegraf")
    # Agents with the input `ping` keep CAP_NET_RAW (13).
    assert found["NoNewPrivs"] == "1"
    assert int(found["CapBnd"], 16) in (0, 1 << 13)
    assert exposure(environment, host, "telegraf") <= MOST_EXPOSED["telegraf"]
    processes = len(environment.machine(host, "sh", "-c", "ls -d /proc/[0-9]*").stdout.split())
    query = f'SELECT last("total") FROM "processes" WHERE "host" = \'{host}\' AND $timeFilter'  # noqa: S608
    (frame,) = influxql(environment, query)
    (counted,) = frame["data"]["values"][1]
    assert abs(counted - processes) <= 10, "other users' processes are not counted"
    assert counted > 5


TEMPT = """
set -eu
mkdir -p /run/tempt/deb && cd /run/tempt
make() {
  mkdir -p "$1/DEBIAN"
  printf '%s\\n' \
    "Package: $1" "Version: $2" 'Architecture: all' 'Maintainer: x <x@x>' 'Description: x' >"$1/DEBIAN/control"
  dpkg-deb --build "$1" "$3" >/dev/null
}
make tempted 1 . && dpkg -i tempted_1_all.deb >/dev/null
for name in tempted telegraf influxdb grafana; do make $name 99 deb; done
cd deb
apt-ftparchive packages . >Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin=Debian -o APT::FTPArchive::Release::Label=Debian-Security \\
  -o APT::FTPArchive::Release::Codename=trixie-security release . >Release
echo 'deb [trusted=yes] file:/run/tempt/deb ./' >/etc/apt/sources.list.d/tempt.list
apt-get -qq update
"""


def test_security_fixes_are_installed_automatically_and_pinned_versions_stay(environment: Environment) -> None:
    """A repository that poses as Debian's security archive offers version 99 of everything. Only a package that is not
    pinned is upgraded."""
    periodic = environment.guest("apt-config", "dump", "--format", "%f=%v%n", "APT::Periodic").stdout
    wanted = re.findall(r'^(APT::\S+) "(\d)";', (USERDATA / "server/auto-upgrades.conf").read_text(), re.MULTILINE)
    assert len(wanted) == 2
    for key, value in wanted:
        assert f"{key}={value}\n" in periodic
    assert environment.guest("systemctl", "is-enabled", "apt-daily-upgrade.timer").stdout.strip() == "enabled"
    installed = ("dpkg-query", "-W", "-f", "${Package}=${Version} ", *("grafana", "influxdb", "telegraf"))
    before = environment.guest(*installed).stdout
    try:
        ready = environment.guest("bash", "-c", TEMPT)
        assert ready.returncode == 0, ready.stderr
        assert "99" in environment.guest("apt-cache", "madison", "telegraf").stdout
        done = environment.guest("unattended-upgrades", "--debug")
        assert "Packages that will be upgraded: tempted" in done.stdout + done.stderr, done.stdout[-2000:]
        assert environment.guest("dpkg-query", "-W", "-f", "${Version}", "tempted").stdout == "99"
        assert environment.guest(*installed).stdout == before
    finally:
        clean = "rm -rf /etc/apt/sources.list.d/tempt.list /run/tempt; dpkg -P tempted; apt-get -qq update"
        environment.guest("sh", "-c", clean)
