"""The hardening rules of checkov and Prowler, against everything the program asks AWS for.

Both scanners publish their rules as code (github.com/bridgecrewio/checkov, github.com/prowler-cloud/prowler). Those
about a kind of resource that this program creates are in `hardening/`; deliberate exceptions are in docs/security.md.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from tests.components.conftest import PROJECT, Run, run_once
from tests.components.hardening import alarms, identities, machines, stores
from tests.components.hardening.rule import Rule, program

RULES = [*machines.RULES, *identities.RULES, *stores.RULES, *alarms.RULES]

OPEN_SSH = {"sshCidrs": ["203.0.113.9/32"], "sshKeyName": "me"}
ELSEWHERE = {"url": "https://influx.example.com:9086", "username": "both", "password": "password-of-theirs"}
VARIANTS: dict[str, dict[str, Any]] = {
    "prod": {},
    "dev": {"stack": "dev"},
    "role": {"changes": {"cloudwatchAuth": "role"}},
    "ssh": {"changes": OPEN_SSH},
    "dead man's switch": {"changes": {"deadMansSwitch": {"email": ["me@example.com"]}}},
    "private": {"changes": {"publicAddress": False, "subnetId": "subnet-0123456789abcdef0"}},
    "a name": {"changes": {"domain": "monitoring.example.com", "route53Zone": "example.com"}},
    "a public certificate": {
        "changes": {
            **{"domain": "monitoring.example.com", "route53Zone": "example.com"},
            "publicCertificate": {"directory": "https://acme-v02.api.letsencrypt.org/directory"},
        }
    },
    "a database of AWS's": {"changes": {"database": {"kind": "timestream"}}},
    "own key": {"changes": {"kmsKey": "alias/monitoring"}},
    "hosts by tag": {"changes": {"hostsByTag": {"Monitoring": "on"}}},
    "another InfluxDB": {
        "changes": {"influxdb": ELSEWHERE, "agentCidrs": [], "retention": "30d"},
        "secret": ("influxdb",),
    },
}


@cache
def variant(name: str) -> Run:
    """The program in one of its configurations."""
    return run_once(**VARIANTS[name])


def exceptions() -> dict[str, set[str]]:
    """The exceptions in docs/security.md: rule → types of the resources that may break it."""
    page = (PROJECT / "docs" / "security.md").read_text()
    table = page.partition("<!-- exceptions -->")[2].partition("<!-- /exceptions -->")[0]
    rows = re.findall(r"^\| `([^|]+)` \| `([^|]+)` \|", table, re.MULTILINE)
    return {ids.split("`, `")[0]: set(kinds.split("`, `")) for ids, kinds in rows}


EXCEPTIONS = exceptions()


@pytest.mark.parametrize("name", VARIANTS)
def test_the_program_keeps_the_rules(name: str) -> None:
    found = [(rule, set(rule.find(variant(name))) - EXCEPTIONS.get(rule.id, set())) for rule in RULES]
    broken = [f"{' '.join(rule.ids)}: {rule.wants}: {', '.join(sorted(what))}" for rule, what in found if what]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_rule_can_be_broken(rule: Rule) -> None:
    assert rule.find(rule.bad), rule.wants
    assert rule.find(program()) == []


def test_the_exceptions_are_exactly_those_that_are_needed() -> None:
    needed: dict[str, set[str]] = {}
    for rule in RULES:
        broken = {kind for name in VARIANTS for kind in rule.find(variant(name))}
        if broken:
            needed[rule.id] = broken
    assert needed == EXCEPTIONS


def test_every_exception_has_a_reason_and_an_alternative() -> None:
    page = (PROJECT / "docs" / "security.md").read_text()
    table = page.partition("<!-- exceptions -->")[2].partition("<!-- /exceptions -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert len(rows) == len(EXCEPTIONS) > 0
    for row in rows:
        assert len(row) == 4, row
        assert all(len(cell) > 10 for cell in row[2:]), row


def test_the_ids_on_the_page_are_ids_of_the_rules() -> None:
    table = (PROJECT / "docs" / "security.md").read_text().partition("<!-- exceptions -->")[2]
    written = set(
        re.findall(r"CKV2?_AWS_\d+|\b(?:ec2|iam|s3|sns)_[a-z0-9_]+", table.partition("<!-- /exceptions -->")[0])
    )
    assert written <= {id_ for rule in RULES for id_ in rule.ids}


def test_no_id_stands_for_two_rules() -> None:
    firsts = [rule.id for rule in RULES]
    assert len(firsts) == len(set(firsts)) >= 60


def test_with_the_role_no_rule_about_users_is_broken() -> None:
    """docs/security.md gives `cloudwatchAuth: role` as the alternative to these exceptions."""
    for rule in RULES:
        if rule.id in ("CKV_AWS_273", "iam_rotate_access_key_90_days"):
            assert rule.find(variant("prod"))
            assert not rule.find(variant("role"))


def test_policies_were_looked_at(prod: Run) -> None:
    assert identities.policy_statements(prod) >= 4


def test_every_action_that_a_policy_allows_is_on_the_page() -> None:
    """Tried on a running server, whose settings are some of them: tests/live/test_access.py."""
    page = (PROJECT / "docs" / "security.md").read_text()
    named = set(
        re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", page.partition("## Who reaches what of AWS")[2].partition("\n## ")[0])
    )
    allowed = set()
    for run in map(variant, VARIANTS):
        documents = [one.inputs.get("policy") for one in run.resources if one.type.startswith("aws:iam/")]
        for document in filter(None, [*documents, run.outputs.get("hostsByTagPolicy")]):
            for statement in json.loads(document)["Statement"]:
                actions = statement["Action"]
                allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed > {"secretsmanager:GetSecretValue", "ssm:GetParameter", "s3:PutObject", "cloudwatch:ListMetrics"}
    assert allowed <= named
