"""The stack lands in the account, and is made by the identity, that its configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.cloud import ACCOUNT
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud, allow, policy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mine(person: Callable[..., Product]) -> Product:
    return person()


@pytest.fixture(autouse=True)
def as_before(mine: Product) -> None:
    mine.configure(
        aws__allowedAccountIds=None,
        aws__forbiddenAccountIds=None,
        aws__profile=None,
        aws__assumeRoles=None,
        aws__secretKey=None,
        aws__regoin=None,
    )


@pytest.mark.parametrize(
    ("key", "accounts"), [("aws__allowedAccountIds", ["999999999999"]), ("aws__forbiddenAccountIds", [ACCOUNT])]
)
def test_an_account_that_is_not_allowed_is_refused(mine: Product, key: str, accounts: list[str]) -> None:
    mine.configure(**{key: accounts})
    said = mine.refused()
    assert f"AWS account ID not allowed: {ACCOUNT}" in said
    assert "Traceback" not in said


def test_an_account_that_is_allowed_is_used(mine: Product) -> None:
    mine.configure(aws__allowedAccountIds=[ACCOUNT])
    assert "Instance::server-arm64" in mine.preview()


def test_a_profile_that_does_not_exist_is_refused(mine: Product) -> None:
    mine.configure(aws__profile="of-another-customer")
    said = mine.refused()
    assert "of-another-customer" in said
    assert "Traceback" not in said


def test_a_setting_the_provider_does_not_have_is_refused(mine: Product) -> None:
    mine.configure(aws__regoin="eu-central-1")
    assert "aws:regoin: is not a setting of the AWS provider; did you mean aws:region?" in mine.refused()


def test_a_secret_in_plain_text_is_refused_and_not_shown(mine: Product) -> None:
    mine.configure(aws__secretKey="plain-and-simple")
    said = mine.refused()
    assert "aws:secretKey: is not encrypted" in said
    assert "plain-and-simple" not in said


def test_a_role_that_cannot_be_assumed_is_refused(mine: Product) -> None:
    mine.configure(aws__assumeRoles=[{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/no-such-role"}])
    said = mine.refused()
    assert f"IAM Role (arn:aws:iam::{ACCOUNT}:role/no-such-role) cannot be assumed" in said
    assert "Traceback" not in said


def test_all_is_asked_as_the_role_by_the_list_of_backups_too(mine: Product, aws: Cloud) -> None:
    """A role that may look at instance types alone: everything else is refused in its name."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    iam = aws.client("iam")
    arn = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    mine.configure(aws__assumeRoles=[{"roleArn": arn, "sessionName": "pipeline"}])
    said = mine.refused()
    assert "assumed-role/deployer/pipeline is not authorized" in said
    assert "Traceback" not in said

    iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=policy(allow("*")))
    mine.up()
    try:
        iam.put_role_policy(
            RoleName="deployer", PolicyName="all", PolicyDocument=policy({**allow("s3:ListBucket"), "Effect": "Deny"})
        )
        assert mine.resources("aws:s3/bucket:Bucket")
        listed = mine.command(Path("tools/list_backups.py"))
        assert "assumed-role/deployer/pipeline is not authorized to perform: s3:ListBucket" in listed
    finally:
        iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=policy(allow("*")))
        mine.destroy()
