"""Grafana's provider, datasources and dashboards. Alert rules and contact points are in test_alerting.py."""

from __future__ import annotations

import json

from tests.components.conftest import ADDRESS, Run
from tests.components.examples import AUTOMATION


def test_the_provider_logs_in_as_pulumi_s_own_user_and_verifies_the_server(prod: Run) -> None:
    provider = prod.one("grafana")
    assert provider["url"] == f"https://{ADDRESS}:3000"
    assert provider["auth"] == f"{AUTOMATION}:password-of-grafana-automation"
    assert "the-ca" in provider["caCert"]
    assert "insecureSkipVerify" not in provider


def test_the_influxdb_datasource_has_the_user_that_reads_and_verifies_the_server(prod: Run) -> None:
    datasource = prod.one("DataSource", "influxdb")
    assert datasource["uid"] == "influxdb"
    assert datasource["url"] == "https://localhost:8086"
    assert (datasource["type"], datasource["isDefault"]) == ("influxdb", True)
    assert (datasource["username"], datasource["databaseName"]) == ("grafana", "telegraf")
    assert json.loads(datasource["jsonDataEncoded"]) == {
        **{"dbName": "telegraf", "httpMethod": "POST", "version": "InfluxQL", "timeInterval": "10s"},
        "tlsAuthWithCACert": True,
    }
    secret = json.loads(datasource["secureJsonDataEncoded"])
    assert set(secret) == {"password", "tlsCACert"}
    assert secret["password"] == "password-of-influxdb-grafana"
    assert "the-ca" in secret["tlsCACert"]


def test_the_cloudwatch_datasource_has_the_user_s_access_key(prod: Run) -> None:
    datasource = prod.one("DataSource", "cloudwatch")
    assert json.loads(datasource["jsonDataEncoded"]) == {"authType": "keys", "defaultRegion": "eu-central-1"}
    assert json.loads(datasource["secureJsonDataEncoded"]) == {
        "accessKey": "AccessKey-cloudwatch-1",
        "secretKey": "secret-of-the-access-key",
    }


def test_every_dashboard_is_in_the_folder(prod: Run) -> None:
    boards = prod.all("Dashboard")
    assert {json.loads(r.inputs["configJson"])["uid"] for r in boards} >= {"linux-hosts", "aws-ec2"}
    assert {r.inputs["folder"] for r in boards} == {"monitoring"}


def test_what_a_killed_update_left_behind_is_overwritten(prod: Run) -> None:
    """Their names are fixed: otherwise one that Pulumi does not know about would make every `up` fail."""
    for kind in ("Parameter", "Dashboard"):
        assert prod.all(kind)
        assert all(each.inputs["overwrite"] is True for each in prod.all(kind)), kind
