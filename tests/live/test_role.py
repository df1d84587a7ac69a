"""`cloudwatchAuth: role`: Grafana reads CloudWatch with its own role, which may read nothing else and assumes the role
of another account (`cloudwatchAccounts`)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from sandbox.cloud import ACCOUNT
from tests.live import other_account
from tests.live.aws_reach import CLOUDWATCH_ROLE, allowed_actions, answered_actions, documented_for, try_requests
from tests.live.environment import Environment
from tests.live.identities import READS, REFUSED, REFUSED_TO_GRAFANA, Identity, names, server_role
from tests.live.services import Ask
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.changes]

CREDENTIALS = "/etc/grafana/cloudwatch-credentials"
THEIRS = other_account.SETTING | {"name": "store"}
"""A different name than in another test file, which has been removed by now."""
UID = "cloudwatch-store"
HEALTH = "/api/datasources/uid/cloudwatch/health"


@pytest.fixture(scope="module")
def with_the_role(environment: Environment) -> Iterator[Environment]:
    """The stack is switched to the role on the running server, and back. Until the role exists, the other account
    trusts the stack's whole account."""
    other_account.put_metrics(environment, f"arn:aws:iam::{ACCOUNT}:root")
    with environment.settings(cloudwatchAuth="role", cloudwatchAccounts=[THEIRS]):
        environment.settle()
        yield environment

    def gone() -> None:
        assert environment.guest("test", "-e", CREDENTIALS).returncode == 1

    environment.afterwards(gone)


@pytest.fixture(scope="module")
def reader(with_the_role: Environment) -> Identity:
    """The identity with which Grafana, or anyone who breaks into it, uses AWS."""
    found = json.loads(with_the_role.guest("cat", CREDENTIALS).stdout)
    keys = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
    credentials = {ours: found[theirs] for ours, theirs in (keys | {"aws_session_token": "SessionToken"}).items()}
    return Identity(with_the_role, credentials)


def test_grafana_reads_cloudwatch(with_the_role: Environment, grafana: Ask, administrator: tuple[str, str]) -> None:
    answer = grafana("GET", HEALTH, administrator)
    assert answer.status_code == 200, answer.text
    source = grafana("GET", "/api/datasources/uid/cloudwatch", administrator).json()
    # Grafana keeps secure fields that are not sent again, so it still has the old key, which is deleted in AWS.
    assert (source["jsonData"]["authType"], source["jsonData"]["profile"]) == ("credentials", "cloudwatch")
    assert with_the_role.outputs["cloudwatchAccessKeyId"] == ""


@pytest.mark.parametrize(("service", "call", "arguments"), READS, ids=names(READS))
def test_the_role_reads_what_grafana_shows(
    reader: Identity, service: str, call: str, arguments: dict[str, Any]
) -> None:
    assert reader.call(service, call, arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"), REFUSED + REFUSED_TO_GRAFANA, ids=names(REFUSED + REFUSED_TO_GRAFANA)
)
def test_the_role_is_refused_everything_else(
    reader: Identity, service: str, call: str, arguments: dict[str, Any], code: str
) -> None:
    assert reader.refusal(service, call, arguments) == code


def test_both_roles_reach_what_the_table_says(reader: Identity, with_the_role: Environment) -> None:
    wanted = {request: yes for request, yes in documented_for("Grafana's identity").items() if "`s3:" not in request}
    assert try_requests(reader, wanted) == wanted
    assert allowed_actions(reader.environment, reader.arn) == answered_actions(wanted) | {"sts:AssumeRole"}
    assert documented_for("the server's role")[CLOUDWATCH_ROLE]
    assert try_requests(server_role(with_the_role), [CLOUDWATCH_ROLE]) == {CLOUDWATCH_ROLE: True}


def test_the_role_assumes_the_role_of_another_account(with_the_role: Environment) -> None:
    """In that account's region, which is not the stack's."""
    output = with_the_role.outputs["cloudwatchAccounts"]["store"]
    other_account.write_role(with_the_role, output["trustPolicy"], output["policy"])
    found = other_account.cpu_use(with_the_role, UID)
    assert {name: set(found[name]) for name in found} == {other_account.instance(with_the_role): {other_account.CPU}}
    assert other_account.instance(with_the_role) not in other_account.cpu_use(with_the_role, "cloudwatch")


@pytest.mark.parametrize(
    ("what", "instead", "said"),
    [
        (other_account.SETTING["externalId"], "another", "sts:AssumeRole"),
        ("role/cloudwatch-[0-9a-f]+", "user/administrator", "sts:AssumeRole"),
        ("sts:AssumeRole", "sts:TagSession", "sts:AssumeRole"),
        ("cloudwatch:ListMetrics", "cloudwatch:GetDashboard", "cloudwatch:ListMetrics"),
    ],
    ids=["another external ID", "trust in somebody else", "no trust", "no right to read"],
)
def test_what_the_other_account_refuses_is_reported(
    with_the_role: Environment, what: str, instead: str, said: str
) -> None:
    """The request is that of the last check of `pulumi up`; the answer has AWS's words."""
    output = with_the_role.outputs["cloudwatchAccounts"]["store"]
    trust, policy = (re.sub(what, instead, output[name]) for name in ("trustPolicy", "policy"))
    assert (trust, policy) != (output["trustPolicy"], output["policy"])
    other_account.write_role(with_the_role, trust, policy)
    refused = with_the_role.grafana.get(other_account.gate_path(UID))
    other_account.write_role(with_the_role, output["trustPolicy"], output["policy"])
    assert refused.status_code == 500
    assert "AccessDenied" in refused.text
    assert f"is not authorized to perform: {said}" in refused.text
    assert with_the_role.grafana.get(other_account.gate_path(UID)).status_code == 200


@pytest.mark.parametrize("user", ["influxdb", "telegraf", "admin", "nobody"])
def test_only_grafana_reads_its_credentials(with_the_role: Environment, user: str) -> None:
    assert with_the_role.guest("runuser", "-u", user, "--", "cat", CREDENTIALS).stdout == ""
    assert with_the_role.guest("runuser", "-u", "grafana", "--", "cat", CREDENTIALS).stdout.startswith("{")


def test_a_datasource_with_other_credentials_is_refused(
    with_the_role: Environment, grafana: Ask, administrator: tuple[str, str]
) -> None:
    """An administrator of Grafana who adds a CloudWatch datasource gets no more rights than the stack's own has."""
    source = {"name": "other", "uid": "other", "type": "cloudwatch", "access": "proxy"}
    for way in ("default", "ec2_iam_role", "keys"):
        options = {"authType": way, "defaultRegion": with_the_role.region}
        asked = {**source, "jsonData": options, "secureJsonData": {"accessKey": "a", "secretKey": "b"}}
        assert grafana("POST", "/api/datasources", administrator, json=asked).status_code == 200
        try:
            answer = grafana("GET", "/api/datasources/uid/other/health", administrator)
        finally:
            grafana("DELETE", "/api/datasources/uid/other", administrator)
        assert answer.status_code == 400
        assert "not allowed" in answer.json()["message"]


def test_the_credentials_are_renewed_before_they_expire(with_the_role: Environment) -> None:
    """By a timer, early enough for two more attempts."""
    before = json.loads(with_the_role.guest("cat", CREDENTIALS).stdout)
    assert with_the_role.guest("systemctl", "start", "monitoring-cloudwatch").returncode == 0
    after = json.loads(with_the_role.guest("cat", CREDENTIALS).stdout)
    assert after["AccessKeyId"] != before["AccessKeyId"]
    ends, now = datetime.fromisoformat(after["Expiration"]).timestamp(), time.time()
    assert ends > now + 3000

    def next_run() -> float:
        """When the timer renews them next, in seconds since 1970; 0 while that is not known."""
        listed = with_the_role.guest("systemctl", "list-timers", "--output=json", "monitoring-cloudwatch.timer").stdout
        return float(json.loads(listed)[0]["next"] or 0) / 1e6

    assert eventually(lambda: next_run() > now)
    assert next_run() + 2 * (next_run() - now) < ends


WITHOUT_STS = """
sed s,^STS=.*,STS=https://localhost:1/, /etc/monitoring/server.conf >/run/server.conf
mount --bind /run/server.conf /etc/monitoring/server.conf
/etc/monitoring/cloudwatch-credentials
"""


def test_credentials_stay_when_aws_does_not_answer(with_the_role: Environment) -> None:
    before = with_the_role.guest("cat", CREDENTIALS).stdout
    assert with_the_role.guest("unshare", "-m", "sh", "-ec", WITHOUT_STS).returncode != 0
    assert with_the_role.guest("cat", CREDENTIALS).stdout == before
    assert eventually(lambda: with_the_role.guest("test", "-e", f"{CREDENTIALS}.new").returncode == 1)
