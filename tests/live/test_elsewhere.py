"""A second stack next to the first, on an external InfluxDB: its `up` is interrupted and repeated (on 1.12.4 behind a
proxy), then it moves to a 2.x and is destroyed alone. Also, what previews say about a wrong InfluxDB."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.live import external_influxdb
from tests.live.environment import PLACE, Environment, sandbox
from tests.live.external_influxdb import ExternalInfluxdb
from tests.live.interrupting import interrupt_at
from tests.live.panels import check_dashboards_and_rules
from tests.live.pending import everything_in_aws, recover
from tests.live.stacks import destroy_or_fail, stack_named, tail, up_or_fail

# The viewer shows the stack that was raised last.
pytestmark = [pytest.mark.live, pytest.mark.disrupts]

NAME = "elsewhere"


@pytest.fixture(scope="module")
def first(environment: Environment) -> Iterator[ExternalInfluxdb]:
    yield external_influxdb.start_version_1(environment)
    external_influxdb.stop(environment)


@pytest.fixture(scope="module")
def second(environment: Environment, first: ExternalInfluxdb) -> ExternalInfluxdb:
    return external_influxdb.start_version_2(environment)


@pytest.fixture(scope="module")
def stack(before: dict[str, set[str]], first: ExternalInfluxdb) -> Iterator[Environment]:
    with stack_named(NAME, hosts=[]) as made:
        external_influxdb.use(made, first)
        yield made


@pytest.mark.parametrize(
    ("how", "times"),
    [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGKILL, 1)],
    ids=["Ctrl-C", "Ctrl-C twice", "kill -9"],
)
def test_an_interrupted_up_can_be_repeated(stack: Environment, how: signal.Signals, times: int) -> None:
    """It is interrupted while the server boots; the next test repeats it, and it continues."""
    command = [sys.executable, "-m", "sandbox", "up"]
    settings = os.environ | {"SANDBOX_NAME": PLACE.name, "SANDBOX_STACK": NAME}
    status, printed = interrupt_at(
        "command:local:Command ready creat", how, command, cwd=PLACE.checkout, env=settings, times=times
    )
    assert status != 0
    assert "Traceback" not in printed
    if how == signal.SIGINT:
        assert status == 130
        assert printed.strip().splitlines()[-1].startswith("Interrupted. `make up` continues from here")
    assert any(resource["type"] == "aws:ec2/instance:Instance" for resource in stack.resources())


def warnings(printed: str) -> list[str]:
    """An `up`'s warnings, apart from those about interrupted operations."""
    lines = [line for line in printed.splitlines() if "warning:" in line]
    return [line for line in lines if "pending operations" not in line]


def test_a_second_stack_uses_an_influxdb_behind_a_proxy(stack: Environment, environment: Environment) -> None:
    """InfluxDB is on port 443, at a path, with its own CA, and a password with every kind of character."""
    done = sandbox("up", SANDBOX_STACK=NAME)
    assert done.returncode == 0, tail(done)
    assert warnings(done.stdout) == []
    assert stack.outputs["grafanaUrl"] != environment.outputs["grafanaUrl"]
    assert stack.outputs["grafanaAdminPassword"] != environment.outputs["grafanaAdminPassword"]
    grafana = stack.grafana
    wrong = type(grafana)(grafana.url, "admin", environment.outputs["grafanaAdminPassword"], grafana.ca_file)
    assert wrong.get("/api/org").status_code == 401
    check_dashboards_and_rules(stack)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"database": "theirs"}, 'influxdb.database = "theirs": does not exist there'),
        ({"username": "nobody"}, 'influxdb.username = "nobody": is refused with this password'),
        ({"ca": None}, "has a certificate that is not trusted"),
    ],
    ids=["database", "login", "authority"],
)
def test_a_preview_says_what_is_wrong_with_the_influxdb(
    stack: Environment, changed: dict[str, str | None], said: str
) -> None:
    setting = {**stack.setting("influxdb"), **changed}
    with stack.settings(influxdb={name: value for name, value in setting.items() if value}):
        process = stack.pulumi("preview")
    assert process.returncode != 0
    assert said in process.stdout, tail(process)
    assert "Traceback" not in process.stdout


def test_the_stack_moves_to_an_influxdb_2(stack: Environment, second: ExternalInfluxdb) -> None:
    external_influxdb.use(stack, second)
    assert warnings(up_or_fail(stack)) == []
    check_dashboards_and_rules(stack)


def test_destroying_the_stack_leaves_the_first_alone(
    stack: Environment, environment: Environment, before: dict[str, set[str]]
) -> None:
    recover(stack, before, named=False)  # what the interruptions left pending
    destroy_or_fail(stack)
    assert everything_in_aws(stack) == before
    assert environment.grafana.get("/api/health").status_code == 200
