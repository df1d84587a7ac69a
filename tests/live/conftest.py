"""One environment for all live tests: raised by `make up`'s own command, taken down at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.live.environment import Environment, sandbox
from tests.live.points import eventually
from tests.live.services import administrator, grafana, influxdb, passwords

__all__ = ["administrator", "environment", "grafana", "influxdb", "passwords"]


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """The shared environment. What `make up` printed is in `.printed`.

    With SANDBOX_KEEP=1 it stays up afterwards and is used again: for whoever is writing a test.
    """
    keep = os.environ.get("SANDBOX_KEEP") == "1"
    if not keep:
        sandbox("down")
    up = sandbox("up")
    try:
        assert up.returncode == 0, f"make up failed:\n{up.stdout[-6000:]}\n{up.stderr[-3000:]}"
        raised = Environment(printed=up.stdout)
        raised.transcript.append(up.stdout + up.stderr)
        yield raised
    finally:
        if not keep:
            sandbox("down")


@pytest.fixture
def quiet_server(environment: Environment) -> Iterator[None]:
    """The boot script runs only when a test runs it, not because the stack has just changed."""
    timer, state = "monitoring-server.timer", ("systemctl", "show", "-P", "ActiveState", "monitoring-server.service")
    assert environment.guest("systemctl", "stop", timer).returncode == 0
    assert eventually(lambda: environment.guest(*state).stdout.strip() in ("inactive", "failed"), 120)
    yield
    assert environment.guest("systemctl", "start", timer).returncode == 0
