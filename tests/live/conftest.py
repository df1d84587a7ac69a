"""One environment for all live tests of a process: raised by `make up`'s own command, taken down at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.alert_rules import quick
from tests.live.environment import Environment, report, sandbox
from tests.live.leaks import leaks, parameters
from tests.live.pending import everything_in_aws
from tests.live.server import wait_for_run
from tests.live.services import administrator, grafana, influxdb, passwords

FAULTS = Path(__file__).parent / "faults"

LONGEST = (
    *("test_backups.py", "test_rotation.py", "test_workflows.py", "test_elsewhere.py"),
    *("test_damaged.py", "test_faults.py", "test_durable.py", "test_slow_influxdb.py", "test_volumes.py"),
)
"""The files that come first in their stage, because they take longest: at the end of the run no process waits minutes
for another one's last file."""

__all__ = ["administrator", "environment", "grafana", "influxdb", "passwords", "quick"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in stages, because all files that a process runs share its environment: first the tests of a fresh
    environment, then those that only read, those that change settings, those that disrupt, the faults, and last the
    tests that take the environment down. Settings are changed in consecutive files so that one `up` both reverts what a
    file has set and applies what the next one needs.

    Files that need no environment come second. The process that takes one raises its environment after the others have
    raised theirs, which is when all of them compute."""
    shared = {item.path for item in items if "environment" in getattr(item, "fixturenames", ())}
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (_stage(item) if item.path in shared else 1, places.get(item.path.name, len(LONGEST))))


def _stage(item: pytest.Item) -> int:
    if item.get_closest_marker("fresh"):
        return 0
    if item.get_closest_marker("destroys"):
        return 6
    if FAULTS in item.path.parents:
        return 5
    if item.get_closest_marker("disrupts"):
        return 4
    return 3 if item.get_closest_marker("changes") else 2


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """The shared environment. What `make up` printed is in `.printed`.

    With SANDBOX_KEEP=1 it stays up afterwards and is reused: for someone who is writing a test.
    """
    keep = os.environ.get("SANDBOX_KEEP") == "1"
    if not keep:
        sandbox("down")
    up = sandbox("up", SANDBOX_WARM="")  # as a person's
    try:
        assert up.returncode == 0, report("make up", up)
        raised = Environment(printed=up.stdout)
        raised.transcript.append(up.stdout + up.stderr)
        raised.applied = raised.wanted
        secrets = parameters(raised)
        yield raised
        if raised.checks:
            raised.settle()
        # What all tests printed, those after test_secrets.py and those of a process without it.
        leaked = {name for printed in raised.transcript for name in leaks(secrets, printed)}
        assert not leaked, f"printed by a command: {sorted(leaked)}"
    finally:
        if not keep:
            sandbox("down")


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest) -> None:
    """Settings of an earlier test are reverted, unless this one begins with an `up` of its own, or destroys."""
    node = request.node
    exempt = node.get_closest_marker("ups_first") or node.get_closest_marker("destroys")
    if "environment" in request.fixturenames and not exempt:
        environment: Environment = request.getfixturevalue("environment")
        environment.settle()


@pytest.fixture(scope="module")
def before(environment: Environment) -> dict[str, set[str]]:
    """What there is of AWS before the file's own stacks. Fixtures of a file come before `settled`, and an `up` that
    takes back what an earlier file has set creates resources."""
    environment.settle()
    return everything_in_aws(environment)


@pytest.fixture
def quiet_server(environment: Environment) -> Iterator[None]:
    """The boot script runs only when a test runs it, not because the stack has just changed."""
    timer = "monitoring-server.timer"
    assert environment.guest("systemctl", "stop", timer).returncode == 0
    wait_for_run(environment, "monitoring-server.service")
    yield
    assert environment.guest("systemctl", "start", timer).returncode == 0
