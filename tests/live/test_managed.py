"""A stack whose InfluxDB is run by AWS: a 2.7.12 behind the API of Timestream for InfluxDB, set up as AWS does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.live.environment import PLACE, Environment
from tests.live.external_influxdb import NO_VERSION_2
from tests.live.leaks import leaks, parameters
from tests.live.on_premise_host import on_premise_host
from tests.live.panels import check_dashboards_and_rules
from tests.live.pending import everything_in_aws
from tests.live.services import influxql
from tests.live.stacks import destroy_or_fail, stack_named, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

HOST = "branch-1"
DATABASE = {"kind": "timestream", "public": True, "storage": 40}


@pytest.fixture(scope="module")
def host(environment: Environment) -> Iterator[str]:
    """A machine outside AWS that no stack knows."""
    state = ("systemctl", "is-system-running")
    with on_premise_host(HOST, 20):
        assert eventually(lambda: environment.machine(HOST, *state).stdout.strip() in ("running", "degraded"))
        yield HOST


@pytest.fixture(scope="module")
def stack(environment: Environment, before: dict[str, set[str]]) -> Iterator[Environment]:
    if NO_VERSION_2:
        pytest.skip(NO_VERSION_2)
    with stack_named("managed", hosts=[], database=DATABASE) as made:
        assert "warning" not in up_or_fail(made)
        yield made


def instance(stack: Environment) -> dict[str, Any]:
    timestream = stack.aws("timestream-influxdb")
    (listed,) = timestream.list_db_instances()["items"]
    return dict(timestream.get_db_instance(identifier=listed["id"]))


def test_every_panel_and_rule_works(stack: Environment) -> None:
    assert stack.guest("dpkg-query", "-W", "influxdb").returncode != 0, "InfluxDB is installed on the server"
    check_dashboards_and_rules(stack)


def test_an_agent_outside_writes_to_its_public_address(stack: Environment, host: str) -> None:
    installed = stack.machine(host, "bash", stdin=stack.outputs["agentInstallScript"])
    assert installed.returncode == 0, installed.stdout + installed.stderr
    query = 'SELECT last("usage_idle") FROM "cpu" GROUP BY "host"'
    assert eventually(lambda: f'"{host}"' in json.dumps(influxql(stack, query, minutes=5)))


def test_the_password_of_the_administrator_is_only_in_its_secret(stack: Environment) -> None:
    found = instance(stack)
    secret = stack.aws("secretsmanager").get_secret_value(SecretId=found["influxAuthParametersSecretArn"])
    password = {"administrator": json.loads(secret["SecretString"])["password"]}
    assert found["endpoint"] in stack.outputs["influxdbUrl"]
    instances = stack.aws("ec2")
    user_data = instances.describe_instance_attribute(InstanceId=stack.instance_id, Attribute="userData")
    readable = [json.dumps(stack.outputs), *stack.transcript, json.dumps(user_data, default=str)]
    readable += [json.dumps(stack.resources()), *parameters(stack).values()]
    readable.append(instances.get_console_output(InstanceId=stack.instance_id)["Output"])
    assert not [text[:200] for text in readable if leaks(password, text)]
    looked = stack.guest(
        "grep", "-rlF", "-f", "-", "/etc", "/run", "/var/log", "/root", stdin=password["administrator"]
    )
    assert looked.stdout == ""


def test_more_storage_is_an_update_and_less_is_refused_at_the_preview(stack: Environment) -> None:
    with stack.settings(database={**DATABASE, "storage": 60}):
        assert stack.preview() == {"update": ["monitoring"]}
    with stack.settings(database={**DATABASE, "storage": 20}):
        refused = stack.pulumi("preview")
    assert refused.returncode != 0
    assert "monitoring:database.storage = 20: the database has 40 GiB" in refused.stdout + refused.stderr
    with stack.settings(database={**DATABASE, "public": False}):
        refused = stack.pulumi("preview")
    assert refused.returncode != 0
    assert "monitoring:database.public: AWS would replace the database" in refused.stdout + refused.stderr


def test_destroy_leaves_nothing(stack: Environment, before: dict[str, set[str]], host: str) -> None:
    removed = stack.machine(host, "bash", "-s", "remove", stdin=stack.outputs["agentInstallScript"])
    assert removed.returncode == 0, removed.stdout + removed.stderr
    destroy_or_fail(stack)
    assert everything_in_aws(stack) == before
    folder = PLACE.state / "databases"

    def gone() -> bool:
        commands = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
        return not any(folder.iterdir()) and not [each for each in commands if str(folder) in each]

    assert eventually(gone)
