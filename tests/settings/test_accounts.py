"""The setting `cloudwatchAccounts`: what is accepted, and that each mistake is reported with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from settings import load
from tests.support.configuration import REQUIRED, mistakes, raw

SHOP: dict[str, Any] = {"name": "shop", "roleArn": "arn:aws:iam::210987654321:role/monitoring"}


def test_by_default_there_are_no_further_accounts() -> None:
    assert load(REQUIRED).cloudwatch_accounts == ()


def test_a_name_and_a_role_are_enough() -> None:
    (account,) = load(raw(cloudwatchAccounts=[SHOP])).cloudwatch_accounts
    assert (account.name, account.external_id, account.region) == ("shop", None, None)


@pytest.mark.parametrize("role", ["r", "a/b/role+=,.@-_9", "x" * 64, f"{'p' * 510}/x"])
@pytest.mark.parametrize("name", ["a", "0-9", "a" * 29])
def test_names_and_roles_that_grafana_and_iam_accept(name: str, role: str) -> None:
    account = SHOP | {"name": name, "roleArn": f"arn:aws:iam::210987654321:role/{role}", "externalId": "a+=,.@:/-_Z"}
    (found,) = load(raw(cloudwatchAccounts=[account])).cloudwatch_accounts
    assert (found.name, found.role_arn, found.external_id) == (name, account["roleArn"], "a+=,.@:/-_Z")


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"name": "Shop"}, "name", "is not a usable name", "lowercase"),
    ({"name": "a" * 30}, "name", "is not a usable name", "up to 29"),
    ({"name": "-a"}, "name", "is not a usable name", "shop-prod"),
    ({"name": 5}, "name", "is not a string", '"5"'),
    ({"roleArn": "monitoring"}, "roleArn", "is not a role's ARN", "arn:aws:iam::210987654321:role/monitoring"),
    ({"roleArn": "arn:aws:iam::210987654321:user/a"}, "roleArn", "is not a role's ARN", "role/"),
    ({"roleArn": "arn:aws:iam::21098765432:role/a"}, "roleArn", "is not a role's ARN", "role/"),
    ({"roleArn": "arn:aws:iam::210987654321:role/*"}, "roleArn", "is not a role's ARN", "role/"),
    ({"roleArn": f"arn:aws:iam::210987654321:role/{'x' * 65}"}, "roleArn", "is not a role's ARN", "role/"),
    ({"externalId": "a"}, "externalId", "is not an external ID", "2 to 1,224"),
    ({"externalId": "a b"}, "externalId", "is not an external ID", "letters, digits"),
    ({"region": "eu-cent-1"}, "region", "is not an AWS region", "eu-central-1"),
]


@pytest.mark.parametrize(("change", "key", "wrong", "instead"), WRONG)
def test_a_mistake_names_the_account_and_the_remedy(change: dict[str, Any], key: str, wrong: str, instead: str) -> None:
    (line,) = mistakes(raw(cloudwatchAccounts=[SHOP | {"name": "other"}, SHOP | change]))
    assert line.startswith(f"monitoring:cloudwatchAccounts[1].{key}")
    assert wrong in line
    assert instead in line


def test_two_accounts_cannot_have_the_same_name() -> None:
    (line,) = mistakes(raw(cloudwatchAccounts=[SHOP, SHOP]))
    assert 'cloudwatchAccounts[1].name = "shop": is also the name of an earlier account' in line


def test_roles_that_do_not_fit_into_one_policy_are_refused() -> None:
    role = f"arn:aws:iam::210987654321:role/{'p' * 500}/x"
    (line,) = mistakes(raw(cloudwatchAccounts=[{"name": f"a{n}", "roleArn": role} for n in range(10)]))
    assert "characters of role ARNs" in line
    assert "write fewer accounts" in line


@pytest.mark.parametrize(
    "change", [{"roleArn": "arn:aws-us-gov:iam::210987654321:role/monitoring"}, {"region": "us-gov-west-1"}]
)
def test_an_account_of_another_partition_is_refused(change: dict[str, Any]) -> None:
    (line,) = mistakes(raw(cloudwatchAccounts=[SHOP | change]))
    assert line.startswith("monitoring:cloudwatchAccounts")
    assert "has shop in another AWS partition" in line
    assert "of the partition aws" in line


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("shop", ' = "shop": is a string, not a list'),
        ({"name": "shop"}, ' = {"name": "shop"}: is not a list'),
        ([5], "[0] = 5: is not an object"),
        (["shop"], '[0] = "shop": is not an object'),
    ],
)
def test_anything_but_a_list_of_objects_is_one_mistake(value: object, wrong: str) -> None:
    (line,) = mistakes(raw(cloudwatchAccounts=value))
    assert line.startswith(f"monitoring:cloudwatchAccounts{wrong}")
