"""What the stack's identities and its network really allow, tried with their own keys and from the right machines."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import hosts as sandbox_hosts
from sandbox import operator, stack
from tests.live.aws_reach import (
    REFUSALS,
    REQUESTS,
    SOMETIMES,
    allowed_actions,
    answered_actions,
    documented_for,
    table,
    try_requests,
    with_files,
)
from tests.live.environment import Environment
from tests.live.identities import (
    OTHER_STACK,
    READS,
    REFUSED,
    REFUSED_TO_GRAFANA,
    REFUSED_TO_THE_SERVER,
    Identity,
    names,
    server_role,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.changes]


@pytest.fixture(scope="module")
def user(environment: Environment) -> Identity:
    """Grafana's user, with the key that `pulumi up` created."""
    exported = json.loads(environment.pulumi("stack", "export", "--show-secrets").stdout)
    environment.transcript.pop()  # this output shows secrets on purpose
    (key,) = [r for r in exported["deployment"]["resources"] if r["type"] == "aws:iam/accessKey:AccessKey"]
    secret = json.loads(key["outputs"]["secret"]["plaintext"])
    assert key["id"] == environment.outputs["cloudwatchAccessKeyId"]
    return Identity(environment, {"aws_access_key_id": key["id"], "aws_secret_access_key": secret})


@pytest.fixture(scope="module")
def role(environment: Environment) -> Identity:
    return server_role(environment)


@pytest.fixture(scope="module", autouse=True)
def other_stack_parameter(environment: Environment) -> Iterator[None]:
    """Another stack has a secret, so that a refusal is about rights and not about a missing parameter."""
    ssm, name = environment.aws("ssm"), f"{OTHER_STACK}/server-key"
    ssm.put_parameter(Name=name, Value="theirs", Type="SecureString", Overwrite=True)
    yield
    ssm.delete_parameter(Name=name)


# --- Identities


@pytest.mark.parametrize(("service", "call", "arguments"), READS, ids=names(READS))
def test_the_user_reads_what_grafana_shows(user: Identity, service: str, call: str, arguments: dict[str, Any]) -> None:
    answer = user.call(service, call, arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"), REFUSED + REFUSED_TO_GRAFANA, ids=names(REFUSED + REFUSED_TO_GRAFANA)
)
def test_the_user_is_refused_everything_else(
    user: Identity, service: str, call: str, arguments: dict[str, Any], code: str
) -> None:
    assert user.refusal(service, call, arguments) == code


def test_the_role_reads_the_parameters_of_its_own_stack(role: Identity, environment: Environment) -> None:
    read = {"Path": "{path}", "WithDecryption": True, "MaxResults": 10}
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while not found or more:
        page = role.call("ssm", "get_parameters_by_path", read | more)
        found |= {parameter["Name"]: parameter["Value"] for parameter in page["Parameters"]}
        more = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
    own = environment.parameters
    assert found[f"{own}/grafana-admin-password"] == environment.outputs["grafanaAdminPassword"]
    assert {name.rpartition("/")[0] for name in found} == {own}


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"),
    REFUSED + REFUSED_TO_THE_SERVER,
    ids=names(REFUSED + REFUSED_TO_THE_SERVER),
)
def test_the_role_is_refused_everything_else(
    role: Identity, service: str, call: str, arguments: dict[str, Any], code: str
) -> None:
    assert role.refusal(service, call, arguments) == code


@pytest.fixture(scope="module")
def files(environment: Environment) -> Iterator[None]:
    yield from with_files(environment)


def test_there_is_a_request_for_each_row_of_the_table() -> None:
    assert set(table()) == set(REQUESTS)


@pytest.mark.usefixtures("files")
def test_the_role_of_the_server_reaches_what_the_table_says(role: Identity) -> None:
    wanted = {request: yes for request, yes in documented_for("the server's role").items() if request not in SOMETIMES}
    assert try_requests(role, wanted) == wanted
    assert allowed_actions(role.environment, role.arn) == answered_actions(wanted)


@pytest.mark.usefixtures("files")
def test_the_user_of_grafana_reaches_what_the_table_says(user: Identity) -> None:
    wanted = {request: yes for request, yes in documented_for("Grafana's identity").items() if request not in SOMETIMES}
    assert try_requests(user, wanted) == wanted
    assert allowed_actions(user.environment, user.arn) == answered_actions(wanted)


OPERATOR_REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "put_role_policy", {"RoleName": "monitoring-deploy", "PolicyName": "jobs", "PolicyDocument": "{{}}"}),
    ("iam", "create_user", {"UserName": "somebody"}),
    ("iam", "create_role", {"RoleName": "server-0123456", "AssumeRolePolicyDocument": "{{}}"}),
    ("ec2", "create_volume", {"AvailabilityZone": "eu-central-1a", "Size": 1}),
    ("ssm", "put_parameter", {"Name": "/somebody/else", "Value": "a", "Type": "String"}),
]


def test_pulumi_runs_with_the_deploy_role_and_no_more_rights(environment: Environment) -> None:
    """So all tests of this environment run Pulumi with the rights that a workflow has on AWS."""
    credentials = {name.lower(): value for name, value in operator.credentials(environment.place).items()}
    assert credentials.items() <= {k.lower(): v for k, v in stack.environment(environment.place).items()}.items()
    job = Identity(environment, credentials)
    assert ":assumed-role/monitoring-deploy/" in job.call("sts", "get_caller_identity", {})["Arn"]
    for service, call, arguments in OPERATOR_REFUSED:
        assert job.refusal(service, call, arguments) in REFUSALS


def test_an_access_key_with_a_wrong_secret_is_refused(user: Identity) -> None:
    stolen = Identity(user.environment, {**user.credentials, "aws_secret_access_key": "x" * 40})
    assert stolen.refusal("ec2", "describe_instances", {}) == "AuthFailure"


# --- The metadata service


def test_the_metadata_service_requires_a_token(environment: Environment) -> None:
    url = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
    answer = environment.guest("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url)
    assert answer.stdout == "401"


HOPS = """
import socket, urllib.request
seen = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
# Only packets from there: the server's other connections would fill the socket's buffer.
seen.connect(("169.254.169.254", 0))
seen.settimeout(5)
url, name = "http://169.254.169.254/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds"
token = urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers={name: "60"})).read()
packet = seen.recv(65535)
while token not in packet:
    packet = seen.recv(65535)
print(packet[8])
"""


def test_the_metadata_token_travels_one_hop(environment: Environment) -> None:
    """The packet with the token arrives with a TTL of 1, so that it never reaches a container behind the server."""
    answer = environment.guest("python3", "-", stdin=HOPS)
    assert answer.stdout.strip() == "1", answer.stderr


# --- The security group

PORTS = (3000, 8086, 22)


def open_ports(environment: Environment, machine: str | None, address: str) -> set[int]:
    """The ports that a machine (None: this one, which runs Pulumi) reaches at an address."""
    if machine is None:
        return {port for port in PORTS if connects(address, port)}
    script = "".join(f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}' 2>&- && echo {port}; " for port in PORTS)
    return {int(port) for port in environment.machine(machine, "bash", "-c", script).stdout.split()}


def connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_only_addresses_in_the_configured_ranges_get_through(environment: Environment) -> None:
    """The ranges of the operator (this machine) and of the agents do not overlap. Once outside both, db-1 reaches
    nothing. The local EC2's firewall follows its security groups a few seconds later."""
    address = environment.address
    web = next(h["address"] for h in sandbox_hosts.settings(environment.place) if h["name"] == "web-1")
    usual = {"db-1": {8086}, "web-1": {8086}, None: {3000}}

    def reached() -> dict[str | None, set[int]]:
        return {machine: open_ports(environment, machine, address) for machine in usual}

    def reverted() -> None:
        assert eventually(lambda: reached() == usual), reached()

    assert reached() == usual
    with environment.settings(agentCidrs=[f"{web}/32"]):
        environment.settle()
        environment.afterwards(reverted)
        assert eventually(lambda: reached() == usual | {"db-1": set()}), reached()
