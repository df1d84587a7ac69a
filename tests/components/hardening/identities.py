"""Rules about identities and their permissions."""

from __future__ import annotations

import json
from typing import Any

from tests.components.conftest import Run, statements
from tests.components.hardening.rule import (
    allowing,
    each,
    granted,
    label,
    listed,
    made,
    no_statement,
    none,
    program,
    rule,
)

READING = ("Describe", "Get", "List")

ESCALATING = frozenset(
    {
        *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:PassRole", "iam:CreateAccessKey"),
        *("iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:AttachUserPolicy", "iam:AttachGroupPolicy"),
        *("iam:AttachRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy", "iam:PutRolePolicy"),
        *("iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy", "sts:AssumeRole", "lambda:UpdateFunctionCode"),
        *("glue:UpdateDevEndpoint", "ssm:SendCommand", "ssm:StartSession", "cloudformation:CreateStack"),
    }
)
"""Actions by which an identity gets more permissions (cloudsplaining, after Rhino Security Labs' list)."""

CREDENTIALS = frozenset(
    {
        *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateServiceSpecificCredential"),
        *("iam:ResetServiceSpecificCredential", "iam:UpdateAccessKey", "ecr:GetAuthorizationToken"),
        *("sts:AssumeRole", "sts:GetFederationToken", "sts:GetSessionToken", "rds-db:connect", "lambda:GetFunction"),
        *("codeartifact:GetAuthorizationToken", "cognito-identity:GetCredentialsForIdentity", "chime:CreateApiKey"),
        *(
            "redshift:GetClusterCredentials",
            "mediapackage:RotateChannelCredentials",
            "gamelift:RequestUploadCredentials",
        ),
    }
)
"""Actions that return credentials (cloudsplaining)."""

DATA = frozenset(
    {
        *("s3:GetObject", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"),
        *("secretsmanager:GetSecretValue", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "dynamodb:GetItem"),
    }
)
"""Actions that read stored data (cloudsplaining)."""

PERMISSIONS = ("Put", "Attach", "Detach", "Delete", "Set", "Update", "Add", "Remove", "Create", "Tag", "Untag")

RESTRICTABLE = frozenset({"cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"})
"""The actions that the program allows for which the service authorization reference lists a resource type."""


def unconfined(actions: frozenset[str]) -> Any:
    """Whether a statement allows one of the actions on all resources."""
    return lambda allowed, on: "*" in on and any(_covers(pattern, action) for pattern in allowed for action in actions)


def _covers(pattern: str, action: str) -> bool:
    return pattern == action or (pattern.endswith("*") and action.startswith(pattern[:-1]))


def _writes(allowed: list[str], on: list[str]) -> bool:
    return "*" in on and any(not action.partition(":")[2].startswith(READING) for action in allowed)


def _administers(allowed: list[str], on: list[str]) -> bool:
    services = ("iam:", "organizations:", "kms:", "ram:")
    return any(a.startswith(services) and a.partition(":")[2].startswith(PERMISSIONS) for a in allowed) and "*" in on


def trusting(principal: Any) -> Run:
    """A program with a role that trusts this principal."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return program(made("Role", assumeRolePolicy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})))


def trusted(holds: Any) -> Any:
    """Finds roles with a trust statement that does not meet the condition."""
    return each("Role", lambda role: all(holds(s) for s in statements(role["assumeRolePolicy"])))


def _no_whole_account(statement: Any) -> bool:
    principal = statement["Principal"]
    names = listed(principal.get("AWS")) if isinstance(principal, dict) else [principal]
    return not any(name == "*" or ":root" in name for name in names)


def _has_condition(statement: Any) -> bool:
    return "Service" not in statement["Principal"] or "aws:SourceAccount" in json.dumps(statement.get("Condition", {}))


def _outside_groups(run: Run) -> list[str]:
    members = {r.inputs["user"] for r in run.all("UserGroupMembership")}
    return [label(r) for r in run.all("User") if r.name not in members]


def _empty_groups(run: Run) -> list[str]:
    filled = {group for r in run.all("UserGroupMembership") for group in r.inputs["groups"]}
    return [label(r) for r in run.all("Group") if r.name not in filled]


def _attached(kinds: str, name: str) -> Any:
    return each(kinds, lambda a: not str(a.get("policyArn", "")).endswith(f":aws:policy/{name}"))


ATTACHMENTS = "RolePolicyAttachment UserPolicyAttachment GroupPolicyAttachment"

RULES = [
    rule(
        "CKV_AWS_40 iam_policy_attached_only_to_group_or_roles",
        "policies are held by groups and roles, never by users",
        none("UserPolicy UserPolicyAttachment"),
        program(made("UserPolicyAttachment", user="u", policyArn="p")),
    ),
    rule(
        "CKV_AWS_62 CKV_AWS_1 iam_customer_attached_policy_no_administrative_privileges "
        "iam_inline_policy_no_administrative_privileges",
        "nobody may do everything",
        no_statement(lambda allowed, on: "*" in allowed and "*" in on),
        allowing("*"),
    ),
    rule(
        "CKV_AWS_63 CKV_AWS_49",
        "no statement allows every action",
        no_statement(lambda allowed, on: "*" in allowed),
        allowing("*", on="arn:aws:s3:::one"),
    ),
    rule(
        "iam_policy_no_full_access_to_kms iam_inline_policy_no_full_access_to_kms "
        "iam_policy_no_full_access_to_cloudtrail iam_inline_policy_no_full_access_to_cloudtrail CKV2_AWS_40",
        "no statement allows every action of a service",
        no_statement(lambda allowed, on: any(action.endswith(":*") for action in allowed)),
        allowing("kms:*", on="arn:aws:kms:eu-central-1:111122223333:key/one"),
    ),
    rule(
        "CKV_AWS_286 CKV_AWS_110 iam_policy_allows_privilege_escalation iam_inline_policy_allows_privilege_escalation",
        "nobody can get more permissions",
        no_statement(lambda allowed, on: any(_covers(p, action) for p in allowed for action in ESCALATING)),
        allowing("iam:PassRole", kind="Policy"),
    ),
    rule(
        "CKV_AWS_287 CKV_AWS_107",
        "nobody can get credentials",
        no_statement(unconfined(CREDENTIALS)),
        allowing("sts:Get*"),
    ),
    rule(
        "CKV_AWS_288 CKV_AWS_108",
        "nobody can read all data",
        no_statement(unconfined(DATA)),
        allowing("ssm:GetParameter"),
    ),
    rule(
        "CKV_AWS_289 CKV_AWS_109",
        "nobody can grant permissions",
        no_statement(_administers),
        allowing("iam:PutRolePolicy"),
    ),
    rule(
        "CKV_AWS_290 CKV_AWS_111",
        "nobody can write to all resources",
        no_statement(_writes),
        allowing("ec2:TerminateInstances"),
    ),
    rule(
        "CKV_AWS_355 CKV_AWS_356",
        "actions that can be confined to resources are",
        no_statement(unconfined(RESTRICTABLE)),
        allowing("cloudwatch:DescribeAlarms"),
    ),
    rule(
        "CKV_AWS_60",
        "only named services and principals can assume roles",
        trusted(lambda s: s["Principal"] != "*" and "*" not in listed(s["Principal"].get("AWS"))),
        trusting("*"),
    ),
    rule(
        "CKV_AWS_61",
        "no role trusts a whole account",
        trusted(_no_whole_account),
        trusting({"AWS": "arn:aws:iam::111122223333:root"}),
    ),
    rule(
        "iam_role_cross_service_confused_deputy_prevention iam_role_service_trust_restricts_source_to_account",
        "a service can assume a role for this account only",
        trusted(_has_condition),
        trusting({"Service": "ec2.amazonaws.com"}),
    ),
    rule(
        "iam_no_custom_policy_permissive_role_assumption",
        "no policy lets its holder assume any role",
        no_statement(unconfined(frozenset({"sts:AssumeRole"}))),
        allowing("sts:AssumeRole"),
    ),
    rule(
        "CKV_AWS_274 CKV_AWS_275 iam_aws_attached_policy_no_administrative_privileges",
        "nobody holds AdministratorAccess",
        _attached(ATTACHMENTS, "AdministratorAccess"),
        program(made("RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/AdministratorAccess")),
    ),
    rule(
        "CKV2_AWS_56",
        "nobody holds IAMFullAccess",
        _attached(ATTACHMENTS, "IAMFullAccess"),
        program(made("GroupPolicyAttachment", policyArn="arn:aws:iam::aws:policy/IAMFullAccess")),
    ),
    rule("CKV2_AWS_14", "every group has a user", _empty_groups, program(made("Group"))),
    rule("CKV2_AWS_21", "every user is in a group", _outside_groups, program(made("User"))),
    rule(
        "CKV2_AWS_22 iam_user_mfa_enabled_console_access",
        "users cannot log in to the console",
        none("UserLoginProfile"),
        program(made("UserLoginProfile")),
    ),
    rule(
        "CKV_AWS_348 iam_no_root_access_key",
        "the root user has no access key",
        each("AccessKey", lambda key: key.get("user") not in (None, "root")),
        program(made("AccessKey", user="root")),
    ),
    rule(
        "iam_user_two_active_access_key",
        "no user has two access keys",
        lambda run: ["AccessKey" for user in {k.inputs["user"] for k in run.all("AccessKey")} if _keys(run, user) > 1],
        program(made("AccessKey", "a", user="u"), made("AccessKey", "b", user="u")),
    ),
    rule(
        "CKV_AWS_273",
        "people and programs use single sign-on, not IAM users",
        none("User"),
        program(made("User")),
    ),
    rule(
        "iam_rotate_access_key_90_days iam_user_with_temporary_credentials",
        "no access key grows old, because there is none",
        none("AccessKey"),
        program(made("AccessKey", user="u")),
    ),
]


def _keys(run: Run, user: str) -> int:
    return sum(1 for key in run.all("AccessKey") if key.inputs["user"] == user)


def policy_statements(run: Run) -> int:
    """How many statements the rules look at."""
    return len(list(granted(run)))
