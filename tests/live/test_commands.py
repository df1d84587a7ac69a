"""The local environment's commands when something is wrong, or when they are repeated."""

from __future__ import annotations

import fcntl

import pytest

from sandbox import daemons
from sandbox.place import Place
from tests.live.environment import CHECKOUT, PLACE, Environment, sandbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.live


def test_status_shows_the_same_as_up(environment: Environment) -> None:
    def healthy() -> str:
        status = sandbox("status")
        return status.stdout if status.returncode == 0 else ""

    # It asks each datasource once, unlike `up`.
    assert environment.outputs["grafanaUrl"] in eventually(healthy), sandbox("status").stdout


def test_status_shows_what_is_not_running(environment: Environment) -> None:
    """Without the package repository everything else keeps running; the screen says what is missing."""
    daemons.stop(PLACE, "repository")
    try:
        status = sandbox("status")
    finally:
        daemons.start(PLACE, "repository")
    assert status.returncode == 1
    assert "repository is not running" in " ".join(status.stdout.split())


def test_the_password_is_printed_only_on_request(environment: Environment) -> None:
    assert sandbox("password").stdout.strip() == environment.outputs["grafanaAdminPassword"]
    assert environment.outputs["grafanaAdminPassword"] not in environment.printed


def test_plain_pulumi_commands_work_in_the_shell(environment: Environment) -> None:
    listed = sandbox("shell", "--", "pulumi", "stack", "ls", "--json")
    assert '"name": "sandbox"' in listed.stdout, listed.stdout + listed.stderr


def test_a_second_change_at_the_same_time_is_refused(environment: Environment) -> None:
    lock = CHECKOUT / ".sandbox" / f"{PLACE.name}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = sandbox("up")
    assert refused.returncode == 1
    assert "Another `make` command is changing this environment" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_down_and_status_while_nothing_is_up() -> None:
    nowhere = Place(CHECKOUT, "nowhere")
    down = sandbox("down", place=nowhere)
    assert (down.returncode, down.stdout.strip()) == (0, "Nothing is up here.")
    status = sandbox("status", place=nowhere)
    assert (status.returncode, status.stdout.strip()) == (1, "Nothing is up here. Run: make up")
    assert not nowhere.state.exists()
