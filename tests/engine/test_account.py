"""The stack is created in the account, and by the identity, that its configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.cloud import ACCOUNT
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud, allow, policy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("key", "accounts"), [("aws__allowedAccountIds", ["999999999999"]), ("aws__forbiddenAccountIds", [ACCOUNT])]
)
def test_an_account_that_is_not_allowed_is_refused(product: Product, key: str, accounts: list[str]) -> None:
    product.configure(**{key: accounts})
    said = product.refused()
    assert f"AWS account ID not allowed: {ACCOUNT}" in said
    assert "Traceback" not in said


def test_a_profile_that_does_not_exist_is_refused(product: Product) -> None:
    product.configure(aws__profile="of-another-customer")
    said = product.refused()
    assert "of-another-customer" in said
    assert "Traceback" not in said


def test_a_secret_in_plain_text_is_refused_and_not_shown(product: Product) -> None:
    product.configure(aws__secretKey="plain-and-simple")
    said = product.refused()
    assert "aws:secretKey: is not encrypted" in said
    assert "plain-and-simple" not in said


def test_a_role_that_cannot_be_assumed_is_refused(product: Product) -> None:
    product.configure(aws__assumeRoles=[{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/no-such-role"}])
    said = product.refused()
    assert f"IAM Role (arn:aws:iam::{ACCOUNT}:role/no-such-role) cannot be assumed" in said
    assert "Traceback" not in said


def test_the_program_and_the_list_of_backups_use_the_assumed_role(product: Product, aws: Cloud) -> None:
    """With a role without rights, both are refused in its name; with all rights, the same preview does not replace the
    server."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    iam = aws.client("iam")
    arn = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    product.configure(aws__assumeRoles=[{"roleArn": arn, "sessionName": "pipeline"}], aws__allowedAccountIds=[ACCOUNT])
    said = product.refused()
    assert "assumed-role/deployer/pipeline is not authorized" in said
    assert "Traceback" not in said

    iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=policy(allow("*")))
    assert "Instance::server-arm64" not in product.preview()

    iam.put_role_policy(
        RoleName="deployer", PolicyName="all", PolicyDocument=policy({**allow("s3:ListBucket"), "Effect": "Deny"})
    )
    assert product.resources("aws:s3/bucket:Bucket")
    listed = product.command(Path("tools/list_backups.py"))
    assert "assumed-role/deployer/pipeline is not authorized to perform: s3:ListBucket" in listed
