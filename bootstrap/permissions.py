"""What the two roles may do: statements of IAM policies, each with the actions that one kind of step needs.

What a stack makes is known by its tag `project` (program/provider.py) or, where IAM knows no tags, by a name that
begins as the program's names do: that may be changed, and nothing else. Actions are written out, so that
tests/engine/test_permissions.py can say of each whether a stack needs it.
docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Statement = dict[str, object]

TAG = "project"
PROJECT = "monitoring"
"""The main program's name in ../Pulumi.yaml, which is its tag, too."""

UNIQUE = "-???????"
"""What Pulumi puts behind the names it makes: a dash and seven hexadecimal digits
(pulumi.com/docs/iac/concepts/resources/names, "Auto-naming"). To IAM `?` is any one character."""

SERVER, READER = f"server{UNIQUE}", f"cloudwatch{UNIQUE}"
"""Names of the program's identities (components/server_role.py, cloudwatch_role.py, cloudwatch_user.py)."""


@dataclass(frozen=True)
class Account:
    """Where the roles are. boundary: ARN of the policy that each role and user must have as its boundary, or None."""

    partition: str
    id: str
    boundary: str | None = None

    def ec2(self, *kinds: str) -> list[str]:
        """ARNs of everything of these kinds, in every region."""
        return [f"arn:{self.partition}:ec2:*:{self.id}:{kind}/*" for kind in kinds]

    def iam(self, kind: str, *names: str) -> list[str]:
        """ARNs of what has such names."""
        return [f"arn:{self.partition}:iam::{self.id}:{kind}/{name}" for name in names]

    @property
    def buckets(self) -> str:
        """Names of the buckets for backups (components/backups.py). The bucket of the states has none of them."""
        return f"arn:{self.partition}:s3:::monitoring-*-backups{UNIQUE}"

    @property
    def alarms(self) -> str:
        """Alarms of a dead man's switch (components/dead_mans_switch.py)."""
        return f"arn:{self.partition}:cloudwatch:*:{self.id}:alarm:monitoring-*"

    @property
    def topics(self) -> str:
        """Topics of the same."""
        return f"arn:{self.partition}:sns:*:{self.id}:monitoring-*"

    @property
    def parameters(self) -> str:
        return f"arn:{self.partition}:ssm:*:{self.id}:parameter/monitoring/*"

    @property
    def identities(self) -> list[str]:
        """Everything of IAM's that the program makes."""
        return [
            *self.iam("role", SERVER, READER),
            *self.iam("instance-profile", SERVER),
            *(arn for kind in ("user", "group", "policy") for arn in self.iam(kind, READER)),
        ]


def reading(account: Account) -> list[Statement]:
    """What a preview and a look for drift ask AWS; both roles may."""
    return [
        _allow(
            "Look",
            "*",
            "cloudwatch:DescribeAlarms",
            "ec2:DescribeAddresses",
            "ec2:DescribeAddressesAttribute",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            # SNS knows no resource for what is about a subscription.
            "sns:GetSubscriptionAttributes",
            "ssm:DescribeParameters",
        ),
        _allow("ReadAlarms", account.alarms, "cloudwatch:ListTagsForResource"),
        _allow("ReadTopics", account.topics, "sns:GetTopicAttributes", "sns:ListTagsForResource"),
        _allow(
            "ReadIdentities",
            account.identities,
            "iam:GetGroup",
            "iam:GetInstanceProfile",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListAttachedGroupPolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListGroupsForUser",
            "iam:ListPolicyTags",
            "iam:ListRolePolicies",
            "iam:ListRoleTags",
            "iam:ListUserTags",
        ),
        _allow("ReadParameters", account.parameters, "ssm:GetParameter", "ssm:ListTagsForResource"),
        _allow(
            "ReadBuckets",
            account.buckets,
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ListTagsForResource",
        ),
    ]


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` and `pulumi destroy` need on top of `reading`."""
    return [*_machines(account), *_identities(account), *_stores(account), *_alarms(account)]


def _machines(account: Account) -> list[Statement]:
    new = ("elastic-ip", "instance", "security-group", "volume")
    tagged = {"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}}
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    made_by = ["AllocateAddress", "CreateSecurityGroup", "CreateVolume", "RunInstances"]
    return [
        _allow("Make", account.ec2(*new), *(f"ec2:{each}" for each in made_by), Condition=tagged),
        _allow(
            "TagNew",
            account.ec2(*new),
            "ec2:CreateTags",
            Condition={"StringEquals": {"ec2:CreateAction": made_by, f"aws:RequestTag/{TAG}": PROJECT}},
        ),
        # The provider tags rules once they are there, so nothing says whose they are before that.
        _allow("TagRules", account.ec2("security-group-rule"), "ec2:CreateTags", Condition=tagged),
        _allow(
            "Use",
            [
                *account.ec2("key-pair", "network-interface", "subnet"),
                f"arn:{account.partition}:ec2:*::image/*",
            ],
            "ec2:RunInstances",
        ),
        _allow("UseNetwork", account.ec2("vpc"), "ec2:CreateSecurityGroup"),
        _allow("UseGroup", account.ec2("security-group"), "ec2:RunInstances", Condition=own),
        _allow(
            "Change",
            account.ec2(*new, "security-group-rule"),
            "ec2:AssociateAddress",
            "ec2:AttachVolume",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:DeleteVolume",
            "ec2:DetachVolume",
            "ec2:DisassociateAddress",
            "ec2:GetConsoleOutput",
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifySecurityGroupRules",
            "ec2:ModifyVolume",
            "ec2:ReleaseAddress",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
            Condition=own,
        ),
        # An address is associated with an instance's network interface, which has no tags.
        _allow(
            "ChangeInterfaces",
            account.ec2("network-interface"),
            "ec2:AssociateAddress",
            "ec2:DisassociateAddress",
        ),
        # Only looked at on the way: deleting a group, enlarging a volume.
        _allow("LookOnTheWay", "*", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVolumesModifications"),
    ]


def _identities(account: Account) -> list[Statement]:
    bounded = {"iam:PermissionsBoundary": account.boundary} if account.boundary else {}
    tagged = {"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}}
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    roles, users = account.iam("role", SERVER, READER), account.iam("user", READER)
    policies, profiles = account.iam("policy", READER), account.iam("instance-profile", SERVER)
    return [
        _allow(
            "MakeIdentities",
            [*roles, *users],
            "iam:CreateRole",
            "iam:CreateUser",
            Condition={"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT, **bounded}},
        ),
        _allow(
            "MakeHolders", [*policies, *profiles], "iam:CreateInstanceProfile", "iam:CreatePolicy", Condition=tagged
        ),
        _allow(
            "TagNewIdentities",
            [*roles, *users, *policies, *profiles],
            "iam:TagInstanceProfile",
            "iam:TagPolicy",
            "iam:TagRole",
            "iam:TagUser",
            Condition=tagged,
        ),
        _allow(
            "GiveRights",
            roles,
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            *(["iam:PutRolePermissionsBoundary"] if bounded else []),
            Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT, **bounded}},
        ),
        *(
            [_allow("BindUsers", users, "iam:PutUserPermissionsBoundary", Condition={"StringEquals": bounded})]
            if bounded
            else []
        ),
        _allow(
            "ChangeIdentities",
            [*roles, *users, *policies, *profiles],
            "iam:AddRoleToInstanceProfile",
            "iam:CreateAccessKey",
            "iam:CreatePolicyVersion",
            "iam:DeleteAccessKey",
            "iam:DeleteInstanceProfile",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DeleteUser",
            "iam:ListInstanceProfilesForRole",
            "iam:ListPolicyVersions",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:TagInstanceProfile",
            "iam:TagPolicy",
            "iam:TagRole",
            "iam:TagUser",
            "iam:UntagInstanceProfile",
            "iam:UntagPolicy",
            "iam:UntagRole",
            "iam:UntagUser",
            Condition=own,
        ),
        # Groups have no tags.
        _allow(
            "ChangeGroups",
            account.iam("group", READER),
            "iam:AddUserToGroup",
            "iam:CreateGroup",
            "iam:DeleteGroup",
            "iam:RemoveUserFromGroup",
        ),
        _allow(
            "GiveGroupsRights",
            account.iam("group", READER),
            "iam:AttachGroupPolicy",
            "iam:DetachGroupPolicy",
            Condition={"ArnLike": {"iam:PolicyARN": policies}},
        ),
        _allow(
            "PassToServer",
            account.iam("role", SERVER),
            "iam:PassRole",
            Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]


def _stores(account: Account) -> list[Statement]:
    return [
        _allow(
            "ChangeParameters",
            account.parameters,
            "ssm:AddTagsToResource",
            "ssm:DeleteParameter",
            "ssm:PutParameter",
            "ssm:RemoveTagsFromResource",
        ),
        _allow(
            "ChangeBuckets",
            account.buckets,
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:ListBucketVersions",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:TagResource",
            "s3:UntagResource",
        ),
        # What is in a bucket with versions goes version by version.
        _allow("EmptyBuckets", f"{account.buckets}/*", "s3:DeleteObjectVersion"),
    ]


def _alarms(account: Account) -> list[Statement]:
    return [
        _allow(
            "ChangeAlarms",
            account.alarms,
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ),
        _allow(
            "ChangeTopics",
            account.topics,
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:UntagResource",
        ),
        # SNS knows no resource for it.
        _allow("Unsubscribe", "*", "sns:Unsubscribe"),
    ]


def reading_state(bucket: str, key: str) -> list[Statement]:
    """What a preview needs of the states. bucket, key: ARNs. Of the settings it decrypts what is encrypted."""
    return [
        _allow("ListStates", bucket, "s3:ListBucket"),
        _allow("ReadStates", f"{bucket}/*", "s3:GetObject"),
        _allow("Decrypt", key, "kms:Decrypt"),
    ]


def changing_state(bucket: str, key: str) -> list[Statement]:
    """What a deployment needs of the states on top of that. It deletes no versions of theirs."""
    return [
        _allow("WriteStates", f"{bucket}/*", "s3:DeleteObject", "s3:PutObject"),
        _allow("Encrypt", key, "kms:Encrypt", "kms:GenerateDataKey"),
    ]


def _allow(sid: str, resource: str | Sequence[str], *actions: str, **more: object) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource, **more}
