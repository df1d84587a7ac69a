"""The parameters that the server reads: their types, names and sizes, and the revision that is written last."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.components.conftest import SECRETS, Run, run_once, run_program
from tests.support.certificates import KEY, certificate_text, ec_key, issue, signed


def test_secrets_are_encrypted_parameters_and_files_are_not(prod: Run) -> None:
    found: dict[str, set[str]] = {}
    for parameter in prod.all("Parameter"):
        assert parameter.inputs["name"].startswith("/monitoring/prod.server/")
        name = parameter.inputs["name"].removeprefix("/monitoring/prod.server/")
        found.setdefault(parameter.inputs["type"], set()).add(name)
        if parameter.inputs["type"] == "String":
            assert not SECRETS.search(parameter.inputs["insecureValue"])
    assert found["SecureString"] == {
        *("ca-certificate", "server-certificate", "server-key"),
        *("grafana-admin-password", "grafana-automation-password", "grafana-secret-key"),
        *("influxdb-telegraf-password", "influxdb-grafana-password"),
    }
    assert found["String"] >= {"server.conf", "grafana.ini", "telegraf.conf", "state/revision", "state/users-in-use"}


def test_the_revision_lists_every_parameter_with_its_version(prod: Run) -> None:
    first, *lines = prod.one("Parameter", "parameters-revision")["insecureValue"].splitlines()
    listed = dict(line.split() for line in lines)
    names = {parameter.inputs["name"].removeprefix("/monitoring/prod.server/") for parameter in prod.all("Parameter")}
    assert set(listed) == {name for name in names if not name.startswith("state/")}
    assert set(listed.values()) == {"3"}
    revision = str(prod.one("Command", "ready")["environment"]["READY_REVISION"])
    assert first == f"# {revision}"
    assert re.fullmatch("[0-9a-f]{32}", revision)


def test_another_value_is_another_revision_even_with_the_same_versions(prod: Run) -> None:
    other = run_program({"retention": "8d"})
    environments = [run.one("Command", "ready")["environment"] for run in (prod, other)]
    assert environments[0]["READY_REVISION"] != environments[1]["READY_REVISION"]


def test_a_long_certificate_chain_becomes_an_advanced_parameter() -> None:
    own = {"certificate": certificate_text(signed(ec_key(), filling=3500)), "privateKey": KEY}
    run = run_program({"domain": "m.example.com", "certificate": own}, secret=("certificate",))
    assert {r.name for r in run.all("Parameter") if r.inputs["tier"] == "Advanced"} == {"server-certificate"}


LONGEST_URL = "https://" + ".".join(["i" * 63] * 3 + ["example", "org:65535"]) + "/" + "x" * 794
LONGEST: dict[str, Any] = {
    "influxdb": {
        **{"url": LONGEST_URL, "database": "d" * 63, "username": "u" * 63, "password": "\\" * 1024},
        "ca": certificate_text(issue(ec_key(), filling=2400)),
    },
    "agentCidrs": [],
    "domain": ".".join(["m" * 63] * 3 + ["example", "org"]),
    "certificate": {
        "certificate": certificate_text(
            signed(ec_key(), names=("*." + ".".join(["m" * 63] * 2 + ["example.org"]),), filling=5000)
        ),
        "privateKey": KEY,
    },
    "smtp": {
        **{"host": ".".join(["s" * 63] * 3 + ["example", "org"]), "port": 2587, "user": "u" * 256},
        **{"password": '"' * 1024, "sender": "s" * 64 + "@" + ".".join(["e" * 63] * 2 + ["example.org"])},
    },
    "contactPoints": {"email": ["a@b.cc"]},
    "restoreFrom": "s3://" + "b" * 63 + "/" + "s" * 100 + "/2026-11-24T03-00-00Z",
    "backups": {"now": 1_000_000},
    "retention": "30d",
    "collectionInterval": "60s",
    "cloudwatchAuth": "role",
}
"""The longest value that the settings allow, for everything that ends up in a parameter."""


@pytest.mark.parametrize("without", ["influxdb", "certificate", ""])
def test_the_longest_settings_fit_their_parameters(without: str) -> None:
    changes = {key: value for key, value in LONGEST.items() if key != without}
    if without == "influxdb":
        changes["agentCidrs"] = ["198.51.100.0/24"]
    run = run_program(changes, secret=("influxdb", "certificate", "smtp", "contactPoints"))
    limits = {"Standard": 4096, "Advanced": 8192}
    sizes = {}
    for parameter in run.all("Parameter"):
        text = parameter.inputs.get("value") or parameter.inputs["insecureValue"]
        sizes[parameter.name] = (len(text.encode()), parameter.inputs["tier"])
    assert not {name: size for name, size in sizes.items() if size[0] > limits[size[1]]}
    assert {name for name, (_, tier) in sizes.items() if tier == "Advanced"} <= {"server-certificate"}


def test_with_ordinary_settings_every_parameter_is_free(prod: Run) -> None:
    assert {r.inputs["tier"] for r in prod.all("Parameter")} == {"Standard"}


@pytest.mark.parametrize("auth", ["key", "role"])
def test_every_value_that_the_boot_reads_is_a_parameter(auth: str) -> None:
    run = run_once({"cloudwatchAuth": auth})
    there = {parameter.inputs["name"].partition("/prod.server/")[2] for parameter in run.all("Parameter")}
    texts = [parameter.inputs.get("insecureValue") or "" for parameter in run.all("Parameter")]
    scripts = "\n".join([run.one("Instance")["userData"], *texts])
    asked = set(re.findall(r'\bvalue "?([a-z][\w.-]+)(?=["\s)])', scripts))
    for variable, words, name in re.findall(r"for (\w+) in ([^;\n]+); do\s+value (\S+)", scripts):
        asked |= {name.replace(f"${variable}", word) for word in words.split() if "$" not in word}
    assert len(asked) > 25
    # The boot reads these only if the revision lists them.
    moving = {"influxdb-moving", "influxdb-moving.service", "influxdb-moving.timer", "moving_engine.py"}
    public = {"acme-ca-certificate", "public-certificate", "haproxy.cfg", "haproxy.conf"}
    units = {f"monitoring-certificate.{kind}" for kind in ("service", "timer")}
    assert asked - there == {"smtp-password", "oauth-secret", *moving, *public, *units}
    assert {"cloudwatch-credentials", "monitoring-backup.timer", "influxdb-hardening.conf", "backup"} <= asked
