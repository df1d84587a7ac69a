"""The bootstrap's settings: every mistake is reported with its key, its value, what is wrong and what to write."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from bootstrap.configuration import NAMESPACE, Configuration, commands, load
from settings import SettingsError
from tests.support.another_process import CHECKOUT

RIGHT = {"aws:region": "eu-central-1", f"{NAMESPACE}:repository": "octo-org/monitoring"}


def configured(**given: Any) -> Configuration:
    """The bootstrap's configuration, with some settings given."""
    texts = {
        f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in given.items()
    }
    return load(RIGHT | texts, "bootstrap/Pulumi.main.yaml")


def mistake(**given: Any) -> str:
    """The only mistake that is reported."""
    with pytest.raises(SettingsError) as caught:
        configured(**given)
    (found,) = caught.value.mistakes
    return str(found)


def test_valid_settings_are_accepted() -> None:
    made = configured(branch="release/1.x", environments=["prod", "Production:V1"])
    assert (made.repository, made.branch) == ("octo-org/monitoring", "release/1.x")
    assert made.environments == ("prod", "Production:V1")
    assert made.permissions_boundary is None
    assert configured(permissionsBoundary="").permissions_boundary is None
    assert configured(hostedZones='["Z0123"]').hosted_zones == ("Z0123",)
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert configured(kmsKeys=f'["{key}"]').kms_keys == (key,)


def test_keys_must_be_arns_and_zones_ids() -> None:
    assert "is not the ARN of a KMS key" in mistake(kmsKeys='["alias/monitoring"]')
    assert "is not the ID of a Route 53 zone" in mistake(hostedZones='["example.com"]')


@pytest.mark.parametrize("name", ["octo-org@123456/octo-repo@456789", "a/b", "octo-org/.github", "a/" + "r" * 100])
def test_names_of_repositories_are_accepted(name: str) -> None:
    assert configured(repository=name).repository == name


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("octo-org", "is not a repository's name"),
        ("octo-org/*", "is not a repository's name"),
        ("octo-org/mon*", "is not a repository's name"),
        ("*/monitoring", "is not a repository's name"),
        ("octo-org/monitoring:*", "is not a repository's name"),
        ("octo-org/monitoring/x", "is not a repository's name"),
        ("octo--org-/monitoring", "is not a repository's name"),
        ("octo-org/..", "is not a repository's name"),
        ("a" * 40 + "/monitoring", "is not a repository's name"),
        ("octo-org@1/monitoring", "both ids or none"),
        ("octo-org/monitoring@1", "both ids or none"),
        ("octo-org@x/monitoring@1", "both ids or none"),
        ("https://github.com/octo-org/monitoring.git", "write octo-org/monitoring"),
    ],
)
def test_a_wrong_repository_is_reported(name: str, wrong: str) -> None:
    said = mistake(repository=name)
    assert said.startswith(f"{NAMESPACE}:repository = ")
    assert wrong in said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("*", "is a pattern"),
        ("release/*", "is a pattern"),
        ("main?", "is a pattern"),
        ("refs/heads/main", "write only the branch's name"),
        ("a b", "is not a branch's name"),
        ("a..b", "is not a branch's name"),
        ("/main", "is not a branch's name"),
        ("main/", "is not a branch's name"),
        ("main.lock", "is not a branch's name"),
        ("a:b", "is not a branch's name"),
        ("-main", "is not a branch's name"),
    ],
)
def test_a_wrong_branch_is_reported(name: str, wrong: str) -> None:
    said = mistake(branch=name)
    assert said.startswith(f"{NAMESPACE}:branch = ")
    assert wrong in said


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["*"], "is a pattern"),
        (["prod*"], "is a pattern"),
        (["prod", "prod"], "twice"),
        ([], "is empty"),
        ([""], "is empty"),
        (["a\nb"], "is not an environment's name"),
        ("prod", "is a string, not a list"),
    ],
)
def test_wrong_environments_are_reported(names: Any, wrong: str) -> None:
    said = mistake(environments=names)
    assert said.startswith(f"{NAMESPACE}:environments = ")
    assert wrong in said


@pytest.mark.parametrize(
    "arn",
    [
        "monitoring-boundary",
        "arn:aws:iam::123456789012:role/x",
        "arn:aws:iam::1234:policy/x",
        "arn:aws:iam::aws:policy/*",
    ],
)
def test_a_wrong_permissions_boundary_is_reported(arn: str) -> None:
    assert "is not the ARN of a managed policy" in mistake(permissionsBoundary=arn)


def test_arns_of_managed_policies_are_accepted() -> None:
    for arn in ("arn:aws:iam::123456789012:policy/teams/web", "arn:aws:iam::aws:policy/PowerUserAccess"):
        assert configured(permissionsBoundary=arn).permissions_boundary == arn


@pytest.mark.parametrize("address", ["https://me:{}@github.com/a/b.git", "https://{}@github.com/a/b", "me:{}@a/b"])
def test_a_token_in_an_address_is_not_repeated(address: str) -> None:
    token = "ghp_Qx7vLw9zKp3mRt5bNc8dJf4gHs6a"
    said = mistake(repository=address.format(token))
    assert "monitoring-bootstrap:repository = (secret)" in said
    assert "; write OWNER" in said
    assert not [token[at : at + 8] for at in range(len(token) - 7) if token[at : at + 8] in said]


def test_a_value_that_is_nested_too_deep_is_a_mistake() -> None:
    assert mistake(environments="[" * 3000).startswith(f"{NAMESPACE}:environments = ")


def test_all_mistakes_are_reported_together_with_the_file() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {"aws:region": "nowhere", f"{NAMESPACE}:branch": "*", f"{NAMESPACE}:branches": "x"},
            "bootstrap/Pulumi.a.yaml",
        )
    said = str(caught.value)
    assert "bootstrap/Pulumi.a.yaml" in said
    for key in ("aws:region", f"{NAMESPACE}:repository: is missing", f"{NAMESPACE}:branch", f"{NAMESPACE}:branches"):
        assert key in said


def test_the_commands_for_github_can_be_pasted_into_a_shell() -> None:
    made = commands("octo-org@1/monitoring@2", {"PULUMI_BACKEND": "s3://bucket?region=eu-central-1"})
    assert made == [
        "gh variable set PULUMI_BACKEND --repo octo-org/monitoring --body 's3://bucket?region=eu-central-1'"
    ]


def test_every_setting_is_described_in_pulumi_yaml_and_on_the_page() -> None:
    described = yaml.safe_load((CHECKOUT / "bootstrap" / "Pulumi.yaml").read_text())["config"]
    known = {str(field.alias) for field in Configuration.model_fields.values()} - {"aws:region"}
    assert set(described) == known
    page = (CHECKOUT / "docs" / "bootstrap.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) >= known
