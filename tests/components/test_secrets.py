"""Passwords, and that no secret is shown."""

from __future__ import annotations

import json

from tests.components.conftest import SECRETS, Run, run_once

HOLDERS = {
    *("Parameter", "Command", "DataSource", "grafana"),
    *("PrivateKey", "CertRequest", "LocallySignedCert", "SelfSignedCert"),
}
"""Types of resources that need a secret."""


def test_passwords_are_long_and_need_no_escaping(prod: Run) -> None:
    assert prod.all("RandomPassword")
    for password in prod.all("RandomPassword"):
        assert password.inputs["length"] >= 32
        assert password.inputs["special"] is False


def test_only_resources_that_need_a_secret_hold_one(prod: Run) -> None:
    holding = {r.type.rpartition(":")[2] for r in prod.resources if SECRETS.search(json.dumps(r.inputs))}
    assert {"Parameter", "Command", "DataSource", "grafana"} <= holding <= HOLDERS


def test_every_secret_is_marked_as_one(prod: Run) -> None:
    """The resources of the TLS provider mark theirs themselves."""
    plain = [r for r in prod.resources if SECRETS.search(json.dumps(r.shown)) and not r.type.startswith("tls:")]
    assert [(r.type, r.name) for r in plain] == []
    assert [n for n, value in prod.outputs.items() if SECRETS.search(json.dumps(value)) and not prod.secrets[n]] == []


def test_a_generation_changes_every_password_and_both_of_influxdb_s_users(prod: Run) -> None:
    second = run_once({"passwordGeneration": "2"})
    for name in ("grafana-admin", "grafana-automation", "influxdb-telegraf", "influxdb-grafana"):
        assert prod.one("RandomPassword", name)["keepers"] == {"generation": "1"}
        assert second.one("RandomPassword", name)["keepers"] == {"generation": "2"}
    # Pulumi tries the new login before the server knows it. Under the old name that could lock the user out.
    assert prod.one("RandomString", "grafana-automation-login")["keepers"] == {"generation": "1"}
    assert second.one("RandomString", "grafana-automation-login")["keepers"] == {"generation": "2"}
    # Grafana encrypts its datasources' secrets with this one; with another it could not read them.
    assert "keepers" not in second.one("RandomPassword", "grafana-secret-key")
    assert "keepers" not in second.one("RandomPassword", "revision-key")
    assert second.one("DataSource", "influxdb")["username"] == "grafana-2"
    assert "WRITER=telegraf-2\nREADER=grafana-2\n" in second.one("Parameter", "server.conf")["insecureValue"]
    assert second.one("Parameter", "influxdb-users-in-use")["insecureValue"] == "telegraf-2 grafana-2"
