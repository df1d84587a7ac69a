"""A stack without a public address, in a subnet with a NAT gateway: nobody outside the VPC gets in. It also has its own
KMS key (`kmsKey`), to save an `up`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from urllib.parse import urlsplit

import pytest

from bootstrap import keys
from bootstrap.account import Account
from program.policies import document
from sandbox.cloud import ACCOUNT
from sandbox.machines import on_premise
from sandbox.operator import ROLE
from tests.engine.private_subnet import Subnet, subnet
from tests.live.environment import PLACE, Environment
from tests.live.identities import server_role
from tests.live.panels import check_dashboards_and_rules
from tests.live.stacks import stack_named, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

ANSWER = ("curl", "-sk", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}")
NONE = "000"
ALIAS = "alias/monitoring-private"


@pytest.fixture(scope="module")
def place(environment: Environment) -> Iterator[Subnet]:
    made = subnet(environment.aws("ec2"), f"{environment.region}a")
    made.nat_gateway()
    yield made
    made.remove_nat_gateway()


@pytest.fixture(scope="module")
def key(environment: Environment) -> Iterator[str]:
    """The ARN of the stack's key, which the deploy role may use as with the bootstrap's kmsKeys. It is deleted after
    the stack."""
    kms, iam = environment.aws("kms"), environment.aws("iam")
    made = kms.create_key(Description="live test")["KeyMetadata"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=made["KeyId"])
    account = Account("aws", ACCOUNT, keys=(made["Arn"],))
    rights = document(*keys.reading(account), *keys.changing(account))
    mine = {"RoleName": ROLE.rpartition("/")[2], "PolicyName": "own-key"}
    iam.put_role_policy(**mine, PolicyDocument=rights)
    yield str(made["Arn"])
    iam.delete_role_policy(**mine)
    kms.delete_alias(AliasName=ALIAS)
    kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)


@pytest.fixture(scope="module")
def stack(place: Subnet, key: str) -> Iterator[Environment]:
    """The stack; its security group lets agents in from anywhere."""
    assert key
    with stack_named("private", hosts=[], publicAddress=False, subnetId=place.id, kmsKey=ALIAS) as made:
        made.configure(agentCidrs=[str(PLACE.network)])
        up_or_fail(made)
        yield made


def complete(stack: Environment) -> list[str]:
    """The objects in the bucket once there is a complete backup; empty until then."""
    listed = stack.aws("s3").list_objects_v2(Bucket=stack.outputs["backupBucket"]).get("Contents", [])
    names = [str(each["Key"]) for each in listed]
    return names if any(name.endswith("/complete") for name in names) else []


def test_a_private_stack_comes_up_at_its_private_address_and_shows_everything(stack: Environment) -> None:
    assert IPv4Address(stack.address) in PLACE.vpc
    assert urlsplit(stack.outputs["influxdbUrl"]).hostname == stack.address
    check_dashboards_and_rules(stack)


def test_its_own_key_encrypts_secret_parameters_and_backups(stack: Environment, key: str) -> None:
    pages = stack.aws("ssm").get_paginator("describe_parameters").paginate()
    own = [each for page in pages for each in page["Parameters"] if each["Name"].startswith(stack.parameters)]
    assert {each["KeyId"] for each in own if each["Type"] == "SecureString"} == {key}
    names = eventually(lambda: complete(stack))
    assert names
    s3, bucket = stack.aws("s3"), stack.outputs["backupBucket"]
    assert {s3.head_object(Bucket=bucket, Key=name)["SSEKMSKeyId"] for name in names} == {key}


def test_the_role_of_the_server_uses_the_key_only_through_aws_services(stack: Environment, key: str) -> None:
    role = server_role(stack)
    assert role.refusal("kms", "encrypt", {"KeyId": key, "Plaintext": "a"}) == "AccessDeniedException"
    assert role.refusal("kms", "describe_key", {"KeyId": key}) == "AccessDeniedException"
    read = {"Path": "{path}", "WithDecryption": True}
    assert role.call("ssm", "get_parameters_by_path", read)["Parameters"]


def test_an_agent_outside_the_vpc_does_not_reach_it(environment: Environment, stack: Environment) -> None:
    """It is in agentCidrs, and reaches the other stack, which is public. Only the missing route keeps it out."""
    outside = on_premise.declared(PLACE)[0].name

    def answer(to: Environment) -> str:
        return environment.machine(outside, *ANSWER, f"{to.outputs['influxdbUrl']}/ping").stdout

    assert eventually(lambda: answer(environment) == "401")  # InfluxDB requires a login
    assert answer(stack) == NONE


def test_without_the_nat_gateway_packages_and_aws_are_out_of_reach(stack: Environment, place: Subnet) -> None:
    ask = (*ANSWER, f"https://ssm.{stack.region}.amazonaws.com/")
    assert eventually(lambda: stack.guest(*ask).stdout != NONE)
    with place.cut_off():
        assert eventually(lambda: stack.guest(*ask).stdout == NONE)
    assert eventually(lambda: stack.guest(*ask).stdout != NONE)
