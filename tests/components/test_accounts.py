"""Further accounts whose CloudWatch Grafana reads: a datasource for each, and the permissions on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.conftest import Run, run_program, statements

SHOP = "arn:aws:iam::210987654321:role/monitoring"
DATA = "arn:aws:iam::333333333333:role/teams/grafana"
ACCOUNTS: list[dict[str, Any]] = [
    {"name": "shop", "roleArn": SHOP, "externalId": "prod/1", "region": "us-east-1"},
    {"name": "data", "roleArn": DATA},
]
USER, ROLE = (f"arn:aws:iam::111122223333:{kind}/cloudwatch" for kind in ("user", "role"))


@pytest.fixture(scope="module", params=["key", "role"])
def auth(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(auth: str) -> Run:
    return run_program({"cloudwatchAccounts": ACCOUNTS, "cloudwatchAuth": auth})


def test_grafana_may_assume_these_roles_and_no_others(run: Run, auth: str, prod: Run) -> None:
    policy = run.one("Policy" if auth == "key" else "RolePolicy", "cloudwatch" if auth == "key" else "cloudwatch-read")
    (taking,) = [one for one in statements(policy["policy"]) if "sts:AssumeRole" in one["Action"]]
    assert (taking["Effect"], taking["Action"]) == ("Allow", "sts:AssumeRole")
    assert taking["Resource"] == [SHOP, DATA]
    assert "sts:" not in prod.one("Policy", "cloudwatch")["policy"]


def test_each_account_has_a_datasource_that_assumes_its_role(run: Run, auth: str) -> None:
    own, shop, data = (run.one("DataSource", name) for name in ("cloudwatch", "cloudwatch-shop", "cloudwatch-data"))
    options = {one["uid"]: json.loads(one["jsonDataEncoded"]) for one in (own, shop, data)}
    login = {"authType": "keys"} if auth == "key" else {"authType": "credentials", "profile": "cloudwatch"}
    assert options == {
        "cloudwatch": login | {"defaultRegion": "eu-central-1"},
        "cloudwatch-shop": login | {"defaultRegion": "us-east-1", "assumeRoleArn": SHOP, "externalId": "prod/1"},
        "cloudwatch-data": login | {"defaultRegion": "eu-central-1", "assumeRoleArn": DATA},
    }
    assert {one.get("secureJsonDataEncoded") for one in (shop, data)} == {own.get("secureJsonDataEncoded")}
    assert (shop["name"], shop["type"]) == ("CloudWatch shop", "cloudwatch")


def test_the_policies_that_each_account_s_role_needs_are_an_output(run: Run, auth: str, prod: Run) -> None:
    shop, data = run.outputs["cloudwatchAccounts"]["shop"], run.outputs["cloudwatchAccounts"]["data"]
    reader = {"AWS": USER if auth == "key" else ROLE}
    trust = {"Effect": "Allow", "Principal": reader, "Action": "sts:AssumeRole"}
    assert statements(data["trustPolicy"]) == [trust]
    assert statements(shop["trustPolicy"]) == [trust | {"Condition": {"StringEquals": {"sts:ExternalId": "prod/1"}}}]
    assert shop["policy"] == prod.one("Policy", "cloudwatch")["policy"]
    assert (shop["role"], data["role"]) == (SHOP, DATA)
    assert not run.secrets["cloudwatchAccounts"]
    assert prod.outputs["cloudwatchAccounts"] == {}


def test_the_last_gate_asks_each_account_and_runs_again_when_one_changes(run: Run, prod: Run) -> None:
    asked, before = run.one("Command", "answers"), prod.one("Command", "answers")
    found = json.loads(asked["environment"]["READY_CLOUDWATCH_ACCOUNTS"])
    assert [(one["name"], one["uid"], one["region"], one["role"]) for one in found] == [
        ("shop", "cloudwatch-shop", "us-east-1", SHOP),
        ("data", "cloudwatch-data", "eu-central-1", DATA),
    ]
    assert "READY_CLOUDWATCH_ACCOUNTS" not in before["environment"]
    assert len(before["triggers"]) == 4
    assert asked["triggers"][4] == asked["environment"]["READY_CLOUDWATCH_ACCOUNTS"]


def test_the_ec2_dashboard_lets_its_reader_choose_the_account(run: Run, prod: Run) -> None:
    dashboard = json.loads(run.one("Dashboard", "aws-ec2")["configJson"])
    account, region, *_ = dashboard["templating"]["list"]
    assert (account["name"], account["type"], account["query"]) == ("account", "datasource", "cloudwatch")
    assert account["current"]["value"] == "cloudwatch"
    # The default region of whichever account is chosen.
    assert (region["name"], region["current"]["value"]) == ("region", "default")
    assert dashboard["panels"] and "account" not in prod.one("Dashboard", "aws-ec2")["configJson"]
    asked = json.dumps(
        [dashboard["panels"], [one for one in dashboard["templating"]["list"][1:] if one["name"] != "host"]]
    )
    assert '"uid": "${account}"' in asked
    assert '"uid": "cloudwatch"' not in asked
