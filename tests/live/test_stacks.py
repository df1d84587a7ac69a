"""A stack is an environment: previewed before it exists, raised next to another, torn down alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from sandbox import stack
from tests.live.environment import PLACE, Environment, sandbox
from tests.live.interrupting import interrupt_at
from tests.live.pending import there

# The viewer shows the stack that was raised last.
pytestmark = [pytest.mark.live, pytest.mark.disrupts]

SECOND = "second"


@pytest.fixture(scope="module")
def before(environment: Environment) -> dict[str, set[str]]:
    """What there is of AWS without the second stack."""
    return there(environment)


@pytest.fixture(scope="module")
def second(environment: Environment, before: dict[str, set[str]]) -> Iterator[Environment]:
    """A second stack in the same local AWS; not raised yet."""
    stack.prepare(PLACE, SECOND)
    made = Environment(name=SECOND)
    yield made
    made.pulumi("destroy", "--yes", "--skip-preview")
    made.pulumi("stack", "rm", "--yes", "--force")


def test_an_empty_stack_can_be_previewed(second: Environment) -> None:
    changes = second.preview()
    assert set(changes) == {"create"}
    assert len(changes["create"]) > 20
    assert second.resources() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_an_interrupted_up_can_be_repeated(second: Environment, how: signal.Signals) -> None:
    """Interrupted while the server boots; the test after these repeats it, and it goes on."""
    command = [sys.executable, "-m", "sandbox", "up"]
    settings = os.environ | {"SANDBOX_NAME": PLACE.name, "SANDBOX_STACK": SECOND}
    status, printed = interrupt_at("command:local:Command ready creat", how, command, cwd=PLACE.checkout, env=settings)
    assert status != 0
    assert "Traceback" not in printed
    assert any(resource["type"] == "aws:ec2/instance:Instance" for resource in second.resources())


def test_a_second_stack_is_raised_next_to_the_first_and_destroyed_alone(
    environment: Environment, before: dict[str, set[str]], second: Environment
) -> None:
    up = sandbox("up", SANDBOX_STACK=SECOND)
    assert up.returncode == 0, up.stdout[-4000:] + up.stderr[-2000:]
    assert second.outputs["grafanaUrl"] != environment.outputs["grafanaUrl"]
    assert second.outputs["grafanaAdminPassword"] != environment.outputs["grafanaAdminPassword"]
    assert second.grafana.get("/api/health").status_code == 200
    wrong = type(second.grafana)(
        second.grafana.url, "admin", environment.outputs["grafanaAdminPassword"], second.grafana.ca_file
    )
    assert wrong.get("/api/org").status_code == 401

    destroyed = second.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout[-3000:] + destroyed.stderr[-2000:]
    assert second.resources() == []
    assert there(second) == before
    assert environment.grafana.get("/api/health").status_code == 200
    first = environment.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert first.returncode == 0, first.stdout[-3000:]
