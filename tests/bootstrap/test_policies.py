"""The workflows' roles: whom they trust, what they cannot reach, and that IAM accepts their policies."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import botocore.session
import pytest

from bootstrap import databases, hosts, interfaces, keys, names, permissions, trust
from bootstrap.account import Account
from bootstrap.changes import changing
from program.policies import document
from sandbox.cloud.permission import Permission
from sandbox.cloud.policies import Verdict, judge

ACCOUNT = Account("aws", "123456789012")
BOUNDED = Account("aws", "123456789012", "arn:aws:iam::123456789012:policy/boundary")
NAMING = Account("aws", "123456789012", None, ("Z0123",))
OWN_KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEYED = Account("aws", "123456789012", None, ("Z0123",), (OWN_KEY,))
BUCKET, KEY = "arn:aws:s3:::monitoring-state-0123456", "arn:aws:kms:eu-central-1:123456789012:key/0"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{trust.HOST}"
MOST_CHARACTERS, MOST_MANAGED = 10_240, 6_144
"""The longest inline policies of a role together, and the longest managed policy, not counting white space
(reference_iam-quotas.html)."""


def preview(account: Account = ACCOUNT) -> list[dict[str, Any]]:
    inside = [*permissions.reading(account), *permissions.reading_state(BUCKET, KEY)]
    return [*inside, *(each for part in (databases, hosts, names, keys) for each in part.reading(account))]


def deploy(account: Account = ACCOUNT) -> list[dict[str, Any]]:
    inside = [*changing(account), *permissions.changing_state(BUCKET, KEY)]
    further = [each for part in (databases, hosts, interfaces, names, keys) for each in part.changing(account)]
    return [*preview(account), *inside, *further]


def allowed(statements: list[dict[str, Any]], action: str, resource: str, **context: str) -> bool:
    known = {"aws:ResourceTag/": "", "aws:RequestTag/": "", **{k.replace("__", ":"): v for k, v in context.items()}}
    return judge([{"Statement": statements}], Permission(action, resource, known)) is Verdict.ALLOWED


def test_the_roles_trust_exact_subjects() -> None:
    subjects = [
        *trust.previewing("octo-org@1/mon@2", "release/1"),
        *trust.deploying("octo-org@1/mon@2", ["prod", "Production:V1"]),
    ]
    assert subjects == [
        "repo:octo-org@1/mon@2:pull_request",
        "repo:octo-org@1/mon@2:ref:refs/heads/release/1",
        "repo:octo-org@1/mon@2:environment:prod",
        "repo:octo-org@1/mon@2:environment:Production%3AV1",
    ]
    (statement,) = json.loads(trust.trust(PROVIDER, subjects))["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRoleWithWebIdentity")
    assert statement["Principal"] == {"Federated": PROVIDER}
    assert statement["Condition"] == {
        "StringEquals": {f"{trust.HOST}:aud": "sts.amazonaws.com", f"{trust.HOST}:sub": subjects}
    }
    assert set(statement) == {"Sid", "Effect", "Action", "Principal", "Condition"}


def test_no_subject_may_both_preview_and_deploy() -> None:
    assert not {*trust.previewing("a/b", "main")} & {*trust.deploying("a/b", ["main", "pull_request"])}


@pytest.mark.parametrize("account", [ACCOUNT, BOUNDED, KEYED], ids=["plain", "boundary", "zone and key"])
def test_the_preview_role_can_only_read(account: Account) -> None:
    verbs = re.compile(r"[\w-]+:(Describe|Get|List)\w+|kms:Decrypt")
    actions = [action for each in preview(account) for action in each["Action"]]
    assert len(actions) > 30
    assert [action for action in actions if not verbs.fullmatch(action)] == []


@pytest.mark.parametrize("statements", [preview(), deploy(), deploy(BOUNDED), deploy(NAMING), deploy(KEYED)])
def test_the_policies_fit_iam_s_limits(statements: list[dict[str, Any]]) -> None:
    managed = [
        each for each in statements if re.search("Databases|Documents|Associations|Interfaces|Names|Keys", each["Sid"])
    ]
    inside = [each for each in statements if each not in managed]
    assert len(re.sub(r"\s", "", document(*inside))) <= MOST_CHARACTERS
    assert len(re.sub(r"\s", "", document(*managed))) <= MOST_MANAGED
    sids = [each["Sid"] for each in statements]
    assert len(sids) == len(set(sids))
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
    assert not [action for each in statements for action in each["Action"] if "*" in action]


NO_OPERATIONS = {
    "iam:PassRole",
    *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
    *(f"s3:{verb}{what}" for verb in ("Get", "Put") for what in ("BucketPublicAccessBlock", "EncryptionConfiguration")),
    *("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration", "s3:GetReplicationConfiguration"),
    *("s3:GetAccelerateConfiguration", "s3:GetBucketCORS", "s3:GetBucketObjectLockConfiguration"),
    *("s3:ListBucket", "s3:ListBucketVersions", "s3:DeleteObjectVersion"),
    *("s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"),
}
"""Actions without an operation of that name (docs.aws.amazon.com/service-authorization/latest/reference)."""


@lru_cache
def operations(service: str) -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_service_model(service).operation_names)


@pytest.mark.parametrize("statements", [deploy(KEYED), deploy(BOUNDED)])
def test_every_action_exists(statements: list[dict[str, Any]]) -> None:
    """IAM accepts a misspelled action silently, and allows nothing for it."""
    every = {action for each in statements for action in each["Action"]}
    pairs = [action.split(":") for action in every - NO_OPERATIONS]
    assert [f"{service}:{name}" for service, name in pairs if name not in operations(service)] == []


def test_both_roles_can_look_up_the_zones_in_the_settings_and_no_others() -> None:
    for statements in (preview(NAMING), deploy(NAMING)):
        assert allowed(statements, "route53:ListHostedZones", "*")
        assert allowed(statements, "route53:GetHostedZone", "arn:aws:route53:::hostedzone/Z0123")
        assert not allowed(statements, "route53:GetHostedZone", "arn:aws:route53:::hostedzone/Z01234")
    assert "route53:" not in json.dumps(deploy())
    assert allowed(deploy(NAMING), "route53:GetChange", "arn:aws:route53:::change/C1")


def test_network_interfaces_of_others_cannot_be_changed() -> None:
    interface, group, subnet = (
        f"arn:aws:ec2:eu-central-1:123456789012:{each}"
        for each in ("network-interface/eni-0", "security-group/sg-0", "subnet/subnet-0")
    )
    own, new = {"aws:ResourceTag/project": "monitoring"}, {"aws:RequestTag/project": "monitoring"}
    for action in ("ec2:DeleteNetworkInterface", "ec2:CreateTags", "ec2:DeleteTags"):
        assert allowed(deploy(), action, interface, **own)
        assert not allowed(deploy(), action, interface)
    made = "ec2:CreateNetworkInterface"
    assert allowed(deploy(), made, interface) and allowed(deploy(), made, subnet)
    assert allowed(deploy(), made, group, **own) and not allowed(deploy(), made, group)
    # It can be tagged only while it is created, and only with the program's tags.
    for action, right in (("CreateNetworkInterface", True), ("RunInstances", False)):
        assert allowed(deploy(), "ec2:CreateTags", interface, **new, **{"ec2:CreateAction": action}) is right
    assert not allowed(deploy(), "ec2:CreateTags", interface, **{"ec2:CreateAction": "CreateNetworkInterface"})
    for action in ("ec2:AssociateAddress", "ec2:DisassociateAddress"):
        assert allowed(deploy(), action, interface)


def test_only_reading_is_allowed_on_all_resources() -> None:
    everywhere = {action for each in deploy(KEYED) if each["Resource"] == "*" for action in each["Action"]}
    reading = {
        action for action in everywhere if re.match(r"(cloudwatch|ec2|ssm):Describe|sns:Get|route53:List", action)
    }
    assert len(reading) > 10
    assert everywhere - reading == {"sns:Unsubscribe"}


@pytest.mark.parametrize("account", [ACCOUNT, BOUNDED])
def test_the_deploy_role_cannot_change_what_the_bootstrap_made(account: Account) -> None:
    own = {"aws:ResourceTag/project": "monitoring", "aws:RequestTag/project": "monitoring"}
    context = {**own, "iam:PassedToService": "ec2.amazonaws.com", "iam:PermissionsBoundary": str(account.boundary)}
    actions = {action for each in deploy(account) if each["Resource"] != "*" for action in each["Action"]}
    for role in ("monitoring-deploy", "monitoring-preview"):
        reached = {
            a for a in actions if allowed(deploy(account), a, f"arn:aws:iam::123456789012:role/{role}", **context)
        }
        assert reached == set()
    assert {a for a in actions if allowed(deploy(account), a, PROVIDER, **context)} == set()
    assert {a for a in actions if allowed(deploy(account), a, BUCKET, **context)} == {"s3:ListBucket"}
    objects = {a for a in actions if allowed(deploy(account), a, f"{BUCKET}/.pulumi/stacks/dev.json", **context)}
    assert objects == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert {a for a in actions if allowed(deploy(account), a, KEY, **context)} == {
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    }


def test_other_resources_of_the_account_are_out_of_reach() -> None:
    for action, resource in (
        ("ec2:TerminateInstances", "arn:aws:ec2:eu-central-1:123456789012:instance/i-0"),
        ("ec2:DeleteVolume", "arn:aws:ec2:eu-central-1:123456789012:volume/vol-0"),
        ("ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-0"),
        ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/server-0123456"),
        ("timestream-influxdb:DeleteDbInstance", "arn:aws:timestream-influxdb:eu-central-1:123456789012:db-instance/0"),
        ("ssm:DeleteAssociation", "arn:aws:ssm:eu-central-1:123456789012:association/0"),
    ):
        assert allowed(deploy(), action, resource, **{"aws:ResourceTag/project": "monitoring"})
        assert not allowed(deploy(), action, resource, **{"aws:ResourceTag/project": "shop"})
        assert not allowed(deploy(), action, resource)
    for action, resource in (
        ("ssm:GetParameter", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/password"),
        ("s3:DeleteBucket", "arn:aws:s3:::shop-backups-0123456"),
        ("ssm:CreateAssociation", "arn:aws:ssm:eu-central-1::document/AWS-RunShellScript"),
        ("ssm:DeleteDocument", "arn:aws:ssm:eu-central-1:123456789012:document/monitoring-agents-of-the-shop"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator"),
    ):
        assert not allowed(deploy(), action, resource, **{"iam:PassedToService": "ec2.amazonaws.com"})


def test_only_the_program_s_roles_policies_and_groups_can_be_used() -> None:
    iam = "arn:aws:iam::123456789012:"
    for role, service, right in (
        ("server-0123456", "ec2.amazonaws.com", True),
        ("server-0123456", "lambda.amazonaws.com", False),
        ("cloudwatch-0123456", "ec2.amazonaws.com", False),
    ):
        passed = {"iam:PassedToService": service}
        assert allowed(deploy(), "iam:PassRole", f"{iam}role/{role}", **passed) is right, role
    for policy, right in ((f"{iam}policy/cloudwatch-0123456", True), ("arn:aws:iam::aws:policy/ReadOnlyAccess", False)):
        for action in ("iam:AttachGroupPolicy", "iam:DetachGroupPolicy"):
            group = f"{iam}group/cloudwatch-0123456"
            assert allowed(deploy(), action, group, **{"iam:PolicyARN": policy}) is right, policy
    for group, right in (("cloudwatch-0123456", True), ("administrators", False)):
        assert allowed(deploy(), "iam:AddUserToGroup", f"{iam}group/{group}") is right, group


def test_identities_can_only_be_made_with_the_program_s_tag() -> None:
    for action, resource in (
        ("iam:CreateRole", "role/server-0123456"),
        ("iam:CreateUser", "user/cloudwatch-0123456"),
        ("iam:CreatePolicy", "policy/cloudwatch-0123456"),
        ("iam:CreateInstanceProfile", "instance-profile/server-0123456"),
        ("iam:TagRole", "role/server-0123456"),
    ):
        arn = f"arn:aws:iam::123456789012:{resource}"
        assert allowed(deploy(), action, arn, **{"aws:RequestTag/project": "monitoring"}), action
        assert not allowed(deploy(), action, arn, **{"aws:RequestTag/project": "shop"}), action


def test_a_database_can_only_be_made_with_the_program_s_tag_and_its_service_s_role() -> None:
    database = "arn:aws:timestream-influxdb:eu-central-1:123456789012:db-instance/0"
    for tag, right in (("monitoring", True), ("shop", False)):
        made = {"aws:RequestTag/project": tag}
        assert allowed(deploy(), "timestream-influxdb:CreateDbInstance", database, **made) is right
    (linked,) = [each for each in deploy() if "iam:CreateServiceLinkedRole" in each["Action"]]
    services = linked["Condition"]["StringEquals"]["iam:AWSServiceName"]
    assert services == ["timestream-influxdb.amazonaws.com", "timestreamforinfluxdb.amazonaws.com"]
    roles = "arn:aws:iam::123456789012:role/aws-service-role"
    assert linked["Resource"] == [f"{roles}/{each}/*" for each in services]


def test_only_address_records_in_the_named_zones_can_be_changed() -> None:
    change, types = "route53:ChangeResourceRecordSets", "route53:ChangeResourceRecordSetsRecordTypes"
    mine, other = (f"arn:aws:route53:::hostedzone/{id_}" for id_ in ("Z0123", "Z0456"))
    assert allowed(deploy(NAMING), change, mine, **{types: "A"})
    assert not allowed(deploy(NAMING), change, mine, **{types: "A\nTXT"})
    assert not allowed(deploy(NAMING), change, other, **{types: "A"})
    assert not allowed(deploy(), change, mine, **{types: "A"})
    assert not allowed(preview(NAMING), change, mine, **{types: "A"})


def test_a_key_can_only_be_used_through_its_services() -> None:
    mine = "arn:aws:ssm:eu-central-1:123456789012:parameter/monitoring/prod.server-0123456/a"
    ssm = {"kms:ViaService": "ssm.eu-central-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": mine}
    ec2 = {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}
    grant = {**ec2, "kms:GrantIsForAWSResource": "true"}
    for action, context in (
        ("kms:Encrypt", ssm),
        ("kms:GenerateDataKey", ssm),
        ("kms:GenerateDataKeyWithoutPlaintext", ec2),
        ("kms:CreateGrant", grant),
    ):
        assert allowed(deploy(KEYED), action, OWN_KEY, **context)
        assert not allowed(preview(KEYED), action, OWN_KEY, **context)
        assert not allowed(deploy(KEYED), action, f"{OWN_KEY}0", **context)
        assert not allowed(deploy(KEYED), action, OWN_KEY)
        assert not allowed(deploy(), action, OWN_KEY, **context)
    assert allowed(preview(KEYED), "kms:Decrypt", OWN_KEY, **ssm)
    shop = ssm | {"kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/a"}
    assert not allowed(deploy(KEYED), "kms:Decrypt", OWN_KEY, **shop)
    assert not allowed(deploy(KEYED), "kms:CreateGrant", OWN_KEY, **(grant | {"kms:GrantIsForAWSResource": "false"}))


def test_with_a_boundary_no_identity_can_be_made_or_changed_without_it() -> None:
    role = "arn:aws:iam::123456789012:role/server-0123456"
    own = {"aws:RequestTag/project": "monitoring", "aws:ResourceTag/project": "monitoring"}
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"):
        assert allowed(deploy(), action, role, **own)
        assert not allowed(deploy(BOUNDED), action, role, **own)
        assert not allowed(deploy(BOUNDED), action, role, **own, **{"iam:PermissionsBoundary": "arn:other"})
        assert allowed(deploy(BOUNDED), action, role, **own, **{"iam:PermissionsBoundary": str(BOUNDED.boundary)})
    removing = {a for each in deploy(BOUNDED) for a in each["Action"] if "DeleteRolePermissionsBoundary" in a}
    assert removing == set()
