"""The hardening rules of checkov and Prowler, applied to everything that the program requests from AWS.

Both scanners publish their rules as code (github.com/bridgecrewio/checkov, github.com/prowler-cloud/prowler). Those
about resources that this program creates are in `hardening/`; deliberate exceptions are in docs/security.md.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from tests.components.conftest import PROJECT, Run, run_once, statements
from tests.components.examples import ELSEWHERE, NAMED, PRIVATE
from tests.components.hardening import alarms, identities, machines, stores
from tests.components.hardening.rule import Rule, program
from tests.support.configuration import DIRECTORY

RULES = [*machines.RULES, *identities.RULES, *stores.RULES, *alarms.RULES]

OPEN_SSH = {"sshCidrs": ["203.0.113.9/32"], "sshKeyName": "me"}
VARIANTS: dict[str, dict[str, Any]] = {
    "prod": {},
    "dev": {"stack": "dev"},
    "role": {"changes": {"cloudwatchAuth": "role"}},
    "ssh": {"changes": OPEN_SSH},
    "dead man's switch": {"changes": {"deadMansSwitch": {"email": ["me@example.com"]}}},
    "private": {"changes": PRIVATE},
    "a domain": {"changes": NAMED},
    "a public certificate": {"changes": NAMED | {"publicCertificate": {"directory": DIRECTORY}}},
    "a database that AWS runs": {"changes": {"database": {"kind": "timestream"}}},
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
def test_the_program_breaks_no_rule_but_the_documented_exceptions(name: str) -> None:
    found = [(rule, set(rule.find(variant(name))) - EXCEPTIONS.get(rule.id, set())) for rule in RULES]
    broken = [f"{' '.join(rule.ids)}: {rule.wants}: {', '.join(sorted(what))}" for rule, what in found if what]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_program_that_breaks_the_rule_is_found(rule: Rule) -> None:
    assert rule.find(rule.bad), rule.wants
    assert rule.find(program()) == []


def test_every_documented_exception_is_needed() -> None:
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


def test_every_id_on_the_page_is_a_rule_s() -> None:
    table = (PROJECT / "docs" / "security.md").read_text().partition("<!-- exceptions -->")[2]
    written = set(
        re.findall(r"CKV2?_AWS_\d+|\b(?:ec2|iam|s3|sns)_[a-z0-9_]+", table.partition("<!-- /exceptions -->")[0])
    )
    assert len(written) > 10
    assert written <= {id_ for rule in RULES for id_ in rule.ids}


def test_no_id_stands_for_two_rules() -> None:
    firsts = [rule.id for rule in RULES]
    assert len(firsts) == len(set(firsts)) >= 60


def test_with_cloudwatch_auth_role_no_rule_about_users_is_broken() -> None:
    """docs/security.md gives `cloudwatchAuth: role` as the alternative to these exceptions."""
    about_users = [rule for rule in RULES if rule.id in ("CKV_AWS_273", "iam_rotate_access_key_90_days")]
    assert len(about_users) == 2
    for rule in about_users:
        assert rule.find(variant("prod"))
        assert not rule.find(variant("role"))


def test_the_rules_look_at_policies(prod: Run) -> None:
    assert identities.policy_statements(prod) >= 4


def test_every_action_that_a_policy_allows_is_on_the_page() -> None:
    """tests/live/test_access.py tries them on a running server, with one set of settings."""
    page = (PROJECT / "docs" / "security.md").read_text()
    named = set(
        re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", page.partition("## Who reaches what of AWS")[2].partition("\n## ")[0])
    )
    allowed = set()
    for run in map(variant, VARIANTS):
        documents = [one.inputs.get("policy") for one in run.resources if one.type.startswith("aws:iam/")]
        for document in filter(None, [*documents, run.outputs.get("hostsByTagPolicy")]):
            for statement in statements(document):
                actions = statement["Action"]
                allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed > {"secretsmanager:GetSecretValue", "ssm:GetParameter", "s3:PutObject", "cloudwatch:ListMetrics"}
    assert allowed <= named
