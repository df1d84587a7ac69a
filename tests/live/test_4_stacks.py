"""A stack is an environment: previewed before it exists, raised beside another, torn down alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox import stack
from tests.live.environment import PLACE, Environment, sandbox

pytestmark = pytest.mark.live

SECOND = "second"


@pytest.fixture(scope="module")
def second(environment: Environment) -> Iterator[Environment]:
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
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "up"],
        cwd=PLACE.checkout,
        env=os.environ | {"SANDBOX_NAME": PLACE.name, "SANDBOX_STACK": SECOND},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "command:local:Command ready creat" in line:
            break
    os.killpg(process.pid, how)
    rest = process.stdout.read()
    assert process.wait(60) != 0
    assert "Traceback" not in rest
    assert any(resource["type"] == "aws:ec2/instance:Instance" for resource in second.resources())


def test_a_second_stack_lives_beside_the_first_and_goes_alone(environment: Environment, second: Environment) -> None:
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
    assert leftovers(second) == {}
    assert environment.grafana.get("/api/health").status_code == 200
    first = environment.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert first.returncode == 0, first.stdout[-3000:]


def leftovers(gone: Environment) -> dict[str, list[str]]:
    """What AWS still lists of a stack, by kind; empty when nothing is left."""
    marker = f"monitoring/{gone.name}"
    ec2, iam = gone.aws("ec2"), gone.aws("iam")
    instances = [
        instance["InstanceId"]
        for reservation in ec2.describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running", "stopped", "stopping"]}]
        )["Reservations"]
        for instance in reservation["Instances"]
    ]
    # The first stack's own stay: one of each.
    kept = 1 if gone.name == SECOND else 0
    found = {
        "instances": instances[kept:],
        "volumes": [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]][2 * kept :],
        "addresses": [each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]][kept:],
        "security groups": [
            each["GroupId"]
            for each in ec2.describe_security_groups()["SecurityGroups"]
            if each["GroupName"] != "default"
        ][kept:],
        "parameters": [
            each["Name"]
            for each in gone.aws("ssm").get_paginator("describe_parameters").paginate().search("Parameters")
            if each and marker in each["Name"]
        ],
        "buckets": [
            each["Name"] for each in gone.aws("s3").list_buckets()["Buckets"] if f"-{gone.name}-" in each["Name"]
        ],
        "users": [each["UserName"] for each in iam.list_users()["Users"] if gone.name in each["UserName"]],
        "groups": [each["GroupName"] for each in iam.list_groups()["Groups"] if gone.name in each["GroupName"]],
        "roles": [each["RoleName"] for each in iam.list_roles()["Roles"] if gone.name in each["RoleName"]],
        "profiles": [
            each["InstanceProfileName"]
            for each in iam.list_instance_profiles()["InstanceProfiles"]
            if gone.name in each["InstanceProfileName"]
        ],
        "policies": [
            each["PolicyName"]
            for each in iam.list_policies(Scope="Local")["Policies"]
            if gone.name in each["PolicyName"]
        ],
    }
    return {kind: names for kind, names in found.items() if names}
