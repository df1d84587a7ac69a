"""What a deployment may change in AWS. permissions.py explains how that is limited to what a stack creates."""

from __future__ import annotations

from bootstrap.account import PROJECT, READER, SERVER, TAG, Account, Statement, allow


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` and `pulumi destroy` need on top of `reading`."""
    return [*_machines(account), *_identities(account), *_stores(account), *_alarms(account)]


def _machines(account: Account) -> list[Statement]:
    new = ("elastic-ip", "instance", "security-group", "volume")
    tagged = {"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}}
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    made_by = ["AllocateAddress", "CreateSecurityGroup", "CreateVolume", "RunInstances"]
    return [
        allow("Make", account.ec2(*new), *(f"ec2:{each}" for each in made_by), Condition=tagged),
        allow(
            "TagNew",
            account.ec2(*new),
            "ec2:CreateTags",
            Condition={"StringEquals": {"ec2:CreateAction": made_by, f"aws:RequestTag/{TAG}": PROJECT}},
        ),
        # The provider tags rules only after creating them, so at first they have no tag to check.
        allow("TagRules", account.ec2("security-group-rule"), "ec2:CreateTags", Condition=tagged),
        allow(
            "Use",
            [
                *account.ec2("key-pair", "network-interface", "subnet"),
                f"arn:{account.partition}:ec2:*::image/*",
            ],
            "ec2:RunInstances",
        ),
        allow("UseNetwork", account.ec2("vpc"), "ec2:CreateSecurityGroup"),
        allow("UseGroup", account.ec2("security-group"), "ec2:RunInstances", Condition=own),
        allow(
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
        # Needed only while a volume is enlarged.
        allow("LookOnTheWay", "*", "ec2:DescribeVolumesModifications"),
    ]


def _identities(account: Account) -> list[Statement]:
    bounded = {"iam:PermissionsBoundary": account.boundary} if account.boundary else {}
    tagged = {"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT}}
    own = {"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT}}
    roles, users = account.iam("role", SERVER, READER), account.iam("user", READER)
    policies, profiles = account.iam("policy", READER), account.iam("instance-profile", SERVER)
    return [
        allow(
            "MakeIdentities",
            [*roles, *users],
            "iam:CreateRole",
            "iam:CreateUser",
            Condition={"StringEquals": {f"aws:RequestTag/{TAG}": PROJECT, **bounded}},
        ),
        allow("MakeHolders", [*policies, *profiles], "iam:CreateInstanceProfile", "iam:CreatePolicy", Condition=tagged),
        allow(
            "TagNewIdentities",
            [*roles, *users, *policies, *profiles],
            "iam:TagInstanceProfile",
            "iam:TagPolicy",
            "iam:TagRole",
            "iam:TagUser",
            Condition=tagged,
        ),
        allow(
            "GiveRights",
            roles,
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            *(["iam:PutRolePermissionsBoundary"] if bounded else []),
            Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": PROJECT, **bounded}},
        ),
        *(
            [allow("BindUsers", users, "iam:PutUserPermissionsBoundary", Condition={"StringEquals": bounded})]
            if bounded
            else []
        ),
        allow(
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
        allow(
            "ChangeGroups",
            account.iam("group", READER),
            "iam:AddUserToGroup",
            "iam:CreateGroup",
            "iam:DeleteGroup",
            "iam:RemoveUserFromGroup",
        ),
        allow(
            "GiveGroupsRights",
            account.iam("group", READER),
            "iam:AttachGroupPolicy",
            "iam:DetachGroupPolicy",
            Condition={"ArnLike": {"iam:PolicyARN": policies}},
        ),
        allow(
            "PassToServer",
            account.iam("role", SERVER),
            "iam:PassRole",
            Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]


def _stores(account: Account) -> list[Statement]:
    return [
        allow(
            "ChangeParameters",
            account.parameters,
            "ssm:AddTagsToResource",
            "ssm:DeleteParameter",
            "ssm:PutParameter",
            "ssm:RemoveTagsFromResource",
        ),
        allow(
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
        # A versioned bucket is emptied version by version.
        allow("EmptyBuckets", f"{account.buckets}/*", "s3:DeleteObjectVersion"),
    ]


def _alarms(account: Account) -> list[Statement]:
    return [
        allow(
            "ChangeAlarms",
            account.alarms,
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ),
        allow(
            "ChangeTopics",
            account.topics,
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:UntagResource",
        ),
        # SNS has no resource for it.
        allow("Unsubscribe", "*", "sns:Unsubscribe"),
    ]
