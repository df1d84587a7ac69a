"""The InfluxDB that AWS runs (`database`, Amazon Timestream for InfluxDB)."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pytest

from components.timestream import refuse_to_replace, refuse_to_shrink
from tests.components.conftest import Run, run_once, run_program, statements

DATABASE = {"kind": "timestream"}
ENDPOINT = "https://db-1.timestream-influxdb.eu-central-1.on.aws:8086"
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:READONLY-1"
PASSWORD = "password-of-timestream-admin"
GROUP, SERVERS = "SecurityGroup-timestream", "SecurityGroup-network"


@pytest.fixture(scope="module")
def run() -> Run:
    return run_once({"database": DATABASE})


def rules(run: Run, kind: str, group: str) -> list[tuple[int, int, str]]:
    """Ports and sources (or destinations) of the rules of a group."""
    return [
        (int(r["fromPort"]), int(r["toPort"]), str(r.get("cidrIpv4") or r.get("referencedSecurityGroupId")))
        for r in (each.inputs for each in run.all(kind))
        if r["securityGroupId"] == group
    ]


def test_agents_and_the_server_reach_the_database_which_reaches_nothing(run: Run) -> None:
    assert run.one("DbInstance")["vpcSecurityGroupIds"] == [GROUP]
    assert sorted(rules(run, "SecurityGroupIngressRule", GROUP)) == [
        (8086, 8086, "198.51.100.0/24"),
        (8086, 8086, "203.0.113.0/24"),
        (8086, 8086, SERVERS),
    ]
    assert rules(run, "SecurityGroupEgressRule", GROUP) == []


def test_the_server_reaches_the_database_and_is_not_open_to_agents(run: Run) -> None:
    assert {port for port, _, _ in rules(run, "SecurityGroupIngressRule", SERVERS)} == {3000}
    assert (8086, 8086, GROUP) in rules(run, "SecurityGroupEgressRule", SERVERS)


def test_by_default_the_database_is_private_and_in_a_single_zone(run: Run) -> None:
    made = run.one("DbInstance")
    assert (made["publiclyAccessible"], made["deploymentType"]) == (False, "SINGLE_AZ")
    assert (made["allocatedStorage"], made["dbInstanceType"]) == (20, "db.influx.medium")
    assert made["vpcSubnetIds"] == ["subnet-1"]


def test_the_database_has_the_names_that_the_server_s_script_expects(run: Run) -> None:
    """As in AWS's secret: tests/userdata/test_timestream.py."""
    made = run.one("DbInstance")
    assert (made["organization"], made["bucket"], made["username"], made["port"]) == (
        *("monitoring", "telegraf", "admin", 8086),
    )


def test_a_standby_has_its_own_subnet() -> None:
    made = run_program({"database": DATABASE | {"multiAz": True, "public": True}}).one("DbInstance")
    assert (made["publiclyAccessible"], made["deploymentType"]) == (True, "WITH_MULTIAZ_STANDBY")
    assert made["vpcSubnetIds"] == ["subnet-1", "subnet-2"]


def test_a_standby_needs_a_second_zone() -> None:
    with pytest.raises(pulumi.RunError, match=r"database\.multiAz: the default VPC has default subnets in one"):
        run_program({"database": DATABASE | {"multiAz": True}}, answers={"getSubnets": {"ids": ["subnet-1"]}})
    first, second = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"
    given = {"subnetId": first, "database": DATABASE | {"multiAz": True, "standbySubnetId": second}}
    with pytest.raises(pulumi.RunError, match=rf"standbySubnetId = {second}: is in vpc-1, eu-central-1a; name"):
        run_program(given)
    zones = {first: "eu-central-1a", second: "eu-central-1b"}

    def subnet(asked: dict[str, Any]) -> dict[str, Any]:
        return {"vpcId": "vpc-1", "availabilityZone": zones[asked["id"]]}

    assert run_program(given, {"getSubnet": subnet}).one("DbInstance")["vpcSubnetIds"] == [first, second]


def test_the_server_may_read_the_administrator_s_secret_and_no_other(run: Run) -> None:
    (granted,) = [r.inputs for r in run.all("RolePolicy") if "secretsmanager" in r.inputs["policy"]]
    (statement,) = statements(granted["policy"])
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == (
        *("Allow", "secretsmanager:GetSecretValue", SECRET),
    )


def test_only_the_database_has_the_administrator_s_password(run: Run) -> None:
    (instance,) = run.all("DbInstance")
    assert instance.inputs["password"] == PASSWORD
    assert "password" in instance.secret
    others = [r.inputs for r in run.resources if r is not instance]
    assert PASSWORD not in json.dumps([others, run.outputs])


def test_the_administrator_s_password_has_no_generation() -> None:
    """Another password would replace the database."""
    run = run_program({"database": DATABASE, "passwordGeneration": "2"})
    assert "keepers" not in run.one("RandomPassword", "timestream-admin")


def test_agents_and_grafana_use_its_address_and_their_own_users(run: Run) -> None:
    source = run.one("DataSource", "influxdb")
    assert (source["url"], source["username"], source["databaseName"]) == (ENDPOINT, "grafana", "telegraf")
    assert json.loads(source["secureJsonDataEncoded"]) == {"password": "password-of-influxdb-grafana"}
    assert run.outputs["influxdbUrl"] == ENDPOINT
    script = run.outputs["agentInstallScript"]
    assert f'urls = ["{ENDPOINT}"]' in script
    assert "INFLUX_PASSWORD='password-of-influxdb-telegraf'" in script
    assert "the-ca" not in script, "a public authority signs"


def test_the_server_sets_the_database_up_and_runs_no_influxdb(run: Run) -> None:
    files = {r.name: r.inputs.get("insecureValue", "") for r in run.all("Parameter")}
    assert {"timestream.sh", "timestream.py"} <= set(files)
    own = {name for name in files if name.startswith("influxdb") and not name.endswith("password")}
    assert own == {"influxdb-users-in-use"}
    settings = dict(re.findall(r"^(\w+)=(.*)$", files["server.conf"], re.M))
    assert (settings["TARGET"], settings["INFLUXDB_SECRET"]) == (ENDPOINT, SECRET)
    assert settings["EXPIRY"] == "'31449600 604800'"
    assert "INFLUXDB_VERSION=''" in run.one("Instance")["userData"]


@pytest.mark.parametrize(
    ("retention", "expiry"), [("INF", "'0 604800'"), ("1h", "'3600 3600'"), ("30d", "'2592000 86400'")]
)
def test_the_bucket_keeps_what_retention_says(retention: str, expiry: str) -> None:
    run = run_program({"database": DATABASE, "retention": retention, "alertThresholds": {"silentAfter": "3m"}})
    assert f"EXPIRY={expiry}" in run.one("Parameter", "server.conf")["insecureValue"]


def test_the_output_says_what_destroy_does_to_it(run: Run) -> None:
    assert "refused: the database DbInstance-monitoring with all measurements is protected" in run.outputs["onDestroy"]
    other: list[Any] = run_program({"database": DATABASE, "protect": "false"}).outputs["onDestroy"]
    assert other[0] == "deletes for good: the database DbInstance-monitoring with all measurements"
    assert other[1] == "deletes for good: the data volume Volume-data with all dashboards and users"


def test_it_is_protected_and_another_result_of_a_lookup_does_not_replace_it(run: Run) -> None:
    (made,) = [each for (token, _), each in run.options.items() if token.endswith(":DbInstance")]
    assert made.protect
    assert made.ignore_changes == {"vpcSubnetIds"}
    (last,) = [each for (token, _), each in run.options.items() if token.endswith(":Protected")]
    assert "timestream" in {name for _, name in last.after}


def test_the_gate_waits_until_the_server_reaches_it(run: Run) -> None:
    (gate,) = [each for (token, name), each in run.options.items() if token.endswith(":Command") and name == "ready"]
    assert {"timestream-from-server", "timestream-out"} <= {name for _, name in gate.after}


def change(there: int, wanted: int) -> pulumi.ResourceHookArgs:
    new, old = {"allocatedStorage": float(wanted)}, {"allocatedStorage": float(there)}
    return pulumi.ResourceHookArgs("urn", "id", "monitoring", "t", new, {}, None, old)


def test_its_storage_is_checked_before_each_update_and_in_a_preview(run: Run) -> None:
    (made,) = [each for (token, _), each in run.options.items() if token.endswith(":DbInstance")]
    ((moment, name),) = made.hooks
    hook = run.hooks[name]
    assert (moment, hook.callback, hook.opts and hook.opts.on_dry_run) == ("before_update", refuse_to_shrink, True)


def test_its_storage_can_grow_but_not_shrink() -> None:
    refuse_to_shrink(change(20, 20))
    refuse_to_shrink(change(20, 21))
    with pytest.raises(ValueError, match=r"database\.storage = 30: the database has 40 GiB.*write 40 or more"):
        refuse_to_shrink(change(40, 30))


FIRST = "subnet-0123456789abcdef0"
PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "public": ({"database": DATABASE | {"public": True}}, "database.public: AWS would replace the database"),
    "subnet": ({"database": DATABASE, "subnetId": FIRST}, "subnetId and database.standbySubnetId: AWS would replace"),
}


@pytest.mark.parametrize("changed", PLACES)
def test_a_change_for_which_aws_would_replace_the_database_is_refused(run: Run, changed: str) -> None:
    given, said = PLACES[changed]
    before, after = (each.one("SecurityGroup", "timestream") for each in (run, run_program(given)))
    groups = [
        each for (token, name), each in run.options.items() if token.endswith(":SecurityGroup") and name == "timestream"
    ]
    ((moment, name),) = groups[0].hooks
    hook = run.hooks[name]
    assert (moment, hook.callback, hook.opts and hook.opts.on_dry_run) == ("before_update", refuse_to_replace, True)

    def ask(old: dict[str, Any], new: dict[str, Any]) -> None:
        refuse_to_replace(pulumi.ResourceHookArgs("urn", "sg-1", "timestream", "t", new, old, None, old))

    ask(before, before)
    ask({"tags": {"Name": "made before these tags were"}}, after)
    with pytest.raises(ValueError, match=said):
        ask(before, after)
