"""systemd reads every password that the settings accept, and every installed unit."""

from __future__ import annotations

import re

import pytest

from settings import values as v
from settings.mistakes import WrongValueError
from tests.live.environment import Environment
from tests.userdata.test_curl import accepted
from userdata.templates import environment as environment_file

pytestmark = pytest.mark.live

FILE = "/run/every-password"


def passwords() -> list[str]:
    """Passwords with every kind of character that agents' passwords may contain, alone and in pairs."""

    def taken(password: str) -> bool:
        try:
            return v.agents_password(password) == password
        except WrongValueError:
            return False

    return [password for password in accepted() if taken(password)]


def test_systemd_reads_every_password_of_an_environment_file(environment: Environment) -> None:
    """man 5 systemd.exec, EnvironmentFile=: quotes, backslashes, comments, continued lines."""
    wanted = {f"PASSWORD_{number}": password for number, password in enumerate(passwords())}
    assert len(wanted) > 300
    written = environment.guest("sh", "-c", f"cat >{FILE}", stdin=environment_file(wanted))
    assert written.returncode == 0, written.stderr
    try:
        run = ("systemd-run", "--pipe", "--quiet", "--wait", "-p", f"EnvironmentFile={FILE}", "env", "-0")
        printed = environment.guest(*run)
    finally:
        environment.guest("rm", FILE)
    assert printed.returncode == 0, printed.stderr
    found = dict(line.partition("=")[::2] for line in printed.stdout.split("\0"))
    assert {name: found.get(name) for name in wanted} == wanted


UNITS = r"influxdb.*|monitoring-.*|grafana-server|telegraf"


@pytest.mark.parametrize("machine", ["", "web-1"], ids=["server", "agent"])
def test_systemd_finds_nothing_wrong_with_any_unit(environment: Environment, machine: str) -> None:
    where = machine or environment.instance_id
    listed = environment.machine(where, "systemctl", "list-unit-files", "--no-legend", "--plain").stdout
    units = re.findall(rf"^((?:{UNITS})\.(?:service|timer)) ", listed, re.MULTILINE)
    assert len(units) >= (1 if machine else 10), listed
    verified = environment.machine(where, "systemd-analyze", "verify", "--man=no", *units)
    # systemd-analyze also reads other units.
    about_ours = [line for line in verified.stderr.splitlines() if re.search(rf"/({UNITS})\.", line)]
    assert about_ours == []
